// Visibility in the store's own SQLite file: its writes join the same group commits, and it is read with a page of
// SQL per list. A removed run leaves a tombstone for a while, so that a late write does not bring it back.
import type { Statement } from 'better-sqlite3';
import { LRUCache } from 'lru-cache';
import type { Env } from '#env';
import { decodeSearchAttributes } from '../attribute-values.ts';
import type { AttributeValue } from '../condition.ts';
import { decodePageToken, encodePageToken } from '../page-token.ts';
import type { VisibilityRecord, VisibilityStore } from '../ports.ts';
import { SEARCH_ATTRIBUTES, type SearchAttributeRegistry } from '../search-attributes.ts';
import { selectionOf, selectionOfQuery } from '../selection.ts';
import { type CompiledSql, compileCount, compilePage } from '../sql/compile.ts';
import type { SqlParameter } from '../sql/dialect.ts';
import { ROW_COLUMNS, recordOfRow, rowParameters, type VisibilityRow } from '../sql/record-rows.ts';
import { matchesPhrase } from '../text-match.ts';
import { PHRASE_FUNCTION, SQLITE_VISIBILITY_DIALECT } from './dialect.ts';
import type { SharedSqliteFile } from './shared-file.ts';

const STATEMENTS_CACHED = 200;
// Longer than any write can be late: tasks are retried from the shard's queue, not for days.
const TOMBSTONE_MS = 24 * 3600 * 1000;
const TOMBSTONES_SWEPT_AT_ONCE = 100;

// With the decoded custom attributes as one JSON object.
const COLUMNS = [...ROW_COLUMNS, 'attributes'] as const;

// A run never changes these, and what is not set again leaves its indexes alone.
const FIXED_COLUMNS = new Set<string>(['domain_id', 'workflow_id', 'run_id', 'workflow_type', 'start_ms']);

export interface SqliteVisibilityOptions {
  /** Read at each use: operators add to them. */
  readonly searchAttributes?: (() => SearchAttributeRegistry) | undefined;
}

function prepareStatements({ connection }: SharedSqliteFile) {
  const updated = COLUMNS.filter((column) => !FIXED_COLUMNS.has(column));
  return {
    upsert: connection.prepare<unknown[]>(
      `INSERT INTO visibility (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})
       ON CONFLICT (domain_id, run_id, workflow_id) DO UPDATE
       SET ${updated.map((column) => `${column} = excluded.${column}`).join(', ')}
       WHERE excluded.version >= visibility.version`,
    ),
    remove: connection.prepare<[string, string, string]>(
      'DELETE FROM visibility WHERE domain_id = ? AND workflow_id = ? AND run_id = ?',
    ),
    isRemoved: connection
      .prepare<[string, string, string], number>(
        'SELECT 1 FROM visibility_tombstones WHERE domain_id = ? AND workflow_id = ? AND run_id = ?',
      )
      .pluck(),
    putTombstone: connection.prepare<[string, string, string, number]>(
      'INSERT OR REPLACE INTO visibility_tombstones (domain_id, workflow_id, run_id, removed_ms) VALUES (?, ?, ?, ?)',
    ),
    sweepTombstones: connection.prepare<[number, number]>(
      `DELETE FROM visibility_tombstones WHERE tombstone_no IN
         (SELECT tombstone_no FROM visibility_tombstones WHERE removed_ms < ? ORDER BY removed_ms LIMIT ?)`,
    ),
  };
}

export function createSqliteVisibility(
  database: SharedSqliteFile,
  env: Env,
  options: SqliteVisibilityOptions = {},
): VisibilityStore {
  const registry = options.searchAttributes ?? (() => SEARCH_ATTRIBUTES);
  const { connection } = database;
  const sql = prepareStatements(database);
  connection.function(PHRASE_FUNCTION, { deterministic: true }, (text: unknown, phrase: unknown) =>
    typeof text === 'string' && matchesPhrase(text, String(phrase)) ? 1 : 0,
  );
  const statements = new LRUCache<string, Statement<SqlParameter[]>>({ max: STATEMENTS_CACHED });
  const prepared = ({ sql: text }: CompiledSql): Statement<SqlParameter[]> => {
    const statement = statements.get(text) ?? connection.prepare<SqlParameter[]>(text);
    statements.set(text, statement);
    return statement;
  };
  const upsert = (record: VisibilityRecord): void => {
    if (sql.isRemoved.get(record.domainId, record.workflowId, record.runId) !== undefined) return;
    const attributes = decodeSearchAttributes(record.searchAttributes, registry());
    sql.upsert.run(...rowParameters(record), attributes === undefined ? null : JSON.stringify(attributes));
  };

  return {
    upsert: (records) =>
      database.write('upsert visibility', () => {
        for (const record of records) upsert(record);
      }),
    remove: (domainId, workflowId, runId) =>
      database.write('remove visibility', () => {
        const nowMs = env.clock.nowMs();
        sql.remove.run(domainId, workflowId, runId);
        sql.putTombstone.run(domainId, workflowId, runId, nowMs);
        sql.sweepTombstones.run(nowMs - TOMBSTONE_MS, TOMBSTONES_SWEPT_AT_ONCE);
      }),
    list: (domainId, listing, page) =>
      database.read('list visibility', () => {
        const nowMs = env.clock.nowMs();
        const selection = selectionOf(listing, registry(), nowMs);
        const after = page.token === undefined ? undefined : decodePageToken(domainId, listing, page.token);
        const compiled = compilePage(SQLITE_VISIBILITY_DIALECT, domainId, selection, { size: page.size, after, nowMs });
        // The statement selects all columns and sort_value.
        const rows = prepared(compiled).all(...compiled.parameters) as (VisibilityRow & {
          sort_value: AttributeValue | null;
        })[];
        const records = rows.slice(0, page.size).map(recordOfRow);
        const last = rows.length > page.size ? rows[page.size - 1] : undefined;
        if (last === undefined) return { records };
        const position = { sortValue: last.sort_value, rowNumber: last.run_no };
        return { records, nextToken: encodePageToken(domainId, listing, position) };
      }),
    count: (domainId, query) =>
      database.read('count visibility', () => {
        const compiled = compileCount(
          SQLITE_VISIBILITY_DIALECT,
          domainId,
          selectionOfQuery(query, registry(), env.clock.nowMs()).where,
          env.clock.nowMs(),
        );
        return prepared(compiled)
          .pluck()
          .get(...compiled.parameters) as number; // count(*) is always one integer
      }),
    // The file belongs to the store, which closes it.
    close: async () => {},
  };
}
