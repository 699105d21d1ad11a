// Compares what a replayed decision produced with what history says it produced, and says where they part: expected and
// actual. Names and ids are compared, inputs and timeouts are not, so that harmless changes replay.
// Cadence: cadence-go-client internal/internal_task_handlers.go matchReplayWithHistory.
import {
  ContinueAsNewInitiator,
  type Decision,
  type HistoryEvent,
  type WorkflowExecutionContinuedAsNewEventAttributes,
} from '@antiphon/proto';
import { lastPartOfName, parseJsonValues } from '../common/index.ts';
import { bufferOf, toSandbox } from '../transport/wire-conversions.ts';
import type { WirePayload } from '../workflow/protocol.ts';
import { NonDeterminismError } from './non-determinism.ts';

/** A decision in words that are equal exactly when decision and event match. */
type Signature = string;

const last = (name: string | undefined): string => lastPartOfName(name ?? '');

/** Undefined for markers that calls may add or skip: versions and changing values check themselves. */
function signatureOfMarker(name: string): Signature | undefined {
  return name === 'Version' || name === 'MutableSideEffect' ? undefined : `RecordMarker{${name}}`;
}

function signatureOfDecision({ attributes }: Decision): Signature | undefined {
  switch (attributes?.$case) {
    case 'scheduleActivityTaskDecisionAttributes':
      return `ScheduleActivity{id ${attributes.value.activityId}, type ${last(attributes.value.activityType?.name)}}`;
    case 'requestCancelActivityTaskDecisionAttributes':
      return `CancelActivity{id ${attributes.value.activityId}}`;
    case 'startTimerDecisionAttributes':
      return `StartTimer{id ${attributes.value.timerId}}`;
    case 'cancelTimerDecisionAttributes':
      return `CancelTimer{id ${attributes.value.timerId}}`;
    case 'startChildWorkflowExecutionDecisionAttributes':
      return `StartChildWorkflow{type ${last(attributes.value.workflowType?.name)}}`;
    case 'requestCancelExternalWorkflowExecutionDecisionAttributes':
      return `CancelWorkflow{id ${attributes.value.workflowExecution?.workflowId}}`;
    case 'signalExternalWorkflowExecutionDecisionAttributes':
      return `SignalWorkflow{id ${attributes.value.workflowExecution?.workflowId}, signal ${attributes.value.signalName}}`;
    case 'recordMarkerDecisionAttributes':
      return signatureOfMarker(attributes.value.markerName);
    case 'upsertWorkflowSearchAttributesDecisionAttributes':
      return isVersionUpsert(attributes.value.searchAttributes?.indexedFields) ? undefined : 'UpsertSearchAttributes';
    case 'completeWorkflowExecutionDecisionAttributes':
      return 'CompleteWorkflow';
    case 'failWorkflowExecutionDecisionAttributes':
      return 'FailWorkflow';
    case 'cancelWorkflowExecutionDecisionAttributes':
      return 'CancelWorkflowExecution';
    case 'continueAsNewWorkflowExecutionDecisionAttributes':
      return 'ContinueAsNew';
    default:
      return undefined;
  }
}

/** The upsert that accompanies a Version marker is skipped with it. */
function isVersionUpsert(fields: Readonly<Record<string, unknown>> | undefined): boolean {
  const names = Object.keys(fields ?? {});
  return names.length === 1 && names[0] === 'CadenceChangeVersion';
}

/** The service turns the close of a cron or retried run into a continuation. */
function signatureOfContinuation(event: WorkflowExecutionContinuedAsNewEventAttributes): Signature {
  if (event.initiator === ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_DECIDER) return 'ContinueAsNew';
  return event.failure?.reason ? 'FailWorkflow' : 'CompleteWorkflow';
}

