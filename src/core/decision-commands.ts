// Commands of decision tasks. `respondDecisionTaskCompleted` is the heart: its order of steps is part of the protocol (semantics §2.5).

import { DecisionTaskFailedCause, TimeoutType } from '@antiphon/proto';
import type { DecisionInfo } from '@antiphon/proto/internal';
import { badRequest, EntityNotExistsError, eventAlreadyStarted } from '#base';
import { requireRunning } from './activity-commands.ts';
import { addEvent, flushBufferedEvents, hasDecisionInFlight } from './add-event.ts';
import type { CommandInputs, CommandReplies, StartedActivity, StartedDecision } from './commands.ts';
import { applyDecision } from './decision-handlers.ts';
import { type Completion, DecisionRejected, WorkflowFailed } from './decision-outcome.ts';
import {
  completeDecision,
  describeStartedDecision,
  failDecision,
  SERVICE_IDENTITY,
  scheduleDecision,
  startDecision,
  timeOutDecision,
} from './decision-task.ts';
import type { Draft } from './draft.ts';
import { addDecisionDispatch } from './event-tasks.ts';
import { clearStickiness } from './evolve.ts';
import { addTerminated, isClosed } from './external-commands.ts';
import { secondsOf } from './wire-time.ts';

type Respond = CommandInputs['respondDecisionTaskCompleted'];
type RespondReply = CommandReplies['respondDecisionTaskCompleted'];

const OWN_START_REQUEST = 'request-from-RespondDecisionTaskCompleted';
const encoder = new TextEncoder();

const decisionNotFound = () => new EntityNotExistsError('Decision task not found.');

function requireDecision(draft: Draft, command: { scheduleId: number; attempt: number }): DecisionInfo {
  requireRunning(draft);
  const { decision } = draft.info;
  if (decision === undefined || decision.startedId === 0) throw decisionNotFound();
  if (decision.scheduleId !== command.scheduleId || decision.attempt !== command.attempt) throw decisionNotFound();
  return decision;
}

export function recordDecisionTaskStarted(
  draft: Draft,
  command: CommandInputs['recordDecisionTaskStarted'],
): StartedDecision {
  requireRunning(draft);
  const { decision } = draft.info;
  const isKnown = decision !== undefined && decision.requestId === command.requestId && decision.startedId !== 0;
  if (isKnown) return describeStartedDecision(draft);
  if (decision === undefined || decision.scheduleId !== command.scheduleId) throw decisionNotFound();
  if (decision.startedId !== 0) throw eventAlreadyStarted('Decision task already started.');
  startDecision(draft, command.requestId, command.identity);
  return describeStartedDecision(draft);
}

export function respondDecisionTaskFailed(
  draft: Draft,
  command: CommandInputs['respondDecisionTaskFailed'],
): undefined {
  requireDecision(draft, command);
  const { cause, details, identity, binaryChecksum } = command;
  failDecision(draft, { cause, details, identity, binaryChecksum });
  scheduleDecision(draft);
}

/** `reopen` makes a draft of the state before the command, for a completion that has to be taken back. */
export function respondDecisionTaskCompleted(draft: Draft, command: Respond, reopen: () => Draft): RespondReply {
  const decision = requireDecision(draft, command);
  const isHeartbeat = command.forceCreateNewDecisionTask && command.decisions.length === 0;
  if (isHeartbeat && isHeartbeatOver(draft, decision)) return endHeartbeat(draft);
  try {
    return complete(draft, command, decision, isHeartbeat);
  } catch (error) {
    if (!(error instanceof DecisionRejected)) throw error;
    const fresh = reopen();
    draft.replacedBy = fresh;
    return failByServer(fresh, command, error);
  }
}

function isHeartbeatOver(draft: Draft, decision: DecisionInfo): boolean {
  return draft.nowMs > decision.originalScheduledTimeMs + draft.context.limits.decisionHeartbeatTimeoutMs;
}

function endHeartbeat(draft: Draft): RespondReply {
  timeOutDecision(draft, TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE);
  scheduleDecision(draft);
  return { localActivities: new Map(), heartbeatTimedOut: true };
}

function complete(draft: Draft, command: Respond, decision: DecisionInfo, isHeartbeat: boolean): RespondReply {
  const hasUnhandledEvents = draft.hasBufferedEvents;
  const completed = completeDecision(draft, command);
  const completion: Completion = {
    draft,
    command,
    completedId: completed.eventId,
    hasUnhandledEvents,
    canceledUnstarted: false,
    localActivities: new Map(),
  };
  bindWorker(draft, command);
  if (command.binaryChecksum !== '' && draft.context.domain.badBinaries.has(command.binaryChecksum)) {
    const cause = DecisionTaskFailedCause.DECISION_TASK_FAILED_CAUSE_BAD_BINARY;
    throw new DecisionRejected(cause, `binary ${command.binaryChecksum} is already marked as bad deployment`);
  }
  draft.isApplyingDecisions = true;
  applyDecisions(completion);
  draft.isApplyingDecisions = false;
  const { forceCreateNewDecisionTask, returnNewDecisionTask } = command;
  if (isClosed(draft)) return { localActivities: startedLocally(completion), heartbeatTimedOut: false };
  const needsDecision = completion.hasUnhandledEvents || forceCreateNewDecisionTask || completion.canceledUnstarted;
  if (needsDecision) {
    scheduleDecision(draft, {
      isStartedAtOnce: returnNewDecisionTask,
      ...(isHeartbeat ? { originalScheduledTimeMs: decision.originalScheduledTimeMs } : {}),
    });
  }
  flushBufferedEvents(draft);
  return {
    newDecision: needsDecision && returnNewDecisionTask ? startNewDecision(draft, command, true) : undefined,
    localActivities: startedLocally(completion),
    heartbeatTimedOut: false,
  };
}

