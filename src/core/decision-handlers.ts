// One handler for each kind of decision that does not close the run (semantics §2.6): validates it and writes its events.
import { DecisionTaskFailedCause as Cause, type Decision, ParentClosePolicy } from '@antiphon/proto';
import { badRequest } from '#base';
import { startActivity } from './activity-commands.ts';
import { addEvent } from './add-event.ts';
import { parseCronSchedule } from './cron.ts';
import { CLOSE_DECISION_HANDLERS } from './decision-close-handlers.ts';
import {
  type Completion,
  reject,
  rejectOnFault,
  requireBlobSize,
  requirePendingPlace,
  sizeOf,
} from './decision-outcome.ts';
import {
  deriveActivityTimeouts,
  mapBytes,
  requireDomain,
  requireLength,
  requireOwnAttribute,
  requireRunTimeouts,
  requireTaskList,
  validateActivity,
  validateExternalTarget,
  validateSearchAttributes,
} from './decision-validation.ts';
import type { Draft } from './draft.ts';
import { EMPTY_EVENT_ID } from './event-ids.ts';
import { addActivityDispatch } from './event-tasks.ts';
import { normalizedRetryPolicy, validateRetryPolicy } from './retry-policy.ts';
import { priorityFieldsOfHeader } from './task-priority.ts';
import { durationOf, positiveSecondsOf, secondsOf } from './wire-time.ts';

type DecisionAttributes = NonNullable<Decision['attributes']>;
export type DecisionCase = DecisionAttributes['$case'];
export type DecisionOf<C extends DecisionCase> = Extract<DecisionAttributes, { $case: C }>['value'];
export type DecisionHandler<C extends DecisionCase> = (completion: Completion, attributes: DecisionOf<C>) => void;

function scheduleActivity(
  completion: Completion,
  attributes: DecisionOf<'scheduleActivityTaskDecisionAttributes'>,
): void {
  const { draft } = completion;
  const cause = Cause.DECISION_TASK_FAILED_CAUSE_BAD_SCHEDULE_ACTIVITY_ATTRIBUTES;
  const checked = rejectOnFault(cause, () => {
    const { name } = requireDomain(completion, attributes.domain, 'schedule activity across domain');
    validateActivity(completion, attributes);
    const taskList = requireTaskList(completion, attributes.taskList, draft.info.taskList);
    return { name, taskList, timeouts: deriveActivityTimeouts(attributes, draft.info.executionTimeoutSeconds) };
  });
  const message = 'ScheduleActivityTaskDecisionAttributes.Input exceeds size limit.';
  requireBlobSize(completion, sizeOf(attributes.input), message);
  if (draft.findActivityById(attributes.activityId) !== undefined) {
    reject(Cause.DECISION_TASK_FAILED_CAUSE_SCHEDULE_ACTIVITY_DUPLICATE_ID, '');
  }
  requirePendingPlace(draft.activities.size, draft.context.limits.pendingActivityCountMax, 'ACTIVITY');
  const { timeouts } = checked;
  const event = addEvent(
    draft,
    {
      $case: 'activityTaskScheduledEventAttributes',
      value: {
        activityId: attributes.activityId,
        activityType: attributes.activityType,
        domain: attributes.domain === '' ? '' : checked.name,
        taskList: checked.taskList,
        input: attributes.input,
        scheduleToCloseTimeout: durationOf(timeouts.scheduleToClose),
        scheduleToStartTimeout: durationOf(timeouts.scheduleToStart),
        startToCloseTimeout: durationOf(timeouts.startToClose),
        heartbeatTimeout: durationOf(timeouts.heartbeat),
        decisionTaskCompletedEventId: completion.completedId,
        retryPolicy: normalizedRetryPolicy(attributes.retryPolicy),
        header: attributes.header,
      },
    },
    { makesTasks: false },
  );
  const scheduleId = Number(event.eventId);
  const activity = draft.activities.get(scheduleId);
  if (activity === undefined) return;
  if (attributes.requestLocalDispatch) {
    startActivity(draft, activity, draft.context.uuid(), completion.command.identity);
    completion.localActivities.set(activity.activityId, { scheduleId });
  } else {
    addActivityDispatch(draft, activity);
  }
}

