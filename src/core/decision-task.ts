// The life of a decision task: scheduled, started, completed, failed, timed out (semantics §2.5). The first attempt writes events; later
// ones are transient, kept in the state only and written when one of them completes, so that a worker that keeps failing does not grow
// the history. Ids of a transient decision are the next ones of the history, reserved but not taken.

import {
  type DecisionTaskCompletedEventAttributes,
  DecisionTaskFailedCause,
  DecisionTaskTimedOutCause,
  type HistoryEvent,
  type Payload,
  TaskListKind,
  type TimeoutType,
} from '@antiphon/proto';
import { type DecisionInfo, ExecutionState } from '@antiphon/proto/internal';
import { required } from '#base';
import { addEvent, flushBufferedEvents, hasDecisionInFlight } from './add-event.ts';
import { EMPTY_VERSION } from './clusters.ts';
import type { StartedDecision } from './commands.ts';
import type { Draft, StateDraft } from './draft.ts';
import { EMPTY_EVENT_TASK_ID, type EventAttributes } from './event-ids.ts';
import { addDecisionDispatch, addDecisionTimeout } from './event-tasks.ts';
import { dropDecision } from './evolve.ts';
import { durationOf, timestampOf } from './wire-time.ts';

/** Who acts when the server does. */
export const SERVICE_IDENTITY = 'history-service';

/** True when its events are in the history, whatever its attempt is. */
const isWritten = (draft: StateDraft, decision: DecisionInfo): boolean =>
  decision.attempt === 0 || (decision.startedId > 0 && decision.startedId < draft.info.nextEventId);

const isTransient = (draft: StateDraft, decision: DecisionInfo): boolean => !isWritten(draft, decision);

function isStickyValid(draft: Draft): boolean {
  const { stickyTaskList, stickyUpdatedMs } = draft.info;
  return stickyTaskList !== '' && draft.nowMs - stickyUpdatedMs <= draft.context.limits.stickyTtlMs;
}

function scheduledAttributes(decision: DecisionInfo): EventAttributes {
  // Only a sticky list's kind is told, as Cadence does.
  const kind = decision.sticky ? TaskListKind.TASK_LIST_KIND_STICKY : TaskListKind.TASK_LIST_KIND_INVALID;
  return {
    $case: 'decisionTaskScheduledEventAttributes',
    value: {
      taskList: { name: decision.taskList, kind, baseName: '' },
      startToCloseTimeout: durationOf(decision.timeoutSeconds),
      attempt: decision.attempt,
    },
  };
}

function startedAttributes(decision: DecisionInfo): EventAttributes {
  return {
    $case: 'decisionTaskStartedEventAttributes',
    value: {
      scheduledEventId: BigInt(decision.scheduleId),
      identity: decision.identity,
      requestId: decision.requestId,
    },
  };
}

export interface ScheduleOptions {
  /** The caller starts it at once: no dispatch. */
  readonly isStartedAtOnce?: boolean;
  /** A heartbeat keeps the time its first decision was scheduled at. */
  readonly originalScheduledTimeMs?: number;
}

/** Schedules a decision. None may be pending. */
export function scheduleDecision(draft: Draft, options: ScheduleOptions = {}): void {
  const { info } = draft;
  const hadBuffer = draft.hasBufferedEvents;
  flushBufferedEvents(draft);
  // Events that came in between, or a failover, make a new situation: it gets a decision of its own, with events.
  if (hadBuffer || (draft.lastWriteVersion !== undefined && draft.lastWriteVersion !== draft.version)) {
    info.decisionAttempt = 0;
  }
  const sticky = isStickyValid(draft);
  const decision: DecisionInfo = {
    version: draft.version,
    scheduleId: info.nextEventId,
    startedId: 0,
    requestId: '',
    attempt: info.decisionAttempt,
    timeoutSeconds: info.taskTimeoutSeconds,
    scheduledTimeMs: draft.nowMs,
    startedTimeMs: 0,
    originalScheduledTimeMs: options.originalScheduledTimeMs ?? draft.nowMs,
    taskList: sticky ? info.stickyTaskList : (info.taskList?.name ?? ''),
    sticky,
    identity: '',
  };
  if (decision.attempt === 0) addEvent(draft, scheduledAttributes(decision), { makesTasks: false });
  setDecision(draft, decision);
  if (options.isStartedAtOnce !== true) addDecisionDispatch(draft);
}

