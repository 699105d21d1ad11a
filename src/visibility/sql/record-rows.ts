// Visibility records as rows and back: the columns that every SQL database has.
import { Memo, SearchAttributes } from '@antiphon/proto';
import type { VisibilityRecord } from '../ports.ts';

export interface VisibilityRow {
  readonly run_no: number;
  readonly domain_id: string;
  readonly workflow_id: string;
  readonly run_id: string;
  readonly workflow_type: string;
  readonly task_list: string;
  readonly start_ms: number;
  readonly execution_ms: number;
  readonly close_ms: number | null;
  readonly close_status: number;
  readonly history_length: number;
  readonly is_cron: number;
  readonly cron_schedule: string;
  readonly update_ms: number;
  readonly parent_workflow_id: string | null;
  readonly parent_run_id: string | null;
  readonly version: number;
  readonly num_clusters: number | null;
  readonly cluster_scope: string | null;
  readonly cluster_name: string | null;
  readonly memo: Uint8Array | null;
  readonly search_attributes: Uint8Array | null;
}

export const ROW_COLUMNS = [
  'domain_id',
  'workflow_id',
  'run_id',
  'workflow_type',
  'task_list',
  'start_ms',
  'execution_ms',
  'close_ms',
  'close_status',
  'history_length',
  'is_cron',
  'cron_schedule',
  'update_ms',
  'parent_workflow_id',
  'parent_run_id',
  'version',
  'num_clusters',
  'cluster_scope',
  'cluster_name',
  'memo',
  'search_attributes',
] as const;

/** In the order of ROW_COLUMNS. */
export function rowParameters(record: VisibilityRecord): (string | number | Uint8Array | null)[] {
  const { memo, searchAttributes } = record;
  return [
    record.domainId,
    record.workflowId,
    record.runId,
    record.workflowType,
    record.taskList,
    record.startTimeMs,
    record.executionTimeMs,
    record.closeTimeMs ?? null,
    record.closeStatus,
    record.historyLength,
    record.isCron ? 1 : 0,
    record.cronSchedule,
    record.updateTimeMs,
    record.parentWorkflowId ?? null,
    record.parentRunId ?? null,
    record.version,
    record.numClusters ?? null,
    record.clusterAttribute?.scope ?? null,
    record.clusterAttribute?.name ?? null,
    memo === undefined ? null : Memo.encode(memo).finish(),
    searchAttributes === undefined ? null : SearchAttributes.encode(searchAttributes).finish(),
  ];
}

export const recordOfRow = (row: VisibilityRow): VisibilityRecord => ({
  domainId: row.domain_id,
  workflowId: row.workflow_id,
  runId: row.run_id,
  workflowType: row.workflow_type,
  taskList: row.task_list,
  startTimeMs: row.start_ms,
  executionTimeMs: row.execution_ms,
  closeTimeMs: row.close_ms ?? undefined,
  closeStatus: row.close_status,
  historyLength: row.history_length,
  isCron: row.is_cron === 1,
  cronSchedule: row.cron_schedule,
  memo: row.memo === null ? undefined : Memo.decode(row.memo),
  searchAttributes: row.search_attributes === null ? undefined : SearchAttributes.decode(row.search_attributes),
  parentWorkflowId: row.parent_workflow_id ?? undefined,
  parentRunId: row.parent_run_id ?? undefined,
  numClusters: row.num_clusters ?? undefined,
  clusterAttribute:
    row.cluster_scope === null || row.cluster_name === null
      ? undefined
      : { scope: row.cluster_scope, name: row.cluster_name },
  updateTimeMs: row.update_ms,
  version: row.version,
});