function requestCancelActivity(
  completion: Completion,
  attributes: DecisionOf<'requestCancelActivityTaskDecisionAttributes'>,
): void {
  const { draft, completedId } = completion;
  const { activityId } = attributes;
  rejectOnFault(Cause.DECISION_TASK_FAILED_CAUSE_BAD_REQUEST_CANCEL_ACTIVITY_ATTRIBUTES, () => {
    if (activityId === '') throw badRequest('ActivityId is not set on decision.');
    requireLength(completion, activityId, 'ActivityId');
  });
  const activity = draft.findActivityById(activityId);
  const requested = addEvent(draft, {
    $case: 'activityTaskCancelRequestedEventAttributes',
    value: { activityId, decisionTaskCompletedEventId: completedId },
  });
  if (activity === undefined || activity.cancelRequested) {
    addEvent(draft, {
      $case: 'requestCancelActivityTaskFailedEventAttributes',
      value: { activityId, cause: 'ACTIVITY_ID_UNKNOWN', decisionTaskCompletedEventId: completedId },
    });
    return;
  }
  if (activity.startedId !== 0) return;
  addEvent(draft, {
    $case: 'activityTaskCanceledEventAttributes',
    value: {
      details: { data: new TextEncoder().encode('ACTIVITY_ID_NOT_STARTED') },
      latestCancelRequestedEventId: requested.eventId,
      scheduledEventId: BigInt(activity.scheduleId),
      startedEventId: BigInt(EMPTY_EVENT_ID),
      identity: completion.command.identity,
    },
  });
  completion.canceledUnstarted = true;
}

// What Cadence's nanoseconds can hold: 292 years.
const TIMER_SECONDS_MAX = 9_223_372_036;

function startTimer(completion: Completion, attributes: DecisionOf<'startTimerDecisionAttributes'>): void {
  const { draft } = completion;
  const { timerId } = attributes;
  const seconds = secondsOf(attributes.startToFireTimeout);
  rejectOnFault(Cause.DECISION_TASK_FAILED_CAUSE_BAD_START_TIMER_ATTRIBUTES, () => {
    if (timerId === '') throw badRequest('TimerId is not set on decision.');
    requireLength(completion, timerId, 'TimerId');
    if (seconds <= 0 || seconds > TIMER_SECONDS_MAX) throw badRequest(`Invalid StartToFireTimeoutSeconds: ${seconds}`);
  });
  if (draft.timers.get(timerId) !== undefined) {
    reject(Cause.DECISION_TASK_FAILED_CAUSE_START_TIMER_DUPLICATE_ID, '');
  }
  requirePendingPlace(draft.timers.size, draft.context.limits.pendingTimerCountMax, 'TIMER');
  addEvent(draft, {
    $case: 'timerStartedEventAttributes',
    value: {
      timerId,
      startToFireTimeout: durationOf(seconds),
      decisionTaskCompletedEventId: completion.completedId,
    },
  });
}

function cancelTimer(completion: Completion, attributes: DecisionOf<'cancelTimerDecisionAttributes'>): void {
  const { draft, completedId: decisionTaskCompletedEventId } = completion;
  const { identity } = completion.command;
  const { timerId } = attributes;
  rejectOnFault(Cause.DECISION_TASK_FAILED_CAUSE_BAD_CANCEL_TIMER_ATTRIBUTES, () => {
    if (timerId === '') throw badRequest('TimerId is not set on decision.');
    requireLength(completion, timerId, 'TimerId');
  });
  const pending = draft.timers.get(timerId);
  const startedEventId = pending === undefined ? withdrawFired(completion, timerId) : BigInt(pending.startedId);
  if (startedEventId === undefined) {
    addEvent(draft, {
      $case: 'cancelTimerFailedEventAttributes',
      value: { timerId, cause: 'TIMER_ID_UNKNOWN', decisionTaskCompletedEventId, identity },
    });
    return;
  }
  addEvent(draft, {
    $case: 'timerCanceledEventAttributes',
    value: { timerId, startedEventId, decisionTaskCompletedEventId, identity },
  });
}

