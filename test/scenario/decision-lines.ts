// Decisions as scenario lines: `schedule-activity id=a s2c=60`, `start-timer id=t seconds=30`, `complete-workflow result=ok` …
import {
  ContinueAsNewWorkflowExecutionDecisionAttributes,
  type Decision,
  RequestCancelExternalWorkflowExecutionDecisionAttributes,
  RetryPolicy,
  ScheduleActivityTaskDecisionAttributes,
  SignalExternalWorkflowExecutionDecisionAttributes,
  StartChildWorkflowExecutionDecisionAttributes,
} from '@antiphon/proto';
import { payload } from '../unit/core/engine-fixture.ts';
import { type CommandLine, parseLine } from './scenario-file.ts';

type Attributes = NonNullable<Decision['attributes']>;

const duration = (text: string | undefined) => (text === undefined ? undefined : { seconds: BigInt(text), nanos: 0 });
const optionalPayload = (text: string | undefined) => (text === undefined ? undefined : payload(text));

/** `retry=initial,coefficient,attempts[,expiration]` in seconds, `never=reason` for what is not retried. */
export function retryPolicyOf(options: CommandLine['options']): RetryPolicy | undefined {
  if (options.retry === undefined) return undefined;
  const [initial = '1', coefficient = '2', attempts = '0', expiration = '0'] = options.retry.split(',');
  return RetryPolicy.fromPartial({
    initialInterval: { seconds: BigInt(initial) },
    backoffCoefficient: Number(coefficient),
    maximumAttempts: Number(attempts),
    expirationInterval: { seconds: BigInt(expiration) },
    nonRetryableErrorReasons: options.never === undefined ? [] : [options.never],
  });
}

export function parseDecision(text: string): Attributes {
  const { verb, options } = parseLine(text);
  const id = options.id ?? '';
  const target = { workflowId: options.workflow ?? '', runId: options.run ?? '' };
  const details = optionalPayload(options.details);
  switch (verb) {
    case 'schedule-activity':
      return {
        $case: 'scheduleActivityTaskDecisionAttributes',
        value: ScheduleActivityTaskDecisionAttributes.fromPartial({
          activityId: id,
          activityType: { name: options.type ?? 'Pay' },
          domain: options.domain ?? '',
          taskList: { name: options.list ?? 'activities' },
          input: optionalPayload(options.input),
          scheduleToCloseTimeout: duration(options.s2c),
          scheduleToStartTimeout: duration(options.s2s),
          startToCloseTimeout: duration(options.st2c),
          heartbeatTimeout: duration(options.heartbeat),
          retryPolicy: retryPolicyOf(options),
          requestLocalDispatch: options.local === 'true',
        }),
      };
    case 'cancel-activity':
      return { $case: 'requestCancelActivityTaskDecisionAttributes', value: { activityId: id } };
    case 'start-timer':
      return {
        $case: 'startTimerDecisionAttributes',
        value: { timerId: id, startToFireTimeout: duration(options.seconds) },
      };
    case 'cancel-timer':
      return { $case: 'cancelTimerDecisionAttributes', value: { timerId: id } };
    case 'record-marker':
      return {
        $case: 'recordMarkerDecisionAttributes',
        value: { markerName: options.name ?? '', details, header: undefined },
      };
    case 'complete-workflow':
      return {
        $case: 'completeWorkflowExecutionDecisionAttributes',
        value: { result: optionalPayload(options.result) },
      };
    case 'fail-workflow': {
      const failure =
        options.reason === undefined
          ? undefined
          : { reason: options.reason, details: payload(options.details ?? '').data };
      return { $case: 'failWorkflowExecutionDecisionAttributes', value: { failure } };
    }
    case 'cancel-workflow':
      return { $case: 'cancelWorkflowExecutionDecisionAttributes', value: { details } };
    case 'continue-as-new':
      return {
        $case: 'continueAsNewWorkflowExecutionDecisionAttributes',
        value: ContinueAsNewWorkflowExecutionDecisionAttributes.fromPartial({
          input: optionalPayload(options.input),
          cronSchedule: options.cron ?? '',
          retryPolicy: retryPolicyOf(options),
          backoffStartInterval: duration(options.backoff),
          executionStartToCloseTimeout: duration(options.timeout),
        }),
      };
    case 'start-child':
      return {
        $case: 'startChildWorkflowExecutionDecisionAttributes',
        value: StartChildWorkflowExecutionDecisionAttributes.fromPartial({
          domain: options.domain ?? '',
          workflowId: options.workflow ?? '',
          workflowType: { name: options.type ?? 'Child' },
          control: payload('control').data,
        }),
      };
    case 'cancel-external':
      return {
        $case: 'requestCancelExternalWorkflowExecutionDecisionAttributes',
        value: RequestCancelExternalWorkflowExecutionDecisionAttributes.fromPartial({
          domain: options.domain ?? '',
          workflowExecution: target,
        }),
      };
    case 'signal-external':
      return {
        $case: 'signalExternalWorkflowExecutionDecisionAttributes',
        value: SignalExternalWorkflowExecutionDecisionAttributes.fromPartial({
          domain: options.domain ?? '',
          workflowExecution: target,
          signalName: options.name ?? '',
        }),
      };
    case 'upsert': {
      const { key = '', value = '' } = options;
      const indexedFields = key === '' ? {} : { [key]: payload(value) };
      return {
        $case: 'upsertWorkflowSearchAttributesDecisionAttributes',
        value: { searchAttributes: { indexedFields } },
      };
    }
    default:
      throw new Error(`unknown decision: ${text}`);
  }
}
