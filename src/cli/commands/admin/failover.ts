// admin cluster failover …, failover_fast and rebalance: moving many domains. A system workflow does it, in batches, and can be paused and rolled
// back; ids, signals and parameters are those of Cadence's CLI, so that either of the two can go on with what the other started.
import { randomUUID } from 'node:crypto';
import os from 'node:os';
import {
  DescribeWorkflowExecutionRequest,
  DomainStatus,
  QueryWorkflowRequest,
  SignalWorkflowExecutionRequest,
  StartWorkflowExecutionRequest,
  TerminateWorkflowExecutionRequest,
  UpdateDomainRequest,
  WorkflowExecutionCloseStatus,
  WorkflowIdReusePolicy,
} from '@antiphon/proto';
import type { Command } from 'commander';
import type { Connection } from '../../connection.ts';
import type { CliContext } from '../../context.ts';
import { CliError, isServiceError, usageError } from '../../failure.ts';
import { addCommand, addGroup, PRINT_FLAGS } from '../../spec/command.ts';
import { duration, list, on, or, required, text, whole } from '../../spec/flags.ts';
import { confirm } from '../../ui/prompt.ts';
import { wireDuration } from '../../wire-time.ts';
import { allDomains } from '../domain.ts';
import { identity } from '../run-flags.ts';
import { FILTER_FLAGS, queryOf } from '../visibility-query.ts';
import { COLUMN_FLAGS, printRuns } from '../workflow-list.ts';

const DOMAIN = 'cadence-system';
const TASK_LIST = 'cadence-sys-failoverManager-tasklist';
const FAILOVER_ID = 'cadence-failover-manager';
const DRILL_ID = 'cadence-failover-manager-drill';
const REBALANCE_ID = 'cadence-rebalance-workflow';
const MANAGED_KEY = 'IsManagedByCadence';

const runId = text('run-id r rid', 'run id of the failover; the current one when left out', 'id');
const drill = on('failover-drill fd', 'the drill, not the failover');
const PACE_FLAGS = {
  failoverTimeoutSeconds: duration('failover-timeout-seconds fts', 'graceful failovers: forced after this time'),
  executionTimeout: or(duration('execution-timeout et', 'longest life of the whole'), 1200),
  failoverWaitTimeSecond: or(duration('failover-wait-time-second fwts', 'wait between two batches'), 30),
  failoverBatchSize: or(whole('failover-batch-size fbs', 'domains of a batch'), 20),
};

const json = (value: unknown): { data: Uint8Array } => ({ data: Buffer.from(JSON.stringify(value)) });
const operatorMemo = () => {
  const { username } = os.userInfo();
  return { fields: { operator: json(`${username} (username: ${username})`) } };
};
const idOf = ({ drill: isDrill }: { drill: boolean }): string => (isDrill ? DRILL_ID : FAILOVER_ID);

interface FailoverState {
  readonly State: string;
  readonly TargetCluster: string;
  readonly SourceCluster: string;
  readonly SuccessDomains: readonly string[] | null;
  readonly FailedDomains: readonly string[] | null;
  /** Why, by domain; not of Cadence's own manager. */
  readonly FailedReasons?: Readonly<Record<string, string>> | null;
}

interface StartPlan {
  readonly targetCluster: string;
  readonly sourceCluster: string;
  readonly domains: readonly string[];
  readonly drillWaitSeconds: number;
  readonly cron: string;
  readonly pace: {
    failoverTimeoutSeconds: number | undefined;
    executionTimeout: number;
    failoverWaitTimeSecond: number;
    failoverBatchSize: number;
  };
}

async function signal(connection: Connection, workflowId: string, run: string, signalName: string): Promise<void> {
  await connection.workflow.signalWorkflowExecution(
    SignalWorkflowExecutionRequest.fromPartial({
      domain: DOMAIN,
      workflowExecution: { workflowId, runId: run },
      signalName,
      identity,
      requestId: randomUUID(),
    }),
  );
}

