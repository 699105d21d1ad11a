// Closing a run by opening its successor in the same transition: asked by the workflow, by its cron schedule or by its retry policy
// (semantics §2.11). The successor inherits what the request leaves out.

import {
  ContinueAsNewInitiator,
  type ContinueAsNewWorkflowExecutionDecisionAttributes,
  type CronOverlapPolicy,
  type Failure,
  type Payload,
  TaskListKind,
  type WorkflowExecutionStartedEventAttributes,
} from '@antiphon/proto';
import { required } from '#base';
import { addEvent } from './add-event.ts';
import { expirationTime, openRun } from './create-workflow.ts';
import { nextCronBackoffSeconds } from './cron-backoff.ts';
import type { Draft } from './draft.ts';
import { EMPTY_EVENT_ID } from './event-ids.ts';
import { rollOverResetPoints } from './reset-points.ts';
import { nextRetryDelayMs, normalizedRetryPolicy } from './retry-policy.ts';
import { durationOf, positiveSecondsOf, secondsOf, timestampOf } from './wire-time.ts';
import type { WorkflowState } from './workflow-state.ts';

type Continuation = Omit<ContinueAsNewWorkflowExecutionDecisionAttributes, 'jitterStart'>;

/** True when a close of this run may start it again, which needs its Started event (input, header, last result). */
export function needsStartedEvent(state: WorkflowState): boolean {
  return state.info.cronSchedule !== '' || state.info.retryPolicy !== undefined;
}

/** Writes ContinuedAsNew and opens the successor. `decisionCompletedId` is 0 when no decision asked for it. */
export function continueAsNew(draft: Draft, request: Continuation, decisionCompletedId: bigint): void {
  const { info, context } = draft;
  const runId = context.uuid();
  const executionSeconds = positiveSecondsOf(request.executionStartToCloseTimeout) ?? info.executionTimeoutSeconds;
  const taskSeconds = positiveSecondsOf(request.taskStartToCloseTimeout) ?? info.taskTimeoutSeconds;
  const common = {
    workflowType: request.workflowType?.name ? request.workflowType : { name: info.workflowType },
    taskList: request.taskList?.name ? request.taskList : info.taskList,
    input: request.input,
    executionStartToCloseTimeout: durationOf(executionSeconds),
    taskStartToCloseTimeout: durationOf(
      Math.min(taskSeconds, context.limits.decisionTimeoutSecondsMax, executionSeconds),
    ),
    initiator: request.initiator || ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_DECIDER,
    lastCompletionResult: request.lastCompletionResult,
    header: request.header,
    memo: request.memo,
    searchAttributes: request.searchAttributes,
    cronOverlapPolicy: request.cronOverlapPolicy,
    activeClusterSelectionPolicy: request.activeClusterSelectionPolicy ?? info.activeClusterSelectionPolicy,
  };
  const backoffSeconds = secondsOf(request.backoffStartInterval);
  const closed = addEvent(draft, {
    $case: 'workflowExecutionContinuedAsNewEventAttributes',
    value: {
      ...common,
      newExecutionRunId: runId,
      decisionTaskCompletedEventId: decisionCompletedId || BigInt(EMPTY_EVENT_ID),
      backoffStartInterval: durationOf(backoffSeconds),
      failure: request.failure,
    },
  });
  const requestId = context.uuid();
  const started: WorkflowExecutionStartedEventAttributes = {
    ...common,
    ...lineage(draft, request, backoffSeconds),
    initiator: request.initiator,
    taskList: common.taskList && {
      ...common.taskList,
      kind: common.taskList.kind || TaskListKind.TASK_LIST_KIND_NORMAL,
    },
    cronOverlapPolicy: request.cronOverlapPolicy || info.cronOverlapPolicy,
    parentExecutionInfo: info.parent,
    continuedFailure: request.failure,
    originalExecutionRunId: runId,
    identity: '',
    retryPolicy: normalizedRetryPolicy(request.retryPolicy),
    cronSchedule: request.cronSchedule,
    firstDecisionTaskBackoff: request.backoffStartInterval && durationOf(backoffSeconds),
    prevAutoResetPoints: rollOverResetPoints(
      info.autoResetPoints,
      info.runId,
      Number(required(closed.eventTime, 'events have times').seconds) * 1000 + context.domain.retentionMs,
    ),
    partitionConfig: info.partitionConfig,
    requestId,
  };
  const { workflowId } = info;
  draft.newRun = openRun({ runId, workflowId, requestId, started, waitsForParent: false }, context);
}

