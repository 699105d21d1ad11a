// A client of one tenant: starts, signals, cancels, terminates, resets, queries and lists workflows at random, always by workflow ids that
// other clients and the other tenant use too, and retries what had no answer with the same request id.
import {
  DescribeWorkflowExecutionRequest,
  GetWorkflowExecutionHistoryRequest,
  type HistoryEvent,
  ListWorkflowExecutionsRequest,
  QueryConsistencyLevel,
  QueryWorkflowRequest,
  RefreshWorkflowTasksRequest,
  RequestCancelWorkflowExecutionRequest,
  ResetStickyTaskListRequest,
  ResetWorkflowExecutionRequest,
  SignalWithStartWorkflowExecutionRequest,
  SignalWorkflowExecutionRequest,
  StartWorkflowExecutionRequest,
  TerminateWorkflowExecutionRequest,
  WorkflowIdReusePolicy,
} from '@antiphon/proto';
import { WorkflowExecutionAlreadyStartedError } from '#base';
import type { Chance } from './chance.ts';
import type { Watch } from './journaled-call.ts';
import { seconds } from './run-story.ts';
import { TASK_LIST } from './simulated-worker.ts';
import { decodeInput, encodeInput } from './story-input.ts';
import type { World } from './world.ts';

const POLICIES = [
  WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
  WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
  WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
  WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING,
];

const ATTEMPTS = 4;

