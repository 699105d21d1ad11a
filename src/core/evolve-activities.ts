// Events of activities. An activity is in the state from its Scheduled event to the event that closes it.
import type { StateDraft } from './draft.ts';
import type { Evolvers } from './evolve.ts';
import { priorityOfActivity } from './task-priority.ts';
import { eventTimeMs, secondsOf } from './wire-time.ts';

type ActivityCase =
  | 'activityTaskScheduledEventAttributes'
  | 'activityTaskStartedEventAttributes'
  | 'activityTaskCompletedEventAttributes'
  | 'activityTaskFailedEventAttributes'
  | 'activityTaskTimedOutEventAttributes'
  | 'activityTaskCanceledEventAttributes'
  | 'activityTaskCancelRequestedEventAttributes'
  | 'requestCancelActivityTaskFailedEventAttributes';

const closeActivity = (draft: StateDraft, attributes: { readonly scheduledEventId: bigint }): void =>
  draft.activities.delete(Number(attributes.scheduledEventId));

export const ACTIVITY_EVOLVERS: Evolvers<ActivityCase> = {
  activityTaskScheduledEventAttributes(draft, scheduled, event) {
    const scheduleId = Number(event.eventId);
    const scheduledTimeMs = eventTimeMs(event);
    const expiration = secondsOf(scheduled.retryPolicy?.expirationInterval);
    draft.activities.set(scheduleId, {
      version: Number(event.version),
      scheduleId,
      scheduledEventBatchId: draft.batchFirstId,
      scheduledTimeMs,
      startedId: 0,
      startedTimeMs: 0,
      activityId: scheduled.activityId,
      activityType: scheduled.activityType?.name ?? '',
      requestId: '',
      scheduleToStartSeconds: secondsOf(scheduled.scheduleToStartTimeout),
      scheduleToCloseSeconds: secondsOf(scheduled.scheduleToCloseTimeout),
      startToCloseSeconds: secondsOf(scheduled.startToCloseTimeout),
      heartbeatSeconds: secondsOf(scheduled.heartbeatTimeout),
      cancelRequested: false,
      cancelRequestId: 0,
      lastHeartbeatMs: 0,
      heartbeatDetails: undefined,
      timerTaskStatus: 0,
      attempt: 0,
      taskList: scheduled.taskList,
      startedIdentity: '',
      retryPolicy: scheduled.retryPolicy,
      expirationTimeMs: expiration > 0 ? scheduledTimeMs + expiration * 1000 : 0,
      lastFailure: undefined,
      lastWorkerIdentity: '',
      heartbeatTimerFireMs: 0,
      priority: priorityOfActivity(scheduled.header, draft.info.partitionConfig),
    });
  },
  activityTaskStartedEventAttributes(draft, started, event) {
    const scheduleId = Number(started.scheduledEventId);
    const activity = draft.activities.get(scheduleId);
    if (activity === undefined) return;
    draft.activities.set(scheduleId, {
      ...activity,
      version: Number(event.version),
      startedId: Number(event.eventId),
      startedTimeMs: eventTimeMs(event),
      requestId: started.requestId,
      startedIdentity: started.identity,
      attempt: started.attempt,
      lastFailure: started.lastFailure?.reason ? started.lastFailure : undefined,
    });
  },
  activityTaskCompletedEventAttributes: closeActivity,
  activityTaskFailedEventAttributes: closeActivity,
  activityTaskTimedOutEventAttributes: closeActivity,
  activityTaskCanceledEventAttributes: closeActivity,
  activityTaskCancelRequestedEventAttributes(draft, requested, event) {
    const activity = draft.findActivityById(requested.activityId);
    if (activity === undefined || activity.cancelRequested) return;
    draft.activities.set(activity.scheduleId, {
      ...activity,
      version: Number(event.version),
      cancelRequested: true,
      cancelRequestId: Number(event.eventId),
    });
  },
  requestCancelActivityTaskFailedEventAttributes() {},
};
