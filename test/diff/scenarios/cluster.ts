// The cluster as a whole, the administrator's calls that have an answer without remote regions, and schedules.
import { seconds } from '../messages.ts';
import type { Player } from '../player.ts';
import { scenariosOf } from '../scenario.ts';

scenariosOf('cluster', {
  health: async (p) => {
    await p.call.meta.health({});
  },
  'its info': async (p) => {
    await p.call.workflow.getClusterInfo({});
  },
  'a call without a caller': async (p) => {
    await p.call.workflow.getClusterInfo({}, { headers: { 'rpc-caller': '' } });
  },
  'a call without an encoding': async (p) => {
    await p.call.workflow.getClusterInfo({}, { headers: { 'rpc-encoding': '' } });
  },
  'a call to another service': async (p) => {
    await p.call.workflow.getClusterInfo({}, { headers: { 'rpc-service': 'other' } });
  },
});

const schedule = (p: Player) => ({
  domain: p.domain,
  scheduleId: p.id('schedule'),
  spec: { cronExpression: '0 0 1 1 *' },
  action: {
    startWorkflow: {
      workflowType: { name: 'Type' },
      taskList: { name: p.id('tl') },
      executionStartToCloseTimeout: seconds(60),
      taskStartToCloseTimeout: seconds(10),
    },
  },
});

scenariosOf('schedule', {
  'is created': async (p) => {
    await p.call.schedule.createSchedule(schedule(p));
  },
  'is described': async (p) => {
    await p.call.schedule.describeSchedule({ domain: p.domain, scheduleId: p.id('schedule') });
  },
});

scenariosOf('admin', {
  'describes the cluster': async (p) => {
    const { answer, error } = await p.quiet.admin.describeCluster({});
    p.note('parts', error ?? Object.keys(answer ?? {}));
    p.note('client versions', answer?.supportedClientVersions);
  },
  'describes a list of shards': async (p) => {
    const { answer, error } = await p.quiet.admin.describeShardDistribution({ pageSize: 10 });
    p.note('error', error);
    p.note('number of shards', answer?.numberOfShards);
    p.note('shards', Object.keys(answer?.shards ?? {}).length);
  },
  'closes a shard that is not there': async (p) => {
    await p.call.admin.closeShard({ shardId: 100_000 });
  },
  'asks for config with faults': async (p) => {
    await p.call.admin.getDynamicConfig({});
    await p.call.admin.getDynamicConfig({ configName: 'no.such.key' });
    await p.call.admin.updateDynamicConfig({});
    await p.call.admin.restoreDynamicConfig({});
  },
  'asks for isolation groups': async (p) => {
    await p.call.admin.getGlobalIsolationGroups({});
    await p.call.admin.getDomainIsolationGroups({ domain: p.domain });
    await p.call.admin.getDomainIsolationGroups({ domain: 'diff-unknown' });
  },
  'asks for the async queue of a domain': async (p) => {
    await p.call.admin.getDomainAsyncWorkflowConfiguraton({ domain: p.domain });
    await p.call.admin.getDomainAsyncWorkflowConfiguraton({ domain: 'diff-unknown' });
    await p.call.admin.getDomainAsyncWorkflowConfiguraton({});
  },
  'adds a search attribute with faults': async (p) => {
    await p.call.admin.addSearchAttribute({});
    await p.call.admin.addSearchAttribute({ searchAttribute: { WorkflowID: 2 } });
  },
  'describes a run': async (p) => {
    const run = await p.start();
    const { answer, error } = await p.quiet.admin.describeWorkflowExecution({
      domain: p.domain,
      workflowExecution: run,
    });
    p.note('error', error);
    p.note('has a shard', answer?.shardId !== undefined);
  },
  'describes a run with faults': async (p) => {
    const { admin } = p.call;
    await admin.describeWorkflowExecution({ domain: p.domain });
    await admin.describeWorkflowExecution({ domain: p.domain, workflowExecution: { workflowId: '' } });
    await admin.describeWorkflowExecution({ domain: 'diff-unknown', workflowExecution: { workflowId: 'w' } });
    await admin.describeWorkflowExecution({ domain: p.domain, workflowExecution: { workflowId: 'no-such-workflow' } });
  },
});