export async function runClient(world: World, tenant: string, index: number, watch: Watch): Promise<void> {
  const identity = `${tenant}/client-${index}`;
  const chance = world.chance.fork(identity);
  const clients = world.regionNames.map((name) => world.clientOf(name, chance.fork(`network-${name}`), watch));
  const frontend = () => chance.pick(clients);
  const knownRuns = new Map<string, string[]>();
  const know = (workflowId: string, runId: string | undefined): void => {
    if (!runId) return;
    const runs = knownRuns.get(workflowId) ?? [];
    knownRuns.set(workflowId, runs);
    if (!runs.includes(runId)) runs.push(runId);
  };
  const someRun = (workflowId: string): string => {
    const runs = knownRuns.get(workflowId) ?? [];
    return runs.length > 0 && chance.is(0.5) ? chance.pick(runs) : '';
  };
  const base = (workflowId: string, requestId: string, namedRunId: string) => ({
    domain: tenant,
    workflowId,
    requestId,
    namedRunId: namedRunId === '' ? undefined : namedRunId,
  });

  const startRequest = (workflowId: string, requestId: string): StartWorkflowExecutionRequest => {
    const isCron = chance.is(0.04);
    const hasRetry = chance.is(0.15);
    return StartWorkflowExecutionRequest.fromPartial({
      domain: tenant,
      workflowId,
      workflowType: { name: 'Story' },
      taskList: { name: TASK_LIST },
      input: encodeInput({ tenant, plan: chance.whole(0, 2 ** 30), depth: chance.whole(0, 2), isChild: false }),
      executionStartToCloseTimeout: seconds(chance.is(0.1) ? chance.whole(2, 10) : 86_400),
      taskStartToCloseTimeout: seconds(chance.whole(2, 6)),
      identity,
      requestId,
      workflowIdReusePolicy: chance.pick(POLICIES),
      activeClusterSelectionPolicy: world.policyOf(workflowId, chance),
      cronSchedule: isCron ? '@every 3s' : '',
      delayStart: chance.is(0.08) ? seconds(chance.whole(1, 4)) : undefined,
      memo: { fields: { tenant: { data: Buffer.from(tenant) } } },
      searchAttributes: chance.is(0.3)
        ? { indexedFields: { CustomKeywordField: { data: Buffer.from(JSON.stringify(tenant)) } } }
        : undefined,
      retryPolicy: hasRetry
        ? {
            initialInterval: seconds(1),
            backoffCoefficient: 1.5,
            maximumInterval: seconds(3),
            maximumAttempts: 3,
            expirationInterval: seconds(60),
          }
        : undefined,
    });
  };

  const start = async (workflowId: string): Promise<void> => {
    const request = startRequest(workflowId, chance.uuid());
    const kind = request.cronSchedule
      ? 'start-cron'
      : request.delayStart
        ? 'start-delayed'
        : request.retryPolicy
          ? 'start-retried'
          : 'start';
    const entry = { ...base(workflowId, request.requestId, ''), operation: 'start' as const };
    const reply = await watch.journaled(
      kind,
      entry,
      ATTEMPTS,
      () => frontend().workflow.startWorkflowExecution(request),
      (error) => requireNotOurs(workflowId, request.requestId, error),
    );
    know(workflowId, reply?.runId);
  };

  /** A start that is refused because of itself: its request id was forgotten. */
  const requireNotOurs = (workflowId: string, requestId: string, error: unknown): void => {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) return;
    know(workflowId, error.runId);
    if (error.startRequestId === requestId) {
      world.report('unknown-is-zero-or-one', workflowId, `start ${requestId} was refused because of itself`);
    }
  };

  const signalWithStart = async (workflowId: string): Promise<void> => {
    const requestId = chance.uuid();
    const request = SignalWithStartWorkflowExecutionRequest.fromPartial({
      startRequest: startRequest(workflowId, requestId),
      signalName: 'with-start',
      signalInput: encodeInput({ tenant }),
    });
    const entry = { ...base(workflowId, requestId, ''), operation: 'signal' as const, signalName: 'with-start' };
    const reply = await watch.journaled('signal-with-start', entry, ATTEMPTS, () =>
      frontend().workflow.signalWithStartWorkflowExecution(request),
    );
    know(workflowId, reply?.runId);
  };

  const signal = async (workflowId: string): Promise<void> => {
    const runId = someRun(workflowId);
    const requestId = chance.uuid();
    const request = SignalWorkflowExecutionRequest.fromPartial({
      domain: tenant,
      workflowExecution: { workflowId, runId },
      identity,
      requestId,
      signalName: 'plain',
      signalInput: encodeInput({ tenant }),
    });
    const entry = { ...base(workflowId, requestId, runId), operation: 'signal' as const, signalName: 'plain' };
    await watch.journaled('signal', entry, ATTEMPTS, () => frontend().workflow.signalWorkflowExecution(request));
  };

  const cancel = async (workflowId: string): Promise<void> => {
    const runId = someRun(workflowId);
    const requestId = chance.uuid();
    const request = RequestCancelWorkflowExecutionRequest.fromPartial({
      domain: tenant,
      workflowExecution: { workflowId, runId },
      identity,
      requestId,
      cause: tenant,
    });
    const entry = { ...base(workflowId, requestId, runId), operation: 'cancel' as const };
    await watch.journaled('cancel', entry, ATTEMPTS, () => frontend().workflow.requestCancelWorkflowExecution(request));
  };

  const terminate = async (workflowId: string): Promise<void> => {
    const runId = someRun(workflowId);
    const reason = chance.uuid();
    const request = TerminateWorkflowExecutionRequest.fromPartial({
      domain: tenant,
      workflowExecution: { workflowId, runId },
      identity,
      reason,
    });
    const entry = { ...base(workflowId, reason, runId), operation: 'terminate' as const };
    // It has no request id: only a named run may be asked for again.
    const attempts = runId === '' ? 1 : ATTEMPTS;
    await watch.journaled('terminate', entry, attempts, () => frontend().workflow.terminateWorkflowExecution(request));
  };

  const history = async (workflowId: string, runId: string): Promise<readonly HistoryEvent[]> => {
    const request = GetWorkflowExecutionHistoryRequest.fromPartial({
      domain: tenant,
      workflowExecution: { workflowId, runId },
      pageSize: 100,
    });
    const page = await watch.attempt('history', () => frontend().workflow.getWorkflowExecutionHistory(request));
    const events = page?.history?.events ?? [];
    const first = events[0]?.attributes;
    if (first?.$case === 'workflowExecutionStartedEventAttributes') {
      const owner = decodeInput(first.value.input).tenant;
      if (owner !== tenant) world.report('tenant-isolation', workflowId, `${tenant} read a history of ${owner}`);
    }
    return events;
  };

  const reset = async (workflowId: string): Promise<void> => {
    const [runId] = knownRuns.get(workflowId) ?? [];
    if (runId === undefined) return;
    const points = (await history(workflowId, runId)).filter(({ attributes }) =>
      /^decisionTask(Completed|Failed|TimedOut)/.test(attributes?.$case ?? ''),
    );
    if (points.length === 0) return;
    const requestId = chance.uuid();
    const request = ResetWorkflowExecutionRequest.fromPartial({
      domain: tenant,
      workflowExecution: { workflowId, runId },
      reason: `reset ${requestId}`,
      decisionFinishEventId: chance.pick(points).eventId,
      requestId,
      skipSignalReapply: chance.is(0.2),
    });
    const entry = { ...base(workflowId, requestId, runId), operation: 'reset' as const };
    const reply = await watch.journaled('reset', entry, 3, () => frontend().workflow.resetWorkflowExecution(request));
    know(workflowId, reply?.runId);
  };

  const query = async (workflowId: string): Promise<void> => {
    const isStrong = chance.is(0.5);
    const request = QueryWorkflowRequest.fromPartial({
      domain: tenant,
      workflowExecution: { workflowId, runId: someRun(workflowId) },
      query: { queryType: 'state' },
      queryConsistencyLevel: isStrong
        ? QueryConsistencyLevel.QUERY_CONSISTENCY_LEVEL_STRONG
        : QueryConsistencyLevel.QUERY_CONSISTENCY_LEVEL_EVENTUAL,
    });
    const reply = await watch.attempt(isStrong ? 'query-strong' : 'query', () =>
      frontend().workflow.queryWorkflow(request, { timeoutMs: 5_000 }),
    );
    if (reply?.queryResult === undefined) return;
    const owner = decodeInput(reply.queryResult).tenant;
    if (owner !== tenant) world.report('tenant-isolation', workflowId, `a query of ${tenant} was answered by ${owner}`);
  };

  const describe = async (workflowId: string): Promise<void> => {
    const request = DescribeWorkflowExecutionRequest.fromPartial({
      domain: tenant,
      workflowExecution: { workflowId, runId: '' },
    });
    const reply = await watch.attempt('describe', () => frontend().workflow.describeWorkflowExecution(request));
    const memo = reply?.workflowExecutionInfo?.memo?.fields.tenant;
    const owner = memo === undefined ? tenant : Buffer.from(memo.data).toString();
    if (owner !== tenant) world.report('tenant-isolation', workflowId, `${tenant} described a run of ${owner}`);
    know(workflowId, reply?.workflowExecutionInfo?.workflowExecution?.runId);
  };

  const list = async (): Promise<void> => {
    const request = ListWorkflowExecutionsRequest.fromPartial({
      domain: tenant,
      pageSize: 50,
      query: chance.is(0.5) ? '' : 'CloseTime = missing',
    });
    const reply = await watch.attempt('list', () => frontend().visibility.listWorkflowExecutions(request));
    for (const { memo } of reply?.executions ?? []) {
      const owner = memo?.fields.tenant;
      if (owner !== undefined && Buffer.from(owner.data).toString() !== tenant) {
        world.report('tenant-isolation', '', `a list of ${tenant} has a run of another tenant`);
      }
    }
  };

  const refresh = (workflowId: string): Promise<unknown> =>
    watch.attempt('refresh-tasks', () =>
      frontend().workflow.refreshWorkflowTasks(
        RefreshWorkflowTasksRequest.fromPartial({ domain: tenant, workflowExecution: { workflowId } }),
      ),
    );

  const resetSticky = (workflowId: string): Promise<unknown> =>
    watch.attempt('reset-sticky', () =>
      frontend().worker.resetStickyTaskList(
        ResetStickyTaskListRequest.fromPartial({ domain: tenant, workflowExecution: { workflowId } }),
      ),
    );

  while (!world.isQuiet()) {
    await step(
      chance,
      {
        start,
        signalWithStart,
        signal,
        cancel,
        terminate,
        reset,
        query,
        describe,
        history: async (workflowId) => void (await history(workflowId, someRun(workflowId))),
        list,
        refresh: async (workflowId) => void (await refresh(workflowId)),
        resetSticky: async (workflowId) => void (await resetSticky(workflowId)),
      },
      chance.pick(world.workflowIds),
    );
    await world.sleep(chance.between(0, 2 * world.profile.opIntervalMs));
  }
}

const WEIGHTS = {
  start: 6,
  signalWithStart: 2,
  signal: 5,
  cancel: 1,
  terminate: 0.7,
  reset: 1,
  query: 1.5,
  describe: 1,
  history: 0.7,
  list: 0.7,
  refresh: 0.4,
  resetSticky: 0.3,
} as const;

type Operation = keyof typeof WEIGHTS;

const step = (
  chance: Chance,
  operations: Readonly<Record<Operation, (workflowId: string) => Promise<void>>>,
  workflowId: string,
): Promise<void> => operations[chance.weighted<Operation>(WEIGHTS)](workflowId);
