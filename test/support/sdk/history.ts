// Writes histories as the service would: what happened outside, and the events that a worker's decisions turn into. Only what
// the SDK reads is filled in.
import {
  ContinueAsNewInitiator,
  type Decision,
  DecisionTaskFailedCause,
  type Failure,
  HistoryEvent,
  type Payload,
  TimeoutType,
} from '@antiphon/proto';
import { encodeResult, encodeValues } from '@antiphon/sdk/common';

type Attributes = NonNullable<HistoryEvent['attributes']>;
type Case = Attributes['$case'];
// biome-ignore lint/suspicious/noExplicitAny: the builder fills in part of each message; fromPartial supplies the rest.
type Partly = any;

export const payload = (...values: unknown[]): Payload | undefined => {
  const encoded = encodeValues(values);
  return encoded === undefined ? undefined : { data: Buffer.from(encoded as string) };
};
export const failure = (reason: string, details: unknown = 'boom'): Failure => ({
  reason,
  details: Buffer.from(JSON.stringify(details)),
});

export interface History {
  readonly events: HistoryEvent[];
  nowMs: number;
  add($case: Case, value: Partly): bigint;
  schedule(): void;
  /** Starts the scheduled decision; returns its event id. */
  start(): number;
  failDecision(): void;
  resetDecision(newRunId: string): void;
  /** Completes the started decision, with the events its decisions cause. */
  complete(decisions: readonly Decision[]): void;
  completeActivity(activityId: string, result?: unknown): void;
  failActivity(activityId: string, reason: string, details?: unknown): void;
  timeOutActivity(activityId: string, type?: TimeoutType, lastFailure?: Failure): void;
  cancelActivity(activityId: string): void;
  fire(timerId: string): void;
  signal(name: string, ...args: unknown[]): void;
  requestCancel(): void;
  startChild(workflowId: string): void;
  completeChild(workflowId: string, result?: unknown): void;
  failChild(workflowId: string, reason: string): void;
  cancelChild(workflowId: string): void;
  deliverExternal(control: string, failed?: boolean): void;
}

