// A history in the JSON that Cadence's CLI writes with `--output_filename`, which the replayers of Cadence's Go and Java clients read: names and enums of
// the Thrift API, durations in seconds with the unit in the name, payloads in base64, failures as reason and details. test/compat/cli compares the two.
import {
  CancelExternalWorkflowExecutionFailedCause,
  ChildWorkflowExecutionFailedCause,
  ContinueAsNewInitiator,
  DecisionTaskFailedCause,
  DecisionTaskTimedOutCause,
  type HistoryEvent,
  ParentClosePolicy,
  SignalExternalWorkflowExecutionFailedCause,
  TaskListKind,
  TimeoutType,
  WorkflowIdReusePolicy,
} from '@antiphon/proto';
import { eventType } from './ui/event-line.ts';
import { unixNanos, type WireTime } from './wire-time.ts';

type Fields = Record<string, unknown>;

/** An int64 that JSON numbers of JavaScript would round: written as it is, by `historyJson`. */
class Exact {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
  toJSON(): string {
    return `exact:${this.value}`;
  }
}

const NAMES: Readonly<Record<string, string>> = {
  createdTime: 'createdTimeNano',
  expiringTime: 'expiringTimeNano',
  nonRetryableErrorReasons: 'nonRetriableErrorReasons',
  expirationTime: 'expirationTimestamp',
  jitterStart: 'jitterStartSeconds',
  delayStart: 'delayStartSeconds',
};

const ENUMS: Readonly<Record<string, readonly [Readonly<Record<string, unknown>>, string]>> = {
  kind: [TaskListKind, 'TASK_LIST_KIND_'],
  timeoutType: [TimeoutType, 'TIMEOUT_TYPE_'],
  parentClosePolicy: [ParentClosePolicy, 'PARENT_CLOSE_POLICY_'],
  workflowIdReusePolicy: [WorkflowIdReusePolicy, 'WORKFLOW_ID_REUSE_POLICY_'],
  initiator: [ContinueAsNewInitiator, 'CONTINUE_AS_NEW_INITIATOR_'],
  'decisionTaskFailedEventAttributes.cause': [DecisionTaskFailedCause, 'DECISION_TASK_FAILED_CAUSE_'],
  'decisionTaskTimedOutEventAttributes.cause': [DecisionTaskTimedOutCause, 'DECISION_TASK_TIMED_OUT_CAUSE_'],
  'startChildWorkflowExecutionFailedEventAttributes.cause': [
    ChildWorkflowExecutionFailedCause,
    'CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_',
  ],
  'requestCancelExternalWorkflowExecutionFailedEventAttributes.cause': [
    CancelExternalWorkflowExecutionFailedCause,
    'CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_',
  ],
  'signalExternalWorkflowExecutionFailedEventAttributes.cause': [
    SignalExternalWorkflowExecutionFailedCause,
    'SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_',
  ],
};

// Enums whose Thrift names are written so: AllowDuplicateFailedOnly.
const PASCAL_CASE = new Set(['workflowIdReusePolicy', 'initiator']);
const pascalCase = (text: string): string =>
  text.toLowerCase().replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());

// Fields of the shape {seconds, nanos} that are times; all others are durations.
const TIMES = /(time|Time|timestamp|Timestamp|Nano)$/;

const isTimeShape = (value: object): value is WireTime =>
  'seconds' in value && 'nanos' in value && Object.keys(value).length === 2;
const isPayload = (value: object): value is { data: Uint8Array } =>
  Object.keys(value).length === 1 && 'data' in value && value.data instanceof Uint8Array;
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

function enumText(key: string, parent: string, value: number): unknown {
  const known = ENUMS[`${parent}.${key}`] ?? ENUMS[key];
  if (known === undefined) return key === 'cronOverlapPolicy' ? value - 1 : value;
  const [values, prefix] = known;
  const text = Object.entries(values).find(([, each]) => each === value)?.[0];
  if (text === undefined) return value;
  const plain = text.replace(prefix, '');
  return PASCAL_CASE.has(key) ? pascalCase(plain) : plain;
}

/** Fields that one field of the wire becomes; none when it is empty. */
function fieldsOf(key: string, value: unknown, parent: string): Fields {
  const name = NAMES[key] ?? key;
  if (value === undefined || value === null || value === '' || value === false) return {};
  if (typeof value === 'bigint') return value === 0n ? {} : { [name]: new Exact(value) };
  if (typeof value === 'number') {
    const text = enumText(key, parent, value);
    return value === 0 ? {} : { [name]: text };
  }
  if (value instanceof Uint8Array) return value.length === 0 ? {} : { [name]: base64(value) };
  if (Array.isArray(value)) {
    const items = value.map((item) => (typeof item === 'object' ? converted(item as object, key) : item));
    return items.length === 0 ? {} : { [name]: items };
  }
  if (typeof value !== 'object') return { [name]: value };
  if (isPayload(value)) return { [name]: base64(value.data) };
  if (isTimeShape(value)) return timeField(name, value, parent);
  return objectFields(name, value as Fields);
}

function timeField(name: string, value: WireTime, parent: string): Fields {
  if (TIMES.test(name)) return { [name]: new Exact(unixNanos(value)) };
  const unit = name.endsWith('Seconds') ? '' : parent === 'retryPolicy' ? 'InSeconds' : 'Seconds';
  return { [`${name}${unit}`]: Number(value.seconds) };
}

function objectFields(name: string, value: Fields): Fields {
  if ('reason' in value && 'details' in value && /[fF]ailure$/.test(name)) {
    const details = value.details as Uint8Array;
    const at = (suffix: string): string =>
      name === 'failure' ? suffix.toLowerCase() : `${name.replace(/^failure$/, '')}${suffix}`;
    return { [at('Reason')]: value.reason, ...(details.length > 0 ? { [at('Details')]: base64(details) } : {}) };
  }
  if (name === 'parentExecutionInfo') {
    return {
      ...fieldsOf('parentWorkflowDomainID', value.domainId, ''),
      ...fieldsOf('parentWorkflowDomain', value.domainName, ''),
      ...fieldsOf('parentWorkflowExecution', value.workflowExecution, ''),
      ...fieldsOf('parentInitiatedEventId', value.initiatedId, ''),
    };
  }
  if (name === 'externalExecutionInfo') {
    return {
      ...fieldsOf('externalWorkflowExecution', value.workflowExecution, ''),
      ...fieldsOf('externalInitiatedEventId', value.initiatedId, ''),
    };
  }
  return { [name]: converted(value, name) };
}

const converted = (value: object, parent: string): Fields =>
  Object.assign({}, ...Object.entries(value).map(([key, item]) => fieldsOf(key, item, parent))) as Fields;

export function cadenceEvent(event: HistoryEvent): Fields {
  const { attributes } = event;
  return {
    eventId: Number(event.eventId),
    timestamp: new Exact(unixNanos(event.eventTime)),
    eventType: eventType(event),
    version: new Exact(event.version),
    taskId: new Exact(event.taskId),
    ...(attributes ? { [attributes.$case]: converted(attributes.value, attributes.$case) } : {}),
  };
}

export const historyJson = (events: readonly HistoryEvent[]): string =>
  JSON.stringify(events.map(cadenceEvent)).replace(/"exact:(-?\d+)"/g, '$1');
