// One history event at a time: moves the decision machine it belongs to, and gives the job by which the sandbox learns of it.
// It keeps the two maps that events need: from event ids to activities and children, and from children to their calls.
// Invariant: every event that a decision produced meets the machine of that decision, or replay has failed.
import {
  CancelExternalWorkflowExecutionFailedCause,
  type HistoryEvent,
  type Payload,
  SignalExternalWorkflowExecutionFailedCause,
} from '@antiphon/proto';
import { bufferOf, failureToSandbox, timeoutKindOf, toSandbox } from '../transport/wire-conversions.ts';
import type { Command, Job, Rejection, RunInfo } from '../workflow/protocol.ts';
import type { DecisionMachines } from './decision-machines.ts';

export interface EventApplication {
  /** The job for the sandbox, if workflow code can notice the event. */
  apply(event: HistoryEvent): Job | undefined;
  /** Children are known to history by workflow id and to workflow code by call id. */
  noteCommand(command: Command): void;
}

type Attributes = NonNullable<HistoryEvent['attributes']>;

const resolve = (id: string, result: Payload | undefined): Job => ({ kind: 'resolve', id, result: toSandbox(result) });
const reject = (id: string, rejection: Rejection): Job => ({ kind: 'reject', id, rejection });

interface Ledger {
  readonly machines: DecisionMachines;
  readonly activityByEvent: Map<bigint, string>;
  /** Control values of external signals and cancels, by the id of their initiated event. */
  readonly externalByEvent: Map<bigint, string>;
  readonly callByChild: Map<string, string>;
}

function activityOf(ledger: Ledger, scheduledEventId: bigint): string {
  const id = ledger.activityByEvent.get(scheduledEventId);
  if (id === undefined) throw new Error(`history has no ActivityTaskScheduled with event id ${scheduledEventId}`);
  return id;
}

function applyActivity(ledger: Ledger, eventId: bigint, attributes: Attributes): Job | undefined {
  const { machines } = ledger;
  switch (attributes.$case) {
    case 'activityTaskScheduledEventAttributes':
      ledger.activityByEvent.set(eventId, attributes.value.activityId);
      machines.handle('activity', attributes.value.activityId, 'initiated');
      return undefined;
    case 'activityTaskCancelRequestedEventAttributes':
      machines.handle('activity', attributes.value.activityId, 'cancelInitiated');
      return undefined;
    case 'requestCancelActivityTaskFailedEventAttributes':
      machines.handle('activity', attributes.value.activityId, 'cancelFailed');
      return undefined;
    case 'activityTaskCompletedEventAttributes': {
      const id = activityOf(ledger, attributes.value.scheduledEventId);
      machines.handle('activity', id, 'completion');
      return resolve(id, attributes.value.result);
    }
    case 'activityTaskFailedEventAttributes': {
      const id = activityOf(ledger, attributes.value.scheduledEventId);
      machines.handle('activity', id, 'completion');
      return reject(id, { kind: 'failure', failure: failureToSandbox(attributes.value.failure) });
    }
    case 'activityTaskTimedOutEventAttributes': {
      const { scheduledEventId, timeoutType, details, lastFailure } = attributes.value;
      const id = activityOf(ledger, scheduledEventId);
      machines.handle('activity', id, 'completion');
      const failure = lastFailure?.reason ? failureToSandbox(lastFailure) : null;
      const timeoutKind = timeoutKindOf(timeoutType);
      return reject(id, {
        kind: 'timeout',
        timeoutType: timeoutKind,
        details: toSandbox(details),
        lastFailure: failure,
      });
    }
    case 'activityTaskCanceledEventAttributes': {
      const id = activityOf(ledger, attributes.value.scheduledEventId);
      machines.handle('activity', id, 'canceled');
      return reject(id, { kind: 'cancelled', details: toSandbox(attributes.value.details) });
    }
    default:
      return undefined;
  }
}

