// Execution and current-run rows of a shard on SQLite. Writes run inside a shard's commit.
import { StoreError } from '#base';
import { checksum, verified } from '../checksum.ts';
import type { CurrentRun, ExecutionWrite, LoadedExecution, Page, RunKey, ShardCommit } from '../ports.ts';
import type { SqliteDatabase } from './database.ts';

interface ExecutionRow {
  readonly run_no: number;
  readonly next_event_id: number;
  readonly crc: number;
  readonly record: Buffer;
}

type RunParameters = [shardId: number, domainId: string, workflowId: string, runId: string];
const RUN = 'shard_id = ? AND domain_id = ? AND workflow_id = ? AND run_id = ?';

function prepareStatements({ connection }: SqliteDatabase) {
  return {
    insert: connection.prepare<[...RunParameters, number, number, number, Uint8Array]>(
      `INSERT INTO executions (shard_id, domain_id, workflow_id, run_id, next_event_id, is_open, crc, record)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    ),
    update: connection.prepare<[number, number, number, Uint8Array, ...RunParameters]>(
      `UPDATE executions SET next_event_id = ?, is_open = ?, crc = ?, record = ? WHERE ${RUN}`,
    ),
    runNumber: connection.prepare<RunParameters, { run_no: number }>(`SELECT run_no FROM executions WHERE ${RUN}`),
    load: connection.prepare<RunParameters, ExecutionRow>(
      `SELECT run_no, next_event_id, crc, record FROM executions WHERE ${RUN}`,
    ),
    list: connection.prepare<
      [number, number, number],
      ExecutionRow & { domain_id: string; workflow_id: string; run_id: string }
    >(
      `SELECT run_no, domain_id, workflow_id, run_id, next_event_id, crc, record FROM executions
       WHERE run_no > ? AND shard_id = ? ORDER BY run_no LIMIT ?`,
    ),
    remove: connection.prepare<[number]>('DELETE FROM executions WHERE run_no = ?'),
    addSignalRequest: connection.prepare<[number, string]>('INSERT OR IGNORE INTO signal_requests VALUES (?, ?)'),
    signalRequests: connection
      .prepare<[number], string>('SELECT request_id FROM signal_requests WHERE run_no = ?')
      .pluck(),
    removeSignalRequests: connection.prepare<[number]>('DELETE FROM signal_requests WHERE run_no = ?'),
    putCurrent: connection.prepare<[number, string, string, string, string, number, number, number, number]>(
      `INSERT INTO current_runs (shard_id, domain_id, workflow_id, run_id, create_request_id, is_open, close_status,
         last_write_version, start_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (shard_id, domain_id, workflow_id) DO UPDATE SET run_id = excluded.run_id,
         create_request_id = excluded.create_request_id, is_open = excluded.is_open,
         close_status = excluded.close_status, last_write_version = excluded.last_write_version,
         start_ms = excluded.start_ms`,
    ),
    loadCurrent: connection.prepare<[number, string, string], Omit<CurrentRun, 'isOpen'> & { isOpen: number }>(
      `SELECT run_id AS runId, create_request_id AS createRequestId, is_open AS isOpen, close_status AS closeStatus,
         last_write_version AS lastWriteVersion, start_ms AS startTimeMs
       FROM current_runs WHERE shard_id = ? AND domain_id = ? AND workflow_id = ?`,
    ),
    removeCurrent: connection.prepare<RunParameters>(`DELETE FROM current_runs WHERE ${RUN}`),
  };
}

export interface SqliteExecutions {
  /** Inside a write. */
  write(shardId: number, commit: ShardCommit): void;
  load(shardId: number, key: RunKey): LoadedExecution | undefined;
  loadCurrentRun(shardId: number, domainId: string, workflowId: string): CurrentRun | undefined;
  list(shardId: number, token: Uint8Array | undefined, limit: number): Page<RunKey & LoadedExecution>;
}

export function createSqliteExecutions(database: SqliteDatabase): SqliteExecutions {
  const sql = prepareStatements(database);
  const runNumber = (shardId: number, key: RunKey): number | undefined =>
    sql.runNumber.get(shardId, key.domainId, key.workflowId, key.runId)?.run_no;

  const writeExecution = (shardId: number, write: ExecutionWrite): void => {
    const { key, record, nextEventId, addedSignalRequestIds } = write;
    const isOpen = write.isOpen ? 1 : 0;
    const crc = checksum(record, key.runId, nextEventId);
    const { changes } = write.isNew
      ? sql.insert.run(shardId, key.domainId, key.workflowId, key.runId, nextEventId, isOpen, crc, record)
      : sql.update.run(nextEventId, isOpen, crc, record, shardId, key.domainId, key.workflowId, key.runId);
    if (changes === 0) {
      const problem = write.isNew ? 'exists already' : 'does not exist';
      throw new StoreError('ConditionFailed', `run ${key.workflowId}/${key.runId} ${problem}`);
    }
    if (addedSignalRequestIds.length === 0) return;
    const number = runNumber(shardId, key) as number; // it was written right above
    for (const requestId of addedSignalRequestIds) sql.addSignalRequest.run(number, requestId);
  };

  const deleteRun = (shardId: number, key: RunKey): void => {
    const number = runNumber(shardId, key);
    if (number !== undefined) {
      sql.remove.run(number);
      sql.removeSignalRequests.run(number);
    }
    sql.removeCurrent.run(shardId, key.domainId, key.workflowId, key.runId);
  };

  const loaded = (shardId: number, key: RunKey, row: ExecutionRow): LoadedExecution => ({
    record: verified(
      row.record,
      row.crc,
      { owner: key.runId, number: row.next_event_id },
      () => `the execution ${key.domainId}/${key.workflowId}/${key.runId} of shard ${shardId}`,
    ),
    nextEventId: row.next_event_id,
    signalRequestIds: sql.signalRequests.all(row.run_no),
  });

  return {
    write: (shardId, commit) => {
      for (const write of commit.executions) writeExecution(shardId, write);
      for (const { domainId, workflowId, current } of commit.currentRuns) {
        const { runId, createRequestId, closeStatus, lastWriteVersion, startTimeMs } = current;
        const isOpen = current.isOpen ? 1 : 0;
        sql.putCurrent.run(
          shardId,
          domainId,
          workflowId,
          runId,
          createRequestId,
          isOpen,
          closeStatus,
          lastWriteVersion,
          startTimeMs,
        );
      }
      for (const key of commit.deletedRuns) deleteRun(shardId, key);
    },
    load: (shardId, key) => {
      const row = sql.load.get(shardId, key.domainId, key.workflowId, key.runId);
      return row === undefined ? undefined : loaded(shardId, key, row);
    },
    loadCurrentRun: (shardId, domainId, workflowId) => {
      const row = sql.loadCurrent.get(shardId, domainId, workflowId);
      return row === undefined ? undefined : { ...row, isOpen: row.isOpen === 1 };
    },
    list: (shardId, token, limit) => {
      const after = token === undefined ? 0 : Number(Buffer.from(token).toString());
      const rows = sql.list.all(after, shardId, limit + 1);
      const items = rows.slice(0, limit).map((row) => {
        const key = { domainId: row.domain_id, workflowId: row.workflow_id, runId: row.run_id };
        return { ...key, ...loaded(shardId, key, row) };
      });
      const last = rows.length > limit ? rows[limit - 1] : undefined;
      return last === undefined ? { items } : { items, nextToken: Buffer.from(String(last.run_no)) };
    },
  };
}