/** What ties the successor to its chain. A retry goes on with attempt and expiration; anything else starts them anew. */
function lineage(draft: Draft, request: Continuation, backoffSeconds: number) {
  const { info, context } = draft;
  const isRetry = request.initiator === ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_RETRY_POLICY;
  const inherited = info.expirationTimeMs > 0 ? timestampOf(info.expirationTimeMs) : undefined;
  const firstScheduled = context.startedEvent?.firstScheduledTime ?? timestampOf(context.nowMs);
  return {
    continuedExecutionRunId: info.runId,
    firstExecutionRunId: info.firstExecutionRunId,
    attempt: isRetry ? info.attempt + 1 : 0,
    expirationTime: isRetry ? inherited : expirationTime(request.retryPolicy, backoffSeconds, context.nowMs),
    firstScheduledTime: request.cronSchedule === '' ? undefined : firstScheduled,
  };
}

/** The same workflow once more, as its Started event had it. */
function again(draft: Draft, initiator: ContinueAsNewInitiator, backoffSeconds: number): Continuation {
  const started = required(draft.context.startedEvent, 'cron and retry need the Started event');
  const { info } = draft;
  return {
    workflowType: { name: info.workflowType },
    taskList: started.taskList,
    input: started.input,
    executionStartToCloseTimeout: durationOf(info.executionTimeoutSeconds),
    taskStartToCloseTimeout: durationOf(info.taskTimeoutSeconds),
    backoffStartInterval: durationOf(backoffSeconds),
    retryPolicy: info.retryPolicy,
    initiator,
    failure: undefined,
    lastCompletionResult: started.lastCompletionResult,
    cronSchedule: info.cronSchedule,
    header: started.header,
    memo: started.memo,
    searchAttributes: started.searchAttributes,
    cronOverlapPolicy: info.cronOverlapPolicy,
    activeClusterSelectionPolicy: info.activeClusterSelectionPolicy,
  };
}

function cronBackoff(draft: Draft): number | undefined {
  const { info } = draft;
  if (info.cronSchedule === '') return undefined;
  const executionTimeMs = info.startTimeMs + info.firstDecisionBackoffSeconds * 1000;
  const overlap: CronOverlapPolicy = info.cronOverlapPolicy;
  return nextCronBackoffSeconds(info.cronSchedule, executionTimeMs, draft.nowMs, overlap);
}

/** A completed cron run goes on with its next fire. False: there is none. */
export function continueByCron(draft: Draft, result: Payload | undefined, decisionCompletedId: bigint): boolean {
  const backoffSeconds = draft.info.cancelRequested ? undefined : cronBackoff(draft);
  if (backoffSeconds === undefined) return false;
  const request = again(draft, ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE, backoffSeconds);
  continueAsNew(draft, { ...request, lastCompletionResult: result }, decisionCompletedId);
  return true;
}

/** A failed or timed-out run goes on by its retry policy, or else its cron schedule. False: by neither. */
export function continueAfterFailure(draft: Draft, failure: Failure, decisionCompletedId: bigint): boolean {
  const { info, nowMs } = draft;
  if (info.cancelRequested) return false;
  const delayMs = nextRetryDelayMs({
    policy: info.retryPolicy,
    attempt: info.attempt,
    expirationTimeMs: info.expirationTimeMs,
    nowMs,
    reason: failure.reason,
  });
  const isRetry = delayMs !== undefined;
  const backoffSeconds = isRetry ? delayMs / 1000 : cronBackoff(draft);
  if (backoffSeconds === undefined) return false;
  const initiator = isRetry
    ? ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_RETRY_POLICY
    : ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE;
  continueAsNew(draft, { ...again(draft, initiator, backoffSeconds), failure }, decisionCompletedId);
  return true;
}
