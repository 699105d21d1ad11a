// A visibility record as the wire shows it. Open runs have no close time, status 0 and no length.
import { CronOverlapPolicy, type WorkflowExecutionCloseStatus, WorkflowExecutionInfo } from '@antiphon/proto';
import { timestampOf } from '#core';
import type { VisibilityRecord } from '#visibility';

export function executionRow(record: VisibilityRecord): WorkflowExecutionInfo {
  const isClosed = record.closeTimeMs !== undefined;
  return {
    ...WorkflowExecutionInfo.create(),
    workflowExecution: { workflowId: record.workflowId, runId: record.runId },
    type: { name: record.workflowType },
    startTime: timestampOf(record.startTimeMs),
    executionTime: timestampOf(record.executionTimeMs),
    closeTime: record.closeTimeMs === undefined ? undefined : timestampOf(record.closeTimeMs),
    // The store keeps the enum's number.
    closeStatus: (isClosed ? record.closeStatus : 0) as WorkflowExecutionCloseStatus,
    historyLength: isClosed ? BigInt(record.historyLength) : 0n,
    taskList: record.taskList,
    isCron: record.isCron,
    cronSchedule: record.cronSchedule,
    cronOverlapPolicy: CronOverlapPolicy.CRON_OVERLAP_POLICY_INVALID,
    memo: record.memo ?? { fields: {} },
    searchAttributes: record.searchAttributes ?? { indexedFields: {} },
    updateTime: timestampOf(record.updateTimeMs),
  };
}
