// What other runs and clients do to a run: signal it, cancel it, terminate it, report on its children and on what it asked of others.

import {
  ChildWorkflowExecutionFailedCause,
  type HistoryEvent,
  type WorkflowExecution,
  WorkflowExecutionCloseStatus,
} from '@antiphon/proto';
import { type ChildInfo, ExecutionState } from '@antiphon/proto/internal';
import { assert, cancellationAlreadyRequested, EntityNotExistsError, InvariantViolation, limitExceeded } from '#base';
import { requireRunning } from './activity-commands.ts';
import { addEvent } from './add-event.ts';
import type { CommandInputs } from './commands.ts';
import { addSignaled } from './create-workflow.ts';
import { ensureDecision, ensureDecisionIfBegun, forceCloseDecision, scheduleDecision } from './decision-task.ts';
import type { Draft } from './draft.ts';
import { type AttributesOf, EMPTY_EVENT_ID, type EventAttributes, type EventCase } from './event-ids.ts';

function requireParent(draft: Draft, caller: WorkflowExecution | undefined): void {
  const parent = draft.info.parent?.workflowExecution;
  const matches = parent?.workflowId === caller?.workflowId && parent?.runId === caller?.runId;
  if (parent === undefined || !matches) throw new EntityNotExistsError('Workflow parent does not match.');
}

export function signal(draft: Draft, command: CommandInputs['signal']): undefined {
  // A repeated signal is fine even when the run has closed since.
  if (command.requestId !== '' && draft.signalRequestIds.has(command.requestId)) return;
  requireRunning(draft);
  const { external, signalName, input, identity, requestId } = command;
  if (external?.childWorkflowOnly) requireParent(draft, external.parent);
  requireSignalPlace(draft);
  addSignaled(draft, { signalName, input, identity, requestId });
  ensureDecisionIfBegun(draft);
}

function requireSignalPlace(draft: Draft): void {
  if (draft.info.signalCount >= draft.context.limits.signalCountMax) {
    throw limitExceeded('exceeded workflow execution limit for signal events');
  }
}

export function reapplySignals(draft: Draft, command: CommandInputs['reapplySignals']): { applied: number } {
  requireRunning(draft);
  let applied = 0;
  for (const event of command.events) {
    if (event.attributes?.$case !== 'workflowExecutionSignaledEventAttributes') continue;
    const key = `reapplied:${command.runId ?? draft.info.runId}:${event.eventId}:${event.version}`;
    const { signalName, input, identity, requestId } = event.attributes.value;
    const isKnown = requestId !== '' && draft.signalRequestIds.has(requestId);
    if (isKnown || draft.signalRequestIds.has(key)) continue;
    draft.signalRequestIds = draft.signalRequestIds.with(key);
    addSignaled(draft, { signalName, input, identity, requestId });
    applied++;
  }
  if (applied > 0) ensureDecisionIfBegun(draft);
  return { applied };
}

export function requestCancel(draft: Draft, command: CommandInputs['requestCancel']): undefined {
  const { info } = draft;
  const { external, cause, identity, requestId } = command;
  const isRepeated = info.cancelRequested && requestId !== '' && info.cancelRequestId === requestId;
  const isCanceled = info.closeStatus === WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_CANCELED;
  if (isRepeated && isCanceled) return;
  requireRunning(draft);
  if (external?.childWorkflowOnly) requireParent(draft, external.execution);
  if (info.cancelRequested && !isRepeated) throw cancellationAlreadyRequested();
  if (!isRepeated) {
    addEvent(draft, {
      $case: 'workflowExecutionCancelRequestedEventAttributes',
      value: {
        cause,
        identity,
        requestId,
        externalExecutionInfo:
          external === undefined
            ? undefined
            : { workflowExecution: external.execution, initiatedId: BigInt(external.initiatedId) },
      },
    });
  }
  ensureDecision(draft);
}

