// Adds events to a draft. While a decision is in flight, events of the outside world wait in a buffer with id -123 (their effect on the
// state is immediate); when it closes they get their ids, closes of activities and children last (semantics §2.3).

import type { HistoryEvent } from '@antiphon/proto';
import { assert } from '#base';
import type { Draft } from './draft.ts';
import { BUFFERED_EVENT_ID, EMPTY_EVENT_TASK_ID, type EventAttributes, type EventCase } from './event-ids.ts';
import { addTasksOfEvent } from './event-tasks.ts';
import { evolve } from './evolve.ts';
import { timestampOf } from './wire-time.ts';

/** Closes of activities and children: they go behind the other buffered events. */
const LATE_CASES: ReadonlySet<EventCase> = new Set<EventCase>([
  'activityTaskCompletedEventAttributes',
  'activityTaskFailedEventAttributes',
  'activityTaskTimedOutEventAttributes',
  'activityTaskCanceledEventAttributes',
  'childWorkflowExecutionCompletedEventAttributes',
  'childWorkflowExecutionFailedEventAttributes',
  'childWorkflowExecutionCanceledEventAttributes',
  'childWorkflowExecutionTimedOutEventAttributes',
  'childWorkflowExecutionTerminatedEventAttributes',
]);

const BUFFERABLE_CASES: ReadonlySet<EventCase> = new Set<EventCase>([
  ...LATE_CASES,
  'activityTaskStartedEventAttributes',
  'requestCancelActivityTaskFailedEventAttributes',
  'timerFiredEventAttributes',
  'workflowExecutionSignaledEventAttributes',
  'workflowExecutionCancelRequestedEventAttributes',
  'requestCancelExternalWorkflowExecutionFailedEventAttributes',
  'externalWorkflowExecutionCancelRequestedEventAttributes',
  'startChildWorkflowExecutionFailedEventAttributes',
  'childWorkflowExecutionStartedEventAttributes',
  'signalExternalWorkflowExecutionFailedEventAttributes',
  'externalWorkflowExecutionSignaledEventAttributes',
]);

const DECISION_CLOSE_CASES: ReadonlySet<EventCase> = new Set<EventCase>([
  'decisionTaskCompletedEventAttributes',
  'decisionTaskFailedEventAttributes',
  'decisionTaskTimedOutEventAttributes',
]);

export const hasDecisionInFlight = (draft: Draft): boolean =>
  draft.info.decision !== undefined && draft.info.decision.startedId !== 0;

export interface AddEventOptions {
  /** When it happened, if not now. */
  readonly timeMs?: number;
  /** False: the caller makes its tasks, or it needs none. */
  readonly makesTasks?: boolean;
}

/** Appends an event to the history, or to the buffer, and applies it. */
export function addEvent(draft: Draft, attributes: EventAttributes, options?: AddEventOptions): HistoryEvent {
  const eventTime = timestampOf(options?.timeMs ?? draft.nowMs);
  const version = BigInt(draft.version);
  const isInFlight = hasDecisionInFlight(draft);
  if (isInFlight || draft.isApplyingDecisions) {
    if (BUFFERABLE_CASES.has(attributes.$case)) {
      const taskId = BigInt(EMPTY_EVENT_TASK_ID);
      const event = { eventId: BigInt(BUFFERED_EVENT_ID), eventTime, version, taskId, attributes };
      draft.newBuffer.push(event);
      evolve(draft, event);
      return event;
    }
    const isAllowed = !isInFlight || DECISION_CLOSE_CASES.has(attributes.$case);
    assert(isAllowed, 'this event must not be written while a decision is in flight', { case: attributes.$case });
  }
  const eventId = draft.info.nextEventId++;
  const taskId = BigInt(draft.context.nextTaskId());
  const event = { eventId: BigInt(eventId), eventTime, version, taskId, attributes };
  if (draft.events.length === 0) draft.batchFirstId = eventId;
  draft.events.push(event);
  evolve(draft, event);
  if (options?.makesTasks !== false) addTasksOfEvent(draft, event);
  return event;
}

