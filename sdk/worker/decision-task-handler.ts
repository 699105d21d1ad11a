// Answers decision and query tasks: brings the run's state up to the task, collects decisions and query results, responds, and
// goes on with the task that the response may carry.
// Invariants: a run is driven by one task at a time; its cached state is used only when the task continues it exactly; state
// whose response failed is thrown away, because the service did not take the decisions it assumes.
import {
  type Decision,
  DecisionTaskFailedCause,
  type PollForDecisionTaskResponse,
  QueryResultType,
  TaskListKind,
  WorkerAPIService,
  type WorkflowQuery,
  type WorkflowQueryResult,
} from '@antiphon/proto';
import { encodeValues } from '../common/index.ts';
import {
  durationMessage,
  fromSandbox,
  isRpcError,
  payloadOf,
  SDK_VERSION,
  type ServiceCalls,
  toSandbox,
} from '../transport/index.ts';
import { splitIntoBatches } from './history-batches.ts';
import { errorText, type Logger } from './logger.ts';
import { NonDeterminismError } from './non-determinism.ts';
import type { CachedRun, RunCache } from './run-cache.ts';
import type { Sandbox } from './sandbox-host.ts';
import type { SandboxTurns } from './sandbox-turns.ts';
import { createTaskHistory, isFullHistory } from './task-history.ts';
import { createWorkflowEngine } from './workflow-engine.ts';

export interface DecisionTaskHandlerOptions {
  readonly calls: ServiceCalls;
  readonly sandbox: Sandbox;
  readonly turns: SandboxTurns;
  readonly cache: RunCache;
  readonly domain: string;
  readonly identity: string;
  readonly checksum: string;
  /** Undefined when runs are not kept between tasks. */
  readonly sticky: { readonly taskList: string; readonly scheduleToStartSeconds: number } | undefined;
  /** What non-determinism does: wait for a fixed worker, or fail the workflow. */
  readonly nonDeterminismPolicy: 'block' | 'failWorkflow';
  readonly log: Logger;
}

export interface DecisionTaskHandler {
  handle(task: PollForDecisionTaskResponse): Promise<void>;
}

interface Answer {
  readonly run: CachedRun;
  readonly decisions: Decision[];
  readonly queryResults: Record<string, WorkflowQueryResult>;
  readonly legacyResult: WorkflowQueryResult | undefined;
}

const QUERY_RESULT_SIZE_MAX = 2_000_000;

function failedQuery(errorMessage: string): WorkflowQueryResult {
  return { resultType: QueryResultType.QUERY_RESULT_TYPE_FAILED, answer: undefined, errorMessage };
}

function answerQuery(run: CachedRun, query: WorkflowQuery): WorkflowQueryResult {
  const outcome = run.engine.query(query.queryType, toSandbox(query.queryArgs));
  if (!outcome.ok) return failedQuery(outcome.message);
  const answer = fromSandbox(outcome.result);
  if ((answer?.data.length ?? 0) > QUERY_RESULT_SIZE_MAX) {
    return failedQuery(`query result is larger than ${QUERY_RESULT_SIZE_MAX} bytes`);
  }
  return { resultType: QueryResultType.QUERY_RESULT_TYPE_ANSWERED, answer, errorMessage: '' };
}

function failWorkflow(error: NonDeterminismError): Decision {
  const details = Buffer.from(error.message);
  const failure = { reason: 'NonDeterministicWorkflowPolicyFailWorkflow', details };
  return { attributes: { $case: 'failWorkflowExecutionDecisionAttributes', value: { failure } } };
}

/** Tasks of one run in the order they came: a query and a decision may arrive together. */
function createRunLocks(): <T>(runId: string, body: () => Promise<T>) => Promise<T> {
  const tails = new Map<string, Promise<unknown>>();
  return (runId, body) => {
    const mine = (tails.get(runId) ?? Promise.resolve()).then(body, body);
    tails.set(runId, mine);
    const forget = () => {
      if (tails.get(runId) === mine) tails.delete(runId);
    };
    mine.then(forget, forget);
    return mine;
  };
}

