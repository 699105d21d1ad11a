// Due timer tasks. A task only says "look now": what it finds in the state decides, so a task of an older situation is stale and harmless.

import { DecisionTaskFailedCause, TimeoutType } from '@antiphon/proto';
import { type ActivityInfo, type DecisionTimeout, ExecutionState, type TimerTask } from '@antiphon/proto/internal';
import { assert, unreachable } from '#base';
import { writeStartedEvent } from './activity-commands.ts';
import { NO_FAILURE, retryActivity } from './activity-retry.ts';
import { addEvent } from './add-event.ts';
import { continueAfterFailure } from './continue-as-new.ts';
import { ensureDecision, forceCloseDecision, scheduleDecision, timeOutDecision } from './decision-task.ts';
import type { Draft } from './draft.ts';
import { addActivityDispatch, workflowTimeoutMs } from './event-tasks.ts';
import { TIMEOUT_REASON_PREFIX } from './retry-policy.ts';
import { type ActivityTimer, addTimerTasks, dueActivityTimers, dueUserTimers, TIMER_BIT } from './timer-tasks.ts';

const TIMEOUT_NAMES: Readonly<Record<number, string>> = {
  [TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE]: 'START_TO_CLOSE',
  [TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START]: 'SCHEDULE_TO_START',
  [TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE]: 'SCHEDULE_TO_CLOSE',
  [TimeoutType.TIMEOUT_TYPE_HEARTBEAT]: 'HEARTBEAT',
};

const timeoutReason = (type: TimeoutType): string => `${TIMEOUT_REASON_PREFIX}${TIMEOUT_NAMES[type] ?? ''}`;

export function fireTimer(draft: Draft, command: { readonly task: TimerTask }): { stale: boolean } {
  const { work } = command.task;
  assert(work !== undefined, 'a timer task must say its work', { taskId: command.task.taskId });
  const isRunning = draft.info.state !== ExecutionState.EXECUTION_STATE_COMPLETED;
  // Executors do these two beside the state; asked here, they change nothing.
  if (work.$case === 'deleteHistory' || work.$case === 'archiveExecution') return { stale: isRunning };
  if (!isRunning) return { stale: true };
  const hasFired = fire(draft, command.task, work);
  return { stale: !hasFired && !draft.isChanged };
}

function fire(draft: Draft, task: TimerTask, work: NonNullable<TimerTask['work']>): boolean {
  // A task is spent once it was handed out: a clock that runs behind that of the task's maker must not lose the timer.
  const dueMs = Math.max(draft.nowMs, task.fireTimeMs);
  switch (work.$case) {
    case 'decisionTimeout':
      return fireDecisionTimeout(draft, work.value, task.version);
    case 'activityTimeouts':
      return fireActivityTimeouts(draft, dueMs);
    case 'userTimers':
      return fireUserTimers(draft, dueMs);
    case 'workflowTimeout':
      return fireWorkflowTimeout(draft, dueMs);
    case 'activityRetry':
      return fireActivityRetry(draft, work.value);
    case 'workflowBackoff':
      return fireWorkflowBackoff(draft);
    case 'deleteHistory':
    case 'archiveExecution':
      return false;
    default:
      return unreachable(work);
  }
}

function fireDecisionTimeout(draft: Draft, due: DecisionTimeout, version: number): boolean {
  const { decision } = draft.info;
  if (decision === undefined || decision.scheduleId !== due.scheduleId) return false;
  if (decision.attempt !== due.attempt || decision.version !== version) return false;
  const isStarted = decision.startedId !== 0;
  if (due.timeoutType === TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE ? !isStarted : isStarted || !decision.sticky) {
    return false;
  }
  timeOutDecision(draft, due.timeoutType);
  scheduleDecision(draft);
  return true;
}

function fireActivityTimeouts(draft: Draft, dueMs: number): boolean {
  let needsDecision = false;
  for (const timer of dueActivityTimers(draft, dueMs)) {
    const activity = draft.activities.get(timer.activity.scheduleId);
    // An earlier timer of the same activity may have closed or retried it.
    if (activity === undefined || activity.attempt !== timer.activity.attempt) continue;
    needsDecision = timeOutActivity(draft, activity, timer) || needsDecision;
  }
  forgetFiredHeartbeatTimers(draft, dueMs);
  draft.needsTimerTasks = true;
  addTimerTasks(draft);
  if (needsDecision) ensureDecision(draft);
  return needsDecision;
}

/** True when the time-out is final and has an event. */
function timeOutActivity(draft: Draft, activity: Readonly<ActivityInfo>, timer: ActivityTimer): boolean {
  const { timeoutType } = timer;
  const details = activity.heartbeatDetails;
  const failure = { reason: timeoutReason(timeoutType), details: new Uint8Array(0) };
  if (retryActivity(draft, activity, failure)) return false;
  const startedEventId = writeStartedEvent(draft, activity);
  addEvent(draft, {
    $case: 'activityTaskTimedOutEventAttributes',
    value: {
      details,
      scheduledEventId: BigInt(activity.scheduleId),
      startedEventId,
      timeoutType,
      lastFailure: activity.lastFailure ?? NO_FAILURE,
    },
  });
  return true;
}

/** A heartbeat timer that came due while the activity beat on is over: the next one is made from the newest beat. */
function forgetFiredHeartbeatTimers(draft: Draft, dueMs: number): void {
  for (const activity of draft.activities.current.values()) {
    const hasTask = (activity.timerTaskStatus & TIMER_BIT.heartbeat) !== 0;
    if (!hasTask || activity.heartbeatTimerFireMs > dueMs) continue;
    draft.activities.set(activity.scheduleId, {
      ...activity,
      timerTaskStatus: activity.timerTaskStatus & ~TIMER_BIT.heartbeat,
    });
    draft.isTouched = true;
  }
}

function fireUserTimers(draft: Draft, dueMs: number): boolean {
  const due = dueUserTimers(draft, dueMs);
  for (const timer of due) {
    addEvent(draft, {
      $case: 'timerFiredEventAttributes',
      value: { timerId: timer.timerId, startedEventId: BigInt(timer.startedId) },
    });
  }
  draft.needsTimerTasks = true;
  addTimerTasks(draft);
  if (due.length > 0) ensureDecision(draft);
  return due.length > 0;
}

function fireWorkflowTimeout(draft: Draft, dueMs: number): boolean {
  if (dueMs < workflowTimeoutMs(draft.info)) return false;
  forceCloseDecision(draft, DecisionTaskFailedCause.DECISION_TASK_FAILED_CAUSE_FORCE_CLOSE_DECISION);
  const timeoutType = TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE;
  const failure = { reason: timeoutReason(timeoutType), details: new Uint8Array(0) };
  if (!continueAfterFailure(draft, failure, 0n)) {
    addEvent(draft, { $case: 'workflowExecutionTimedOutEventAttributes', value: { timeoutType } });
  }
  return true;
}

function fireActivityRetry(draft: Draft, due: { readonly scheduleId: number; readonly attempt: number }): boolean {
  const activity = draft.activities.get(due.scheduleId);
  if (activity === undefined || activity.attempt !== due.attempt || activity.startedId !== 0) return false;
  addActivityDispatch(draft, activity);
  return true;
}

function fireWorkflowBackoff(draft: Draft): boolean {
  if (draft.info.hasProcessedOrPendingDecision) return false;
  scheduleDecision(draft);
  return true;
}