export function createHistory(workflowType: string, args: readonly unknown[], runId = 'run-1'): History {
  const events: HistoryEvent[] = [];
  const scheduled = new Map<string, bigint>();
  const timers = new Map<string, bigint>();
  const children = new Map<string, bigint>();
  const external = new Map<string, bigint>();
  let decisionScheduled = 0n;
  let decisionStarted = 0n;

  const history: History = {
    events,
    nowMs: Date.UTC(2030, 0, 1),
    add: ($case, value) => {
      const eventId = BigInt(events.length + 1);
      const eventTime = { seconds: BigInt(Math.floor(history.nowMs / 1000)), nanos: (history.nowMs % 1000) * 1e6 };
      events.push(HistoryEvent.fromPartial({ eventId, eventTime, attributes: { $case, value } as Partly }));
      return eventId;
    },
    schedule: () => {
      decisionScheduled = history.add('decisionTaskScheduledEventAttributes', {});
    },
    start: () => {
      decisionStarted = history.add('decisionTaskStartedEventAttributes', { scheduledEventId: decisionScheduled });
      return Number(decisionStarted);
    },
    failDecision: () => {
      const cause = DecisionTaskFailedCause.DECISION_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE;
      history.add('decisionTaskFailedEventAttributes', { startedEventId: decisionStarted, cause });
    },
    resetDecision: (newRunId) => {
      const cause = DecisionTaskFailedCause.DECISION_TASK_FAILED_CAUSE_RESET_WORKFLOW;
      history.add('decisionTaskFailedEventAttributes', { startedEventId: decisionStarted, cause, newRunId });
    },
    complete: (decisions) => {
      const ids = { scheduledEventId: decisionScheduled, startedEventId: decisionStarted };
      history.add('decisionTaskCompletedEventAttributes', ids);
      for (const decision of decisions) record(decision);
    },
    completeActivity: (activityId, result) => {
      const value = { scheduledEventId: scheduled.get(activityId), result: resultPayload(result) };
      history.add('activityTaskCompletedEventAttributes', value);
    },
    failActivity: (activityId, reason, details) => {
      const value = { scheduledEventId: scheduled.get(activityId), failure: failure(reason, details) };
      history.add('activityTaskFailedEventAttributes', value);
    },
    timeOutActivity: (activityId, timeoutType = TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE, lastFailure) => {
      const value = { scheduledEventId: scheduled.get(activityId), timeoutType, lastFailure };
      history.add('activityTaskTimedOutEventAttributes', value);
    },
    cancelActivity: (activityId) => {
      history.add('activityTaskCanceledEventAttributes', { scheduledEventId: scheduled.get(activityId) });
    },
    fire: (timerId) => {
      history.add('timerFiredEventAttributes', { timerId, startedEventId: timers.get(timerId) });
    },
    signal: (signalName, ...values) => {
      history.add('workflowExecutionSignaledEventAttributes', { signalName, input: payload(...values) });
    },
    requestCancel: () => {
      history.add('workflowExecutionCancelRequestedEventAttributes', { cause: 'test' });
    },
    startChild: (workflowId) => {
      const workflowExecution = { workflowId, runId: `run-of-${workflowId}` };
      const value = { workflowExecution, initiatedEventId: children.get(workflowId) };
      history.add('childWorkflowExecutionStartedEventAttributes', value);
    },
    completeChild: (workflowId, result) => {
      const value = { workflowExecution: { workflowId }, result: resultPayload(result) };
      history.add('childWorkflowExecutionCompletedEventAttributes', value);
    },
    failChild: (workflowId, reason) => {
      const value = { workflowExecution: { workflowId }, failure: failure(reason) };
      history.add('childWorkflowExecutionFailedEventAttributes', value);
    },
    cancelChild: (workflowId) => {
      history.add('childWorkflowExecutionCanceledEventAttributes', { workflowExecution: { workflowId } });
    },
    deliverExternal: (control, failed = false) => {
      const initiatedEventId = external.get(control);
      if (failed) history.add('signalExternalWorkflowExecutionFailedEventAttributes', { initiatedEventId, cause: 1 });
      else history.add('externalWorkflowExecutionSignaledEventAttributes', { initiatedEventId });
    },
  };
  const resultPayload = (result: unknown): Payload | undefined => {
    const encoded = encodeResult(result);
    return encoded === undefined ? undefined : { data: Buffer.from(encoded as string) };
  };

  const recordCall = (attributes: NonNullable<Decision['attributes']>): void => {
    switch (attributes.$case) {
      case 'scheduleActivityTaskDecisionAttributes': {
        const id = history.add('activityTaskScheduledEventAttributes', attributes.value);
        scheduled.set(attributes.value.activityId, id);
        return;
      }
      case 'startTimerDecisionAttributes':
        timers.set(attributes.value.timerId, history.add('timerStartedEventAttributes', attributes.value));
        return;
      case 'startChildWorkflowExecutionDecisionAttributes': {
        const id = history.add('startChildWorkflowExecutionInitiatedEventAttributes', attributes.value);
        children.set(attributes.value.workflowId, id);
        return;
      }
      case 'signalExternalWorkflowExecutionDecisionAttributes': {
        const id = history.add('signalExternalWorkflowExecutionInitiatedEventAttributes', attributes.value);
        external.set(Buffer.from(attributes.value.control).toString(), id);
        return;
      }
      case 'requestCancelActivityTaskDecisionAttributes':
        history.add('activityTaskCancelRequestedEventAttributes', attributes.value);
        return;
      case 'cancelTimerDecisionAttributes':
        history.add('timerCanceledEventAttributes', attributes.value);
        return;
      case 'requestCancelExternalWorkflowExecutionDecisionAttributes': {
        const id = history.add('requestCancelExternalWorkflowExecutionInitiatedEventAttributes', attributes.value);
        history.add('externalWorkflowExecutionCancelRequestedEventAttributes', { initiatedEventId: id });
        return;
      }
      case 'recordMarkerDecisionAttributes':
        history.add('markerRecordedEventAttributes', attributes.value);
        return;
      case 'upsertWorkflowSearchAttributesDecisionAttributes':
        history.add('upsertWorkflowSearchAttributesEventAttributes', attributes.value);
        return;
      default:
        throw new Error(`no event for ${attributes.$case}`);
    }
  };
  const record = ({ attributes }: Decision): void => {
    switch (attributes?.$case) {
      case undefined:
        return;
      case 'completeWorkflowExecutionDecisionAttributes':
        history.add('workflowExecutionCompletedEventAttributes', attributes.value);
        return;
      case 'failWorkflowExecutionDecisionAttributes':
        history.add('workflowExecutionFailedEventAttributes', attributes.value);
        return;
      case 'cancelWorkflowExecutionDecisionAttributes':
        history.add('workflowExecutionCanceledEventAttributes', attributes.value);
        return;
      case 'continueAsNewWorkflowExecutionDecisionAttributes': {
        const initiator = ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_DECIDER;
        history.add('workflowExecutionContinuedAsNewEventAttributes', { ...attributes.value, initiator });
        return;
      }
      default:
        recordCall(attributes as NonNullable<Decision['attributes']>);
    }
  };
  history.add('workflowExecutionStartedEventAttributes', {
    workflowType: { name: workflowType },
    taskList: { name: 'orders' },
    input: payload(...args),
    executionStartToCloseTimeout: { seconds: 3600n },
    taskStartToCloseTimeout: { seconds: 10n },
    originalExecutionRunId: runId,
    firstExecutionRunId: runId,
  });
  return history;
}