/** The worker's sticky list and its client, until the next completion. */
function bindWorker(draft: Draft, command: Respond): void {
  const { stickyAttributes, client } = command;
  const { info } = draft;
  const name = stickyAttributes?.workerTaskList?.name ?? '';
  if (name === '') {
    clearStickiness(draft);
  } else {
    info.stickyTaskList = name;
    info.stickyScheduleToStartSeconds = secondsOf(stickyAttributes?.scheduleToStartTimeout);
    info.stickyUpdatedMs = draft.nowMs;
  }
  info.clientLibraryVersion = client.libraryVersion;
  info.clientFeatureVersion = client.featureVersion;
  info.clientImpl = client.impl;
}

function applyDecisions(completion: Completion): void {
  const { draft, command } = completion;
  const { limits } = draft.context;
  const { historySizeBytes, nextEventId } = draft.info;
  if (historySizeBytes > limits.historySizeBytesMax || nextEventId - 1 > limits.historyEventCountMax) {
    failWorkflow(completion, 'HISTORY_EXCEEDS_LIMIT', 'Workflow history size / count exceeds limit.');
    return;
  }
  for (const decision of command.decisions) {
    if (decision.attributes === undefined) throw badRequest('Unknown decision type: no attributes are set.');
  }
  try {
    for (const decision of command.decisions) {
      // What follows a decision that closes the run is not looked at.
      if (isClosed(draft)) return;
      applyDecision(completion, decision);
    }
  } catch (error) {
    if (!(error instanceof WorkflowFailed)) throw error;
    failWorkflow(completion, error.reason, error.message);
  }
}

function failWorkflow(completion: Completion, reason: string, message: string): void {
  addEvent(completion.draft, {
    $case: 'workflowExecutionFailedEventAttributes',
    value: {
      failure: { reason, details: encoder.encode(message) },
      decisionTaskCompletedEventId: completion.completedId,
    },
  });
}

function startedLocally(completion: Completion): ReadonlyMap<string, StartedActivity> {
  const started = new Map<string, StartedActivity>();
  for (const [activityId, { scheduleId }] of completion.localActivities) {
    const activity = completion.draft.activities.get(scheduleId);
    // A later decision of the same completion may have canceled it.
    if (activity !== undefined) started.set(activityId, { activity, startedTimeMs: activity.startedTimeMs });
  }
  return started;
}

function startNewDecision(draft: Draft, command: Respond, isCached: boolean): StartedDecision {
  startDecision(draft, OWN_START_REQUEST, command.identity);
  // The worker that completed has everything but the new events cached; one whose completion failed has not.
  return { ...describeStartedDecision(draft), stickyExecutionEnabled: isCached };
}

/** The completion was wrong: nothing of it stays, the decision fails, the RPC succeeds. */
function failByServer(draft: Draft, command: Respond, rejected: DecisionRejected): RespondReply {
  const failedCause = rejected.decisionCause;
  failDecision(draft, {
    cause: failedCause,
    ...(rejected.message === '' ? {} : { details: { data: encoder.encode(rejected.message) } }),
    identity: command.identity,
    binaryChecksum: command.binaryChecksum,
  });
  const reply = { localActivities: new Map(), heartbeatTimedOut: false, failedCause };
  if (draft.info.decisionAttempt > draft.context.limits.decisionAttemptsMax) {
    flushBufferedEvents(draft);
    addTerminated(draft, {
      reason: 'DECISION_ATTEMPTS_EXCEEDS_LIMIT',
      details: { data: encoder.encode(lastFailureText(failedCause, rejected.message)) },
      identity: SERVICE_IDENTITY,
    });
    return reply;
  }
  scheduleDecision(draft, { isStartedAtOnce: command.returnNewDecisionTask });
  if (!command.returnNewDecisionTask) return reply;
  return { ...reply, newDecision: startNewDecision(draft, command, false) };
}

function lastFailureText(cause: DecisionTaskFailedCause, message: string): string {
  const [name = String(cause)] = Object.entries(DecisionTaskFailedCause).find(([, value]) => value === cause) ?? [];
  const shortName = name.replace('DECISION_TASK_FAILED_CAUSE_', '');
  return `Decision attempt exceeds limit. Last decision failure cause and details: ${shortName} - ${message}`;
}

export function resetStickyTaskList(draft: Draft): undefined {
  requireRunning(draft);
  leaveStickyList(draft);
}

/** A decision that waits on the sticky list goes to the normal one; whoever starts it first has it. */
function leaveStickyList(draft: Draft): void {
  const { decision } = draft.info;
  clearStickiness(draft);
  draft.isTouched = true;
  if (decision === undefined || decision.startedId !== 0 || !decision.sticky) return;
  draft.info.decision = { ...decision, sticky: false, taskList: draft.info.taskList?.name ?? '' };
  addDecisionDispatch(draft);
}

export function clearStickyDispatch(draft: Draft, command: CommandInputs['clearStickiness']): undefined {
  const { decision } = draft.info;
  if (isClosed(draft) || decision === undefined || decision.scheduleId !== command.scheduleId) return;
  if (decision.startedId === 0 && decision.sticky) leaveStickyList(draft);
}

/** Too many waiting events: the decision in flight is failed, so that they get their places. */
export function enforceBufferLimit(draft: Draft): void {
  const count = draft.storedBuffer.length + draft.newBuffer.length;
  if (count <= draft.context.limits.bufferedEventCountMax || !hasDecisionInFlight(draft)) return;
  const cause = DecisionTaskFailedCause.DECISION_TASK_FAILED_CAUSE_FORCE_CLOSE_DECISION;
  failDecision(draft, { cause, identity: SERVICE_IDENTITY });
  scheduleDecision(draft);
}
