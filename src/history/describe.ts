// A run as people and archives see it (semantics §1.8).
import {
  CronOverlapPolicy,
  type DescribeWorkflowExecutionResponse,
  type PendingActivityInfo,
  PendingActivityState,
  type PendingDecisionInfo,
  PendingDecisionState,
  WorkflowExecutionCloseStatus,
  type WorkflowExecutionInfo,
  WorkflowExecutionStatus,
} from '@antiphon/proto';
import type { ActivityInfo } from '@antiphon/proto/internal';
import { durationOf, timestampOf, type WorkflowState } from '#core';
import { isClosed, isUnstarted } from './run-state.ts';

const optionalTimestamp = (timeMs: number) => (timeMs > 0 ? timestampOf(timeMs) : undefined);

const STATUS_OF_CLOSE: Readonly<Record<number, WorkflowExecutionStatus>> = {
  [WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_COMPLETED]:
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_COMPLETED,
  [WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_FAILED]:
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_FAILED,
  [WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_CANCELED]:
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_CANCELED,
  [WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_TERMINATED]:
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TERMINATED,
  [WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_CONTINUED_AS_NEW]:
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW,
  [WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_TIMED_OUT]:
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TIMED_OUT,
};

function executionStatus(state: WorkflowState): WorkflowExecutionStatus {
  const { info } = state;
  if (isClosed(state)) {
    return STATUS_OF_CLOSE[info.closeStatus] ?? WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_INVALID;
  }
  return info.hasProcessedOrPendingDecision
    ? WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_STARTED
    : WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_PENDING;
}

export function executionInfo(state: WorkflowState): WorkflowExecutionInfo {
  const { info } = state;
  const isEnd = isClosed(state);
  const executionTime = timestampOf(info.startTimeMs + info.firstDecisionBackoffSeconds * 1000);
  return {
    workflowExecution: { workflowId: info.workflowId, runId: info.runId },
    type: { name: info.workflowType },
    startTime: timestampOf(info.startTimeMs),
    closeTime: isEnd ? timestampOf(info.closeTimeMs) : undefined,
    closeStatus: isEnd ? info.closeStatus : WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_INVALID,
    historyLength: BigInt(info.nextEventId - 1),
    parentExecutionInfo: info.parent,
    executionTime,
    memo: info.memo ?? { fields: {} },
    searchAttributes: info.searchAttributes ?? { indexedFields: {} },
    autoResetPoints: info.autoResetPoints ?? { points: [] },
    taskList: info.taskList?.name ?? '',
    isCron: info.cronSchedule !== '',
    updateTime: timestampOf(info.lastUpdateTimeMs),
    partitionConfig: info.partitionConfig,
    cronOverlapPolicy: info.cronOverlapPolicy || CronOverlapPolicy.CRON_OVERLAP_POLICY_SKIPPED,
    taskListInfo: info.taskList,
    activeClusterSelectionPolicy: info.activeClusterSelectionPolicy,
    cronSchedule: info.cronSchedule,
    executionStatus: executionStatus(state),
    scheduledExecutionTime: executionTime,
  };
}

function activityState(activity: Readonly<ActivityInfo>): PendingActivityState {
  if (activity.cancelRequested) return PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED;
  return isUnstarted(activity.startedId)
    ? PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
    : PendingActivityState.PENDING_ACTIVITY_STATE_STARTED;
}

function pendingActivity(activity: Readonly<ActivityInfo>): PendingActivityInfo {
  const isScheduled = isUnstarted(activity.startedId);
  const hasRetry = activity.retryPolicy !== undefined;
  return {
    activityId: activity.activityId,
    activityType: { name: activity.activityType },
    state: activityState(activity),
    heartbeatDetails: activity.lastHeartbeatMs > 0 ? activity.heartbeatDetails : undefined,
    // A start counts as a first sign of life.
    lastHeartbeatTime: optionalTimestamp(activity.lastHeartbeatMs || (isScheduled ? 0 : activity.startedTimeMs)),
    lastStartedTime: isScheduled ? undefined : optionalTimestamp(activity.startedTimeMs),
    scheduledTime: isScheduled ? timestampOf(activity.scheduledTimeMs) : undefined,
    attempt: hasRetry ? activity.attempt : 0,
    maximumAttempts: activity.retryPolicy?.maximumAttempts ?? 0,
    expirationTime: hasRetry ? optionalTimestamp(activity.expirationTimeMs) : undefined,
    lastFailure: hasRetry ? activity.lastFailure : undefined,
    lastWorkerIdentity: hasRetry ? activity.lastWorkerIdentity : '',
    startedWorkerIdentity: activity.startedIdentity,
    scheduleId: BigInt(activity.scheduleId),
  };
}

function pendingDecision({ info }: WorkflowState): PendingDecisionInfo | undefined {
  const { decision } = info;
  if (decision === undefined) return undefined;
  const isScheduled = isUnstarted(decision.startedId);
  return {
    state: isScheduled
      ? PendingDecisionState.PENDING_DECISION_STATE_SCHEDULED
      : PendingDecisionState.PENDING_DECISION_STATE_STARTED,
    scheduledTime: timestampOf(decision.scheduledTimeMs),
    startedTime: isScheduled ? undefined : timestampOf(decision.startedTimeMs),
    attempt: decision.attempt,
    originalScheduledTime: timestampOf(decision.originalScheduledTimeMs),
    scheduleId: BigInt(decision.scheduleId),
  };
}

export function describeRun(state: WorkflowState): DescribeWorkflowExecutionResponse {
  const { info } = state;
  return {
    executionConfiguration: {
      taskList: info.taskList,
      executionStartToCloseTimeout: durationOf(info.executionTimeoutSeconds),
      taskStartToCloseTimeout: durationOf(info.taskTimeoutSeconds),
    },
    workflowExecutionInfo: executionInfo(state),
    pendingActivities: Array.from(state.activities.values(), pendingActivity),
    pendingChildren: Array.from(state.children.values(), (child) => ({
      workflowExecution: { workflowId: child.workflowId, runId: child.runId },
      workflowTypeName: child.workflowType,
      initiatedId: BigInt(child.initiatedId),
      parentClosePolicy: child.parentClosePolicy,
      domain: child.domainName,
    })),
    pendingDecision: pendingDecision(state),
  };
}