/** A drill that is under way waits until the failover is over. */
async function pauseDrill(connection: Connection): Promise<void> {
  try {
    await signal(connection, DRILL_ID, '', 'pause');
  } catch (error) {
    const isGone =
      isServiceError(error) && ['EntityNotExists', 'WorkflowExecutionAlreadyCompleted'].includes(error.kind);
    if (!isGone) throw error;
  }
}

async function start({ context, connection }: Server, plan: StartPlan): Promise<void> {
  if (plan.targetCluster === plan.sourceCluster) throw usageError('--target-cluster is the same as --source-cluster');
  const isDrill = plan.drillWaitSeconds > 0;
  if (!isDrill && plan.cron !== '') throw usageError('--cron is for drills: it needs --failover-drill-wait-second');
  if (!isDrill) await pauseDrill(connection);
  const workflowId = isDrill ? DRILL_ID : FAILOVER_ID;
  const { runId: run } = await connection.workflow.startWorkflowExecution(
    StartWorkflowExecutionRequest.fromPartial({
      domain: DOMAIN,
      requestId: randomUUID(),
      workflowId,
      workflowType: { name: 'cadence-sys-failoverManager-workflow' },
      taskList: { name: TASK_LIST },
      workflowIdReusePolicy: WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
      executionStartToCloseTimeout: wireDuration(plan.pace.executionTimeout),
      taskStartToCloseTimeout: wireDuration(10),
      cronSchedule: plan.cron,
      memo: operatorMemo(),
      identity,
      input: json({
        TargetCluster: plan.targetCluster,
        SourceCluster: plan.sourceCluster,
        BatchFailoverSize: plan.pace.failoverBatchSize,
        BatchFailoverWaitTimeInSeconds: plan.pace.failoverWaitTimeSecond,
        Domains: plan.domains.length > 0 ? plan.domains : null,
        DrillWaitTime: plan.drillWaitSeconds * 1e9,
        GracefulFailoverTimeoutInSeconds: plan.pace.failoverTimeoutSeconds || null,
      }),
    }),
  );
  context.output.done(`started ${workflowId}, run ${run}: antiphon admin cluster failover query`, {
    workflowId,
    runId: run,
  });
}

type Server = { context: CliContext; connection: Connection };

async function stateOf(connection: Connection, workflowId: string, run: string): Promise<FailoverState> {
  const execution = { workflowId, runId: run };
  const { queryResult } = await connection.workflow.queryWorkflow(
    QueryWorkflowRequest.fromPartial({ domain: DOMAIN, workflowExecution: execution, query: { queryType: 'state' } }),
  );
  if (queryResult === undefined) throw new CliError(`${workflowId} did not say how far it is`);
  const { workflowExecutionInfo } = await connection.workflow.describeWorkflowExecution(
    DescribeWorkflowExecutionRequest.fromPartial({ domain: DOMAIN, workflowExecution: execution }),
  );
  const state = JSON.parse(Buffer.from(queryResult.data).toString()) as FailoverState;
  const isTerminated =
    workflowExecutionInfo?.closeStatus === WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_TERMINATED;
  return isTerminated ? { ...state, State: 'aborted' } : state;
}

async function terminate(connection: Connection, workflowId: string, run: string, reason: string): Promise<void> {
  await connection.workflow.terminateWorkflowExecution(
    TerminateWorkflowExecutionRequest.fromPartial({
      domain: DOMAIN,
      workflowExecution: { workflowId, runId: run },
      reason,
      identity,
    }),
  );
}

export function addManagedFailoverCommands(cluster: Command): void {
  const failover = addGroup(cluster, {
    name: 'failover',
    aliases: ['fo'],
    summary: `move all domains whose data says ${MANAGED_KEY}=true`,
  });
  addStart(failover);
  addControl(failover);
  addRollback(failover);
  addCommand(failover, {
    name: 'list',
    aliases: ['l'],
    summary: 'failovers there were',
    flags: { ...FILTER_FLAGS, pagesize: or(whole('pagesize ps limit', 'at most so many'), 10), drill, ...COLUMN_FLAGS },
    async run({ flags, context, connection }) {
      const query = queryOf({ ...flags, workflowId: flags.workflowId ?? idOf(flags) });
      const how = { method: 'list', query, pageSize: flags.pagesize, pages: 'one' } as const;
      await printRuns({ ...context, domain: DOMAIN }, connection, flags, how);
    },
  });
  addFast(cluster);
  addRebalance(cluster);
}

