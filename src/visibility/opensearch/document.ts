// Visibility records as documents of the index and back. Fields that a record does not have are left out: that is what `= missing` finds.
import { createHash } from 'node:crypto';
import { Memo, SearchAttributes } from '@antiphon/proto';
import { decodeSearchAttributes } from '../attribute-values.ts';
import type { VisibilityRecord } from '../ports.ts';
import type { SearchAttributeRegistry } from '../search-attributes.ts';
import { type CustomFields, customFields } from './fields.ts';

interface SystemFields {
  readonly DomainID: string;
  readonly WorkflowID: string;
  readonly RunID: string;
  readonly WorkflowType: string;
  readonly TaskList: string;
  readonly StartTime: number;
  readonly ExecutionTime: number;
  readonly CloseTime?: number;
  /** From 0, as in queries. */
  readonly CloseStatus?: number;
  readonly UpdateTime: number;
  readonly HistoryLength: number;
  readonly IsCron: number;
  readonly CronSchedule?: string;
  readonly ParentWorkflowID?: string;
  readonly ParentRunID?: string;
  readonly NumClusters?: number;
  readonly ClusterAttributeScope?: string;
  readonly ClusterAttributeName?: string;
  readonly TaskVersion: number;
  /** Encoded messages in base64. */
  readonly Memo?: string;
  readonly SearchAttributes?: string;
}

export type VisibilityDocument = SystemFields & CustomFields;

/** What a list needs of a document; the rest is for finding it. */
export const RECORD_FIELDS_EXCLUDED = ['Keyword', 'Number', 'Words', 'FirstKeyword', 'FirstNumber'] as const;

/** Of any three ids, as long as they may be: an id of a document is bounded. */
export const documentId = (domainId: string, workflowId: string, runId: string): string =>
  createHash('sha256')
    .update(JSON.stringify([domainId, workflowId, runId]))
    .digest('base64url');

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

function systemFields(record: VisibilityRecord): SystemFields {
  const { memo, searchAttributes, clusterAttribute } = record;
  return {
    DomainID: record.domainId,
    WorkflowID: record.workflowId,
    RunID: record.runId,
    WorkflowType: record.workflowType,
    TaskList: record.taskList,
    StartTime: record.startTimeMs,
    ExecutionTime: record.executionTimeMs,
    ...(record.closeTimeMs !== undefined && { CloseTime: record.closeTimeMs }),
    ...(record.closeStatus !== 0 && { CloseStatus: record.closeStatus - 1 }),
    UpdateTime: record.updateTimeMs,
    HistoryLength: record.historyLength,
    IsCron: Number(record.isCron),
    ...(record.cronSchedule !== '' && { CronSchedule: record.cronSchedule }),
    ...(record.parentWorkflowId !== undefined && { ParentWorkflowID: record.parentWorkflowId }),
    ...(record.parentRunId !== undefined && { ParentRunID: record.parentRunId }),
    ...(record.numClusters !== undefined && { NumClusters: record.numClusters }),
    ...(clusterAttribute && {
      ClusterAttributeScope: clusterAttribute.scope,
      ClusterAttributeName: clusterAttribute.name,
    }),
    TaskVersion: record.version,
    ...(memo && { Memo: base64(Memo.encode(memo).finish()) }),
    ...(searchAttributes && { SearchAttributes: base64(SearchAttributes.encode(searchAttributes).finish()) }),
  };
}

export function documentOf(record: VisibilityRecord, registry: SearchAttributeRegistry): VisibilityDocument {
  const attributes = decodeSearchAttributes(record.searchAttributes, registry);
  return attributes === undefined
    ? systemFields(record)
    : { ...systemFields(record), ...customFields(attributes, registry) };
}

/** The same without custom attributes: still found by everything else. */
export const plainDocumentOf = (record: VisibilityRecord): VisibilityDocument => systemFields(record);

export const recordOf = (document: SystemFields): VisibilityRecord => ({
  domainId: document.DomainID,
  workflowId: document.WorkflowID,
  runId: document.RunID,
  workflowType: document.WorkflowType,
  taskList: document.TaskList,
  startTimeMs: document.StartTime,
  executionTimeMs: document.ExecutionTime,
  closeTimeMs: document.CloseTime,
  closeStatus: document.CloseStatus === undefined ? 0 : document.CloseStatus + 1,
  historyLength: document.HistoryLength,
  isCron: document.IsCron === 1,
  cronSchedule: document.CronSchedule ?? '',
  memo: document.Memo === undefined ? undefined : Memo.decode(Buffer.from(document.Memo, 'base64')),
  searchAttributes:
    document.SearchAttributes === undefined
      ? undefined
      : SearchAttributes.decode(Buffer.from(document.SearchAttributes, 'base64')),
  parentWorkflowId: document.ParentWorkflowID,
  parentRunId: document.ParentRunID,
  numClusters: document.NumClusters,
  clusterAttribute:
    document.ClusterAttributeScope === undefined || document.ClusterAttributeName === undefined
      ? undefined
      : { scope: document.ClusterAttributeScope, name: document.ClusterAttributeName },
  updateTimeMs: document.UpdateTime,
  version: document.TaskVersion,
});
