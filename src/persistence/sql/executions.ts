// Execution and current-run rows of a shard on SQL. Which of the runs of a commit are there is read under the lock of the shard's fence, so
// the rows are written by one upsert: nobody else changes runs of this shard meanwhile.
import { StoreError } from '#base';
import { checksum, verified } from '../checksum.ts';
import type { CurrentRun, ExecutionWrite, LoadedExecution, Page, RunKey, ShardCommit } from '../ports.ts';
import { boundedKey } from './bounded-key.ts';
import type { SqlDatabase } from './database.ts';
import type { SqlDialect, SqlRowValues } from './dialect.ts';
import { adHocSql, rowOf, rowsOf, type SqlResult, type SqlStatement, sql } from './statement.ts';

const EXECUTIONS = {
  name: 'executions',
  columns: {
    shard_id: 'integer',
    domain_id: 'text',
    workflow_key: 'text',
    run_id: 'text',
    workflow_id: 'text',
    next_event_id: 'integer',
    is_open: 'integer',
    crc: 'integer',
    record: 'bytes',
  },
  key: ['shard_id', 'domain_id', 'workflow_key', 'run_id'],
} as const;
const SIGNAL_REQUESTS = {
  name: 'signal_requests',
  columns: {
    shard_id: 'integer',
    domain_id: 'text',
    workflow_key: 'text',
    run_id: 'text',
    request_key: 'text',
    request_id: 'text',
  },
  key: ['shard_id', 'domain_id', 'workflow_key', 'run_id', 'request_key'],
} as const;
const CURRENT_RUNS = {
  name: 'current_runs',
  columns: {
    shard_id: 'integer',
    domain_id: 'text',
    workflow_key: 'text',
    run_id: 'text',
    create_request_id: 'text',
    is_open: 'integer',
    close_status: 'integer',
    last_write_version: 'integer',
    start_ms: 'integer',
  },
  key: ['shard_id', 'domain_id', 'workflow_key'],
} as const;
const RUN_COLUMNS = ['domain_id', 'workflow_key', 'run_id'] as const;
const RUN = 'shard_id = ? AND domain_id = ? AND workflow_key = ? AND run_id = ?';

interface RunRow {
  readonly domain_id: string;
  readonly workflow_key: string;
  readonly run_id: string;
}

interface ExecutionRow extends RunRow {
  readonly workflow_id: string;
  readonly next_event_id: number;
  readonly crc: number;
  readonly record: Uint8Array;
}

const runValues = (key: RunKey): readonly [string, string, string] => [
  key.domainId,
  boundedKey(key.workflowId),
  key.runId,
];
const nameOf = (values: readonly string[]): string => values.join('\n');
const nameOfRow = (row: RunRow): string => nameOf([row.domain_id, row.workflow_key, row.run_id]);

/** The last of those with one key. */
function lastOfEach<T>(items: readonly T[], keyOf: (item: T) => string): readonly T[] {
  return items.length < 2 ? items : [...new Map(items.map((item) => [keyOf(item), item])).values()];
}

export interface SqlExecutions {
  /** Under the fence: reads which runs of the commit are there. */
  existing(shardId: number, commit: ShardCommit): readonly SqlStatement[];
  /** @throws StoreError ConditionFailed. */
  writes(shardId: number, commit: ShardCommit, existing: SqlResult | undefined): readonly SqlStatement[];
  load(shardId: number, key: RunKey): Promise<LoadedExecution | undefined>;
  loadCurrentRun(shardId: number, domainId: string, workflowId: string): Promise<CurrentRun | undefined>;
  list(shardId: number, token: Uint8Array | undefined, limit: number): Promise<Page<RunKey & LoadedExecution>>;
}

function requireConditions(writes: readonly ExecutionWrite[], existing: SqlResult | undefined): void {
  const there = new Set(rowsOf<RunRow>(existing).map(nameOfRow));
  for (const { key, isNew } of writes) {
    const name = nameOf(runValues(key));
    if (there.has(name) === isNew) {
      const problem = isNew ? 'exists already' : 'does not exist';
      throw new StoreError('ConditionFailed', `run ${key.workflowId}/${key.runId} ${problem}`);
    }
    there.add(name);
  }
}