function addStart(failover: Command): void {
  addCommand(failover, {
    name: 'start',
    aliases: ['s'],
    summary: 'start a failover of all managed domains, or of those that are named',
    details: 'With --failover-drill-wait-second it is a drill: the domains come back after that time.',
    examples: ['admin cluster failover start --target-cluster region-b --source-cluster region-a'],
    flags: {
      targetCluster: required(text('target-cluster tc', 'to this region', 'name')),
      sourceCluster: required(text('source-cluster sc', 'from this region', 'name')),
      ...PACE_FLAGS,
      domains: list('domains', 'only these domains', 'names'),
      failoverDrillWaitSecond: or(duration('failover-drill-wait-second fdws', 'a drill: how long the domains stay'), 0),
      cron: or(text('cron', 'a drill: when it is done again', 'expression'), ''),
      yes: on('yes y', 'do not ask'),
    },
    async run({ flags, context, connection }) {
      const { targetCluster, sourceCluster, domains, cron } = flags;
      const which = domains.length > 0 ? domains.join(', ') : 'all managed domains';
      await confirm(`Move ${which} from ${sourceCluster} to ${targetCluster}?`, { yes: flags.yes, inScripts: 'go-on' });
      const drillWaitSeconds = flags.failoverDrillWaitSecond;
      await start(
        { context, connection },
        { targetCluster, sourceCluster, domains, cron, drillWaitSeconds, pace: flags },
      );
    },
  });
}

function addControl(failover: Command): void {
  for (const [name, aliases, signalName, done] of [
    ['pause', ['p'], 'pause', 'paused'],
    ['resume', ['re'], 'resume', 'goes on'],
  ] as const) {
    addCommand(failover, {
      name,
      aliases,
      summary: name === 'pause' ? 'wait before the next batch' : 'go on with the next batch',
      flags: { runId, drill },
      async run({ flags, context, connection }) {
        await signal(connection, idOf(flags), flags.runId ?? '', signalName);
        context.output.done(`${idOf(flags)} ${done}`, { workflowId: idOf(flags) });
      },
    });
  }
  addCommand(failover, {
    name: 'query',
    aliases: ['q'],
    summary: 'how far it is',
    flags: { runId, drill, ...PRINT_FLAGS },
    async run({ flags, context, connection }) {
      context.output.record(await stateOf(connection, idOf(flags), flags.runId ?? ''));
    },
  });
  addCommand(failover, {
    name: 'abort',
    aliases: ['a'],
    summary: 'stop it; domains that moved stay where they are',
    flags: { runId, drill, reason: or(text('reason re', 'why'), 'Failover aborted through admin CLI') },
    async run({ flags, context, connection }) {
      await terminate(connection, idOf(flags), flags.runId ?? '', flags.reason);
      context.output.done(`aborted ${idOf(flags)}`, { workflowId: idOf(flags) });
    },
  });
}

function addRollback(failover: Command): void {
  addCommand(failover, {
    name: 'rollback',
    aliases: ['ro'],
    summary: 'stop it, and move its domains back',
    flags: { runId, ...PACE_FLAGS, yes: on('yes y', 'do not ask') },
    async run({ flags, context, connection }) {
      const run = flags.runId ?? '';
      const before = await stateOf(connection, FAILOVER_ID, run);
      const question = `Move the domains back from ${before.TargetCluster} to ${before.SourceCluster}?`;
      await confirm(question, { yes: flags.yes, inScripts: 'go-on' });
      if (before.State === 'running' || before.State === 'paused') {
        await terminate(connection, FAILOVER_ID, run, 'Rollback');
      }
      const state = await stateOf(connection, FAILOVER_ID, run);
      const domains = [...(state.SuccessDomains ?? []), ...(state.FailedDomains ?? [])];
      if (domains.length === 0) throw new CliError('no domain was moved: there is nothing to roll back');
      await start(
        { context, connection },
        {
          targetCluster: state.SourceCluster,
          sourceCluster: state.TargetCluster,
          domains,
          drillWaitSeconds: 0,
          cron: '',
          pace: flags,
        },
      );
    },
  });
}

