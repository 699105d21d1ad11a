// Task tokens: what a worker hands back to say which task it answers. UTF-8 JSON with Cadence's field names (semantics §1.10), because
// people keep tokens for days to complete activities from outside: the form is stable across versions. A token is input: whoever decodes
// it checks every field here, and the frontend then checks that its domain is the caller's.
import { badRequest, type ServiceError } from '#base';

/** Of a decision task or an activity task (`activityId` empty for a decision). */
export interface TaskToken {
  readonly domainId: string;
  readonly workflowId: string;
  readonly workflowType: string;
  readonly runId: string;
  readonly scheduleId: number;
  readonly scheduleAttempt: number;
  readonly activityId: string;
  readonly activityType: string;
}

export interface QueryTaskToken {
  readonly domainId: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly taskList: string;
  readonly taskId: string;
}

// Three ids of the largest length, each character escaped, stay below it.
const TOKEN_BYTES_MAX = 64 * 1024;
const ATTEMPT_MAX = 2 ** 31 - 1;
const encoder = new TextEncoder();
const strictDecoder = new TextDecoder('utf-8', { fatal: true });

const invalidTaskToken = (cause?: unknown): ServiceError =>
  badRequest('Invalid TaskToken.', cause === undefined ? undefined : { cause });

export function encodeTaskToken(
  token: Omit<TaskToken, 'workflowType' | 'activityId' | 'activityType'> & Partial<TaskToken>,
): Uint8Array {
  return encoder.encode(
    JSON.stringify({
      domainId: token.domainId,
      workflowId: token.workflowId,
      workflowType: token.workflowType ?? '',
      runId: token.runId,
      scheduleId: token.scheduleId,
      scheduleAttempt: token.scheduleAttempt,
      activityId: token.activityId ?? '',
      activityType: token.activityType ?? '',
    } satisfies TaskToken),
  );
}

export function encodeQueryTaskToken(token: QueryTaskToken): Uint8Array {
  return encoder.encode(
    JSON.stringify({
      domainId: token.domainId,
      workflowId: token.workflowId,
      runId: token.runId,
      taskList: token.taskList,
      taskId: token.taskId,
    } satisfies QueryTaskToken),
  );
}

/** BadRequest `Task token not set on request.` when empty, `Invalid TaskToken.` when it is not one. */
export function decodeTaskToken(bytes: Uint8Array): TaskToken {
  const fields = parseFields(bytes);
  return {
    domainId: requireText(fields, 'domainId'),
    workflowId: requireText(fields, 'workflowId'),
    workflowType: optionalText(fields, 'workflowType'),
    runId: requireText(fields, 'runId'),
    scheduleId: requireInteger(fields, 'scheduleId', 1, Number.MAX_SAFE_INTEGER),
    scheduleAttempt: requireInteger(fields, 'scheduleAttempt', 0, ATTEMPT_MAX),
    activityId: optionalText(fields, 'activityId'),
    activityType: optionalText(fields, 'activityType'),
  };
}

/** As `decodeTaskToken`, for the token of a query task. */
export function decodeQueryTaskToken(bytes: Uint8Array): QueryTaskToken {
  const fields = parseFields(bytes);
  return {
    domainId: requireText(fields, 'domainId'),
    workflowId: optionalText(fields, 'workflowId'),
    runId: optionalText(fields, 'runId'),
    taskList: requireText(fields, 'taskList'),
    taskId: requireText(fields, 'taskId'),
  };
}

function parseFields(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  if (bytes.length === 0) throw badRequest('Task token not set on request.');
  if (bytes.length > TOKEN_BYTES_MAX) throw invalidTaskToken();
  let value: unknown;
  try {
    value = JSON.parse(strictDecoder.decode(bytes));
  } catch (cause) {
    throw invalidTaskToken(cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidTaskToken();
  return value as Record<string, unknown>; // An object was just established; its fields stay unknown.
}

function requireText(fields: Readonly<Record<string, unknown>>, name: string): string {
  const value = optionalText(fields, name);
  if (value === '') throw invalidTaskToken();
  return value;
}

function optionalText(fields: Readonly<Record<string, unknown>>, name: string): string {
  const value = Object.hasOwn(fields, name) ? fields[name] : '';
  if (typeof value !== 'string') throw invalidTaskToken();
  return value;
}

function requireInteger(fields: Readonly<Record<string, unknown>>, name: string, min: number, max: number): number {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) throw invalidTaskToken();
  return value;
}