function currentRunRows(shardId: number, commit: ShardCommit): readonly SqlRowValues[] {
  const last = lastOfEach(commit.currentRuns, ({ domainId, workflowId }) => nameOf([domainId, workflowId]));
  return last.map(({ domainId, workflowId, current }) => [
    shardId,
    domainId,
    boundedKey(workflowId),
    current.runId,
    current.createRequestId,
    current.isOpen ? 1 : 0,
    current.closeStatus,
    current.lastWriteVersion,
    current.startTimeMs,
  ]);
}

function executionRows(shardId: number, writes: readonly ExecutionWrite[]): readonly SqlRowValues[] {
  const last = lastOfEach(writes, ({ key }) => nameOf(runValues(key)));
  return last.map(({ key, record, nextEventId, isOpen }) => {
    const crc = checksum(record, key.runId, nextEventId);
    return [shardId, ...runValues(key), key.workflowId, nextEventId, isOpen ? 1 : 0, crc, record];
  });
}

function signalRows(shardId: number, writes: readonly ExecutionWrite[]): readonly SqlRowValues[] {
  const rows = writes.flatMap(({ key, addedSignalRequestIds }) =>
    addedSignalRequestIds.map((requestId) => [shardId, ...runValues(key), boundedKey(requestId), requestId]),
  );
  return lastOfEach(rows, (row) => row.slice(1, -1).join('\n'));
}

function deletions(dialect: SqlDialect, shardId: number, runs: readonly RunKey[]): readonly SqlStatement[] {
  if (runs.length === 0) return [];
  const rows = runs.map(runValues);
  // The current run only if it still names that run.
  return [EXECUTIONS, SIGNAL_REQUESTS, CURRENT_RUNS].map((table) => {
    const { text, values, isVariable } = dialect.isOneOf(table, RUN_COLUMNS, rows);
    const statement = `DELETE FROM ${table.name} WHERE shard_id = ? AND ${text}`;
    return { text: statement, values: [shardId, ...values], isPrepared: !isVariable };
  });
}

