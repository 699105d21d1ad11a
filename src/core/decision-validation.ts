// Validation of decision attributes (semantics §2.6). Each function returns the attributes to write, completed where Cadence completes
// them, or throws BadRequest, whose text ends up in the DecisionTaskFailed event.

import type {
  ActiveClusterSelectionPolicy,
  ContinueAsNewWorkflowExecutionDecisionAttributes,
  ScheduleActivityTaskDecisionAttributes,
  SearchAttributes,
  TaskList,
  WorkflowExecution,
} from '@antiphon/proto';
import type { Duration } from '@antiphon/proto/google';
import { badRequest, internalService } from '#base';
import { sameAttribute } from './active-cluster.ts';
import { parseCronSchedule } from './cron.ts';
import type { Completion } from './decision-outcome.ts';
import type { DomainView } from './domain-view.ts';
import { lengthMax } from './limits.ts';
import { validateRetryPolicy } from './retry-policy.ts';
import { checkSearchAttributes } from './search-attribute-rules.ts';
import { priorityFieldsOfHeader } from './task-priority.ts';
import { isKeptDuration, secondsOf } from './wire-time.ts';

const RESERVED_TASK_LIST_PREFIX = '/__cadence_sys/';
/** A retried activity may wait this long for a worker even when its own limit is shorter. */
const RETRIED_SCHEDULE_TO_START_SECONDS_MAX = 30 * 60;
const SCHEDULE_TO_START_REASON = 'cadenceInternal:Timeout SCHEDULE_TO_START';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function requireLength(completion: Completion, value: string, name: string): void {
  const most = lengthMax(completion.draft.context.limits, name);
  if (value.length > most) throw badRequest(`${name} exceeds length limit.`);
}

export function requireTaskList(
  completion: Completion,
  taskList: TaskList | undefined,
  fallback: TaskList | undefined,
): TaskList {
  const chosen = taskList?.name ? taskList : fallback;
  if (chosen === undefined || chosen.name === '') throw badRequest('missing task list name');
  const most = lengthMax(completion.draft.context.limits, 'TaskList');
  if (chosen.name.length > most) throw badRequest(`task list name exceeds length limit of ${most}`);
  if (chosen.name.startsWith(RESERVED_TASK_LIST_PREFIX)) {
    throw badRequest(`task list name cannot start with reserved prefix ${RESERVED_TASK_LIST_PREFIX}`);
  }
  return chosen;
}

/**
 * The domain a decision names, for what it wants to do there; empty: the run's own. Only calls between like domains of one cluster set may
 * cross.
 */
export function requireDomain(completion: Completion, name: string, doAcrossDomain: string): DomainView {
  const own = completion.draft.context.domain;
  if (name === '' || name === own.name) return own;
  const target = completion.command.findDomain(name);
  if (target === undefined) throw internalService(`Unable to ${doAcrossDomain} ${name}.`);
  if (target.id === own.id) return own;
  const bothLocal = own.clusters.length === 1 && target.clusters.length === 1 && own.clusters[0] === target.clusters[0];
  if (!bothLocal) throw badRequest(`cannot make cross domain call between ${own.name} and ${target.name}`);
  return target;
}

export function requireTimeouts(...durations: readonly (Duration | undefined)[]): void {
  for (const duration of durations) {
    if (duration !== undefined && (duration.seconds < 0n || duration.nanos < 0)) {
      throw badRequest('A valid timeout may not be negative.');
    }
  }
}

/** Timeouts of a run that a decision starts. What the state cannot keep is refused, not wrapped. */
export function requireRunTimeouts(attributes: {
  readonly executionStartToCloseTimeout?: Duration | undefined;
  readonly taskStartToCloseTimeout?: Duration | undefined;
}): void {
  const { executionStartToCloseTimeout, taskStartToCloseTimeout } = attributes;
  if (!isKeptDuration(executionStartToCloseTimeout)) {
    throw badRequest('ExecutionStartToCloseTimeoutSeconds is out of range on decision.');
  }
  if (!isKeptDuration(taskStartToCloseTimeout)) {
    throw badRequest('TaskStartToCloseTimeoutSeconds is out of range on decision.');
  }
}

/**
 * A run's children and its successor are where it is: a failover that moved one of them without the other would leave each waiting for what
 * only the other region may write.
 */
export function requireOwnAttribute(completion: Completion, policy: ActiveClusterSelectionPolicy | undefined): void {
  if (policy === undefined || sameAttribute(policy, completion.draft.info.activeClusterSelectionPolicy)) return;
  throw badRequest('ActiveClusterSelectionPolicy must be that of the workflow itself: leave it out to inherit it.');
}

export interface ActivityTimeouts {
  readonly scheduleToClose: number;
  readonly scheduleToStart: number;
  readonly startToClose: number;
  readonly heartbeat: number;
}