export function terminate(draft: Draft, command: CommandInputs['terminate']): undefined {
  requireRunning(draft);
  forceCloseDecision(draft);
  addTerminated(draft, command);
}

export function addTerminated(draft: Draft, command: CommandInputs['terminate']): void {
  const { reason, details, identity } = command;
  addEvent(draft, { $case: 'workflowExecutionTerminatedEventAttributes', value: { reason, details, identity } });
}

export function scheduleFirstDecision(draft: Draft): undefined {
  requireRunning(draft);
  const { hasProcessedOrPendingDecision, firstDecisionBackoffSeconds } = draft.info;
  // With a backoff its timer does it.
  if (!hasProcessedOrPendingDecision && firstDecisionBackoffSeconds === 0) scheduleDecision(draft);
}

/** Attributes of the event that asked for the work. */
function initiatedAttributes<C extends EventCase>(event: HistoryEvent, eventCase: C): AttributesOf<C> {
  const { attributes } = event;
  assert(attributes?.$case === eventCase, 'the initiated event must be of the kind asked for', { eventCase });
  // Narrowed by the assertion; TypeScript cannot narrow by a generic.
  return attributes.value as AttributesOf<C>;
}

function requireChild(draft: Draft, initiatedId: number): Readonly<ChildInfo> {
  requireRunning(draft);
  const child = draft.children.get(initiatedId);
  if (child === undefined) throw new EntityNotExistsError('Pending child execution not found.');
  return child;
}

export function childStarted(draft: Draft, command: CommandInputs['childStarted']): undefined {
  const child = requireChild(draft, command.initiatedId);
  if (child.startedId !== 0) return;
  const { header } = initiatedAttributes(command.initiatedEvent, 'startChildWorkflowExecutionInitiatedEventAttributes');
  addChildStarted(draft, child, command.runId, header);
  ensureDecision(draft);
}

function addChildStarted(
  draft: Draft,
  child: Readonly<ChildInfo>,
  runId: string,
  header: AttributesOf<'childWorkflowExecutionStartedEventAttributes'>['header'],
): void {
  addEvent(draft, {
    $case: 'childWorkflowExecutionStartedEventAttributes',
    value: {
      domain: child.domainName,
      workflowExecution: { workflowId: child.workflowId, runId },
      workflowType: { name: child.workflowType },
      initiatedEventId: BigInt(child.initiatedId),
      header,
    },
  });
}

export function childStartFailed(draft: Draft, command: CommandInputs['childStartFailed']): undefined {
  const child = requireChild(draft, command.initiatedId);
  const initiated = initiatedAttributes(command.initiatedEvent, 'startChildWorkflowExecutionInitiatedEventAttributes');
  addEvent(draft, {
    $case: 'startChildWorkflowExecutionFailedEventAttributes',
    value: {
      domain: child.domainName,
      workflowId: child.workflowId,
      workflowType: { name: child.workflowType },
      cause: ChildWorkflowExecutionFailedCause.CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_RUNNING,
      control: initiated.control,
      initiatedEventId: BigInt(child.initiatedId),
      decisionTaskCompletedEventId: initiated.decisionTaskCompletedEventId,
    },
  });
  ensureDecision(draft);
}

export function childClosed(draft: Draft, command: CommandInputs['childClosed']): undefined {
  const pending = requireChild(draft, command.initiatedId);
  if (pending.workflowId !== command.childWorkflowId) {
    throw new EntityNotExistsError('Pending child execution not found.');
  }
  // The news of its close may overtake the news of its start.
  if (pending.startedId === 0) addChildStarted(draft, pending, command.childRunId, undefined);
  const child = draft.children.get(command.initiatedId) ?? pending;
  const common = {
    domain: child.domainName,
    workflowExecution: { workflowId: child.workflowId, runId: command.childRunId },
    workflowType: { name: child.workflowType },
    initiatedEventId: BigInt(child.initiatedId),
    startedEventId: BigInt(child.startedId),
  };
  addEvent(draft, childCloseAttributes(common, command.closeEvent));
  ensureDecision(draft);
}

