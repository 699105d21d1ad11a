// A start request, checked and brought into the form that the engine takes: enum defaults set, durations in whole seconds. The order of
// the checks is the reference's, since callers with several faults see the first.
// Cadence: service/frontend/api/handler.go validateStartWorkflowExecutionRequest
import {
  CronOverlapPolicy,
  type StartWorkflowExecutionRequest,
  type TaskList,
  TaskListKind,
  WorkflowIdReusePolicy,
} from '@antiphon/proto';
import { badRequest } from '#base';
import { checkSearchAttributes, durationOf, type Limits } from '#core';
import { searchAttributeRules } from '#visibility';
import { checkCron } from './cron-check.ts';
import { isAbsentOrNotNegative, isPositive, msOfTimestamp, secondsOfDuration } from './durations.ts';
import type { FrontendDeps } from './ports.ts';
import {
  checkBlobSize,
  checkEnum,
  checkLength,
  fieldsSize,
  isUuid,
  payloadSize,
  requireTaskList,
} from './request-checks.ts';
import { validatedRetryPolicy } from './retry-policy.ts';

type Deps = Pick<FrontendDeps, 'env' | 'searchAttributes'>;

/** `requestIdIsUuid`: a plain start demands it, signal-with-start does not (semantics §1.8). */
export function validatedStart(
  request: StartWorkflowExecutionRequest,
  deps: Deps,
  { requestIdIsUuid, limits }: { requestIdIsUuid: boolean; limits: Limits },
): StartWorkflowExecutionRequest {
  if (requestIdIsUuid && !isUuid(request.requestId)) {
    throw badRequest(`requestId "${request.requestId.slice(0, 200)}" is not a valid UUID`);
  }
  if (request.workflowId === '') throw badRequest('WorkflowId is not set on request.');
  checkLength(request.workflowId, limits, 'WorkflowID');
  const workflowType = request.workflowType?.name ?? '';
  if (workflowType === '') throw badRequest('WorkflowType is not set on request.');
  checkLength(workflowType, limits, 'WorkflowType');
  const taskList = requireTaskList(request.taskList, limits);
  checkLength(request.requestId, limits, 'RequestID');
  checkLength(request.identity, limits, 'Identity');
  const normalized = { ...request, ...checkedEnums(request, taskList), ...checkedTimes(request) };
  checkSearchAttributes(request.searchAttributes, searchAttributeRules(deps.searchAttributes), limits);
  checkBlobSize(payloadSize(request.input) + fieldsSize(request.memo?.fields), limits);
  checkBlobSize(fieldsSize(request.header?.fields), limits);
  checkCron(request.cronSchedule, secondsOfDuration(request.jitterStart) ?? 0, deps.env.clock.nowMs());
  return normalized;
}

function checkedEnums(
  request: StartWorkflowExecutionRequest,
  taskList: TaskList,
): Pick<StartWorkflowExecutionRequest, 'workflowIdReusePolicy'> {
  const { workflowIdReusePolicy: reuse, cronOverlapPolicy: overlap } = request;
  checkEnum(taskList.kind, TaskListKind, 'TaskListKind');
  checkEnum(reuse, WorkflowIdReusePolicy, 'WorkflowIdReusePolicy');
  checkEnum(overlap, CronOverlapPolicy, 'CronOverlapPolicy');
  return {
    workflowIdReusePolicy: reuse || WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
  };
}

function checkedTimes(
  request: StartWorkflowExecutionRequest,
): Pick<
  StartWorkflowExecutionRequest,
  'retryPolicy' | 'executionStartToCloseTimeout' | 'taskStartToCloseTimeout' | 'delayStart' | 'jitterStart'
> {
  const retryPolicy = validatedRetryPolicy(request.retryPolicy);
  const execution = secondsOfDuration(request.executionStartToCloseTimeout);
  const task = secondsOfDuration(request.taskStartToCloseTimeout);
  const delay = secondsOfDuration(request.delayStart);
  const jitter = secondsOfDuration(request.jitterStart);
  if (!isPositive(execution)) {
    throw badRequest('A valid ExecutionStartToCloseTimeoutSeconds is not set on request.');
  }
  if (!isPositive(task)) throw badRequest('A valid TaskStartToCloseTimeoutSeconds is not set on request.');
  if (!isAbsentOrNotNegative(delay)) throw badRequest('A valid DelayStartSeconds is not set on request.');
  if (!isAbsentOrNotNegative(jitter)) {
    throw badRequest('A valid JitterStartSeconds is not set on request (negative).');
  }
  if (request.firstRunAt !== undefined && msOfTimestamp(request.firstRunAt) === undefined) {
    throw badRequest('A valid FirstRunAt is not set on request.');
  }
  return {
    retryPolicy,
    executionStartToCloseTimeout: durationOf(execution),
    taskStartToCloseTimeout: durationOf(task),
    delayStart: delay === undefined ? undefined : durationOf(delay),
    jitterStart: jitter === undefined ? undefined : durationOf(jitter),
  };
}
