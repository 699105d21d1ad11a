// How events change a state: the only place that does, used by the active path, passive apply, rebuild and reset, so that they cannot
// disagree. It reads nothing but the state and the event. What no event tells (attempts, heartbeats, stickiness, transient decisions)
// is changed elsewhere, by the commands, and named in workflow-state.ts.

import {
  DecisionTaskFailedCause,
  DecisionTaskTimedOutCause,
  type HistoryEvent,
  type TaskList,
  TaskListKind,
  TimeoutType,
} from '@antiphon/proto';
import { ExecutionState } from '@antiphon/proto/internal';
import { assert, required } from '#base';
import type { StateDraft } from './draft.ts';
import type { AttributesOf, EventCase } from './event-ids.ts';
import { ACTIVITY_EVOLVERS } from './evolve-activities.ts';
import { CLOSE_EVOLVERS } from './evolve-close.ts';
import { EXTERNAL_EVOLVERS } from './evolve-external.ts';
import { addResetPoint } from './reset-points.ts';
import { eventTimeMs, msOf, secondsOf } from './wire-time.ts';

/** An event may leave the kind out; the state has it. */
const withKind = (taskList: TaskList | undefined): TaskList | undefined =>
  taskList && { ...taskList, kind: taskList.kind || TaskListKind.TASK_LIST_KIND_NORMAL };

export type Evolver<C extends EventCase> = (
  draft: StateDraft,
  attributes: AttributesOf<C>,
  event: HistoryEvent,
) => void;
export type Evolvers<C extends EventCase> = { readonly [K in C]: Evolver<K> };

export function clearStickiness(draft: StateDraft): void {
  const { info } = draft;
  info.stickyTaskList = '';
  info.stickyScheduleToStartSeconds = 0;
  info.stickyUpdatedMs = 0;
  info.clientLibraryVersion = '';
  info.clientFeatureVersion = '';
  info.clientImpl = '';
}

/** The decision in flight is over and not completed; `attempt` is what the next one will have. */
export function dropDecision(draft: StateDraft, attempt: number): void {
  draft.info.decision = undefined;
  draft.info.decisionAttempt = attempt;
  clearStickiness(draft);
}

/** A reset run starts anew: its timeouts count from the reset, and so do activities that wait for a worker. */
function beginResetRun(draft: StateDraft, event: HistoryEvent, newRunId: string): void {
  if (newRunId !== draft.info.runId) return;
  const nowMs = eventTimeMs(event);
  draft.info.startTimeMs = nowMs;
  for (const activity of draft.activities.current.values()) {
    if (activity.startedId !== 0) continue;
    const expiration = secondsOf(activity.retryPolicy?.expirationInterval);
    draft.activities.set(activity.scheduleId, {
      ...activity,
      scheduledTimeMs: nowMs,
      expirationTimeMs: expiration > 0 ? nowMs + expiration * 1000 : 0,
    });
  }
}

type OtherCase =
  | 'workflowExecutionStartedEventAttributes'
  | 'decisionTaskScheduledEventAttributes'
  | 'decisionTaskStartedEventAttributes'
  | 'decisionTaskCompletedEventAttributes'
  | 'decisionTaskTimedOutEventAttributes'
  | 'decisionTaskFailedEventAttributes'
  | 'timerStartedEventAttributes'
  | 'timerFiredEventAttributes'
  | 'timerCanceledEventAttributes'
  | 'cancelTimerFailedEventAttributes'
  | 'markerRecordedEventAttributes'
  | 'workflowExecutionSignaledEventAttributes'
  | 'workflowExecutionCancelRequestedEventAttributes'
  | 'upsertWorkflowSearchAttributesEventAttributes';

/** A timer that was started anew under its id, while the end of the first one waited in the buffer, goes on. */
function endTimer(draft: StateDraft, ended: { readonly timerId: string; readonly startedEventId: bigint }): void {
  if (draft.timers.get(ended.timerId)?.startedId === Number(ended.startedEventId)) draft.timers.delete(ended.timerId);
}

