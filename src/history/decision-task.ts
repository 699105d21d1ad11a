// The answer to a worker that polled a decision: the run's history as far as the worker does not have it (semantics §1.10), encoded bytes
// as they were made at write time; events of a transient decision follow as a message of their own; queries that wait for a decision ride along.
import { type HistoryEvent, type PollForDecisionTaskResponse, TaskListKind, type WorkflowQuery } from '@antiphon/proto';
import { type HistoryBranch, HistoryPageToken } from '@antiphon/proto/internal';
import { type StartedDecision, timestampOf, type WorkflowState } from '#core';
import type { HistoryStore } from '#persistence';
import { encodeTaskToken, type WithHistory } from '#rpc';
import { encodeEvents, readBatches } from './history-reader.ts';
import type { RecentBatch, RecentEvents } from './recent-events.ts';
import { branchOf, isOpen } from './run-state.ts';

const NO_BYTES = new Uint8Array(0);

/** What of a run goes into a task, taken in the turn of the command: the run may move on before the commit is durable. */
export interface TaskHistory {
  readonly branch: HistoryBranch;
  readonly fromEventId: number;
  readonly toEventId: number;
  /** Present when all of it was in memory. */
  readonly recent: readonly RecentBatch[] | undefined;
  readonly transientEvents: readonly HistoryEvent[];
}

export function takeTaskHistory(
  state: WorkflowState,
  recent: RecentEvents,
  fromEventId: number,
  transientEvents: readonly HistoryEvent[],
): TaskHistory {
  const branch = branchOf(state);
  const toEventId = state.info.nextEventId;
  return {
    branch,
    fromEventId,
    toEventId,
    recent: recent.range(branch.branchId, fromEventId, toEventId),
    transientEvents,
  };
}

export interface HistoryPage {
  readonly historyBlobs: readonly Uint8Array[];
  readonly nextPageToken: Uint8Array;
}

/** The first page, and the token that GetWorkflowExecutionHistory takes for the rest. */
export async function readTaskHistory(
  store: HistoryStore,
  state: WorkflowState,
  history: TaskHistory,
  pageEventCount: number,
): Promise<HistoryPage> {
  const { branch, fromEventId, toEventId, transientEvents } = history;
  const recent = history.recent;
  if (recent !== undefined && toEventId - fromEventId <= pageEventCount) {
    return withTransient(
      recent.map((batch) => batch.blob),
      transientEvents,
    );
  }
  const page = await readBatches(store, branch, { from: fromEventId, to: toEventId }, pageEventCount);
  const blobs = page.batches.map((batch) => batch.blob);
  if (page.nextEventId >= toEventId) return withTransient(blobs, transientEvents);
  const { domainId, workflowId, runId } = state.info;
  const token = HistoryPageToken.fromPartial({
    domainId,
    workflowId,
    runId,
    firstEventId: page.nextEventId,
    nextEventId: toEventId,
    isWorkflowRunning: isOpen(state),
    transientEvents: [...transientEvents],
    branch,
  });
  return { historyBlobs: blobs, nextPageToken: HistoryPageToken.encode(token).finish() };
}

function withTransient(blobs: Uint8Array[], events: readonly HistoryEvent[]): HistoryPage {
  if (events.length > 0) blobs.push(encodeEvents(events));
  return { historyBlobs: blobs, nextPageToken: NO_BYTES };
}

export function decisionResponse(
  state: WorkflowState,
  started: StartedDecision,
  page: HistoryPage,
  queries: Record<string, WorkflowQuery>,
): WithHistory<PollForDecisionTaskResponse> {
  const { info } = state;
  const { decision, previousStartedEventId } = started;
  return {
    response: {
      taskToken: encodeTaskToken({
        domainId: info.domainId,
        workflowId: info.workflowId,
        workflowType: info.workflowType,
        runId: info.runId,
        scheduleId: decision.scheduleId,
        scheduleAttempt: decision.attempt,
      }),
      workflowExecution: { workflowId: info.workflowId, runId: info.runId },
      workflowType: { name: info.workflowType },
      previousStartedEventId: previousStartedEventId === undefined ? undefined : BigInt(previousStartedEventId),
      startedEventId: BigInt(decision.startedId),
      attempt: BigInt(decision.attempt),
      backlogCountHint: 0n,
      nextPageToken: page.nextPageToken,
      workflowExecutionTaskList: info.taskList,
      scheduledTime: timestampOf(decision.scheduledTimeMs),
      startedTime: timestampOf(decision.startedTimeMs),
      queries,
      nextEventId: BigInt(started.nextEventId),
      totalHistoryBytes: BigInt(info.historySizeBytes),
    },
    historyBlobs: page.historyBlobs,
  };
}

/** A task for a query outside a decision: nothing is started. */
export function queryResponse(state: WorkflowState, page: HistoryPage): WithHistory<PollForDecisionTaskResponse> {
  const { info } = state;
  return {
    response: {
      taskToken: NO_BYTES,
      workflowExecution: { workflowId: info.workflowId, runId: info.runId },
      workflowType: { name: info.workflowType },
      previousStartedEventId: info.lastProcessedEventId > 0 ? BigInt(info.lastProcessedEventId) : undefined,
      startedEventId: 0n,
      attempt: 0n,
      backlogCountHint: 0n,
      nextPageToken: page.nextPageToken,
      workflowExecutionTaskList: info.taskList && { ...info.taskList, kind: TaskListKind.TASK_LIST_KIND_INVALID },
      queries: {},
      nextEventId: BigInt(info.nextEventId),
      totalHistoryBytes: BigInt(info.historySizeBytes),
    },
    historyBlobs: page.historyBlobs,
  };
}