function applyTimer(ledger: Ledger, attributes: Attributes): Job | undefined {
  const { machines } = ledger;
  switch (attributes.$case) {
    case 'timerStartedEventAttributes':
      machines.handle('timer', attributes.value.timerId, 'initiated');
      return undefined;
    case 'timerFiredEventAttributes':
      machines.handle('timer', attributes.value.timerId, 'completion');
      return resolve(attributes.value.timerId, undefined);
    case 'timerCanceledEventAttributes':
      machines.handle('timer', attributes.value.timerId, 'canceled');
      return undefined;
    case 'cancelTimerFailedEventAttributes':
      machines.handle('timer', attributes.value.timerId, 'cancelFailed');
      return undefined;
    default:
      return undefined;
  }
}

type ChildRejection = { readonly execution: { workflowId: string } | undefined; readonly rejection: Rejection };

function childRejection(attributes: Attributes): ChildRejection | undefined {
  switch (attributes.$case) {
    case 'childWorkflowExecutionFailedEventAttributes': {
      const failure = failureToSandbox(attributes.value.failure);
      return { execution: attributes.value.workflowExecution, rejection: { kind: 'failure', failure } };
    }
    case 'childWorkflowExecutionTimedOutEventAttributes': {
      const timeoutType = timeoutKindOf(attributes.value.timeoutType);
      const rejection: Rejection = { kind: 'timeout', timeoutType, details: null, lastFailure: null };
      return { execution: attributes.value.workflowExecution, rejection };
    }
    case 'childWorkflowExecutionTerminatedEventAttributes':
      return { execution: attributes.value.workflowExecution, rejection: { kind: 'terminated' } };
    default:
      return undefined;
  }
}

function applyChild(ledger: Ledger, attributes: Attributes): Job | undefined {
  const { machines, callByChild } = ledger;
  const callOf = (workflowId: string): string => callByChild.get(workflowId) ?? '';
  switch (attributes.$case) {
    case 'startChildWorkflowExecutionInitiatedEventAttributes':
      machines.handle('child', attributes.value.workflowId, 'initiated');
      return undefined;
    case 'startChildWorkflowExecutionFailedEventAttributes':
      machines.handle('child', attributes.value.workflowId, 'initiateFailed');
      return reject(callOf(attributes.value.workflowId), { kind: 'alreadyStarted' });
    case 'childWorkflowExecutionStartedEventAttributes': {
      const { workflowId = '', runId = '' } = attributes.value.workflowExecution ?? {};
      machines.handle('child', workflowId, 'started');
      return { kind: 'childStarted', id: callOf(workflowId), runId };
    }
    case 'childWorkflowExecutionCompletedEventAttributes': {
      const { workflowId = '' } = attributes.value.workflowExecution ?? {};
      machines.handle('child', workflowId, 'completion');
      return resolve(callOf(workflowId), attributes.value.result);
    }
    case 'childWorkflowExecutionCanceledEventAttributes': {
      const { workflowId = '' } = attributes.value.workflowExecution ?? {};
      machines.handle('child', workflowId, 'canceled');
      return reject(callOf(workflowId), { kind: 'cancelled', details: toSandbox(attributes.value.details) });
    }
    default: {
      const ended = childRejection(attributes);
      if (!ended) return undefined;
      const workflowId = ended.execution?.workflowId ?? '';
      machines.handle('child', workflowId, 'completion');
      return reject(callOf(workflowId), ended.rejection);
    }
  }
}

