// Visibility in the store's own PostgreSQL or MySQL database. Writes that wait while others are under way go out together. A removed run leaves a
// tombstone for a while: it is written before the run is deleted, and whoever writes a run looks for one afterwards, so that whichever came
// first the run is gone.
import { type Deferred, deferred } from '#base';
import type { Env } from '#env';
import {
  adHocSql,
  boundedKey,
  rowOf,
  rowsOf,
  type SqlDatabase,
  type SqlResult,
  type SqlStatement,
  sql,
} from '#persistence/sql';
import type { AttributeValue } from '../condition.ts';
import { decodePageToken, encodePageToken } from '../page-token.ts';
import type { VisibilityRecord, VisibilityStore } from '../ports.ts';
import { SEARCH_ATTRIBUTES, type SearchAttributeRegistry } from '../search-attributes.ts';
import { selectionOf, selectionOfQuery } from '../selection.ts';
import { type CompiledSql, compileCount, compilePage } from './compile.ts';
import { ROW_COLUMNS, recordOfRow, rowParameters, type VisibilityRow } from './record-rows.ts';
import { SERVER_DIALECTS } from './server-dialect.ts';
import { VALUES, valueRows } from './value-rows.ts';

const TEXT_COLUMNS = new Set<string>([
  ...['domain_id', 'workflow_id', 'run_id', 'workflow_type', 'task_list', 'cron_schedule'],
  ...['parent_workflow_id', 'parent_run_id', 'cluster_scope', 'cluster_name'],
]);
const BYTE_COLUMNS = new Set<string>(['memo', 'search_attributes']);
const typeOf = (column: string) =>
  TEXT_COLUMNS.has(column) ? 'text' : BYTE_COLUMNS.has(column) ? 'bytes' : ('integer' as const);

const RUNS = {
  name: 'visibility',
  columns: {
    ...Object.fromEntries(ROW_COLUMNS.map((column) => [column, typeOf(column)] as const)),
    ...({ workflow_key: 'text', type_key: 'text' } as const),
  },
  key: ['domain_id', 'run_id', 'workflow_key'],
} as const;
const TOMBSTONES = {
  name: 'visibility_tombstones',
  columns: { domain_id: 'text', workflow_key: 'text', run_id: 'text', removed_ms: 'integer' },
  key: ['domain_id', 'workflow_key', 'run_id'],
} as const;
const RUN_COLUMNS = ['domain_id', 'workflow_key', 'run_id'] as const;

// Longer than any write can be late: tasks are retried from the shard's queue, not for days.
const TOMBSTONE_MS = 24 * 3600 * 1000;
const RECORDS_PER_WRITE_MAX = 200;

export interface ServerVisibilityOptions {
  /** Read at each use: operators add to them. */
  readonly searchAttributes?: (() => SearchAttributeRegistry) | undefined;
}

interface Waiting {
  readonly records: readonly VisibilityRecord[];
  readonly done: Deferred<void>;
}

const runOf = ({ domainId, workflowId, runId }: VisibilityRecord) => [domainId, boundedKey(workflowId), runId] as const;
const nameOf = (run: readonly string[]): string => run.join('\n');

/** The newest of each run: a statement may write a row once. */
function newestOfEach(records: readonly VisibilityRecord[]): ReadonlyMap<string, VisibilityRecord> {
  const newest = new Map<string, VisibilityRecord>();
  for (const record of records) {
    const name = nameOf(runOf(record));
    const other = newest.get(name);
    if (other === undefined || other.version <= record.version) newest.set(name, record);
  }
  return newest;
}