/** Puts a decision into the state that no event puts there. */
function setDecision(draft: StateDraft, decision: DecisionInfo): void {
  draft.info.decision = decision;
  draft.info.hasProcessedOrPendingDecision = true;
  draft.info.state = ExecutionState.EXECUTION_STATE_RUNNING;
}

/** Schedules a decision unless one is pending already. */
export function ensureDecision(draft: Draft): void {
  if (draft.info.decision === undefined) scheduleDecision(draft);
}

/** As `ensureDecision`, but not before the run's first decision is due (semantics §2.11). */
export function ensureDecisionIfBegun(draft: Draft): void {
  if (draft.info.hasProcessedOrPendingDecision) ensureDecision(draft);
}

/** Time a worker gets for an attempt: repeated failures get longer, up to five minutes. */
function startToCloseSeconds(draft: Draft, attempt: number): number {
  if (attempt < 2) return draft.info.taskTimeoutSeconds;
  const seconds = Math.min(60 * 2 ** (attempt - 2), 300);
  return Math.max(1, Math.floor(seconds * (1 - 0.2 * draft.context.random())));
}

/** Hands the scheduled decision to a worker. */
export function startDecision(draft: Draft, requestId: string, identity: string): void {
  const { info } = draft;
  let decision = required(info.decision, 'only a scheduled decision can start');
  const isStale = decision.scheduleId !== info.nextEventId || decision.version !== draft.version;
  if (decision.attempt > 0 && isStale) {
    const fresh = { ...decision, attempt: 0, timeoutSeconds: info.taskTimeoutSeconds };
    addEvent(draft, scheduledAttributes(fresh), { makesTasks: false });
    decision = required(info.decision, 'the Scheduled event must make a decision');
  }
  const started = { ...decision, requestId, identity, startedTimeMs: draft.nowMs };
  const timeoutSeconds = startToCloseSeconds(draft, decision.attempt);
  if (decision.attempt === 0) {
    addEvent(draft, startedAttributes(started), { makesTasks: false });
    info.decision = { ...required(info.decision, 'the decision stays'), timeoutSeconds };
  } else {
    info.decision = { ...started, startedId: decision.scheduleId + 1, timeoutSeconds };
    draft.isTouched = true;
  }
  addDecisionTimeout(draft);
}

/** The reply to whoever starts a decision, or asks again. */
export function describeStartedDecision(draft: Draft): StartedDecision {
  const { info } = draft;
  const decision = required(info.decision, 'a decision must be started');
  const transient = isTransient(draft, decision);
  return {
    decision,
    previousStartedEventId: info.lastProcessedEventId === 0 ? undefined : info.lastProcessedEventId,
    transientEvents: transient ? transientEvents(decision) : [],
    nextEventId: transient ? decision.scheduleId : decision.startedId + 1,
    stickyExecutionEnabled: decision.sticky && info.stickyTaskList !== '',
  };
}

/** The two events of a transient decision, as a worker must see them. */
export function transientEvents(decision: DecisionInfo): HistoryEvent[] {
  const version = BigInt(decision.version);
  const taskId = BigInt(EMPTY_EVENT_TASK_ID);
  return [
    {
      eventId: BigInt(decision.scheduleId),
      eventTime: timestampOf(decision.scheduledTimeMs),
      version,
      taskId,
      attributes: scheduledAttributes(decision),
    },
    {
      eventId: BigInt(decision.startedId),
      eventTime: timestampOf(decision.startedTimeMs),
      version,
      taskId,
      attributes: startedAttributes(decision),
    },
  ];
}

/** Completes the decision in flight. A transient one is written first, as a batch of its own. */
export function completeDecision(
  draft: Draft,
  completion: Pick<DecisionTaskCompletedEventAttributes, 'identity' | 'binaryChecksum' | 'executionContext'>,
): HistoryEvent {
  const decision = required(draft.info.decision, 'only a started decision can be completed');
  if (isTransient(draft, decision)) {
    draft.info.decision = undefined;
    addEvent(draft, scheduledAttributes(decision), { timeMs: decision.scheduledTimeMs, makesTasks: false });
    addEvent(draft, startedAttributes(decision), { timeMs: decision.startedTimeMs, makesTasks: false });
    draft.sealBatch();
  }
  return addEvent(draft, {
    $case: 'decisionTaskCompletedEventAttributes',
    value: {
      scheduledEventId: BigInt(decision.scheduleId),
      startedEventId: BigInt(decision.startedId),
      identity: completion.identity,
      binaryChecksum: completion.binaryChecksum,
      executionContext: completion.executionContext,
    },
  });
}

