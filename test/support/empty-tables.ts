// Empties the tables of a test database, for the next test.
import { adHocSql, type SqlStore } from '#persistence/sql';

const KEPT_TABLES = new Set(['schema_versions', 'schema_progress', 'domain_notification']);

export async function emptyTables(store: SqlStore): Promise<void> {
  const isPostgres = store.database.dialect.name === 'postgres';
  const schema = isPostgres ? 'current_schema()' : 'DATABASE()';
  const text = `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ${schema}`;
  const [result] = await store.database.read('tables', [adHocSql(text, [])]);
  const tables = (result?.rows ?? []).map(({ name }) => String(name)).filter((name) => !KEPT_TABLES.has(name));
  await store.database.transact('empty', {
    decide: () => ({
      // Not TRUNCATE, which syncs a file for each table.
      writes: [
        ...tables.map((table) => adHocSql(`DELETE FROM ${table}`, [])),
        adHocSql('UPDATE domain_notification SET version = 0', []),
      ],
      value: undefined,
    }),
  });
}
