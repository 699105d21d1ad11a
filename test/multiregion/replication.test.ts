import {
  ContinueAsNewWorkflowExecutionDecisionAttributes,
  type Decision,
  History,
  ResetWorkflowExecutionRequest,
  RetryPolicy,
} from '@antiphon/proto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  completeActivity,
  decide,
  eventKinds,
  failActivity,
  failover,
  historyOf,
  openTwoRegions,
  registerDomain,
  signal,
  start,
  type TwoRegions,
  untilEqual,
} from './two-regions.ts';

const DOMAIN = 'shop';
const seconds = (value: number) => ({ seconds: BigInt(value), nanos: 0 });

const complete: Decision['attributes'] = {
  $case: 'completeWorkflowExecutionDecisionAttributes',
  value: { result: { data: Buffer.from('done') } },
};
const timer: Decision['attributes'] = {
  $case: 'startTimerDecisionAttributes',
  value: { timerId: 'soon', startToFireTimeout: seconds(1) },
};
const activity = (taskList: string): Decision['attributes'] => ({
  $case: 'scheduleActivityTaskDecisionAttributes',
  value: {
    activityId: 'pay',
    activityType: { name: 'Pay' },
    domain: '',
    taskList: { name: taskList, kind: 1, baseName: '' },
    input: undefined,
    scheduleToCloseTimeout: seconds(60),
    scheduleToStartTimeout: seconds(60),
    startToCloseTimeout: seconds(60),
    heartbeatTimeout: undefined,
    retryPolicy: undefined,
    header: undefined,
    requestLocalDispatch: false,
  },
});

const retriedActivity = (taskList: string): Decision['attributes'] => {
  const attributes = activity(taskList);
  if (attributes?.$case !== 'scheduleActivityTaskDecisionAttributes') throw new Error('not an activity');
  const retryPolicy = RetryPolicy.fromPartial({
    initialInterval: seconds(1),
    maximumAttempts: 5,
    backoffCoefficient: 1,
  });
  return { ...attributes, value: { ...attributes.value, retryPolicy } };
};

