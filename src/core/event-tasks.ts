// Tasks, derived from events and state: the only place that says which work an event or a pending piece of state leaves behind. The
// active path and passive apply ask event by event; refresh, reset and conflict resolution ask for the whole state.
import type { HistoryEvent } from '@antiphon/proto';
import { TaskListKind, TimeoutType } from '@antiphon/proto';
import { type ActivityInfo, ExecutionState } from '@antiphon/proto/internal';
import type { Draft } from './draft.ts';
import { isCloseCase } from './evolve-close.ts';
import { addTimerTasks, forgetTimerTasks } from './timer-tasks.ts';

const HOUR_MS = 3_600_000;
/** A child whose parent has not asked for its first decision by then has been forgotten by it. */
const PARENT_SILENCE_MS_MAX = 60_000;

/** What a run's start leaves behind: its visibility record, its timeout, its backoff. */
function addStartTasks(draft: Draft): void {
  const { info } = draft;
  draft.transferTask(info.startVersion, { $case: 'recordStarted', value: {} });
  addWorkflowTimeoutTask(draft);
  const backoffMs = firstDecisionBackoffMs(info);
  if (backoffMs > 0 && !info.hasProcessedOrPendingDecision) {
    draft.timerTask(info.startVersion, info.startTimeMs + backoffMs, { $case: 'workflowBackoff', value: {} });
  }
}

/**
 * How long a run waits for its first decision before it schedules that itself; 0: it has one from the start. A child's is asked for by its
 * parent, at once. But the parent's branch may lose a conflict of regions and be forgotten with the wish: then the child goes on alone.
 */
function firstDecisionBackoffMs(info: Draft['info']): number {
  const isChild = info.parent !== undefined && info.firstExecutionRunId === info.runId;
  if (info.firstDecisionBackoffSeconds > 0 || !isChild) return info.firstDecisionBackoffSeconds * 1000;
  return PARENT_SILENCE_MS_MAX;
}

/** When the run times out. The backoff before its first decision does not count; a retried run ends with its expiration. */
export function workflowTimeoutMs(info: Draft['info']): number {
  const fireTimeMs = info.startTimeMs + (info.executionTimeoutSeconds + info.firstDecisionBackoffSeconds) * 1000;
  return info.attempt > 0 && info.expirationTimeMs > 0 ? Math.min(fireTimeMs, info.expirationTimeMs) : fireTimeMs;
}

function addWorkflowTimeoutTask(draft: Draft): void {
  draft.timerTask(draft.info.startVersion, workflowTimeoutMs(draft.info), { $case: 'workflowTimeout', value: {} });
}

/** Sends the scheduled decision to its list; a sticky list has a deadline. */
export function addDecisionDispatch(draft: Draft): void {
  const { decision, taskList, stickyScheduleToStartSeconds, executionTimeoutSeconds } = draft.info;
  if (decision === undefined) return;
  const { scheduleId, attempt, version } = decision;
  const value = {
    scheduleId,
    attempt,
    taskList: decision.sticky
      ? { name: decision.taskList, kind: TaskListKind.TASK_LIST_KIND_STICKY, baseName: taskList?.name ?? '' }
      : { name: decision.taskList, kind: taskList?.kind || TaskListKind.TASK_LIST_KIND_NORMAL, baseName: '' },
    scheduleToStartSeconds: decision.sticky ? stickyScheduleToStartSeconds : executionTimeoutSeconds,
  };
  draft.transferTask(version, { $case: 'decision', value });
  if (!decision.sticky || stickyScheduleToStartSeconds <= 0) return;
  draft.timerTask(version, decision.scheduledTimeMs + stickyScheduleToStartSeconds * 1000, {
    $case: 'decisionTimeout',
    value: { scheduleId, attempt, timeoutType: TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START },
  });
}

export function addDecisionTimeout(draft: Draft): void {
  const { decision } = draft.info;
  if (decision === undefined) return;
  const { scheduleId, attempt } = decision;
  draft.timerTask(decision.version, decision.startedTimeMs + decision.timeoutSeconds * 1000, {
    $case: 'decisionTimeout',
    value: { scheduleId, attempt, timeoutType: TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE },
  });
}

export function addActivityDispatch(draft: Draft, activity: Readonly<ActivityInfo>): void {
  const { scheduleId, taskList, scheduleToStartSeconds, attempt, version } = activity;
  draft.transferTask(version, { $case: 'activity', value: { scheduleId, taskList, scheduleToStartSeconds, attempt } });
}

