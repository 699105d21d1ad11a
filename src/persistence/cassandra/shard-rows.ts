// Rows of a shard's partition: their kinds and keys, and the statements that write them. All writes are parts of a batch that the shard's
// range id is a condition of. Runs lie in the order they were made, so that what is gone lies together and a listing can step around it.
import type { ReplicationTask, TimerTask, TransferTask } from '@antiphon/proto/internal';
import {
  ReplicationTask as ReplicationCodec,
  TimerTask as TimerCodec,
  TransferTasks as TransferCodec,
} from '@antiphon/proto/internal';
import { fingerprint32 } from '#base';
import type { RunKey } from '../ports.ts';
import { FIRST_PART } from './record-parts.ts';
import { type Statement, toBlob, type Value } from './session.ts';

export const KIND = { shard: 0, run: 1, currentRun: 2, transferTask: 3, timerTask: 4, replicationTask: 5 } as const;
export const PART = { record: 0, signalRequest: 1 } as const;

// Task ids grow from commit to commit: those of one share rows, under the last one's id. Whoever reads takes what is above his level.
const TRANSFER_TASKS_PER_ROW = 64;

const VERSION_POSITION = 14;
const UUID_LENGTH = 36;

/** Milliseconds of a version 7 UUID; other run ids spread evenly below 0. */
export function runSort(runId: string): number {
  if (runId.length === UUID_LENGTH && runId[VERSION_POSITION] === '7') {
    const ms = Number.parseInt(runId.slice(0, 8) + runId.slice(9, 13), 16);
    if (!Number.isNaN(ms)) return ms;
  }
  return -1 - fingerprint32(runId);
}

const COLUMNS = 'shard_id, kind, sort, id, domain_id, workflow_id, run_id, part, item';
const SHARD = `shard_id = ? AND kind = ${KIND.shard} AND sort = 0 AND id = 0 AND domain_id = '' AND workflow_id = '' AND run_id = ''
  AND part = 0 AND item = ''`;
const RUN = `shard_id = ? AND kind = ${KIND.run} AND sort = ? AND id = 0 AND domain_id = ? AND workflow_id = ? AND run_id = ?`;
const CURRENT_RUN = `shard_id = ? AND kind = ${KIND.currentRun} AND sort = 0 AND id = 0 AND domain_id = ? AND workflow_id = ?`;

const insertTask = (kind: number): string =>
  `INSERT INTO shard_rows (${COLUMNS}, value) VALUES (?, ${kind}, ?, ?, '', '', '', 0, '', ?)`;