describe('two regions', () => {
  let regions: TwoRegions;
  beforeEach(async () => {
    regions = await openTwoRegions();
    await registerDomain(regions, DOMAIN);
  });
  afterEach(() => regions.close());

  it('hold the same bytes of every history, and the passive one refuses writes', async () => {
    const { a, b } = regions;
    const runId = await start(a, DOMAIN, 'order');
    await decide(a, DOMAIN, 'order', activity('payments'));
    await completeActivity(a, DOMAIN, 'payments');
    await signal(a, DOMAIN, 'order', 'hurry');
    expect(await decide(a, DOMAIN, 'order', complete)).toEqual(['hurry']);
    expect(eventKinds(await untilEqual(regions, DOMAIN, 'order', runId)).at(-1)).toBe('workflowExecutionCompleted');
    await expect(start(b, DOMAIN, 'other')).rejects.toMatchObject({ kind: 'DomainNotActive' });
    await regions.until('every partition was asked for', async () => {
      const { consumers, deadLetters } = await b.region.worker.replicationStatus();
      return deadLetters === 0 && consumers.length > 1 && consumers.every(({ isConnected }) => isConnected);
    });
  });

  it('go on in the other region after a failover, timers and activities included', async () => {
    const { a, b, until } = regions;
    const runId = await start(a, DOMAIN, 'order');
    await decide(a, DOMAIN, 'order', timer, activity('payments'));
    await untilEqual(regions, DOMAIN, 'order', runId);
    regions.setConnected(false);
    await failover(b, DOMAIN);
    await completeActivity(b, DOMAIN, 'payments');
    await decide(b, DOMAIN, 'order');
    await until('the timer has fired', async () =>
      eventKinds(await historyOf(b, DOMAIN, 'order', runId)).includes('timerFired'),
    );
    await decide(b, DOMAIN, 'order', complete);
    regions.setConnected(true);
    const kinds = eventKinds(await untilEqual(regions, DOMAIN, 'order', runId));
    expect(kinds.at(-1)).toBe('workflowExecutionCompleted');
    await until('the other region knows', async () => (await a.region.domains.byName(DOMAIN)).activeCluster === 'b');
  });

  it('converge after both have written to a run, and apply the signals of the branch that lost', async () => {
    const { a, b } = regions;
    const runId = await start(a, DOMAIN, 'order');
    await decide(a, DOMAIN, 'order');
    await untilEqual(regions, DOMAIN, 'order', runId);
    regions.setConnected(false);
    await signal(a, DOMAIN, 'order', 'only in a');
    await decide(a, DOMAIN, 'order');
    await failover(b, DOMAIN);
    await signal(b, DOMAIN, 'order', 'only in b');
    await decide(b, DOMAIN, 'order');
    regions.setConnected(true);
    const seen = await decide(b, DOMAIN, 'order', complete);
    expect([...seen].sort()).toEqual(['only in a', 'only in b']);
    const kinds = eventKinds(await untilEqual(regions, DOMAIN, 'order', runId));
    expect(kinds.at(-1)).toBe('workflowExecutionCompleted');
  });

  it('keep one run when both have started the workflow', async () => {
    const { a, b, until } = regions;
    regions.setConnected(false);
    const lost = await start(a, DOMAIN, 'order');
    await failover(b, DOMAIN);
    const kept = await start(b, DOMAIN, 'order');
    regions.setConnected(true);
    const kinds = eventKinds(await untilEqual(regions, DOMAIN, 'order', lost));
    expect(kinds.at(-1)).toBe('workflowExecutionTerminated');
    await untilEqual(regions, DOMAIN, 'order', kept);
    for (const region of [a, b]) {
      const { id } = await region.region.domains.byName(DOMAIN);
      await until('the kept run is current', async () => {
        const run = { domainId: id, workflowId: 'order', runId: '' };
        const described = await region.region.history.describeWorkflow(run);
        return described.workflowExecutionInfo?.workflowExecution?.runId === kept;
      });
    }
    await decide(b, DOMAIN, 'order', complete);
    await untilEqual(regions, DOMAIN, 'order', kept);
  });

  it('carry the next run of a continued one in the same message, and the attempts of an activity', async () => {
    const { a, b, until } = regions;
    const runId = await start(a, DOMAIN, 'order');
    await decide(a, DOMAIN, 'order', {
      $case: 'continueAsNewWorkflowExecutionDecisionAttributes',
      value: ContinueAsNewWorkflowExecutionDecisionAttributes.fromPartial({
        workflowType: { name: 'Order' },
        taskList: { name: 'order' },
        executionStartToCloseTimeout: seconds(3600),
        taskStartToCloseTimeout: seconds(10),
      }),
    });
    const closed = History.decode(await untilEqual(regions, DOMAIN, 'order', runId)).events.at(-1)?.attributes;
    const nextRunId =
      closed?.$case === 'workflowExecutionContinuedAsNewEventAttributes' ? closed.value.newExecutionRunId : '';
    await untilEqual(regions, DOMAIN, 'order', nextRunId);
    await decide(a, DOMAIN, 'order', retriedActivity('payments'));
    await failActivity(a, DOMAIN, 'payments');
    const { id: domainId } = await b.region.domains.byName(DOMAIN);
    await until('the passive region knows the second attempt', async () => {
      const described = await b.region.history.describeWorkflow({ domainId, workflowId: 'order', runId: nextRunId });
      return described.pendingActivities[0]?.attempt === 1;
    });
    await failover(b, DOMAIN);
    await completeActivity(b, DOMAIN, 'payments');
    await decide(b, DOMAIN, 'order', complete);
    const kinds = eventKinds(await untilEqual(regions, DOMAIN, 'order', nextRunId));
    expect(kinds.slice(-2)).toEqual(['decisionTaskCompleted', 'workflowExecutionCompleted']);
  });

  it('replicate a reset: the base run ends, the new one is current with the same bytes', async () => {
    const { a, b, until } = regions;
    const base = await start(a, DOMAIN, 'order');
    await decide(a, DOMAIN, 'order');
    await signal(a, DOMAIN, 'order', 'after the reset point');
    await decide(a, DOMAIN, 'order');
    const { runId } = await a.client.workflow.resetWorkflowExecution(
      ResetWorkflowExecutionRequest.fromPartial({
        domain: DOMAIN,
        workflowExecution: { workflowId: 'order', runId: base },
        reason: 'test',
        decisionFinishEventId: 4n,
        requestId: '00000000-0000-4000-8000-000000000001',
      }),
    );
    await untilEqual(regions, DOMAIN, 'order', base);
    await untilEqual(regions, DOMAIN, 'order', runId);
    expect(await decide(a, DOMAIN, 'order')).toEqual(['after the reset point']);
    await untilEqual(regions, DOMAIN, 'order', runId);
    const { id: domainId } = await b.region.domains.byName(DOMAIN);
    await until('the reset run is current', async () => {
      const described = await b.region.history.describeWorkflow({ domainId, workflowId: 'order', runId: '' });
      return described.workflowExecutionInfo?.workflowExecution?.runId === runId;
    });
    await failover(b, DOMAIN);
    await signal(b, DOMAIN, 'order', 'from b');
    await decide(b, DOMAIN, 'order', complete);
    await untilEqual(regions, DOMAIN, 'order', runId);
    for (const region of [a, b]) {
      expect((await region.region.worker.replicationStatus()).deadLetters).toBe(0);
    }
  });

  it('fail over back and forth and stay equal', async () => {
    const runs = new Map<string, string>();
    for (let i = 0; i < 5; i++) runs.set(`order-${i}`, await start(regions.a, DOMAIN, `order-${i}`));
    for (const to of [regions.b, regions.a, regions.b]) {
      await failover(to, DOMAIN);
      for (const workflowId of runs.keys()) await signal(to, DOMAIN, workflowId, `from ${to.name}`);
    }
    for (const workflowId of runs.keys()) await decide(regions.b, DOMAIN, workflowId, complete);
    for (const [workflowId, runId] of runs) {
      const kinds = eventKinds(await untilEqual(regions, DOMAIN, workflowId, runId));
      expect(kinds.filter((kind) => kind === 'workflowExecutionSignaled')).toHaveLength(3);
      expect(kinds.at(-1)).toBe('workflowExecutionCompleted');
    }
  });
});
