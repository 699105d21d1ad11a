// MySQL's and MariaDB's form of rows and upserts: rows are written out, a bounded number of rows and bytes a statement.
import type { OnConflict, SqlDialect, SqlRowValues, Table } from '../sql/dialect.ts';
import { adHocSql, type SqlStatement, sql } from '../sql/statement.ts';

const ROWS_MAX = 500;
// Bytes are sent as hexadecimal digits, and a server may take no more than 16 MiB at once.
const BYTES_MAX = 4 * 1024 * 1024;

const LANES = `SELECT priority, fairness_key FROM backlog_lane_tasks
  WHERE list_no = ? AND priority >= ? AND (priority > ? OR fairness_key >= ?)
  GROUP BY list_no, priority, fairness_key ORDER BY priority, fairness_key LIMIT ?`;

function conflictClause(table: Table, onConflict: OnConflict): string {
  if (onConflict === 'fail') return '';
  const [firstKey = ''] = table.key;
  if (onConflict === 'keep') return ` ON DUPLICATE KEY UPDATE ${firstKey} = ${firstKey}`;
  const columns = Object.keys(table.columns).filter((column) => !table.key.includes(column));
  if (onConflict === 'replace') {
    return ` ON DUPLICATE KEY UPDATE ${columns.map((column) => `${column} = VALUES(${column})`).join(', ')}`;
  }
  const { newest } = onConflict;
  const updates = columns
    .filter((column) => column !== newest)
    .map((column) => `${column} = IF(VALUES(${newest}) >= ${newest}, VALUES(${column}), ${column})`);
  // Assigned from left to right: the column that the others look at comes last.
  return ` ON DUPLICATE KEY UPDATE ${[...updates, `${newest} = GREATEST(${newest}, VALUES(${newest}))`].join(', ')}`;
}

const bytesOf = (row: SqlRowValues): number =>
  row.reduce<number>(
    (sum, value) => sum + (typeof value === 'string' || value instanceof Uint8Array ? value.length : 8),
    0,
  );

/** Rows for one statement each. */
function chunks(rows: readonly SqlRowValues[]): readonly (readonly SqlRowValues[])[] {
  const result: SqlRowValues[][] = [];
  let bytes = BYTES_MAX;
  for (const row of rows) {
    const current = result.at(-1);
    bytes += bytesOf(row);
    if (current === undefined || current.length === ROWS_MAX || bytes > BYTES_MAX) {
      result.push([row]);
      bytes = bytesOf(row);
    } else {
      current.push(row);
    }
  }
  return result;
}

export function createMysqlDialect(): SqlDialect {
  return {
    name: 'mysql',
    insert: (table, rows, onConflict) => {
      const columns = Object.keys(table.columns);
      const row = `(${columns.map(() => '?').join(', ')})`;
      return chunks(rows).map((chunk): SqlStatement => {
        const values = chunk.map(() => row).join(', ');
        const text = `INSERT INTO ${table.name} (${columns.join(', ')}) VALUES ${values}${conflictClause(table, onConflict)}`;
        return adHocSql(text, chunk.flat());
      });
    },
    // Not (a, b) IN (…): MariaDB would not find its way by the index.
    isOneOf: (_table, columns, rows) => {
      const row = `(${columns.map((column) => `${column} = ?`).join(' AND ')})`;
      return { text: `(${rows.map(() => row).join(' OR ')})`, values: rows.flat(), isVariable: true };
    },
    returningId: () => '',
    lanes: (listNumber, priority, fairnessKey, limit) => sql(LANES, listNumber, priority, priority, fairnessKey, limit),
  };
}