/** The next attempt waits for its time. */
export function addActivityRetryTask(draft: Draft, activity: Readonly<ActivityInfo>): void {
  const { scheduleId, attempt, version, scheduledTimeMs } = activity;
  draft.timerTask(version, scheduledTimeMs, { $case: 'activityRetry', value: { scheduleId, attempt } });
}

/** What a closed run leaves behind: its visibility record and news to parent and children, its archive, its deletion. */
function addCloseTasks(draft: Draft, version: number): void {
  const { domain } = draft.context;
  const { closeTimeMs } = draft.info;
  draft.transferTask(version, { $case: 'closeExecution', value: {} });
  if (domain.archivesHistory || domain.archivesVisibility) {
    draft.timerTask(version, closeTimeMs + domain.archivalDelayMs, { $case: 'archiveExecution', value: {} });
  }
  // Runs that closed together are not deleted together.
  const jitterMs = Math.floor(draft.context.random() * Math.min(HOUR_MS, domain.retentionMs / 24));
  draft.timerTask(version, closeTimeMs + domain.retentionMs + jitterMs, { $case: 'deleteHistory', value: {} });
}

/** A completion that made a new auto-reset point changed a search attribute. */
function addedResetPoint(draft: Draft, event: HistoryEvent): boolean {
  const last = draft.info.autoResetPoints?.points.at(-1);
  return last !== undefined && last.runId === draft.info.runId && last.firstDecisionCompletedId === event.eventId;
}

/** Tasks of one event that has just changed the state. */
export function addTasksOfEvent(draft: Draft, event: HistoryEvent): void {
  const eventCase = event.attributes?.$case;
  const version = Number(event.version);
  const initiated = () => ({ initiatedId: Number(event.eventId) });
  switch (eventCase) {
    case undefined:
      return;
    case 'workflowExecutionStartedEventAttributes':
      addStartTasks(draft);
      return;
    case 'decisionTaskScheduledEventAttributes':
      addDecisionDispatch(draft);
      return;
    case 'decisionTaskStartedEventAttributes':
      addDecisionTimeout(draft);
      return;
    case 'decisionTaskCompletedEventAttributes':
      if (addedResetPoint(draft, event)) draft.transferTask(version, { $case: 'upsertVisibility', value: {} });
      return;
    case 'activityTaskScheduledEventAttributes': {
      const activity = draft.activities.get(Number(event.eventId));
      if (activity !== undefined) addActivityDispatch(draft, activity);
      return;
    }
    case 'startChildWorkflowExecutionInitiatedEventAttributes':
      draft.transferTask(version, { $case: 'startChild', value: initiated() });
      return;
    case 'requestCancelExternalWorkflowExecutionInitiatedEventAttributes':
      draft.transferTask(version, { $case: 'cancelExternal', value: initiated() });
      return;
    case 'signalExternalWorkflowExecutionInitiatedEventAttributes':
      draft.transferTask(version, { $case: 'signalExternal', value: initiated() });
      return;
    case 'upsertWorkflowSearchAttributesEventAttributes':
      draft.transferTask(version, { $case: 'upsertVisibility', value: {} });
      return;
    default:
      if (isCloseCase(eventCase)) addCloseTasks(draft, version);
  }
}

/** Every task of the state as it is: what a restored, reset or failed-over run needs to go on. */
export function addAllTasks(draft: Draft): void {
  const { info } = draft;
  if (info.state === ExecutionState.EXECUTION_STATE_COMPLETED) {
    addCloseTasks(draft, draft.lastWriteVersion ?? draft.version);
    return;
  }
  addStartTasks(draft);
  if (info.searchAttributes !== undefined) {
    draft.transferTask(draft.lastWriteVersion ?? draft.version, { $case: 'upsertVisibility', value: {} });
  }
  if (info.decision !== undefined) {
    if (info.decision.startedId === 0) addDecisionDispatch(draft);
    else addDecisionTimeout(draft);
  }
  for (const activity of draft.activities.current.values()) {
    if (activity.startedId !== 0) continue;
    if (activity.scheduledTimeMs > draft.nowMs) addActivityRetryTask(draft, activity);
    else addActivityDispatch(draft, activity);
  }
  for (const { version, initiatedId } of draft.children.current.values()) {
    draft.transferTask(version, { $case: 'startChild', value: { initiatedId } });
  }
  for (const { version, initiatedId } of draft.requestCancels.current.values()) {
    draft.transferTask(version, { $case: 'cancelExternal', value: { initiatedId } });
  }
  for (const { version, initiatedId } of draft.signals.current.values()) {
    draft.transferTask(version, { $case: 'signalExternal', value: { initiatedId } });
  }
  forgetTimerTasks(draft);
  addTimerTasks(draft);
}
