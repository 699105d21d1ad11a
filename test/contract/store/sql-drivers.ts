// PostgreSQL and MariaDB for the store contract: one database a test file, emptied before each test.
import { afterAll } from 'vitest';
import type { Env } from '#env';
import type { Store } from '#persistence';
import type { SqlStore } from '#persistence/sql';
import { adHocSql } from '#persistence/sql';
import { makeTestDatabase, type SqlStoreName, type TestDatabase } from '../../support/sql-databases.ts';
import type { OpenedStore } from './drivers.ts';

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

/** To be called while the test file loads: the database is dropped when its tests are over. */
export function sqlDriver(name: SqlStoreName, env: Env): () => Promise<OpenedStore> {
  let made: Promise<TestDatabase> | undefined;
  afterAll(async () => {
    await (await made)?.drop();
  });
  return async () => {
    made ??= makeTestDatabase(name, env);
    const database = await made;
    const store = await database.open(env);
    await emptyTables(store);
    const opened: OpenedStore = {
      store,
      reopen: async (): Promise<Store> => {
        await opened.store.close();
        opened.store = await database.open(env);
        return opened.store;
      },
      dispose: () => opened.store.close(),
    };
    return opened;
  };
}
