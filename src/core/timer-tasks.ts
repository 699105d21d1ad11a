// Timer tasks of activities and user timers. Only the earliest timer of each kind has a task; whoever changes activities or timers ends
// with `addTimerTasks`, which keeps that true. A task that comes due looks at all timers, so one that finds nothing to do is harmless.

import { TimeoutType } from '@antiphon/proto';
import type { ActivityInfo, TimerInfo } from '@antiphon/proto/internal';
import type { Draft } from './draft.ts';

/** Bits of ActivityInfo.timerTaskStatus. */
export const TIMER_BIT = { startToClose: 1, scheduleToStart: 2, scheduleToClose: 4, heartbeat: 8 } as const;

export interface ActivityTimer {
  readonly activity: Readonly<ActivityInfo>;
  readonly timeoutType: TimeoutType;
  readonly bit: number;
  readonly fireTimeMs: number;
}

/** Calls `visit` with each timer that runs for the activity. */
function visitActivityTimers(
  activity: Readonly<ActivityInfo>,
  visit: (timeoutType: TimeoutType, bit: number, fireTimeMs: number) => void,
): void {
  const { scheduledTimeMs, startedTimeMs } = activity;
  if (activity.scheduleToCloseSeconds > 0) {
    const fireTimeMs = scheduledTimeMs + activity.scheduleToCloseSeconds * 1000;
    visit(TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE, TIMER_BIT.scheduleToClose, fireTimeMs);
  }
  if (activity.startedId === 0) {
    if (activity.scheduleToStartSeconds > 0) {
      const fireTimeMs = scheduledTimeMs + activity.scheduleToStartSeconds * 1000;
      visit(TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START, TIMER_BIT.scheduleToStart, fireTimeMs);
    }
    return;
  }
  if (activity.startToCloseSeconds > 0) {
    const fireTimeMs = startedTimeMs + activity.startToCloseSeconds * 1000;
    visit(TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE, TIMER_BIT.startToClose, fireTimeMs);
  }
  if (activity.heartbeatSeconds > 0) {
    const fireTimeMs = Math.max(startedTimeMs, activity.lastHeartbeatMs) + activity.heartbeatSeconds * 1000;
    visit(TimeoutType.TIMEOUT_TYPE_HEARTBEAT, TIMER_BIT.heartbeat, fireTimeMs);
  }
}

/** Activity timers that are due, ordered by time, then event id, then type. An activity may have several. */
export function dueActivityTimers(draft: Draft, dueMs: number): readonly ActivityTimer[] {
  const due: ActivityTimer[] = [];
  for (const activity of draft.activities.current.values()) {
    visitActivityTimers(activity, (timeoutType, bit, fireTimeMs) => {
      if (fireTimeMs <= dueMs) due.push({ activity, timeoutType, bit, fireTimeMs });
    });
  }
  return due.sort(
    (a, b) =>
      a.fireTimeMs - b.fireTimeMs || a.activity.scheduleId - b.activity.scheduleId || a.timeoutType - b.timeoutType,
  );
}

/** User timers that are due, ordered by time, then event id. */
export function dueUserTimers(draft: Draft, dueMs: number): readonly Readonly<TimerInfo>[] {
  const due: Readonly<TimerInfo>[] = [];
  for (const timer of draft.timers.current.values()) if (timer.expiryTimeMs <= dueMs) due.push(timer);
  return due.sort((a, b) => a.expiryTimeMs - b.expiryTimeMs || a.startedId - b.startedId);
}

/** Makes tasks for the earliest activity timer and the earliest user timer, where they have none. */
export function addTimerTasks(draft: Draft): void {
  if (draft.activities.isWritten || draft.needsTimerTasks) addActivityTimerTask(draft);
  if (draft.timers.isWritten || draft.needsTimerTasks) addUserTimerTask(draft);
}

function addActivityTimerTask(draft: Draft): void {
  let activity: Readonly<ActivityInfo> | undefined;
  let earliestMs = Number.POSITIVE_INFINITY;
  let earliestBit = 0;
  let candidate: Readonly<ActivityInfo>;
  const consider = (_: TimeoutType, bit: number, fireTimeMs: number): void => {
    if (fireTimeMs >= earliestMs) return;
    activity = candidate;
    earliestMs = fireTimeMs;
    earliestBit = bit;
  };
  for (candidate of draft.activities.current.values()) visitActivityTimers(candidate, consider);
  if (activity === undefined || (activity.timerTaskStatus & earliestBit) !== 0) return;
  draft.activities.set(activity.scheduleId, {
    ...activity,
    timerTaskStatus: activity.timerTaskStatus | earliestBit,
    heartbeatTimerFireMs: earliestBit === TIMER_BIT.heartbeat ? earliestMs : activity.heartbeatTimerFireMs,
  });
  draft.timerTask(activity.version, earliestMs, { $case: 'activityTimeouts', value: {} });
}

function addUserTimerTask(draft: Draft): void {
  let earliest: Readonly<TimerInfo> | undefined;
  for (const timer of draft.timers.current.values()) {
    if (
      earliest === undefined ||
      timer.expiryTimeMs < earliest.expiryTimeMs ||
      (timer.expiryTimeMs === earliest.expiryTimeMs && timer.startedId < earliest.startedId)
    ) {
      earliest = timer;
    }
  }
  if (earliest === undefined || earliest.taskCreated) return;
  draft.timers.set(earliest.timerId, { ...earliest, taskCreated: true });
  draft.timerTask(earliest.version, earliest.expiryTimeMs, { $case: 'userTimers', value: {} });
}

/** Forgets which timers have tasks, so that `addTimerTasks` makes them again. */
export function forgetTimerTasks(draft: Draft): void {
  for (const activity of draft.activities.current.values()) {
    if (activity.timerTaskStatus !== 0) {
      draft.activities.set(activity.scheduleId, { ...activity, timerTaskStatus: 0, heartbeatTimerFireMs: 0 });
    }
  }
  for (const timer of draft.timers.current.values()) {
    if (timer.taskCreated) draft.timers.set(timer.timerId, { ...timer, taskCreated: false });
  }
  draft.needsTimerTasks = true;
}
