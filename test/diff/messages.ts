// Short forms of the messages that scenarios are made of.
import {
  CancelTimerDecisionAttributes,
  CancelWorkflowExecutionDecisionAttributes,
  CompleteWorkflowExecutionDecisionAttributes,
  ContinueAsNewWorkflowExecutionDecisionAttributes,
  type Decision,
  FailWorkflowExecutionDecisionAttributes,
  RecordMarkerDecisionAttributes,
  RequestCancelActivityTaskDecisionAttributes,
  RequestCancelExternalWorkflowExecutionDecisionAttributes,
  ScheduleActivityTaskDecisionAttributes,
  SignalExternalWorkflowExecutionDecisionAttributes,
  StartChildWorkflowExecutionDecisionAttributes,
  StartTimerDecisionAttributes,
  UpsertWorkflowSearchAttributesDecisionAttributes,
} from '@antiphon/proto';
import type { Loose } from './wire.ts';

type Attributes = NonNullable<Decision['attributes']>;
type Value<C extends Attributes['$case']> = Extract<Attributes, { $case: C }>['value'];

export const seconds = (value: number) => ({ seconds: BigInt(value), nanos: 0 });
export const at = (ms: number) => ({ seconds: BigInt(Math.floor(ms / 1000)), nanos: 0 });
export const bytes = (text: string): Uint8Array => Buffer.from(text);
export const payload = (text: string) => ({ data: bytes(text) });
export const failure = (reason: string, details = '') => ({ reason, details: bytes(details) });

/** A decision of one kind, from some of its fields. */
const decision =
  <C extends Attributes['$case']>($case: C, codec: { fromPartial(partial: never): Value<C> }) =>
  (value: Loose<Value<C>> = {} as Loose<Value<C>>): Attributes =>
    // The case and the value's type are the codec's, by Value.
    ({ $case, value: codec.fromPartial(value as never) }) as Attributes;

export const scheduleActivity = decision(
  'scheduleActivityTaskDecisionAttributes',
  ScheduleActivityTaskDecisionAttributes,
);
export const startTimer = decision('startTimerDecisionAttributes', StartTimerDecisionAttributes);
export const completeWorkflow = decision(
  'completeWorkflowExecutionDecisionAttributes',
  CompleteWorkflowExecutionDecisionAttributes,
);
export const failWorkflow = decision(
  'failWorkflowExecutionDecisionAttributes',
  FailWorkflowExecutionDecisionAttributes,
);
export const cancelActivity = decision(
  'requestCancelActivityTaskDecisionAttributes',
  RequestCancelActivityTaskDecisionAttributes,
);
export const cancelTimer = decision('cancelTimerDecisionAttributes', CancelTimerDecisionAttributes);
export const cancelWorkflow = decision(
  'cancelWorkflowExecutionDecisionAttributes',
  CancelWorkflowExecutionDecisionAttributes,
);
export const cancelExternal = decision(
  'requestCancelExternalWorkflowExecutionDecisionAttributes',
  RequestCancelExternalWorkflowExecutionDecisionAttributes,
);
export const recordMarker = decision('recordMarkerDecisionAttributes', RecordMarkerDecisionAttributes);
export const continueAsNew = decision(
  'continueAsNewWorkflowExecutionDecisionAttributes',
  ContinueAsNewWorkflowExecutionDecisionAttributes,
);
export const startChild = decision(
  'startChildWorkflowExecutionDecisionAttributes',
  StartChildWorkflowExecutionDecisionAttributes,
);
export const signalExternal = decision(
  'signalExternalWorkflowExecutionDecisionAttributes',
  SignalExternalWorkflowExecutionDecisionAttributes,
);
export const upsertSearchAttributes = decision(
  'upsertWorkflowSearchAttributesDecisionAttributes',
  UpsertWorkflowSearchAttributesDecisionAttributes,
);

/** An activity that is sound as it is. */
export const activity = (id: string, more: Loose<ScheduleActivityTaskDecisionAttributes> = {}): Attributes =>
  scheduleActivity({
    activityId: id,
    activityType: { name: 'Activity' },
    input: payload(`input of ${id}`),
    scheduleToCloseTimeout: seconds(20),
    scheduleToStartTimeout: seconds(20),
    startToCloseTimeout: seconds(20),
    ...more,
  });

export const timer = (id: string, afterSeconds: number): Attributes =>
  startTimer({ timerId: id, startToFireTimeout: seconds(afterSeconds) });

export const complete = (result = 'done'): Attributes => completeWorkflow({ result: payload(result) });
