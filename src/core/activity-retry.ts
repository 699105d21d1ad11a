// Retrying an activity: no event tells of it, the next attempt is state (semantics §2.7).
import type { Failure } from '@antiphon/proto';
import type { ActivityInfo } from '@antiphon/proto/internal';
import type { Draft } from './draft.ts';
import { addActivityRetryTask } from './event-tasks.ts';
import { nextRetryDelayMs } from './retry-policy.ts';

/** What events have where no attempt has failed. */
export const NO_FAILURE: Failure = { reason: '', details: new Uint8Array(0) };

/** Readies the next attempt; false when there is none and the failure is final. Heartbeat details go on to the next attempt. */
export function retryActivity(draft: Draft, activity: Readonly<ActivityInfo>, failure: Failure): boolean {
  if (activity.cancelRequested) return false;
  const delayMs = nextRetryDelayMs({
    policy: activity.retryPolicy,
    attempt: activity.attempt,
    expirationTimeMs: activity.expirationTimeMs,
    nowMs: draft.nowMs,
    reason: failure.reason,
  });
  if (delayMs === undefined) return false;
  const next: ActivityInfo = {
    ...activity,
    version: draft.version,
    attempt: activity.attempt + 1,
    scheduledTimeMs: draft.nowMs + delayMs,
    startedId: 0,
    startedTimeMs: 0,
    requestId: '',
    startedIdentity: '',
    timerTaskStatus: 0,
    heartbeatTimerFireMs: 0,
    lastFailure: failure,
    lastWorkerIdentity: activity.startedIdentity,
  };
  draft.activities.set(next.scheduleId, next);
  addActivityRetryTask(draft, next);
  draft.syncActivityTask(next);
  return true;
}
