// Wire messages as plain values for people and scripts: times as ISO text, durations as seconds, payloads decoded when they are JSON,
// oneofs flattened, absent fields left out, and default ones too where people read.

import {
  ArchivalStatus,
  CronOverlapPolicy,
  DecisionTaskFailedCause,
  DomainStatus,
  ParentClosePolicy,
  PendingActivityState,
  PendingDecisionState,
  QueryResultType,
  TaskListKind,
  TimeoutType,
  WorkflowExecutionCloseStatus,
  WorkflowExecutionStatus,
} from '@antiphon/proto';
import { enumName } from './enum-name.ts';

// Fields that hold an enum, whose number says nothing to a person. `state` is of two enums, by the field that it is in.
const ENUM_FIELDS: Readonly<Record<string, readonly [Readonly<Record<string, unknown>>, string]>> = {
  kind: [TaskListKind, 'TASK_LIST_KIND_'],
  cronOverlapPolicy: [CronOverlapPolicy, 'CRON_OVERLAP_POLICY_'],
  executionStatus: [WorkflowExecutionStatus, 'WORKFLOW_EXECUTION_STATUS_'],
  closeStatus: [WorkflowExecutionCloseStatus, 'WORKFLOW_EXECUTION_CLOSE_STATUS_'],
  parentClosePolicy: [ParentClosePolicy, 'PARENT_CLOSE_POLICY_'],
  timeoutType: [TimeoutType, 'TIMEOUT_TYPE_'],
  resultType: [QueryResultType, 'QUERY_RESULT_TYPE_'],
  historyArchivalStatus: [ArchivalStatus, 'ARCHIVAL_STATUS_'],
  visibilityArchivalStatus: [ArchivalStatus, 'ARCHIVAL_STATUS_'],
  'pendingActivities.state': [PendingActivityState, 'PENDING_ACTIVITY_STATE_'],
  'pendingDecision.state': [PendingDecisionState, 'PENDING_DECISION_STATE_'],
  'decisionTaskFailedEventAttributes.cause': [DecisionTaskFailedCause, 'DECISION_TASK_FAILED_CAUSE_'],
  'domain.status': [DomainStatus, 'DOMAIN_STATUS_'],
};

const isTimestamp = (value: object): value is { seconds: bigint; nanos: number } =>
  Object.keys(value).length === 2 && 'seconds' in value && 'nanos' in value && typeof value.seconds === 'bigint';

// Field names that hold a Duration; everything else of the shape {seconds, nanos} is a Timestamp.
const DURATION_FIELD = /(timeout|interval|period|retention|backoff|start|jitterStart|window|jitter)$/i;
const TIMESTAMP_FIELD = /(time|at)$/i;

/** JSON values of a payload: one value as itself, several as a list; raw text or base64 when it is no JSON. */
export function decodePayload(data: Uint8Array): unknown {
  if (data.length === 0) return null;
  const text = Buffer.from(data).toString('utf8');
  try {
    return JSON.parse(text);
  } catch {
    // Several concatenated values are the Go client's form of several arguments; anything else is shown as it is.
    const values = text.trimEnd().split('\n');
    try {
      return values.map((value) => JSON.parse(value) as unknown);
    } catch {
      return Buffer.from(text, 'utf8').equals(Buffer.from(data)) ? text : Buffer.from(data).toString('base64');
    }
  }
}

export function plain(value: unknown, options: { keepDefaults?: boolean } = {}, field = '', parentField = ''): unknown {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (value instanceof Uint8Array) return value.length === 0 ? undefined : decodePayload(value);
  if (Array.isArray(value))
    return value.length === 0 && !options.keepDefaults
      ? undefined
      : value.map((item) => plain(item, options, field, parentField));
  if (value instanceof Map) return plain(Object.fromEntries(value), options);
  if (typeof value !== 'object') {
    const known =
      typeof value === 'number' ? (ENUM_FIELDS[`${parentField}.${field}`] ?? ENUM_FIELDS[field]) : undefined;
    if (known && value !== 0) return enumName(known[0], value as number, known[1]);
    return !options.keepDefaults && (value === '' || value === 0 || value === false) ? undefined : value;
  }
  if (isTimestamp(value)) {
    const seconds = Number(value.seconds) + value.nanos / 1e9;
    if (DURATION_FIELD.test(field) && !TIMESTAMP_FIELD.test(field)) return `${seconds}s`;
    return new Date(seconds * 1000).toISOString();
  }
  const keys = Object.keys(value);
  if (keys.length === 1 && keys[0] === 'data' && (value as { data: unknown }).data instanceof Uint8Array) {
    return decodePayload((value as { data: Uint8Array }).data);
  }
  if ('$case' in value && 'value' in value)
    return { [value.$case as string]: plain(value.value, options, value.$case as string, field) };
  const result: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const converted = plain(item, options, key, field);
    if (converted !== undefined) result[key] = converted;
  }
  return result;
}