export function createSqlExecutions(database: SqlDatabase): SqlExecutions {
  const { dialect } = database;

  const loaded = (shardId: number, row: ExecutionRow, signalRequestIds: readonly string[]): LoadedExecution => ({
    record: verified(
      row.record,
      row.crc,
      { owner: row.run_id, number: row.next_event_id },
      () => `the execution ${row.domain_id}/${row.workflow_id}/${row.run_id} of shard ${shardId}`,
    ),
    nextEventId: row.next_event_id,
    signalRequestIds,
  });
  const columns = 'domain_id, workflow_key, run_id, workflow_id, next_event_id, crc, record';

  const signalsOf = async (shardId: number, rows: readonly ExecutionRow[]): Promise<Map<string, string[]>> => {
    const ids = new Map<string, string[]>();
    if (rows.length === 0) return ids;
    const runs = rows.map((row) => [row.domain_id, row.workflow_key, row.run_id]);
    const { text, values } = dialect.isOneOf(SIGNAL_REQUESTS, RUN_COLUMNS, runs);
    const select = `SELECT domain_id, workflow_key, run_id, request_id FROM signal_requests WHERE shard_id = ? AND ${text}`;
    const [result] = await database.read('listExecutions', [adHocSql(select, [shardId, ...values])]);
    for (const row of rowsOf<RunRow & { request_id: string }>(result)) {
      const name = nameOfRow(row);
      ids.set(name, [...(ids.get(name) ?? []), row.request_id]);
    }
    return ids;
  };

  return {
    existing: (shardId, { executions }) => {
      if (executions.length === 0) return [];
      const runs = lastOfEach(executions, ({ key }) => nameOf(runValues(key))).map(({ key }) => runValues(key));
      const { text, values, isVariable } = dialect.isOneOf(EXECUTIONS, RUN_COLUMNS, runs);
      const select = `SELECT domain_id, workflow_key, run_id FROM executions WHERE shard_id = ? AND ${text}`;
      return [{ text: select, values: [shardId, ...values], isPrepared: !isVariable }];
    },
    writes: (shardId, commit, existing) => {
      requireConditions(commit.executions, existing);
      return [
        ...dialect.insert(EXECUTIONS, executionRows(shardId, commit.executions), 'replace'),
        ...dialect.insert(SIGNAL_REQUESTS, signalRows(shardId, commit.executions), 'keep'),
        ...dialect.insert(CURRENT_RUNS, currentRunRows(shardId, commit), 'replace'),
        ...deletions(dialect, shardId, commit.deletedRuns),
      ];
    },
    load: async (shardId, key) => {
      const run = [shardId, ...runValues(key)];
      const [row, signals] = await database.read('loadExecution', [
        sql(`SELECT ${columns} FROM executions WHERE ${RUN}`, ...run),
        sql(`SELECT request_id FROM signal_requests WHERE ${RUN}`, ...run),
      ]);
      const found = rowOf<ExecutionRow>(row);
      const ids = rowsOf<{ request_id: string }>(signals).map(({ request_id }) => request_id);
      return found && loaded(shardId, found, ids);
    },
    loadCurrentRun: async (shardId, domainId, workflowId) => {
      const text = `SELECT run_id, create_request_id, is_open, close_status, last_write_version, start_ms FROM current_runs
        WHERE shard_id = ? AND domain_id = ? AND workflow_key = ?`;
      const statement = sql(text, shardId, domainId, boundedKey(workflowId));
      const row = rowOf<{
        run_id: string;
        create_request_id: string;
        is_open: number;
        close_status: number;
        last_write_version: number;
        start_ms: number;
      }>((await database.read('loadCurrentRun', [statement]))[0]);
      return (
        row && {
          runId: row.run_id,
          createRequestId: row.create_request_id,
          isOpen: row.is_open === 1,
          closeStatus: row.close_status,
          lastWriteVersion: row.last_write_version,
          startTimeMs: row.start_ms,
        }
      );
    },
    list: async (shardId, token, limit) => {
      const [domainId, workflowKey, runId] = token === undefined ? ['', '', ''] : decodePosition(token);
      // Written out, because not every server finds its way by a comparison of tuples.
      const text = `SELECT ${columns} FROM executions WHERE shard_id = ? AND domain_id >= ?
        AND (domain_id > ? OR workflow_key > ? OR (workflow_key = ? AND run_id > ?))
        ORDER BY domain_id, workflow_key, run_id LIMIT ?`;
      const statement = sql(text, shardId, domainId, domainId, workflowKey, workflowKey, runId, limit + 1);
      const rows = rowsOf<ExecutionRow>((await database.read('listExecutions', [statement]))[0]);
      const page = rows.slice(0, limit);
      const signals = await signalsOf(shardId, page);
      const items = page.map((row) => ({
        domainId: row.domain_id,
        workflowId: row.workflow_id,
        runId: row.run_id,
        ...loaded(shardId, row, signals.get(nameOfRow(row)) ?? []),
      }));
      const last = rows.length > limit ? page.at(-1) : undefined;
      if (last === undefined) return { items };
      return { items, nextToken: Buffer.from(JSON.stringify([last.domain_id, last.workflow_key, last.run_id])) };
    },
  };
}

function decodePosition(token: Uint8Array): readonly [string, string, string] {
  const parts: unknown = JSON.parse(Buffer.from(token).toString());
  if (!Array.isArray(parts) || parts.length !== 3 || parts.some((part) => typeof part !== 'string')) {
    throw new StoreError('ConditionFailed', 'invalid page token of executions');
  }
  return parts as unknown as readonly [string, string, string]; // checked right above
}