/** Derives what the worker left out, never longer than the workflow may run. */
export function deriveActivityTimeouts(
  attributes: ScheduleActivityTaskDecisionAttributes,
  executionTimeoutSeconds: number,
): ActivityTimeouts {
  const { scheduleToCloseTimeout, scheduleToStartTimeout, startToCloseTimeout, heartbeatTimeout } = attributes;
  requireTimeouts(scheduleToCloseTimeout, scheduleToStartTimeout, startToCloseTimeout, heartbeatTimeout);
  const clamp = (seconds: number): number => Math.min(seconds, executionTimeoutSeconds);
  let scheduleToClose = clamp(secondsOf(scheduleToCloseTimeout));
  let scheduleToStart = clamp(secondsOf(scheduleToStartTimeout));
  let startToClose = clamp(secondsOf(startToCloseTimeout));
  if (scheduleToClose > 0) {
    if (scheduleToStart === 0) scheduleToStart = scheduleToClose;
    if (startToClose === 0) startToClose = scheduleToClose;
  } else if (scheduleToStart > 0 && startToClose > 0) {
    scheduleToClose = clamp(scheduleToStart + startToClose);
  } else {
    throw badRequest('A valid ScheduleToCloseTimeout is not set on decision.');
  }
  const { retryPolicy } = attributes;
  if (retryPolicy !== undefined) {
    const expiration = secondsOf(retryPolicy.expirationInterval) || executionTimeoutSeconds;
    if (!retryPolicy.nonRetryableErrorReasons.includes(SCHEDULE_TO_START_REASON)) {
      scheduleToStart = Math.max(scheduleToStart, Math.min(expiration, RETRIED_SCHEDULE_TO_START_SECONDS_MAX));
    }
    scheduleToClose = Math.max(scheduleToClose, expiration);
  }
  return { scheduleToClose, scheduleToStart, startToClose, heartbeat: clamp(secondsOf(heartbeatTimeout)) };
}

export function validateActivity(completion: Completion, attributes: ScheduleActivityTaskDecisionAttributes): void {
  if (attributes.activityId === '') throw badRequest('ActivityId is not set on decision.');
  if (!attributes.activityType?.name) throw badRequest('ActivityType is not set on decision.');
  validateRetryPolicy(attributes.retryPolicy);
  requireLength(completion, attributes.activityId, 'ActivityID');
  requireLength(completion, attributes.activityType.name, 'ActivityType');
  requireLength(completion, attributes.domain, 'Domain');
  priorityFieldsOfHeader(attributes.header);
}

export function validateExternalTarget(
  completion: Completion,
  target: { readonly domain: string; readonly workflowExecution?: WorkflowExecution | undefined },
  withoutExecution: string,
): WorkflowExecution {
  const { workflowExecution } = target;
  if (workflowExecution === undefined) throw badRequest(withoutExecution);
  if (workflowExecution.workflowId === '') throw badRequest('WorkflowId is not set on decision.');
  requireLength(completion, workflowExecution.workflowId, 'WorkflowId');
  requireLength(completion, target.domain, 'Domain');
  if (workflowExecution.runId !== '' && !UUID.test(workflowExecution.runId)) {
    throw badRequest('Invalid RunId set on decision.');
  }
  return workflowExecution;
}

export function validateContinueAsNew(
  completion: Completion,
  attributes: ContinueAsNewWorkflowExecutionDecisionAttributes,
): void {
  const { workflowType, taskList, retryPolicy, cronSchedule, searchAttributes } = attributes;
  if (workflowType !== undefined) requireLength(completion, workflowType.name, 'WorkflowType');
  if (taskList?.name) requireTaskList(completion, taskList, undefined);
  requireRunTimeouts(attributes);
  requireOwnAttribute(completion, attributes.activeClusterSelectionPolicy);
  if (!isKeptDuration(attributes.backoffStartInterval)) throw badRequest('BackoffStartInterval is out of range.');
  if (secondsOf(attributes.backoffStartInterval) < 0) throw badRequest('BackoffStartInterval is less than 0.');
  validateRetryPolicy(retryPolicy);
  if (cronSchedule !== '') parseCronSchedule(cronSchedule);
  if (searchAttributes !== undefined) validateSearchAttributes(completion, searchAttributes);
}

export function validateSearchAttributes(completion: Completion, attributes: SearchAttributes): void {
  const { limits, searchAttributes } = completion.draft.context;
  checkSearchAttributes(attributes, searchAttributes, limits);
}

/** Bytes of a memo or of search attributes, for the blob limit. */
export function mapBytes(fields: Readonly<Record<string, { readonly data: Uint8Array }>> | undefined): number {
  let bytes = 0;
  for (const [key, { data }] of Object.entries(fields ?? {})) bytes += key.length + data.length;
  return bytes;
}
