// A handle on one workflow execution: signal, query, cancel, result. Typed by the workflow function.
// Invariant: result() follows continue-as-new, retries and cron to the run that really ends the workflow.

import { randomUUID } from 'node:crypto';
import {
  type DescribeWorkflowExecutionResponse,
  EventFilterType,
  type HistoryEvent,
  type Payload,
  QueryConsistencyLevel,
  QueryRejectCondition,
  WorkflowAPIService,
  WorkflowExecutionCloseStatus,
} from '@antiphon/proto';
import {
  CancelledFailure,
  decodeResult,
  decodeValues,
  encodeValues,
  type Failure,
  type QueryDefinition,
  type SignalDefinition,
  TerminatedFailure,
  TimeoutFailure,
  type WorkflowFunction,
  type WorkflowResult,
} from '../common/index.ts';
import {
  encodedOf,
  failureOfMessage,
  isRpcError,
  payloadOf,
  type ServiceCalls,
  timeoutKindOf,
} from '../transport/index.ts';

/** The workflow closed without a result; `cause` says how. */
export class WorkflowFailedError extends Error {
  override readonly name = 'WorkflowFailedError';
  readonly workflowId: string;
  readonly runId: string;
  override readonly cause: Failure;
  constructor(workflowId: string, runId: string, cause: Failure) {
    super(`workflow ${workflowId} failed: ${cause.message}`);
    this.workflowId = workflowId;
    this.runId = runId;
    this.cause = cause;
  }
}

/** The query was not run, because of the workflow's state. */
export class QueryRejectedError extends Error {
  override readonly name = 'QueryRejectedError';
}

export interface QueryOptions {
  /** Wait for everything accepted before the query to be seen by it. */
  readonly isStrong?: boolean;
  readonly rejectWhen?: 'notOpen' | 'notCompletedCleanly';
}

export interface ResetOptions {
  readonly reason: string;
  /** Event id of the DecisionTaskCompleted to go back to. */
  readonly decisionFinishEventId: number;
  readonly skipSignalReapply?: boolean;
}

export interface WorkflowHandle<F extends WorkflowFunction = WorkflowFunction> {
  readonly workflowId: string;
  /** Set when the handle means one run; otherwise it means the current one. */
  readonly runId: string | undefined;
  /** Waits for the result. Throws WorkflowFailedError. */
  result(options?: { readonly signal?: AbortSignal }): Promise<WorkflowResult<F>>;
  signal<Args extends readonly unknown[]>(signal: SignalDefinition<Args>, ...args: Args): Promise<void>;
  signal(signal: string, ...args: readonly unknown[]): Promise<void>;
  query<R, Args extends readonly unknown[]>(query: QueryDefinition<R, Args>, ...args: Args): Promise<R>;
  query<R = unknown>(query: string, ...args: readonly unknown[]): Promise<R>;
  queryWith<R>(options: QueryOptions, query: QueryDefinition<R> | string, ...args: readonly unknown[]): Promise<R>;
  cancel(cause?: string): Promise<void>;
  terminate(reason: string, ...details: readonly unknown[]): Promise<void>;
  /** Returns the run id of the new run. */
  reset(options: ResetOptions): Promise<string>;
  describe(): Promise<DescribeWorkflowExecutionResponse>;
  /** All events of the run. */
  history(): Promise<HistoryEvent[]>;
}

export interface HandleContext {
  readonly calls: ServiceCalls;
  readonly domain: string;
  readonly identity: string;
}

/** One long poll of history is held this long by the client; then it asks again. */
const HISTORY_POLL_MS = 25_000;
const QUERY_TIMEOUT_MS = 20_000;

type Closing =
  | { readonly kind: 'result'; readonly payload: Payload | undefined }
  | { readonly kind: 'failure'; readonly cause: Failure }
  | { readonly kind: 'continued'; readonly runId: string };

