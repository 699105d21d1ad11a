// Feeds the visibility store. Lists may lag a little behind, so records are collected for a moment and written together: only the newest of
// each run, so that a short run is written once. A store that hangs (an index of its own may) holds nobody up: its records are given back to their
// tasks, which try again later and leave their place to the other work of the shard.

import { type Deferred, deferred, StoreError } from '#base';
import type { DomainView, WorkflowState } from '#core';
import type { Env } from '#env';
import type { VisibilityRecord, VisibilityStore } from '#visibility';
import { isClosed } from './run-state.ts';

const RECORDS_PER_WRITE_MAX = 500;
// What people and programs take for "at once", and many commits at load.
const COLLECT_MS = 50;
// A write of so many records is one of a busy service.
const BUSY_RECORDS = 8;
// A write that takes longer is not waited for.
const PATIENCE_MS = 2_000;

/** A run as lists show it. `version` is the id of the task that asks for the write, `domain` the run's if it is known here. */
export function visibilityRecord(
  state: WorkflowState,
  version: number,
  domain: Pick<DomainView, 'clusters'> | undefined,
): VisibilityRecord {
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
    numClusters: domain?.clusters.length,
    clusterAttribute: info.activeClusterSelectionPolicy?.clusterAttribute,
    updateTimeMs: info.lastUpdateTimeMs,
    version,
  };
}

export interface VisibilityWriter {
  /** Resolves when the record is written. */
  write(record: VisibilityRecord): Promise<void>;
}

/** A busy service collects for `busyCollectMs`: where writes are dear, many a run is then over when it is first written. */
export function createVisibilityWriter(
  env: Env,
  store: VisibilityStore,
  { busyCollectMs }: { readonly busyCollectMs: number },
): VisibilityWriter {
  let records = new Map<string, VisibilityRecord>();
  let written: Deferred<void> | undefined;
  let isRunning = false;
  let isStuck = false;
  let isBusy = false;

  const stuck = (): StoreError =>
    new StoreError('Timeout', `visibility records are not written within ${PATIENCE_MS} ms`);

  const giveBack = (outcome: Deferred<void>): void => {
    isStuck = true;
    outcome.reject(stuck());
    written?.reject(stuck());
    written = undefined;
    records = new Map();
  };

  const upsert = async (part: readonly VisibilityRecord[], outcome: Deferred<void>): Promise<void> => {
    const patience = env.scheduler.after(PATIENCE_MS, () => giveBack(outcome));
    try {
      await store.upsert(part);
    } finally {
      patience.cancel();
      isStuck = false;
    }
  };

  const writeAll = async (batch: readonly VisibilityRecord[], outcome: Deferred<void>): Promise<void> => {
    try {
      for (let at = 0; at < batch.length; at += RECORDS_PER_WRITE_MAX) {
        await upsert(batch.slice(at, at + RECORDS_PER_WRITE_MAX), outcome);
      }
      outcome.resolve();
    } catch (error) {
      outcome.reject(error);
    }
  };

  const collect = (): void => {
    env.scheduler.after(isBusy ? busyCollectMs : COLLECT_MS, () => void run());
  };

  const run = async (): Promise<void> => {
    const batch = [...records.values()];
    const outcome = written;
    records = new Map();
    written = undefined;
    isBusy = batch.length >= BUSY_RECORDS;
    if (outcome !== undefined) await writeAll(batch, outcome);
    if (written === undefined) isRunning = false;
    else collect();
  };

  return {
    write(record) {
      if (isStuck) return Promise.reject(stuck());
      const key = `${record.domainId}/${record.runId}/${record.workflowId}`;
      const other = records.get(key);
      if (other === undefined || other.version <= record.version) records.set(key, record);
      written ??= deferred();
      if (!isRunning) {
        isRunning = true;
        collect();
      }
      return written.promise;
    },
  };
}