export function createDecisionTaskHandler(options: DecisionTaskHandlerOptions): DecisionTaskHandler {
  const { calls, cache, turns, log } = options;
  const lock = createRunLocks();
  let scratchCount = 0;
  const executionContext = Buffer.from(
    JSON.stringify({ sdk: 'antiphon-ts', v: SDK_VERSION, flags: [], bundle: options.checksum }),
  );

  /** The cached run when the task continues it, after bringing it up to the task; else a run built from all of history. */
  const bringUp = async (task: PollForDecisionTaskResponse): Promise<{ run: CachedRun; decisions: Decision[] }> => {
    const { workflowId = '', runId = '' } = task.workflowExecution ?? {};
    const own = task.history?.events ?? [];
    const history = createTaskHistory(calls, options.domain, task);
    const isQuery = task.query !== undefined;
    const replayedUpTo = Number(task.previousStartedEventId ?? 0n);
    const cached = isQuery && isFullHistory(own) ? undefined : cache.take(runId);
    const continues = isQuery || Number(own[0]?.eventId ?? 0) === (cached?.previousStartedEventId ?? -1) + 1;
    if (cached && continues) {
      if (isQuery) return { run: cached, decisions: [] };
      return { run: cached, decisions: await applyTo(cached, await history.fromTask(), replayedUpTo) };
    }
    cached?.engine.dispose();
    const events = await history.fromStart();
    // A scratch replay for a query must not replace the state that the cache may hold under the run's own key.
    const key = isQuery ? `${runId}#${++scratchCount}` : runId;
    const identity = { domain: options.domain, workflowId, runId };
    const engine = createWorkflowEngine(options.sandbox, key, identity, events[0]);
    const run = { engine, workflowId, runId, previousStartedEventId: 0 };
    return { run, decisions: await applyTo(run, events, replayedUpTo) };
  };

  const applyTo = async (
    run: CachedRun,
    events: Parameters<typeof splitIntoBatches>[0],
    replayedUpTo: number,
  ): Promise<Decision[]> => {
    try {
      return await turns.run(() => run.engine.apply(splitIntoBatches(events), replayedUpTo));
    } catch (error) {
      run.engine.dispose();
      throw error;
    }
  };

  const answer = async (task: PollForDecisionTaskResponse): Promise<Answer> => {
    const { run, decisions } = await bringUp(task);
    const queries = Object.entries(task.queries);
    const results = () => queries.map(([id, query]) => [id, answerQuery(run, query)] as const);
    const queryResults = Object.fromEntries(queries.length > 0 ? await turns.run(results) : []);
    const { query } = task;
    const legacyResult = query ? await turns.run(() => answerQuery(run, query)) : undefined;
    return { run, decisions, queryResults, legacyResult };
  };

  const respondQuery = async (taskToken: Uint8Array, result: WorkflowQueryResult): Promise<void> => {
    const workerVersionInfo = { impl: 'uber-go', featureVersion: '1.5.0' };
    await calls.call(WorkerAPIService.respondQueryTaskCompleted, { taskToken, result, workerVersionInfo });
  };

  const respondDecisions = (
    task: PollForDecisionTaskResponse,
    decisions: Decision[],
    queryResults: Record<string, WorkflowQueryResult>,
  ) => {
    const { sticky } = options;
    return calls.call(WorkerAPIService.respondDecisionTaskCompleted, {
      taskToken: task.taskToken,
      decisions,
      executionContext,
      identity: options.identity,
      stickyAttributes: sticky && {
        workerTaskList: { name: sticky.taskList, kind: TaskListKind.TASK_LIST_KIND_STICKY, baseName: '' },
        scheduleToStartTimeout: durationMessage(sticky.scheduleToStartSeconds),
      },
      returnNewDecisionTask: sticky !== undefined,
      forceCreateNewDecisionTask: false,
      binaryChecksum: options.checksum,
      queryResults,
    });
  };

  const respondFailed = async (task: PollForDecisionTaskResponse, error: unknown): Promise<void> => {
    // Later attempts stay silent and time out, so that a broken workflow does not spin.
    if (task.attempt > 0n) return;
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    await calls.call(WorkerAPIService.respondDecisionTaskFailed, {
      taskToken: task.taskToken,
      cause: DecisionTaskFailedCause.DECISION_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE,
      details: payloadOf(encodeValues([message, stack ?? ''])),
      identity: options.identity,
      binaryChecksum: options.checksum,
    });
  };

  const onError = async (task: PollForDecisionTaskResponse, error: unknown): Promise<void> => {
    log.error('workflow task failed', {
      'wf-id': task.workflowExecution?.workflowId,
      'wf-run-id': task.workflowExecution?.runId,
      'wf-type': task.workflowType?.name,
      attempt: Number(task.attempt),
      error: errorText(error),
      stack: error instanceof Error ? error.stack : undefined,
    });
    if (task.query) return respondQuery(task.taskToken, failedQuery(errorText(error)));
    if (error instanceof NonDeterminismError && options.nonDeterminismPolicy === 'failWorkflow') {
      await respondDecisions(task, [failWorkflow(error)], {});
      return;
    }
    return respondFailed(task, error);
  };

  /** Ends the use of a run: back to the cache when it can serve the next task. */
  const settleRun = (run: CachedRun, task: PollForDecisionTaskResponse, isScratch: boolean): void => {
    if (isScratch || !options.sticky || run.engine.isClosed) {
      run.engine.dispose();
      return;
    }
    if (!task.query) run.previousStartedEventId = Number(task.startedEventId);
    cache.put(run);
  };

  const handleOne = async (task: PollForDecisionTaskResponse): Promise<PollForDecisionTaskResponse | undefined> => {
    let result: Answer;
    try {
      result = await answer(task);
    } catch (error) {
      await onError(task, error);
      return undefined;
    }
    const { run, decisions, queryResults, legacyResult } = result;
    if (legacyResult) {
      settleRun(run, task, run.previousStartedEventId === 0);
      await respondQuery(task.taskToken, legacyResult);
      return undefined;
    }
    try {
      const response = await respondDecisions(task, decisions, queryResults);
      settleRun(run, task, false);
      return response.decisionTask?.taskToken.length ? response.decisionTask : undefined;
    } catch (error) {
      run.engine.dispose();
      // The run was closed, reset or timed out meanwhile; nothing is lost by it.
      if (!isRpcError(error, 'EntityNotExists', 'WorkflowExecutionAlreadyCompleted')) throw error;
      log.info('decisions came too late', { 'wf-id': run.workflowId, 'wf-run-id': run.runId, error: error.message });
      return undefined;
    }
  };
  return {
    handle: async (task) => {
      let next: PollForDecisionTaskResponse | undefined = task;
      while (next) {
        const current: PollForDecisionTaskResponse = next;
        next = await lock(current.workflowExecution?.runId ?? '', () => handleOne(current));
      }
    },
  };
}
