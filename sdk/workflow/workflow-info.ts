// What a run may know about itself, and its log. Everything here is the same on every replay; log lines are dropped while
// replaying, so each appears once.
import { decodeValues, type Failure } from '../common/index.ts';
import { currentRun, findCurrentRun, hostBridge } from './current-run.ts';
import type { LogRecord, ParentInfo, WirePayload } from './protocol.ts';
import { readFailure, readResult, wireSearchAttributes } from './wire-payload.ts';

export interface WorkflowInfo {
  readonly workflowId: string;
  readonly runId: string;
  readonly firstRunId: string;
  readonly workflowType: string;
  readonly domain: string;
  readonly taskList: string;
  /** 0 for the first attempt of a retried workflow. */
  readonly attempt: number;
  readonly executionTimeoutSeconds: number;
  readonly startTime: Date;
  readonly cronSchedule: string | undefined;
  readonly continuedRunId: string | undefined;
  readonly parent: ParentInfo | undefined;
  readonly memo: Readonly<Record<string, unknown>>;
  readonly searchAttributes: Readonly<Record<string, unknown>>;
  /** Id of the last history event; continue as new before it gets large. */
  readonly historyLength: number;
}

function readFields(fields: Readonly<Record<string, WirePayload>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, readResult(value)]));
}

export function workflowInfo(): WorkflowInfo {
  const run = currentRun();
  const { info } = run;
  return {
    workflowId: info.workflowId,
    runId: info.runId,
    firstRunId: info.firstRunId,
    workflowType: info.workflowType,
    domain: info.domain,
    taskList: info.taskList,
    attempt: info.attempt,
    executionTimeoutSeconds: info.executionTimeoutSeconds,
    startTime: new Date(info.startTimeMs),
    cronSchedule: info.cronSchedule || undefined,
    continuedRunId: info.continuedRunId || undefined,
    parent: info.parent ?? undefined,
    memo: readFields(info.memo),
    searchAttributes: Object.fromEntries(
      [...run.searchAttributes].map(([name, text]) => [name, decodeValues(text)[0]]),
    ),
    historyLength: run.historyLength,
  };
}

/** Result of the last successful run of a cron workflow. */
export function getLastCompletionResult<T>(): T | undefined {
  return readResult(currentRun().info.lastCompletionResult) as T | undefined;
}

/** Failure of the run before this one, after a retry or a failed cron run. */
export function getLastFailure(): Failure | undefined {
  const { lastFailure } = currentRun().info;
  return lastFailure ? readFailure(lastFailure) : undefined;
}

/** Adds or replaces search attributes of this run. */
export function upsertSearchAttributes(attributes: Readonly<Record<string, unknown>>): void {
  const run = currentRun();
  const encoded = wireSearchAttributes(attributes);
  if (Object.keys(encoded).length === 0) throw new TypeError('upsertSearchAttributes needs at least one attribute');
  run.issue({ kind: 'upsertSearchAttributes', id: run.nextId(), attributes: encoded });
  for (const [name, value] of Object.entries(encoded)) run.searchAttributes.set(name, value);
}

/** For code that must know, such as metrics of one's own. Never branch the workflow's logic on it. */
export const unsafe = {
  isReplaying: (): boolean => currentRun().replaying,
};

type Fields = Readonly<Record<string, unknown>>;

function write(level: LogRecord['level'], message: string, fields: Fields = {}): void {
  const run = findCurrentRun();
  if (run?.replaying) return;
  const { workflowId = '', runId = '' } = run?.info ?? {};
  const record: LogRecord = { level, message, fields, workflowId, runId };
  hostBridge().log(JSON.stringify(record));
}

/** The run's log, silent while replaying. */
export const log = {
  debug: (message: string, fields?: Fields): void => write('debug', message, fields),
  info: (message: string, fields?: Fields): void => write('info', message, fields),
  warn: (message: string, fields?: Fields): void => write('warn', message, fields),
  error: (message: string, fields?: Fields): void => write('error', message, fields),
};
