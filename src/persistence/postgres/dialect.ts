// PostgreSQL's form of rows and upserts: each column is one array, so that a statement has one text for any number of rows and is prepared
// once a connection.
import type { ColumnType, OnConflict, SqlDialect, SqlRowValues, Table } from '../sql/dialect.ts';
import { sql } from '../sql/statement.ts';

const ARRAY_TYPES: Readonly<Record<ColumnType, string>> = {
  integer: 'bigint[]',
  real: 'double precision[]',
  text: 'text[]',
  bytes: 'bytea[]',
};

const unnested = (table: Table, columns: readonly string[]): string =>
  `unnest(${columns.map((column) => `?::${ARRAY_TYPES[table.columns[column] ?? 'text']}`).join(', ')})`;

const transposed = (rows: readonly SqlRowValues[], width: number) =>
  Array.from({ length: width }, (_, index) => rows.map((row) => row[index] ?? null));

function conflictClause(table: Table, onConflict: OnConflict): string {
  if (onConflict === 'fail') return '';
  const target = ` ON CONFLICT (${table.key.join(', ')})`;
  if (onConflict === 'keep') return `${target} DO NOTHING`;
  const updated = Object.keys(table.columns).filter((column) => !table.key.includes(column));
  const update = `${target} DO UPDATE SET ${updated.map((column) => `${column} = excluded.${column}`).join(', ')}`;
  if (onConflict === 'replace') return update;
  return `${update} WHERE excluded.${onConflict.newest} >= ${table.name}.${onConflict.newest}`;
}

const LANES = `WITH RECURSIVE lanes AS (
    (SELECT priority, fairness_key FROM backlog_lane_tasks
     WHERE list_no = ? AND (priority, fairness_key) >= (?, ?) ORDER BY priority, fairness_key LIMIT 1)
    UNION ALL
    SELECT next.priority, next.fairness_key FROM lanes CROSS JOIN LATERAL (
      SELECT t.priority, t.fairness_key FROM backlog_lane_tasks t
      WHERE t.list_no = ? AND (t.priority, t.fairness_key) > (lanes.priority, lanes.fairness_key)
      ORDER BY t.priority, t.fairness_key LIMIT 1) next)
  SELECT priority, fairness_key FROM lanes LIMIT ?`;

export function createPostgresDialect(): SqlDialect {
  const texts = new Map<string, string>();
  const insertText = (table: Table, onConflict: OnConflict): string => {
    const key = `${table.name} ${JSON.stringify(onConflict)}`;
    const known = texts.get(key);
    if (known !== undefined) return known;
    const columns = Object.keys(table.columns);
    const rows = `SELECT * FROM ${unnested(table, columns)}`;
    const text = `INSERT INTO ${table.name} (${columns.join(', ')}) ${rows}${conflictClause(table, onConflict)}`;
    texts.set(key, text);
    return text;
  };
  return {
    name: 'postgres',
    insert: (table, rows, onConflict) => {
      if (rows.length === 0) return [];
      return [sql(insertText(table, onConflict), ...transposed(rows, Object.keys(table.columns).length))];
    },
    isOneOf: (table, columns, rows) => ({
      text: `(${columns.join(', ')}) IN (SELECT * FROM ${unnested(table, columns)})`,
      values: transposed(rows, columns.length),
      isVariable: false,
    }),
    returningId: (column) => ` RETURNING ${column} AS inserted_id`,
    lanes: (listNumber, priority, fairnessKey, limit) =>
      sql(LANES, listNumber, priority, fairnessKey, listNumber, limit),
  };
}