/** A timer that fired while the worker was deciding to cancel it: the worker wins. */
function withdrawFired(completion: Completion, timerId: string): bigint | undefined {
  const { draft } = completion;
  const isFired = (event: (typeof draft.storedBuffer)[number]): boolean =>
    event.attributes?.$case === 'timerFiredEventAttributes' && event.attributes.value.timerId === timerId;
  const fired = draft.storedBuffer.find(isFired);
  if (fired?.attributes?.$case !== 'timerFiredEventAttributes') return undefined;
  draft.storedBuffer = draft.storedBuffer.filter((event) => event !== fired);
  completion.hasUnhandledEvents = draft.hasBufferedEvents;
  return fired.attributes.value.startedEventId;
}

function recordMarker(completion: Completion, attributes: DecisionOf<'recordMarkerDecisionAttributes'>): void {
  const { markerName, details, header } = attributes;
  rejectOnFault(Cause.DECISION_TASK_FAILED_CAUSE_BAD_RECORD_MARKER_ATTRIBUTES, () => {
    if (markerName === '') throw badRequest('MarkerName is not set on decision.');
    requireLength(completion, markerName, 'MarkerName');
  });
  requireBlobSize(completion, sizeOf(details), 'RecordMarkerDecisionAttributes.Details exceeds size limit.');
  addEvent(completion.draft, {
    $case: 'markerRecordedEventAttributes',
    value: { markerName, details, decisionTaskCompletedEventId: completion.completedId, header },
  });
}

function startChild(
  completion: Completion,
  attributes: DecisionOf<'startChildWorkflowExecutionDecisionAttributes'>,
): void {
  const { draft } = completion;
  const { info, context } = draft;
  const cause = Cause.DECISION_TASK_FAILED_CAUSE_BAD_START_CHILD_EXECUTION_ATTRIBUTES;
  const taskList = rejectOnFault(cause, () => {
    const target = requireDomain(completion, attributes.domain, 'schedule child execution across domain');
    if (target.id !== context.domain.id && (target.isGlobal || context.domain.isGlobal)) {
      throw badRequest('a child workflow of a global domain cannot be in another domain');
    }
    if (attributes.workflowId === '') throw badRequest('Required field WorkflowID is not set on decision.');
    if (!attributes.workflowType?.name) throw badRequest('Required field WorkflowType is not set on decision.');
    requireLength(completion, attributes.workflowId, 'WorkflowId');
    requireLength(completion, attributes.workflowType.name, 'WorkflowType');
    requireLength(completion, attributes.domain, 'Domain');
    requireRunTimeouts(attributes);
    requireOwnAttribute(completion, attributes.activeClusterSelectionPolicy);
    validateRetryPolicy(attributes.retryPolicy);
    if (attributes.cronSchedule !== '') parseCronSchedule(attributes.cronSchedule);
    priorityFieldsOfHeader(attributes.header);
    return requireTaskList(completion, attributes.taskList, info.taskList);
  });
  const bytes = sizeOf(attributes.input) + mapBytes(attributes.memo?.fields);
  requireBlobSize(completion, bytes, 'StartChildWorkflowExecutionDecisionAttributes.Input exceeds size limit.');
  requirePendingPlace(draft.children.size, context.limits.pendingChildCountMax, 'CHILD');
  const executionSeconds = positiveSecondsOf(attributes.executionStartToCloseTimeout) ?? info.executionTimeoutSeconds;
  const taskSeconds = positiveSecondsOf(attributes.taskStartToCloseTimeout) ?? info.taskTimeoutSeconds;
  addEvent(draft, {
    $case: 'startChildWorkflowExecutionInitiatedEventAttributes',
    value: {
      ...attributes,
      domain: attributes.domain || context.domain.name,
      taskList,
      executionStartToCloseTimeout: durationOf(executionSeconds),
      taskStartToCloseTimeout: durationOf(taskSeconds),
      retryPolicy: normalizedRetryPolicy(attributes.retryPolicy),
      parentClosePolicy: attributes.parentClosePolicy || ParentClosePolicy.PARENT_CLOSE_POLICY_TERMINATE,
      activeClusterSelectionPolicy: attributes.activeClusterSelectionPolicy ?? info.activeClusterSelectionPolicy,
      decisionTaskCompletedEventId: completion.completedId,
      delayStart: undefined,
      jitterStart: undefined,
      firstRunAt: undefined,
    },
  });
}