function closingOf(event: HistoryEvent | undefined): Closing | undefined {
  const attributes = event?.attributes;
  switch (attributes?.$case) {
    case 'workflowExecutionCompletedEventAttributes':
      return { kind: 'result', payload: attributes.value.result };
    case 'workflowExecutionFailedEventAttributes':
      return { kind: 'failure', cause: failureOfMessage(attributes.value.failure) };
    case 'workflowExecutionTimedOutEventAttributes':
      return { kind: 'failure', cause: new TimeoutFailure(timeoutKindOf(attributes.value.timeoutType)) };
    case 'workflowExecutionTerminatedEventAttributes':
      return { kind: 'failure', cause: new TerminatedFailure(attributes.value.reason) };
    case 'workflowExecutionCanceledEventAttributes': {
      const details = decodeValues(encodedOf(attributes.value.details));
      return { kind: 'failure', cause: new CancelledFailure('the workflow was cancelled', details) };
    }
    case 'workflowExecutionContinuedAsNewEventAttributes':
      return { kind: 'continued', runId: attributes.value.newExecutionRunId };
    default:
      return undefined;
  }
}

/** Pages of history; with `waits`, the last page comes when the run closes. */
async function* historyPages(
  context: HandleContext,
  workflowId: string,
  runId: string,
  waits: boolean,
  signal?: AbortSignal,
): AsyncGenerator<HistoryEvent[]> {
  let nextPageToken: Uint8Array = new Uint8Array();
  const filter = waits ? EventFilterType.EVENT_FILTER_TYPE_CLOSE_EVENT : EventFilterType.EVENT_FILTER_TYPE_ALL_EVENT;
  do {
    const request = {
      domain: context.domain,
      workflowExecution: { workflowId, runId },
      pageSize: 0,
      nextPageToken,
      waitForNewEvent: waits,
      historyEventFilterType: filter,
      skipArchival: false,
      queryConsistencyLevel: QueryConsistencyLevel.QUERY_CONSISTENCY_LEVEL_INVALID,
    };
    try {
      const limits = waits ? { attemptTimeoutMs: HISTORY_POLL_MS, signal } : { signal };
      const response = await context.calls.call(WorkflowAPIService.getWorkflowExecutionHistory, request, limits);
      ({ nextPageToken } = response);
      yield response.history?.events ?? [];
    } catch (error) {
      // A long poll that ended without news is asked again.
      if (!waits || !isRpcError(error, 'DeadlineExceeded')) throw error;
    }
  } while (nextPageToken.length > 0 || waits);
}

async function waitForClose(
  context: HandleContext,
  workflowId: string,
  runId: string,
  signal: AbortSignal | undefined,
): Promise<Closing> {
  for await (const events of historyPages(context, workflowId, runId, true, signal)) {
    const closing = closingOf(events.at(-1));
    if (closing) return closing;
  }
  throw new Error('unreachable: the history of a run ends only with its close');
}

async function waitForResult(
  context: HandleContext,
  workflowId: string,
  firstRunId: string,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  let runId = firstRunId;
  for (;;) {
    const closing = await waitForClose(context, workflowId, runId, signal);
    if (closing.kind === 'result') return decodeResult(encodedOf(closing.payload));
    if (closing.kind === 'failure') throw new WorkflowFailedError(workflowId, runId, closing.cause);
    ({ runId } = closing);
  }
}

const REJECT_WHEN = {
  notOpen: QueryRejectCondition.QUERY_REJECT_CONDITION_NOT_OPEN,
  notCompletedCleanly: QueryRejectCondition.QUERY_REJECT_CONDITION_NOT_COMPLETED_CLEANLY,
} as const;