export const CQL = {
  fence: `UPDATE shard_rows SET range_id = ? WHERE ${SHARD} IF range_id = ?`,
  fenceWithInfo: `UPDATE shard_rows SET range_id = ?, info = ?, timer_floor_ms = ? WHERE ${SHARD} IF range_id = ?`,
  fenceWithFloor: `UPDATE shard_rows SET range_id = ?, timer_floor_ms = ? WHERE ${SHARD} IF range_id = ?`,
  acquire: `UPDATE shard_rows SET range_id = ?, info = ? WHERE ${SHARD} IF range_id = ?`,
  shard: `SELECT range_id, info, timer_floor_ms FROM shard_rows WHERE ${SHARD}`,

  putRun: `UPDATE shard_rows SET next_event_id = ?, is_open = ?, crc = ?, part_count = ?, value = ?
    WHERE ${RUN} AND part = 0 AND item = ''`,
  putPart: `INSERT INTO shard_rows (${COLUMNS}, crc, value) VALUES (?, ${KIND.run}, ?, 0, ?, ?, ?, ?, ?, ?, ?)`,
  deletePart: `DELETE FROM shard_rows WHERE ${RUN} AND part = ? AND item = ?`,
  listParts: `SELECT part, item FROM shard_rows WHERE ${RUN} AND part >= ${FIRST_PART}`,
  putSignalRequest: `INSERT INTO shard_rows (${COLUMNS}) VALUES (?, ${KIND.run}, ?, 0, ?, ?, ?, ${PART.signalRequest}, ?)`,
  deleteRun: `DELETE FROM shard_rows WHERE ${RUN}`,
  loadRun: `SELECT part, item, next_event_id, crc, part_count, value FROM shard_rows WHERE ${RUN}`,

  putCurrentRun: `INSERT INTO shard_rows (${COLUMNS}, current_run_id, create_request_id, is_open,
    close_status, last_write_version, start_ms)
    VALUES (?, ${KIND.currentRun}, 0, 0, ?, ?, '', 0, '', ?, ?, ?, ?, ?, ?)`,
  deleteCurrentRun: `DELETE FROM shard_rows WHERE ${CURRENT_RUN}`,
  loadCurrentRun: `SELECT current_run_id, create_request_id, is_open, close_status, last_write_version, start_ms FROM shard_rows
    WHERE ${CURRENT_RUN}`,
  listCurrentRuns: `SELECT domain_id, workflow_id FROM shard_rows
    WHERE shard_id = ? AND kind = ${KIND.currentRun} AND (sort, id, domain_id, workflow_id) >= (0, 0, ?, ?)`,

  putTransferTasks: insertTask(KIND.transferTask),
  putTimerTask: insertTask(KIND.timerTask),
  putReplicationTask: insertTask(KIND.replicationTask),
  loadTransferTasks: `SELECT value FROM shard_rows WHERE shard_id = ? AND kind = ${KIND.transferTask} AND sort = 0 AND id > ? LIMIT ?`,
  loadReplicationTasks: `SELECT value FROM shard_rows
    WHERE shard_id = ? AND kind = ${KIND.replicationTask} AND sort = 0 AND id > ? LIMIT ?`,
  loadTimerTasks: `SELECT value FROM shard_rows
    WHERE shard_id = ? AND kind = ${KIND.timerTask} AND (sort, id) > (?, ?) AND (sort) < (?) LIMIT ?`,
  nextTimer: `SELECT sort FROM shard_rows WHERE shard_id = ? AND kind = ${KIND.timerTask} AND sort >= ? LIMIT 1`,
  trimTransferTasks: `DELETE FROM shard_rows WHERE shard_id = ? AND kind = ${KIND.transferTask} AND sort = 0 AND id <= ?`,
  trimReplicationTasks: `DELETE FROM shard_rows WHERE shard_id = ? AND kind = ${KIND.replicationTask} AND sort = 0 AND id <= ?`,
  trimTimerTasks: `DELETE FROM shard_rows WHERE shard_id = ? AND kind = ${KIND.timerTask} AND sort < ?`,
  deleteTimerTask: `DELETE FROM shard_rows WHERE shard_id = ? AND kind = ${KIND.timerTask} AND sort = ? AND id = ?`,
} as const;

/** In the order that RUN wants them. */
export const runParameters = (shardId: number, { domainId, workflowId, runId }: RunKey): Value[] => [
  shardId,
  runSort(runId),
  domainId,
  workflowId,
  runId,
];

export function addTasks(
  statements: Statement[],
  shardId: number,
  tasks: {
    readonly transferTasks: readonly TransferTask[];
    readonly timerTasks: readonly TimerTask[];
    readonly replicationTasks: readonly ReplicationTask[];
  },
): void {
  const transferTasks = tasks.transferTasks.toSorted((a, b) => a.taskId - b.taskId);
  for (let at = 0; at < transferTasks.length; at += TRANSFER_TASKS_PER_ROW) {
    const together = transferTasks.slice(at, at + TRANSFER_TASKS_PER_ROW);
    const value = toBlob(TransferCodec.encode({ tasks: together }).finish());
    statements.push({ query: CQL.putTransferTasks, params: [shardId, 0, together.at(-1)?.taskId ?? 0, value] });
  }
  for (const task of tasks.timerTasks) {
    const value = toBlob(TimerCodec.encode(task).finish());
    statements.push({ query: CQL.putTimerTask, params: [shardId, task.fireTimeMs, task.taskId, value] });
  }
  for (const task of tasks.replicationTasks) {
    const value = toBlob(ReplicationCodec.encode(task).finish());
    statements.push({ query: CQL.putReplicationTask, params: [shardId, 0, task.taskId, value] });
  }
}
