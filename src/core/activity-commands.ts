// Commands on activities: started by a worker, answered, heartbeating (semantics §2.7). An activity with a retry policy gets its Started
// event only when it closes, dated back to when it started.

import type { Failure } from '@antiphon/proto';
import { type ActivityInfo, ExecutionState } from '@antiphon/proto/internal';
import { alreadyCompleted, badRequest, EntityNotExistsError, eventAlreadyStarted, internalService } from '#base';
import { NO_FAILURE, retryActivity } from './activity-retry.ts';
import { addEvent } from './add-event.ts';
import type { ActivityTarget, CommandInputs, StartedActivity } from './commands.ts';
import { ensureDecision } from './decision-task.ts';
import type { Draft } from './draft.ts';
import { EMPTY_EVENT_ID, TRANSIENT_EVENT_ID } from './event-ids.ts';

const activityNotFound = () => new EntityNotExistsError('activity task not found');

export function requireRunning(draft: Draft): void {
  if (draft.info.state === ExecutionState.EXECUTION_STATE_COMPLETED) throw alreadyCompleted();
}

/** The activity that a worker answers for; it must be started, and of that attempt when the token says one. */
function requireStarted(draft: Draft, target: ActivityTarget): Readonly<ActivityInfo> {
  requireRunning(draft);
  const activity =
    target.scheduleId === undefined
      ? draft.findActivityById(target.activityId)
      : draft.activities.get(target.scheduleId);
  if (activity === undefined && target.scheduleId === undefined) throw badRequest('Cannot locate Activity ScheduleID');
  if (activity === undefined || activity.startedId === 0) throw activityNotFound();
  if (target.scheduleId !== undefined && activity.attempt !== target.attempt) throw activityNotFound();
  return activity;
}

/** Marks it started: by an event, or in the state alone when it may be retried. */
export function startActivity(
  draft: Draft,
  activity: Readonly<ActivityInfo>,
  requestId: string,
  identity: string,
): StartedActivity {
  const { scheduleId } = activity;
  if (activity.retryPolicy === undefined) {
    addEvent(draft, startedEvent({ ...activity, requestId, startedIdentity: identity }));
  } else {
    draft.activities.set(scheduleId, {
      ...activity,
      version: draft.version,
      startedId: TRANSIENT_EVENT_ID,
      startedTimeMs: draft.nowMs,
      requestId,
      startedIdentity: identity,
    });
    draft.isTouched = true;
    const started = draft.activities.get(scheduleId);
    if (started !== undefined) draft.syncActivityTask(started);
  }
  return { activity: draft.activities.get(scheduleId) ?? activity, startedTimeMs: draft.nowMs };
}

function startedEvent(activity: Readonly<ActivityInfo>) {
  return {
    $case: 'activityTaskStartedEventAttributes' as const,
    value: {
      scheduledEventId: BigInt(activity.scheduleId),
      identity: activity.startedIdentity,
      requestId: activity.requestId,
      attempt: activity.attempt,
      lastFailure: activity.lastFailure ?? NO_FAILURE,
    },
  };
}

/** Writes the Started event that was held back, and returns the started id for the closing event. */
export function writeStartedEvent(draft: Draft, activity: Readonly<ActivityInfo>): bigint {
  if (activity.startedId === 0) return BigInt(EMPTY_EVENT_ID);
  if (activity.startedId !== TRANSIENT_EVENT_ID) return BigInt(activity.startedId);
  return addEvent(draft, startedEvent(activity), { timeMs: activity.startedTimeMs }).eventId;
}

export function recordActivityTaskStarted(
  draft: Draft,
  command: CommandInputs['recordActivityTaskStarted'],
): StartedActivity {
  requireRunning(draft);
  const activity = draft.activities.get(command.scheduleId);
  if (activity === undefined || activity.attempt !== command.attempt) throw activityNotFound();
  if (activity.startedId !== 0) {
    if (activity.requestId !== command.requestId) throw eventAlreadyStarted('Activity task already started.');
    return { activity, startedTimeMs: activity.startedTimeMs };
  }
  return startActivity(draft, activity, command.requestId, command.identity);
}

export function respondActivityTaskCompleted(
  draft: Draft,
  command: CommandInputs['respondActivityTaskCompleted'],
): undefined {
  const activity = requireStarted(draft, command);
  const startedEventId = writeStartedEvent(draft, activity);
  const scheduledEventId = BigInt(activity.scheduleId);
  const { result, identity } = command;
  addEvent(draft, {
    $case: 'activityTaskCompletedEventAttributes',
    value: { result, scheduledEventId, startedEventId, identity },
  });
  ensureDecision(draft);
}

export function respondActivityTaskFailed(
  draft: Draft,
  command: CommandInputs['respondActivityTaskFailed'],
): undefined {
  const activity = requireStarted(draft, command);
  if (retryActivity(draft, activity, command.failure)) return;
  addActivityFailed(draft, activity, command.failure, command.identity);
  ensureDecision(draft);
}

export function addActivityFailed(
  draft: Draft,
  activity: Readonly<ActivityInfo>,
  failure: Failure,
  identity: string,
): void {
  const startedEventId = writeStartedEvent(draft, activity);
  const scheduledEventId = BigInt(activity.scheduleId);
  addEvent(draft, {
    $case: 'activityTaskFailedEventAttributes',
    value: { failure, scheduledEventId, startedEventId, identity },
  });
}

export function respondActivityTaskCanceled(
  draft: Draft,
  command: CommandInputs['respondActivityTaskCanceled'],
): undefined {
  const activity = requireStarted(draft, command);
  if (!activity.cancelRequested) throw internalService('Activity cancel was not requested.');
  const startedEventId = writeStartedEvent(draft, activity);
  addEvent(draft, {
    $case: 'activityTaskCanceledEventAttributes',
    value: {
      details: command.details,
      latestCancelRequestedEventId: BigInt(activity.cancelRequestId),
      scheduledEventId: BigInt(activity.scheduleId),
      startedEventId,
      identity: command.identity,
    },
  });
  ensureDecision(draft);
}

export function recordActivityTaskHeartbeat(
  draft: Draft,
  command: CommandInputs['recordActivityTaskHeartbeat'],
): { cancelRequested: boolean } {
  const activity = requireStarted(draft, command);
  const beating = {
    ...activity,
    version: draft.version,
    // Later than the beat before even where the clock went back (another host's): the task of its timer is never too late then, and the
    // other regions order beats by it.
    lastHeartbeatMs: Math.max(draft.nowMs, activity.lastHeartbeatMs + 1),
    heartbeatDetails: command.details,
  };
  draft.activities.set(activity.scheduleId, beating);
  draft.isTouched = true;
  draft.syncActivityTask(beating);
  return { cancelRequested: activity.cancelRequested };
}
