// Queries (semantics §2.20): asked of a worker directly, sticky list first, or, when the caller wants what the pending decision will have
// seen, carried by that decision.
import {
  QueryConsistencyLevel,
  QueryRejectCondition,
  QueryResultType,
  type QueryWorkflowResponse,
  TaskListKind,
  WorkflowExecutionCloseStatus,
  type WorkflowQuery,
  type WorkflowQueryResult,
} from '@antiphon/proto';
import { deadlineExceeded, queryFailed } from '#base';
import { type DomainView, domainOfRun, type WorkflowState } from '#core';
import type { HistoryClient, RunRef } from '#rpc';
import type { HistoryContext } from './context.ts';
import { isServiceError } from './outside-work.ts';
import { type QueryOutcome, QueryRegistry } from './query-registry.ts';
import { isOpen } from './run-state.ts';
import { readRun, waitForRun } from './run-watch.ts';

type Options = Parameters<HistoryClient['queryWorkflow']>[2];

const FIRST_DECISION_WAIT_MS_MIN = 1_000;
const DEFAULT_DEADLINE_MS = 10_000;

interface Asked {
  readonly state: WorkflowState;
  /** Present when a decision carries the query. */
  readonly outcome: Promise<QueryOutcome> | undefined;
}

export function createQueryApi(context: HistoryContext): Pick<HistoryClient, 'queryWorkflow'> {
  const { env, matching } = context.deps;

  const isSticky = ({ info }: WorkflowState, domain: DomainView): boolean =>
    info.stickyTaskList !== '' &&
    info.stickyUpdatedMs + context.deps.limits(domain.name).stickyTtlMs > env.clock.nowMs();

  const askDirectly = async (
    run: RunRef,
    state: WorkflowState,
    query: WorkflowQuery,
    domain: DomainView,
    options: Options & { deadlineMs: number },
  ): Promise<QueryWorkflowResponse> => {
    const { info } = state;
    if (domain.isActiveHere && isSticky(state, domain)) {
      const stickyMs = env.clock.nowMs() + Math.max(1, info.stickyScheduleToStartSeconds) * 1000;
      const taskList = {
        name: info.stickyTaskList,
        kind: TaskListKind.TASK_LIST_KIND_STICKY,
        baseName: info.taskList?.name ?? '',
      };
      try {
        const deadlineMs = Math.min(stickyMs, options.deadlineMs);
        return await matching.queryWorkflow({ run, taskList, query }, { signal: options.signal, deadlineMs });
      } catch (error) {
        const isAway = isServiceError(error, 'StickyWorkerUnavailable', 'DeadlineExceeded');
        if (!isAway || options.signal?.aborted || env.clock.nowMs() >= options.deadlineMs) throw error;
      }
      if (isOpen(state)) await clearStickiness(run);
    }
    const taskList = info.taskList ?? { name: '', kind: TaskListKind.TASK_LIST_KIND_NORMAL, baseName: '' };
    return matching.queryWorkflow({ run, taskList, query }, { signal: options.signal, deadlineMs: options.deadlineMs });
  };

  const clearStickiness = async (run: RunRef): Promise<void> => {
    try {
      await context.run(run, { kind: 'resetStickyTaskList' });
    } catch (error) {
      // Closed or moved meanwhile: the normal list answers all the same.
      if (!isServiceError(error, 'WorkflowExecutionAlreadyCompleted', 'EntityNotExists', 'DomainNotActive'))
        throw error;
    }
  };

  /** Waits until the run has completed a decision: before that no worker knows it. */
  const requireFirstDecision = async (run: RunRef, options: Options & { deadlineMs: number }): Promise<void> => {
    const nowMs = env.clock.nowMs();
    const untilMs = Math.max(nowMs + FIRST_DECISION_WAIT_MS_MIN, options.deadlineMs - FIRST_DECISION_WAIT_MS_MIN);
    const isReady = await waitForRun(context, run, untilMs, options.signal, ({ state }) => {
      if (state.info.lastProcessedEventId > 0) return true;
      return isOpen(state) ? undefined : false;
    });
    if (isReady !== true) {
      throw queryFailed('workflow must handle at least one decision task before it can be queried');
    }
  };

  const ask = (run: RunRef, query: WorkflowQuery, options: Options, domain: DomainView): Promise<Asked> =>
    readRun(context, run, (entry): Asked => {
      const { state } = entry;
      const isStrong = options.consistency === QueryConsistencyLevel.QUERY_CONSISTENCY_LEVEL_STRONG;
      if (!domain.isActiveHere || !isStrong || !isOpen(state) || state.info.decision === undefined) {
        return { state, outcome: undefined };
      }
      entry.queries ??= new QueryRegistry();
      const { queries } = entry;
      const id = env.random.uuid();
      const waiting = queries.add(id, query, context.deps.limits(domain.name).bufferedQueryCountMax);
      const deadline = endOfWait(options, id, queries);
      const outcome = Promise.race([waiting, deadline.promise]).finally(deadline.cancel);
      // It may fail before the read that we are in is durable and its outcome is awaited.
      outcome.catch(() => {});
      return { state, outcome };
    });

  const endOfWait = (options: Options, id: string, queries: QueryRegistry) => {
    let cancel = (): void => {};
    const promise = new Promise<QueryOutcome>((_, reject) => {
      const end = (): void => {
        queries.remove(id);
        reject(deadlineExceeded('query timed out before a decision answered it'));
      };
      const timer = env.scheduler.after((options.deadlineMs ?? 0) - env.clock.nowMs(), end);
      options.signal?.addEventListener('abort', end, { once: true });
      cancel = () => {
        timer.cancel();
        options.signal?.removeEventListener('abort', end);
      };
    });
    return { promise, cancel: () => cancel() };
  };

  return {
    async queryWorkflow(run, query, given) {
      const options = { ...given, deadlineMs: given.deadlineMs ?? env.clock.nowMs() + DEFAULT_DEADLINE_MS };
      const root = await context.domain(run.domainId);
      const first = await readRun(context, run, ({ state }) => state);
      const domain = domainOfRun(root, first.info.activeClusterSelectionPolicy);
      const rejected = rejection(first, options.rejectCondition);
      if (rejected !== undefined) return rejected;
      const ref = { ...run, runId: first.info.runId };
      if (first.info.lastProcessedEventId <= 0) await requireFirstDecision(ref, options);
      const { state, outcome } = await ask(ref, query, options, domain);
      const answered = outcome === undefined ? 'direct' : await outcome;
      if (answered !== 'direct') return answerOf(answered.result);
      return askDirectly(ref, state, query, domain, options);
    },
  };
}

function rejection(state: WorkflowState, condition: QueryRejectCondition): QueryWorkflowResponse | undefined {
  if (isOpen(state)) return undefined;
  const { closeStatus } = state.info;
  const isRejected =
    condition === QueryRejectCondition.QUERY_REJECT_CONDITION_NOT_OPEN ||
    (condition === QueryRejectCondition.QUERY_REJECT_CONDITION_NOT_COMPLETED_CLEANLY &&
      closeStatus !== WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_COMPLETED);
  return isRejected ? { queryRejected: { closeStatus } } : undefined;
}

function answerOf(result: WorkflowQueryResult): QueryWorkflowResponse {
  if (result.resultType === QueryResultType.QUERY_RESULT_TYPE_FAILED) throw queryFailed(result.errorMessage);
  return { queryResult: result.answer };
}