function signatureOfEvent({ attributes }: HistoryEvent): Signature | undefined {
  switch (attributes?.$case) {
    case 'activityTaskScheduledEventAttributes':
      return `ScheduleActivity{id ${attributes.value.activityId}, type ${last(attributes.value.activityType?.name)}}`;
    // A refused request has this event too, and RequestCancelActivityTaskFailed later in the batch.
    case 'activityTaskCancelRequestedEventAttributes':
      return `CancelActivity{id ${attributes.value.activityId}}`;
    case 'timerStartedEventAttributes':
      return `StartTimer{id ${attributes.value.timerId}}`;
    case 'timerCanceledEventAttributes':
    case 'cancelTimerFailedEventAttributes':
      return `CancelTimer{id ${attributes.value.timerId}}`;
    case 'startChildWorkflowExecutionInitiatedEventAttributes':
      return `StartChildWorkflow{type ${last(attributes.value.workflowType?.name)}}`;
    case 'requestCancelExternalWorkflowExecutionInitiatedEventAttributes':
      return `CancelWorkflow{id ${attributes.value.workflowExecution?.workflowId}}`;
    case 'signalExternalWorkflowExecutionInitiatedEventAttributes':
      return `SignalWorkflow{id ${attributes.value.workflowExecution?.workflowId}, signal ${attributes.value.signalName}}`;
    case 'markerRecordedEventAttributes':
      return signatureOfMarker(attributes.value.markerName);
    case 'upsertWorkflowSearchAttributesEventAttributes':
      return isVersionUpsert(attributes.value.searchAttributes?.indexedFields) ? undefined : 'UpsertSearchAttributes';
    case 'workflowExecutionCompletedEventAttributes':
      return 'CompleteWorkflow';
    case 'workflowExecutionFailedEventAttributes':
      return 'FailWorkflow';
    case 'workflowExecutionCanceledEventAttributes':
      return 'CancelWorkflowExecution';
    case 'workflowExecutionContinuedAsNewEventAttributes':
      return signatureOfContinuation(attributes.value);
    default:
      return undefined;
  }
}

interface Recorded {
  readonly signature: Signature;
  readonly eventId: number;
}

function recordedIn(events: readonly HistoryEvent[]): Recorded[] {
  return events.flatMap((event) => {
    const signature = signatureOfEvent(event);
    return signature === undefined ? [] : [{ signature, eventId: Number(event.eventId) }];
  });
}

/** `next` is the batch that follows the replayed decision: it starts with the events which that decision produced. */
export function checkReplay(decisions: readonly Decision[], next: readonly HistoryEvent[], decidedAt: number): void {
  const actual = decisions.flatMap((decision) => signatureOfDecision(decision) ?? []);
  const expected = recordedIn(next);
  for (let i = 0; i < Math.max(actual.length, expected.length); i++) {
    const event = expected[i];
    if (event?.signature === actual[i]) continue;
    const where = event ? `at event ${event.eventId}` : `after event ${decidedAt}`;
    throw new NonDeterminismError(
      `${where} history has ${event?.signature ?? 'no further decision'}, but workflow code now produces ${actual[i] ?? 'nothing'}`,
    );
  }
}

export interface RecordedMarkers {
  readonly sideEffects: Readonly<Record<string, WirePayload>>;
  readonly versions: Readonly<Record<string, number>>;
  readonly mutableSideEffects: Readonly<Record<string, string>>;
}

/** The values that a decision recorded in markers, read from the batch that follows it. */
export function readMarkers(next: readonly HistoryEvent[]): RecordedMarkers {
  const sideEffects: Record<string, WirePayload> = {};
  const versions: Record<string, number> = {};
  const mutableSideEffects: Record<string, string> = {};
  for (const { attributes } of next) {
    if (attributes?.$case !== 'markerRecordedEventAttributes') continue;
    const { markerName, details } = attributes.value;
    const [first, second, third] = parseJsonValues(bufferOf(details?.data ?? new Uint8Array()).toString('utf8'));
    if (markerName === 'Version') versions[String(first)] = Number(second);
    else if (markerName === 'SideEffect')
      sideEffects[String(first)] = toSandbox(
        second === '' ? undefined : { data: Buffer.from(String(second), 'base64') },
      );
    else if (markerName === 'MutableSideEffect') mutableSideEffects[`${first}#${third ?? 0}`] = String(second);
  }
  return { sideEffects, versions, mutableSideEffects };
}