function createWrites(database: SqlDatabase, registry: () => SearchAttributeRegistry) {
  const { dialect } = database;
  const conditional = (text: (condition: string) => string, runs: readonly (readonly string[])[]): SqlStatement => {
    const { text: condition, values, isVariable } = dialect.isOneOf(TOMBSTONES, RUN_COLUMNS, runs);
    return { text: text(condition), values, isPrepared: !isVariable };
  };
  const deleteRuns = (runs: readonly (readonly string[])[], also: string): readonly SqlStatement[] => [
    conditional(
      (condition) =>
        `DELETE FROM visibility_values WHERE run_no IN (SELECT run_no FROM visibility WHERE ${condition}${also})`,
      runs,
    ),
    conditional((condition) => `DELETE FROM visibility WHERE ${condition}${also}`, runs),
  ];
  const BURIED = ` AND EXISTS (SELECT 1 FROM visibility_tombstones t WHERE t.domain_id = visibility.domain_id
    AND t.workflow_key = visibility.workflow_key AND t.run_id = visibility.run_id)`;

  /** The values of the runs whose row is now as it was written here. */
  const values = (newest: ReadonlyMap<string, VisibilityRecord>, found: SqlResult | undefined): SqlStatement[] => {
    type Found = { run_no: number; version: number; domain_id: string; workflow_key: string; run_id: string };
    const written = rowsOf<Found>(found).flatMap((row) => {
      const record = newest.get(nameOf([row.domain_id, row.workflow_key, row.run_id]));
      return record?.version === row.version ? [{ runNumber: row.run_no, record }] : [];
    });
    if (written.length === 0) return [];
    const attributes = registry();
    const rows = written.flatMap(({ record, runNumber }) => valueRows(record, runNumber, attributes));
    const numbers = written.map(({ runNumber }) => [runNumber]);
    const { text, values: parameters, isVariable } = dialect.isOneOf(VALUES, ['run_no'], numbers);
    const deletion = {
      text: `DELETE FROM visibility_values WHERE ${text}`,
      values: parameters,
      isPrepared: !isVariable,
    };
    return [deletion, ...dialect.insert(VALUES, rows, 'fail')];
  };

  return {
    upsert: (records: readonly VisibilityRecord[]): Promise<void> => {
      const newest = newestOfEach(records);
      const rows = [...newest.values()].map((record) => [
        ...rowParameters(record),
        boundedKey(record.workflowId),
        boundedKey(record.workflowType),
      ]);
      const runs = [...newest.values()].map(runOf);
      return database.transact('upsert visibility', {
        first: [
          ...dialect.insert(RUNS, rows, { newest: 'version' }),
          conditional(
            (condition) => `SELECT run_no, version, domain_id, workflow_key, run_id FROM visibility WHERE ${condition}`,
            runs,
          ),
        ],
        decide: (results) => ({
          writes: values(newest, results.at(-1)),
          value: undefined,
          afterwards: deleteRuns(runs, BURIED),
        }),
      });
    },
    remove: (run: readonly [string, string, string], nowMs: number): Promise<void> =>
      database.transact('remove visibility', {
        decide: () => ({
          writes: dialect.insert(TOMBSTONES, [[...run, nowMs]], 'replace'),
          value: undefined,
          afterwards: [
            ...deleteRuns([run], ''),
            sql('DELETE FROM visibility_tombstones WHERE removed_ms < ?', nowMs - TOMBSTONE_MS),
          ],
        }),
      }),
  };
}

export function createServerVisibility(
  database: SqlDatabase,
  env: Env,
  options: ServerVisibilityOptions = {},
): VisibilityStore {
  const registry = options.searchAttributes ?? (() => SEARCH_ATTRIBUTES);
  const dialect = SERVER_DIALECTS[database.dialect.name];
  const writes = createWrites(database, registry);
  const waiting: Waiting[] = [];
  let isWriting = false;

  const writeAll = async (batch: readonly Waiting[]): Promise<void> => {
    try {
      await writes.upsert(batch.flatMap(({ records }) => records));
      for (const { done } of batch) done.resolve();
    } catch (error) {
      const [only] = batch;
      if (batch.length === 1) only?.done.reject(error);
      // One that cannot be written shall not keep the others back.
      else for (const each of batch) await writeAll([each]);
    }
  };
  const drain = async (): Promise<void> => {
    isWriting = true;
    while (waiting.length > 0) {
      const batch = waiting.splice(0, RECORDS_PER_WRITE_MAX);
      await writeAll(batch);
    }
    isWriting = false;
  };
  const ask = async (what: string, compiled: CompiledSql): Promise<SqlResult | undefined> =>
    (await database.read(what, [adHocSql(compiled.sql, compiled.parameters)]))[0];

  return {
    upsert: (records) => {
      if (records.length === 0) return Promise.resolve();
      const done = deferred<void>();
      waiting.push({ records, done });
      if (!isWriting) void drain();
      return done.promise;
    },
    remove: (domainId, workflowId, runId) =>
      writes.remove([domainId, boundedKey(workflowId), runId], env.clock.nowMs()),
    list: async (domainId, listing, page) => {
      const nowMs = env.clock.nowMs();
      const selection = selectionOf(listing, registry(), nowMs);
      const after = page.token === undefined ? undefined : decodePageToken(domainId, listing, page.token);
      const compiled = compilePage(dialect, domainId, selection, { size: page.size, after, nowMs });
      // The statement selects all columns and sort_value.
      const rows = rowsOf<VisibilityRow & { sort_value: AttributeValue | null }>(
        await ask('list visibility', compiled),
      );
      const records = rows.slice(0, page.size).map(recordOfRow);
      const last = rows.length > page.size ? rows[page.size - 1] : undefined;
      if (last === undefined) return { records };
      const position = { sortValue: last.sort_value, rowNumber: last.run_no };
      return { records, nextToken: encodePageToken(domainId, listing, position) };
    },
    count: async (domainId, query) => {
      const nowMs = env.clock.nowMs();
      const compiled = compileCount(dialect, domainId, selectionOfQuery(query, registry(), nowMs).where, nowMs);
      return rowOf<{ runs: number }>(await ask('count visibility', compiled))?.runs ?? 0;
    },
    // The database belongs to the store, which closes it.
    close: async () => {},
  };
}