function applyExternalSignal(ledger: Ledger, eventId: bigint, attributes: Attributes): Job | undefined {
  const { machines, externalByEvent } = ledger;
  switch (attributes.$case) {
    case 'signalExternalWorkflowExecutionInitiatedEventAttributes': {
      const id = bufferOf(attributes.value.control).toString();
      externalByEvent.set(eventId, id);
      machines.handle('signalExternal', id, 'initiated');
      return undefined;
    }
    case 'externalWorkflowExecutionSignaledEventAttributes': {
      const id = externalByEvent.get(attributes.value.initiatedEventId) ?? '';
      machines.handle('signalExternal', id, 'completion');
      return resolve(id, undefined);
    }
    case 'signalExternalWorkflowExecutionFailedEventAttributes': {
      const id = externalByEvent.get(attributes.value.initiatedEventId) ?? '';
      machines.handle('signalExternal', id, 'completion');
      const isUnknown =
        attributes.value.cause ===
        SignalExternalWorkflowExecutionFailedCause.SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION;
      return reject(id, { kind: 'external', cause: isUnknown ? 'it is unknown' : 'it is completed' });
    }
    default:
      return undefined;
  }
}

function applyExternalCancel(ledger: Ledger, eventId: bigint, attributes: Attributes): Job | undefined {
  const { machines, externalByEvent } = ledger;
  switch (attributes.$case) {
    case 'requestCancelExternalWorkflowExecutionInitiatedEventAttributes': {
      if (attributes.value.childWorkflowOnly) {
        machines.handle('child', attributes.value.workflowExecution?.workflowId ?? '', 'cancelInitiated');
        return undefined;
      }
      const id = bufferOf(attributes.value.control).toString();
      externalByEvent.set(eventId, id);
      machines.handle('cancelExternal', id, 'initiated');
      return undefined;
    }
    case 'externalWorkflowExecutionCancelRequestedEventAttributes': {
      // A child's machine waits for its ChildWorkflowExecutionCanceled.
      const id = externalByEvent.get(attributes.value.initiatedEventId);
      if (id === undefined) return undefined;
      machines.handle('cancelExternal', id, 'completion');
      return resolve(id, undefined);
    }
    case 'requestCancelExternalWorkflowExecutionFailedEventAttributes': {
      const id = externalByEvent.get(attributes.value.initiatedEventId);
      if (id === undefined) {
        machines.handle('child', attributes.value.workflowExecution?.workflowId ?? '', 'cancelFailed');
        return undefined;
      }
      machines.handle('cancelExternal', id, 'completion');
      const isUnknown =
        attributes.value.cause ===
        CancelExternalWorkflowExecutionFailedCause.CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION;
      return reject(id, { kind: 'external', cause: isUnknown ? 'it is unknown' : 'it is completed' });
    }
    default:
      return undefined;
  }
}

function applyExecution(info: RunInfo, attributes: Attributes): Job | undefined {
  switch (attributes.$case) {
    case 'workflowExecutionStartedEventAttributes':
      return { kind: 'start', info, input: toSandbox(attributes.value.input) };
    case 'workflowExecutionSignaledEventAttributes':
      return { kind: 'signal', name: attributes.value.signalName, input: toSandbox(attributes.value.input) };
    case 'workflowExecutionCancelRequestedEventAttributes':
      return { kind: 'cancel', cause: attributes.value.cause };
    case 'decisionTaskFailedEventAttributes':
      // Only resets come here: the run continues on a prefix of another, with random numbers of its own.
      return { kind: 'reseed', seed: attributes.value.newRunId };
    default:
      return undefined;
  }
}

export function createEventApplication(machines: DecisionMachines, info: RunInfo): EventApplication {
  const ledger: Ledger = {
    machines,
    activityByEvent: new Map(),
    externalByEvent: new Map(),
    callByChild: new Map(),
  };
  return {
    noteCommand: (command) => {
      if (command.kind === 'startChild') ledger.callByChild.set(command.workflowId, command.id);
    },
    apply: ({ eventId, attributes }) => {
      if (!attributes) return undefined;
      return (
        applyExecution(info, attributes) ??
        applyActivity(ledger, eventId, attributes) ??
        applyTimer(ledger, attributes) ??
        applyChild(ledger, attributes) ??
        applyExternalSignal(ledger, eventId, attributes) ??
        applyExternalCancel(ledger, eventId, attributes)
      );
    },
  };
}