const OTHER_EVOLVERS: Evolvers<OtherCase> = {
  workflowExecutionStartedEventAttributes(draft, started, event) {
    const { info } = draft;
    info.parent = started.parentExecutionInfo;
    info.firstExecutionRunId = started.firstExecutionRunId || info.runId;
    info.originalExecutionRunId = started.originalExecutionRunId || info.runId;
    info.taskList = withKind(started.taskList);
    info.workflowType = started.workflowType?.name ?? '';
    info.executionTimeoutSeconds = secondsOf(started.executionStartToCloseTimeout);
    info.taskTimeoutSeconds = secondsOf(started.taskStartToCloseTimeout);
    info.startTimeMs = eventTimeMs(event);
    info.startVersion = Number(event.version);
    info.attempt = started.attempt;
    info.retryPolicy = started.retryPolicy;
    info.expirationTimeMs = msOf(started.expirationTime);
    info.cronSchedule = started.cronSchedule;
    info.cronOverlapPolicy = started.cronOverlapPolicy;
    info.firstDecisionBackoffSeconds = secondsOf(started.firstDecisionTaskBackoff);
    info.memo = started.memo;
    info.searchAttributes = started.searchAttributes;
    info.autoResetPoints = started.prevAutoResetPoints;
    info.partitionConfig = started.partitionConfig;
    info.activeClusterSelectionPolicy = started.activeClusterSelectionPolicy;
  },

  decisionTaskScheduledEventAttributes(draft, scheduled, event) {
    const { info } = draft;
    const scheduledTimeMs = eventTimeMs(event);
    info.state = ExecutionState.EXECUTION_STATE_RUNNING;
    info.hasProcessedOrPendingDecision = true;
    info.decisionAttempt = scheduled.attempt;
    info.decision = {
      version: Number(event.version),
      scheduleId: Number(event.eventId),
      startedId: 0,
      requestId: '',
      attempt: scheduled.attempt,
      timeoutSeconds: secondsOf(scheduled.startToCloseTimeout),
      scheduledTimeMs,
      startedTimeMs: 0,
      originalScheduledTimeMs: scheduledTimeMs,
      taskList: scheduled.taskList?.name ?? '',
      sticky: scheduled.taskList?.kind === TaskListKind.TASK_LIST_KIND_STICKY,
      identity: '',
    };
  },

  decisionTaskStartedEventAttributes(draft, started, event) {
    const decision = required(draft.info.decision, 'a started decision must have been scheduled');
    draft.info.decision = {
      ...decision,
      version: Number(event.version),
      startedId: Number(event.eventId),
      requestId: started.requestId,
      startedTimeMs: eventTimeMs(event),
      identity: started.identity,
    };
  },

  decisionTaskCompletedEventAttributes(draft, completed, event) {
    const { info } = draft;
    info.decision = undefined;
    info.decisionAttempt = 0;
    info.lastProcessedEventId = Number(completed.startedEventId);
    addResetPoint(draft, completed.binaryChecksum, event);
  },

  decisionTaskTimedOutEventAttributes(draft, timedOut, event) {
    const isReset = timedOut.cause === DecisionTaskTimedOutCause.DECISION_TASK_TIMED_OUT_CAUSE_RESET;
    const wasStarted = timedOut.timeoutType === TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE;
    dropDecision(draft, isReset ? 0 : draft.info.decisionAttempt + (wasStarted ? 1 : 0));
    if (isReset) beginResetRun(draft, event, timedOut.newRunId);
  },

  decisionTaskFailedEventAttributes(draft, failed, event) {
    const isReset = failed.cause === DecisionTaskFailedCause.DECISION_TASK_FAILED_CAUSE_RESET_WORKFLOW;
    const startsOver =
      isReset || failed.cause === DecisionTaskFailedCause.DECISION_TASK_FAILED_CAUSE_FAILOVER_CLOSE_DECISION;
    dropDecision(draft, startsOver ? 0 : draft.info.decisionAttempt + 1);
    if (isReset) beginResetRun(draft, event, failed.newRunId);
  },

  timerStartedEventAttributes(draft, started, event) {
    draft.timers.set(started.timerId, {
      version: Number(event.version),
      timerId: started.timerId,
      startedId: Number(event.eventId),
      expiryTimeMs: eventTimeMs(event) + secondsOf(started.startToFireTimeout) * 1000,
      taskCreated: false,
    });
  },
  timerFiredEventAttributes: endTimer,
  timerCanceledEventAttributes: endTimer,
  cancelTimerFailedEventAttributes() {},
  markerRecordedEventAttributes() {},

  workflowExecutionSignaledEventAttributes(draft, signaled) {
    draft.info.signalCount++;
    if (signaled.requestId !== '') draft.signalRequestIds = draft.signalRequestIds.with(signaled.requestId);
  },
  workflowExecutionCancelRequestedEventAttributes(draft, requested) {
    draft.info.cancelRequested = true;
    draft.info.cancelRequestId = requested.requestId;
  },
  upsertWorkflowSearchAttributesEventAttributes(draft, upserted) {
    const indexedFields = {
      ...draft.info.searchAttributes?.indexedFields,
      ...upserted.searchAttributes?.indexedFields,
    };
    draft.info.searchAttributes = { indexedFields };
  },
};

const EVOLVERS: Evolvers<EventCase> = {
  ...OTHER_EVOLVERS,
  ...ACTIVITY_EVOLVERS,
  ...EXTERNAL_EVOLVERS,
  ...CLOSE_EVOLVERS,
};

export function evolve(draft: StateDraft, event: HistoryEvent): void {
  const { attributes } = event;
  assert(attributes !== undefined, 'an event must have attributes', { eventId: event.eventId });
  // The table's type pairs each case with its attributes; indexing by a union loses the pairing.
  const evolver = EVOLVERS[attributes.$case] as Evolver<EventCase>;
  evolver(draft, attributes.value, event);
}