function cancelExternal(
  completion: Completion,
  attributes: DecisionOf<'requestCancelExternalWorkflowExecutionDecisionAttributes'>,
): void {
  const { draft } = completion;
  const cause = Cause.DECISION_TASK_FAILED_CAUSE_BAD_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_ATTRIBUTES;
  const workflowExecution = rejectOnFault(cause, () => {
    requireDomain(completion, attributes.domain, 'cancel workflow across domain:');
    return validateExternalTarget(completion, attributes, 'WorkflowId is not set on decision.');
  });
  requireSignalPlace(draft);
  addEvent(draft, {
    $case: 'requestCancelExternalWorkflowExecutionInitiatedEventAttributes',
    value: {
      decisionTaskCompletedEventId: completion.completedId,
      domain: attributes.domain,
      workflowExecution,
      control: attributes.control,
      childWorkflowOnly: attributes.childWorkflowOnly,
    },
  });
}

function requireSignalPlace(draft: Draft): void {
  const pending = draft.signals.size + draft.requestCancels.size;
  requirePendingPlace(pending, draft.context.limits.pendingSignalCountMax, 'SIGNAL');
}

function signalExternal(
  completion: Completion,
  attributes: DecisionOf<'signalExternalWorkflowExecutionDecisionAttributes'>,
): void {
  const { draft } = completion;
  const { signalName, input, control, childWorkflowOnly } = attributes;
  const cause = Cause.DECISION_TASK_FAILED_CAUSE_BAD_SIGNAL_WORKFLOW_EXECUTION_ATTRIBUTES;
  const workflowExecution = rejectOnFault(cause, () => {
    requireDomain(completion, attributes.domain, 'signal workflow across domain:');
    const target = validateExternalTarget(completion, attributes, 'Execution is nil on decision.');
    if (signalName === '') throw badRequest('SignalName is not set on decision.');
    requireLength(completion, signalName, 'SignalName');
    return target;
  });
  const message = 'SignalExternalWorkflowExecutionDecisionAttributes.Input exceeds size limit.';
  requireBlobSize(completion, sizeOf(input), message);
  requireSignalPlace(draft);
  addEvent(draft, {
    $case: 'signalExternalWorkflowExecutionInitiatedEventAttributes',
    value: {
      decisionTaskCompletedEventId: completion.completedId,
      domain: attributes.domain,
      workflowExecution,
      signalName,
      input,
      control,
      childWorkflowOnly,
    },
  });
}

function upsertSearchAttributes(
  completion: Completion,
  attributes: DecisionOf<'upsertWorkflowSearchAttributesDecisionAttributes'>,
): void {
  const searchAttributes = rejectOnFault(Cause.DECISION_TASK_FAILED_CAUSE_BAD_SEARCH_ATTRIBUTES, () => {
    if (attributes.searchAttributes === undefined) throw badRequest('SearchAttributes is not set on decision.');
    if (Object.keys(attributes.searchAttributes.indexedFields).length === 0) {
      throw badRequest('IndexedFields is empty on decision.');
    }
    validateSearchAttributes(completion, attributes.searchAttributes);
    return attributes.searchAttributes;
  });
  addEvent(completion.draft, {
    $case: 'upsertWorkflowSearchAttributesEventAttributes',
    value: { decisionTaskCompletedEventId: completion.completedId, searchAttributes },
  });
}

const HANDLERS: { readonly [C in DecisionCase]: DecisionHandler<C> } = {
  scheduleActivityTaskDecisionAttributes: scheduleActivity,
  requestCancelActivityTaskDecisionAttributes: requestCancelActivity,
  startTimerDecisionAttributes: startTimer,
  cancelTimerDecisionAttributes: cancelTimer,
  recordMarkerDecisionAttributes: recordMarker,
  startChildWorkflowExecutionDecisionAttributes: startChild,
  requestCancelExternalWorkflowExecutionDecisionAttributes: cancelExternal,
  signalExternalWorkflowExecutionDecisionAttributes: signalExternal,
  upsertWorkflowSearchAttributesDecisionAttributes: upsertSearchAttributes,
  ...CLOSE_DECISION_HANDLERS,
};

export function applyDecision(completion: Completion, decision: Decision): void {
  const { attributes } = decision;
  if (attributes === undefined) throw badRequest('Unknown decision type: no attributes are set.');
  // The table's type pairs each case with its attributes; indexing by a union loses the pairing.
  const handler = HANDLERS[attributes.$case] as DecisionHandler<DecisionCase>;
  handler(completion, attributes.value);
}
