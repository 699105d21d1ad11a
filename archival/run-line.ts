// One line of a runs object: the visibility record of an archived run, where its history is, and the form in which queries see it.
import { WorkflowExecutionInfo } from '@antiphon/proto';
import type { VisibilityRecord } from '#visibility';

export interface RunLine {
  readonly domainId: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly closeFailoverVersion: number;
  /** Keys of the parts with its history, in order; empty when only visibility is archived here. */
  readonly parts: readonly string[];
  readonly eventCount: number;
  readonly eventsSha256: string;
  /** api.v1.WorkflowExecutionInfo */
  readonly info: unknown;
}

export const infoOfLine = (line: RunLine): WorkflowExecutionInfo => WorkflowExecutionInfo.fromJSON(line.info);

const msOf = (time: { seconds: bigint; nanos: number } | undefined): number =>
  time === undefined ? 0 : Number(time.seconds) * 1000 + Math.floor(time.nanos / 1e6);

export const closeTimeMsOf = (info: WorkflowExecutionInfo): number => msOf(info.closeTime);

export function visibilityRecordOf(line: RunLine, info: WorkflowExecutionInfo): VisibilityRecord {
  const parent = info.parentExecutionInfo?.workflowExecution;
  return {
    domainId: line.domainId,
    workflowId: line.workflowId,
    runId: line.runId,
    workflowType: info.type?.name ?? '',
    taskList: info.taskList,
    startTimeMs: msOf(info.startTime),
    executionTimeMs: msOf(info.executionTime ?? info.startTime),
    closeTimeMs: msOf(info.closeTime),
    closeStatus: info.closeStatus,
    historyLength: Number(info.historyLength),
    isCron: info.isCron,
    cronSchedule: info.cronSchedule,
    memo: info.memo,
    searchAttributes: info.searchAttributes,
    parentWorkflowId: parent?.workflowId,
    parentRunId: parent?.runId,
    updateTimeMs: msOf(info.updateTime),
    version: 0,
  };
}

export const linesOf = (text: string): readonly RunLine[] =>
  text
    .split('\n')
    .filter((row) => row !== '')
    .map((row): RunLine => JSON.parse(row));