export interface DecisionFailureInput {
  readonly cause: DecisionTaskFailedCause;
  readonly reason?: string;
  readonly details?: Payload | undefined;
  readonly identity?: string;
  readonly binaryChecksum?: string;
  readonly reset?: { baseRunId: string; newRunId: string; forkEventVersion: number; requestId: string };
}

/** Fails the started decision. Only what the history has gets an event. */
export function failDecision(draft: Draft, input: DecisionFailureInput): void {
  const decision = required(draft.info.decision, 'only a started decision can fail');
  const { cause, reset } = input;
  if (isTransient(draft, decision)) {
    const startsOver = cause === DecisionTaskFailedCause.DECISION_TASK_FAILED_CAUSE_FAILOVER_CLOSE_DECISION;
    dropDecision(draft, startsOver ? 0 : draft.info.decisionAttempt + 1);
    draft.isTouched = true;
    return;
  }
  addEvent(draft, {
    $case: 'decisionTaskFailedEventAttributes',
    value: {
      scheduledEventId: BigInt(decision.scheduleId),
      startedEventId: BigInt(decision.startedId),
      cause,
      failure: { reason: input.reason ?? '', details: input.details?.data ?? new Uint8Array(0) },
      identity: input.identity ?? '',
      baseRunId: reset?.baseRunId ?? '',
      newRunId: reset?.newRunId ?? '',
      forkEventVersion: BigInt(reset?.forkEventVersion ?? 0),
      binaryChecksum: input.binaryChecksum ?? '',
      requestId: reset?.requestId ?? '',
    },
  });
}

/** Times the decision out: the started one, or a sticky one that nobody took. */
export function timeOutDecision(draft: Draft, timeoutType: TimeoutType): void {
  const decision = required(draft.info.decision, 'only a pending decision can time out');
  const wasStarted = decision.startedId !== 0;
  if (decision.attempt > 0 && !(wasStarted && isWritten(draft, decision))) {
    dropDecision(draft, draft.info.decisionAttempt + (wasStarted ? 1 : 0));
    draft.isTouched = true;
    return;
  }
  addEvent(draft, {
    $case: 'decisionTaskTimedOutEventAttributes',
    value: {
      scheduledEventId: BigInt(decision.scheduleId),
      startedEventId: BigInt(decision.startedId),
      timeoutType,
      baseRunId: '',
      newRunId: '',
      forkEventVersion: BigInt(EMPTY_VERSION),
      reason: '',
      cause: DecisionTaskTimedOutCause.DECISION_TASK_TIMED_OUT_CAUSE_TIMEOUT,
      requestId: '',
    },
  });
}

/** Ends the decision in flight, if any, so that buffered events get their places: before the run is closed from outside. */
export function forceCloseDecision(
  draft: Draft,
  cause: DecisionTaskFailedCause = DecisionTaskFailedCause.DECISION_TASK_FAILED_CAUSE_FORCE_CLOSE_DECISION,
): void {
  if (hasDecisionInFlight(draft)) failDecision(draft, { cause, identity: SERVICE_IDENTITY });
  flushBufferedEvents(draft);
}

/** Passive side: what the active region has pending after a failed or timed-out decision, though no event says so. */
export function addTransientDecision(draft: StateDraft, version: number, nowMs: number): void {
  const { info } = draft;
  // A run may close while a decision waits to be tried again: it needs none any more.
  if (info.state === ExecutionState.EXECUTION_STATE_COMPLETED) return;
  if (info.decision !== undefined || info.decisionAttempt === 0) return;
  setDecision(draft, {
    version,
    scheduleId: info.nextEventId,
    startedId: 0,
    requestId: '',
    attempt: info.decisionAttempt,
    timeoutSeconds: info.taskTimeoutSeconds,
    scheduledTimeMs: nowMs,
    startedTimeMs: 0,
    originalScheduledTimeMs: nowMs,
    taskList: info.taskList?.name ?? '',
    sticky: false,
    identity: '',
  });
}
