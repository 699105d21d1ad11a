// The passive side: events that another region decided, applied by the same `evolve`, with the tasks they leave behind; and the state of
// a run from nothing but its events.

import type { Failure, HistoryEvent, Payload } from '@antiphon/proto';
import type { ActivityInfo } from '@antiphon/proto/internal';
import { assert } from '#base';
import { clusterOfVersion } from './clusters.ts';
import type { ApplyEvents, DecideContext } from './commands.ts';
import { addTransientDecision } from './decision-task.ts';
import { Draft, StateDraft } from './draft.ts';
import { addActivityRetryTask, addDecisionDispatch, addTasksOfEvent } from './event-tasks.ts';
import { clearStickiness, evolve } from './evolve.ts';
import { newState, type RunIdentity } from './new-state.ts';
import { addTimerTasks } from './timer-tasks.ts';
import type { RunTransition } from './transition.ts';
import { eventTimeMs } from './wire-time.ts';
import type { WorkflowState } from './workflow-state.ts';

/** One batch of another region, dense after what the state has. The caller has found that it continues the current branch. */
export function applyEvents(
  state: WorkflowState | undefined,
  input: ApplyEvents,
  context: DecideContext,
): RunTransition {
  const { events } = input;
  const first = events[0];
  assert(first !== undefined, 'a replicated batch must have events');
  const draft = new Draft(state ?? newState(input), context, Number(first.version));
  draft.isActive = false;
  assert(draft.storedBuffer.length === 0, 'buffered events must be flushed before events are applied', {
    runId: input.runId,
  });
  for (const event of events) {
    takeEvent(draft, event);
    draft.events.push(event);
    evolve(draft, event);
    leaveSticky(draft);
    addTasksOfEvent(draft, event);
  }
  clearStickiness(draft);
  const hadDecision = draft.info.decision !== undefined;
  addTransientDecision(draft, draft.version, context.nowMs);
  if (!hadDecision) addDecisionDispatch(draft);
  addTimerTasks(draft);
  return draft.finish();
}

function takeEvent(draft: StateDraft, event: HistoryEvent): void {
  const { nextEventId, runId } = draft.info;
  const eventId = Number(event.eventId);
  assert(eventId === nextEventId, 'event ids must be dense', { runId, eventId, nextEventId });
  draft.info.nextEventId = eventId + 1;
}

/** A sticky list is alive in the other region only. */
function leaveSticky(draft: StateDraft): void {
  const { decision, taskList } = draft.info;
  if (decision?.sticky) draft.info.decision = { ...decision, sticky: false, taskList: taskList?.name ?? '' };
}

/** The state after these batches, as its events alone tell it. Its clock is that of the last event. */
export function rebuild(batches: Iterable<readonly HistoryEvent[]>, identity: RunIdentity): WorkflowState {
  const draft = new StateDraft(newState(identity));
  let last: HistoryEvent | undefined;
  for (const batch of batches) {
    const first = batch[0];
    if (first === undefined) continue;
    for (const event of batch) {
      takeEvent(draft, event);
      evolve(draft, event);
      leaveSticky(draft);
      last = event;
    }
    draft.endBatch(Number(first.eventId), last as HistoryEvent);
  }
  assert(last !== undefined, 'a run must have events', { runId: identity.runId });
  draft.info.lastUpdateTimeMs = eventTimeMs(last);
  addTransientDecision(draft, Number(last.version), eventTimeMs(last));
  return draft.state();
}

export interface SyncActivityInput {
  readonly version: number;
  readonly scheduledId: number;
  readonly scheduledTimeMs: number;
  /** 0: not started. */
  readonly startedId: number;
  readonly startedTimeMs: number;
  readonly lastHeartbeatMs: number;
  readonly details?: Payload | undefined;
  readonly attempt: number;
  readonly lastFailure?: Failure | undefined;
  readonly lastWorkerIdentity: string;
}

/** Larger version, then larger attempt, then newer heartbeat. */
function isNewer(input: SyncActivityInput, activity: Readonly<ActivityInfo>): boolean {
  if (input.version !== activity.version) return input.version > activity.version;
  if (input.attempt !== activity.attempt) return input.attempt > activity.attempt;
  if (activity.startedId === 0 && input.startedId !== 0) return true;
  return input.lastHeartbeatMs > activity.lastHeartbeatMs;
}

/** What another region says of an activity between its events (semantics §5.7). Undefined: nothing new. */
export function applySyncActivity(
  state: WorkflowState,
  input: SyncActivityInput,
  context: DecideContext,
): RunTransition | undefined {
  const activity = state.activities.get(input.scheduledId);
  if (activity === undefined || !isNewer(input, activity)) return undefined;
  const draft = new Draft(state, context, input.version);
  draft.isActive = false;
  const { clusters } = context;
  const isSameSource = clusterOfVersion(clusters, input.version) === clusterOfVersion(clusters, activity.version);
  const isSameAttempt = isSameSource && input.attempt === activity.attempt;
  const synced: ActivityInfo = {
    ...activity,
    version: input.version,
    attempt: input.attempt,
    scheduledTimeMs: input.scheduledTimeMs,
    startedId: input.startedId,
    startedTimeMs: input.startedTimeMs,
    lastHeartbeatMs: input.lastHeartbeatMs,
    heartbeatDetails: input.details,
    lastFailure: input.lastFailure,
    lastWorkerIdentity: input.lastWorkerIdentity,
    timerTaskStatus: isSameAttempt ? activity.timerTaskStatus : 0,
    heartbeatTimerFireMs: isSameAttempt ? activity.heartbeatTimerFireMs : 0,
  };
  draft.activities.set(input.scheduledId, synced);
  draft.isTouched = true;
  if (input.attempt > activity.attempt && input.startedId === 0) addActivityRetryTask(draft, synced);
  addTimerTasks(draft);
  return draft.finish();
}