function addFast(cluster: Command): void {
  addCommand(cluster, {
    name: 'failover_fast',
    aliases: ['fof', 'failover-fast'],
    summary: 'move all managed domains at once, from this process; asks',
    flags: {
      targetCluster: required(text('target-cluster tc active-cluster ac', 'to this region', 'name')),
      yes: on('yes y', 'do not ask'),
    },
    async run({ flags, context, connection }) {
      const domains = (await allDomains(connection)).filter(
        (domain) =>
          domain.status === DomainStatus.DOMAIN_STATUS_REGISTERED &&
          domain.activeClusterName !== flags.targetCluster &&
          domain.data[MANAGED_KEY]?.trim().toLowerCase() === 'true',
      );
      await confirm(`Move ${domains.length} managed domains to ${flags.targetCluster}?`, {
        yes: flags.yes,
        inScripts: 'ask',
      });
      let failed = 0;
      for (const { name } of domains) {
        try {
          await connection.domain.updateDomain(
            UpdateDomainRequest.fromPartial({
              name,
              updateMask: ['active_cluster_name'],
              activeClusterName: flags.targetCluster,
            }),
          );
          context.output.done(`${name} is active in ${flags.targetCluster}`, { name });
        } catch (error) {
          if (!isServiceError(error)) throw error;
          failed++;
          context.output.line(`${name}: ${error.message}`, { name, error: error.message });
        }
      }
      context.output.note(`${domains.length - failed} moved, ${failed} failed`);
      if (failed > 0) throw new CliError(`${failed} of ${domains.length} domains were not moved`);
    },
  });
}

function addRebalance(cluster: Command): void {
  const rebalance = addGroup(cluster, {
    name: 'rebalance',
    aliases: ['rb'],
    summary: 'move managed domains back to the regions they prefer',
  });
  addCommand(rebalance, {
    name: 'start',
    aliases: ['s'],
    summary: 'start it',
    flags: {},
    async run({ context, connection }) {
      const { runId: run } = await connection.workflow.startWorkflowExecution(
        StartWorkflowExecutionRequest.fromPartial({
          domain: DOMAIN,
          workflowId: REBALANCE_ID,
          requestId: randomUUID(),
          identity,
          workflowType: { name: 'cadence-sys-rebalance-workflow' },
          taskList: { name: TASK_LIST },
          workflowIdReusePolicy: WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
          executionStartToCloseTimeout: wireDuration(60),
          taskStartToCloseTimeout: wireDuration(10),
          memo: operatorMemo(),
          input: json({ BatchFailoverSize: 100, BatchFailoverWaitTimeInSeconds: 10 }),
        }),
      );
      context.output.done(`started ${REBALANCE_ID}, run ${run}`, { workflowId: REBALANCE_ID, runId: run });
    },
  });
  addCommand(rebalance, {
    name: 'list',
    aliases: ['l'],
    summary: 'rebalances there were',
    flags: {
      open: FILTER_FLAGS.open,
      pagesize: or(whole('pagesize ps limit', 'at most so many'), 10),
      ...COLUMN_FLAGS,
    },
    async run({ flags, context, connection }) {
      const query = `WorkflowID = '${REBALANCE_ID}'${flags.open ? ' AND CloseTime = missing' : ''}`;
      const how = { method: 'list', query, pageSize: flags.pagesize, pages: 'one' } as const;
      await printRuns({ ...context, domain: DOMAIN }, connection, flags, how);
    },
  });
}