/** Gives the waiting events their places in the history. Call it when no decision is in flight. */
export function flushBufferedEvents(draft: Draft): void {
  if (!draft.hasBufferedEvents) return;
  assert(!hasDecisionInFlight(draft), 'buffered events must wait for the decision in flight');
  const order = [
    ...draft.storedBuffer.filter((event) => !isLate(event)),
    ...draft.storedBuffer.filter(isLate),
    ...draft.newBuffer,
  ];
  draft.storedBuffer = [];
  draft.newBuffer = [];
  const startedIds = new Map<bigint, bigint>();
  const seen = new Set<string>();
  for (const event of order) {
    const key = duplicateKey(event);
    if (key !== undefined) {
      if (seen.has(key)) continue;
      seen.add(key);
    }
    const eventId = BigInt(draft.info.nextEventId++);
    const attributes = patchStartedId(event.attributes as EventAttributes, startedIds);
    noteStarted(draft, attributes, eventId, startedIds);
    if (draft.events.length === 0) draft.batchFirstId = Number(eventId);
    const { eventTime } = event;
    const taskId = BigInt(draft.context.nextTaskId());
    draft.events.push({ eventId, eventTime, version: BigInt(draft.version), taskId, attributes });
  }
}

const isLate = (event: HistoryEvent): boolean =>
  event.attributes !== undefined && LATE_CASES.has(event.attributes.$case);

/** What two deliveries of one activity event have in common. */
function duplicateKey(event: HistoryEvent): string | undefined {
  const { attributes } = event;
  if (attributes?.$case === 'activityTaskStartedEventAttributes') {
    return `${attributes.$case}:${attributes.value.scheduledEventId}:${attributes.value.attempt}`;
  }
  if (attributes === undefined || !LATE_CASES.has(attributes.$case)) return undefined;
  if ('scheduledEventId' in attributes.value) return `${attributes.$case}:${attributes.value.scheduledEventId}`;
  if ('initiatedEventId' in attributes.value) return `${attributes.$case}:${attributes.value.initiatedEventId}`;
  return undefined;
}

/** A Started event has its id now: the state and the closes that follow must name it. */
function noteStarted(
  draft: Draft,
  attributes: EventAttributes,
  eventId: bigint,
  startedIds: Map<bigint, bigint>,
): void {
  if (attributes.$case === 'activityTaskStartedEventAttributes') {
    const { scheduledEventId } = attributes.value;
    startedIds.set(scheduledEventId, eventId);
    const activity = draft.activities.get(Number(scheduledEventId));
    if (activity?.startedId === BUFFERED_EVENT_ID) {
      draft.activities.set(activity.scheduleId, { ...activity, startedId: Number(eventId) });
    }
  } else if (attributes.$case === 'childWorkflowExecutionStartedEventAttributes') {
    const { initiatedEventId } = attributes.value;
    startedIds.set(initiatedEventId, eventId);
    const child = draft.children.get(Number(initiatedEventId));
    if (child?.startedId === BUFFERED_EVENT_ID) {
      draft.children.set(child.initiatedId, { ...child, startedId: Number(eventId) });
    }
  }
}

function patchStartedId(attributes: EventAttributes, startedIds: ReadonlyMap<bigint, bigint>): EventAttributes {
  if (!LATE_CASES.has(attributes.$case)) return attributes;
  const value = attributes.value as {
    readonly startedEventId: bigint;
    readonly scheduledEventId?: bigint;
    readonly initiatedEventId?: bigint;
  };
  if (value.startedEventId !== BigInt(BUFFERED_EVENT_ID)) return attributes;
  const opener = value.scheduledEventId ?? value.initiatedEventId;
  const startedEventId = opener === undefined ? undefined : startedIds.get(opener);
  assert(startedEventId !== undefined, 'a buffered close must follow its buffered start', { case: attributes.$case });
  // The spread keeps every other field of the same case.
  return { $case: attributes.$case, value: { ...value, startedEventId } } as unknown as EventAttributes;
}
