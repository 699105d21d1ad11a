// Feeds the visibility store: records of one turn, and of the time a write is in flight, go together.

import { type Deferred, deferred } from '#base';
import type { WorkflowState } from '#core';
import type { Env } from '#env';
import type { VisibilityRecord, VisibilityStore } from '#visibility';
import { isClosed } from './run-state.ts';

const RECORDS_PER_WRITE_MAX = 500;

/** A run as lists show it. `version` is the id of the task that asks for the write. */
export function visibilityRecord(state: WorkflowState, version: number): VisibilityRecord {
  const { info } = state;
  const isEnd = isClosed(state);
  return {
    domainId: info.domainId,
    workflowId: info.workflowId,
    runId: info.runId,
    workflowType: info.workflowType,
    taskList: info.taskList?.name ?? '',
    startTimeMs: info.startTimeMs,
    executionTimeMs: info.startTimeMs + info.firstDecisionBackoffSeconds * 1000,
    closeTimeMs: isEnd ? info.closeTimeMs : undefined,
    closeStatus: isEnd ? info.closeStatus : 0,
    historyLength: info.nextEventId - 1,
    isCron: info.cronSchedule !== '',
    cronSchedule: info.cronSchedule,
    memo: info.memo,
    searchAttributes: info.searchAttributes,
    parentWorkflowId: info.parent?.workflowExecution?.workflowId,
    parentRunId: info.parent?.workflowExecution?.runId,
    updateTimeMs: info.lastUpdateTimeMs,
    version,
  };
}

export interface VisibilityWriter {
  /** Resolves when the record is written. */
  write(record: VisibilityRecord): Promise<void>;
}

export function createVisibilityWriter(env: Env, store: VisibilityStore): VisibilityWriter {
  let records: VisibilityRecord[] = [];
  let written: Deferred<void> | undefined;
  let isRunning = false;

  const run = async (): Promise<void> => {
    while (written !== undefined) {
      const batch = records;
      const outcome = written;
      records = [];
      written = undefined;
      try {
        for (let at = 0; at < batch.length; at += RECORDS_PER_WRITE_MAX) {
          await store.upsert(batch.slice(at, at + RECORDS_PER_WRITE_MAX));
        }
        outcome.resolve();
      } catch (error) {
        outcome.reject(error);
      }
    }
    isRunning = false;
  };

  return {
    write(record) {
      records.push(record);
      written ??= deferred();
      if (!isRunning) {
        isRunning = true;
        env.scheduler.after(0, () => void run());
      }
      return written.promise;
    },
  };
}