async function queryWorkflow(
  context: HandleContext,
  workflowExecution: { workflowId: string; runId: string },
  options: QueryOptions,
  queryType: string,
  args: readonly unknown[],
): Promise<unknown> {
  const request = {
    domain: context.domain,
    workflowExecution,
    query: { queryType, queryArgs: payloadOf(encodeValues(args)) },
    queryRejectCondition: options.rejectWhen
      ? REJECT_WHEN[options.rejectWhen]
      : QueryRejectCondition.QUERY_REJECT_CONDITION_INVALID,
    queryConsistencyLevel: options.isStrong
      ? QueryConsistencyLevel.QUERY_CONSISTENCY_LEVEL_STRONG
      : QueryConsistencyLevel.QUERY_CONSISTENCY_LEVEL_EVENTUAL,
  };
  const limits = { attemptTimeoutMs: QUERY_TIMEOUT_MS };
  const response = await context.calls.call(WorkflowAPIService.queryWorkflow, request, limits);
  if (response.queryRejected) {
    const status = Object.entries(WorkflowExecutionCloseStatus).find(
      ([, value]) => value === response.queryRejected?.closeStatus,
    );
    throw new QueryRejectedError(`query ${queryType} was rejected: the workflow is ${status?.[0] ?? 'closed'}`);
  }
  return decodeResult(encodedOf(response.queryResult));
}

/** `firstRunId` is the run whose chain result() follows; without it, the current run's. */
export function createWorkflowHandle<F extends WorkflowFunction>(
  context: HandleContext,
  workflowId: string,
  runId?: string,
  firstRunId?: string,
): WorkflowHandle<F> {
  const { calls, domain, identity } = context;
  const workflowExecution = { workflowId, runId: runId ?? '' };
  const target = { domain, workflowExecution };
  const describe = (): Promise<DescribeWorkflowExecutionResponse> => {
    const queryConsistencyLevel = QueryConsistencyLevel.QUERY_CONSISTENCY_LEVEL_INVALID;
    return calls.call(WorkflowAPIService.describeWorkflowExecution, { ...target, queryConsistencyLevel });
  };
  return {
    workflowId,
    runId,
    // The casts give the wire's untyped values the types that the workflow function declares.
    result: async (options = {}) =>
      (await waitForResult(context, workflowId, firstRunId ?? runId ?? '', options.signal)) as WorkflowResult<F>,
    signal: async (signal: SignalDefinition | string, ...args: readonly unknown[]) => {
      await calls.call(WorkflowAPIService.signalWorkflowExecution, {
        ...target,
        identity,
        requestId: randomUUID(),
        signalName: typeof signal === 'string' ? signal : signal.name,
        signalInput: payloadOf(encodeValues(args)),
        control: new Uint8Array(),
      });
    },
    query: async <R>(query: QueryDefinition | string, ...args: readonly unknown[]) =>
      (await queryWorkflow(context, workflowExecution, {}, typeof query === 'string' ? query : query.name, args)) as R,
    queryWith: async <R>(options: QueryOptions, query: QueryDefinition | string, ...args: readonly unknown[]) =>
      (await queryWorkflow(
        context,
        workflowExecution,
        options,
        typeof query === 'string' ? query : query.name,
        args,
      )) as R,
    cancel: async (cause = '') => {
      const request = { ...target, identity, requestId: randomUUID(), cause, firstExecutionRunId: '' };
      await calls.call(WorkflowAPIService.requestCancelWorkflowExecution, request);
    },
    terminate: async (reason, ...details) => {
      const request = {
        ...target,
        reason,
        details: payloadOf(encodeValues(details)),
        identity,
        firstExecutionRunId: '',
      };
      await calls.call(WorkflowAPIService.terminateWorkflowExecution, request);
    },
    reset: async (options) => {
      // Cadence blocks on a reset that does not say which run it means.
      const resetRunId = runId ?? (await describe()).workflowExecutionInfo?.workflowExecution?.runId ?? '';
      const response = await calls.call(WorkflowAPIService.resetWorkflowExecution, {
        domain,
        workflowExecution: { workflowId, runId: resetRunId },
        reason: options.reason,
        decisionFinishEventId: BigInt(options.decisionFinishEventId),
        requestId: randomUUID(),
        skipSignalReapply: options.skipSignalReapply ?? false,
      });
      return response.runId;
    },
    describe,
    history: async () => {
      const events: HistoryEvent[] = [];
      for await (const page of historyPages(context, workflowId, runId ?? '', false)) events.push(...page);
      return events;
    },
  };
}