type ChildCommon = AttributesOf<'childWorkflowExecutionTerminatedEventAttributes'>;

function childCloseAttributes(common: ChildCommon, closeEvent: HistoryEvent): EventAttributes {
  const close = closeEvent.attributes;
  switch (close?.$case) {
    case 'workflowExecutionCompletedEventAttributes': {
      const { result } = close.value;
      return { $case: 'childWorkflowExecutionCompletedEventAttributes', value: { ...common, result } };
    }
    case 'workflowExecutionFailedEventAttributes': {
      const { failure } = close.value;
      return { $case: 'childWorkflowExecutionFailedEventAttributes', value: { ...common, failure } };
    }
    case 'workflowExecutionCanceledEventAttributes': {
      const { details } = close.value;
      return { $case: 'childWorkflowExecutionCanceledEventAttributes', value: { ...common, details } };
    }
    case 'workflowExecutionTimedOutEventAttributes': {
      const { timeoutType } = close.value;
      return { $case: 'childWorkflowExecutionTimedOutEventAttributes', value: { ...common, timeoutType } };
    }
    case 'workflowExecutionTerminatedEventAttributes':
      return { $case: 'childWorkflowExecutionTerminatedEventAttributes', value: common };
    default:
      throw new InvariantViolation('a child must be closed by a close event', { case: close?.$case });
  }
}

export function externalCancelDone(draft: Draft, command: CommandInputs['externalCancelDone']): undefined {
  requireRunning(draft);
  if (!draft.requestCancels.current.has(command.initiatedId)) {
    throw new EntityNotExistsError('Pending request cancel not found.');
  }
  const initiatedEventId = BigInt(command.initiatedId);
  const { workflowExecution, ...initiated } = initiatedAttributes(
    command.initiatedEvent,
    'requestCancelExternalWorkflowExecutionInitiatedEventAttributes',
  );
  const domain = initiated.domain || draft.context.domain.name;
  if (command.failed === undefined) {
    addEvent(draft, {
      $case: 'externalWorkflowExecutionCancelRequestedEventAttributes',
      value: { initiatedEventId, domain, workflowExecution },
    });
  } else {
    addEvent(draft, {
      $case: 'requestCancelExternalWorkflowExecutionFailedEventAttributes',
      value: {
        cause: command.failed,
        decisionTaskCompletedEventId: BigInt(EMPTY_EVENT_ID),
        domain,
        workflowExecution,
        initiatedEventId,
        control: new Uint8Array(0),
      },
    });
  }
  ensureDecision(draft);
}

export function externalSignalDone(draft: Draft, command: CommandInputs['externalSignalDone']): undefined {
  requireRunning(draft);
  if (!draft.signals.current.has(command.initiatedId)) {
    throw new EntityNotExistsError('Pending signal external not found.');
  }
  const initiatedEventId = BigInt(command.initiatedId);
  const { workflowExecution, control, ...initiated } = initiatedAttributes(
    command.initiatedEvent,
    'signalExternalWorkflowExecutionInitiatedEventAttributes',
  );
  const domain = initiated.domain || draft.context.domain.name;
  if (command.failed === undefined) {
    addEvent(draft, {
      $case: 'externalWorkflowExecutionSignaledEventAttributes',
      value: { initiatedEventId, domain, workflowExecution, control },
    });
  } else {
    addEvent(draft, {
      $case: 'signalExternalWorkflowExecutionFailedEventAttributes',
      value: {
        cause: command.failed,
        decisionTaskCompletedEventId: BigInt(EMPTY_EVENT_ID),
        domain,
        workflowExecution,
        initiatedEventId,
        control,
      },
    });
  }
  ensureDecision(draft);
}

export const isClosed = (draft: Draft): boolean => draft.info.state === ExecutionState.EXECUTION_STATE_COMPLETED;
