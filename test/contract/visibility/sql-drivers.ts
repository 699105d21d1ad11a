// PostgreSQL and MariaDB for the visibility contract: a database for each test that is open at once, emptied before the next one uses it.
import { afterAll } from 'vitest';
import type { Env } from '#env';
import type { SqlStore } from '#persistence/sql';
import { createServerVisibility } from '#visibility';
import { emptyTables } from '../../support/empty-tables.ts';
import { makeTestDatabase, type SqlStoreName, type TestDatabase } from '../../support/sql-databases.ts';
import type { OpenedVisibility } from './drivers.ts';

/** To be called while the test file loads: the database is dropped when its tests are over. */
export function sqlVisibilityDriver(name: SqlStoreName, env: Env): () => Promise<OpenedVisibility> {
  let made: Promise<{ database: TestDatabase; store: SqlStore }> | undefined;
  afterAll(async () => {
    if (made === undefined) return;
    const { database, store } = await made;
    await store.close();
    await database.drop();
  });
  const make = async () => {
    const database = await makeTestDatabase(name, env);
    return { database, store: await database.open(env) };
  };
  return async () => {
    made ??= make();
    const { store } = await made;
    await emptyTables(store);
    return { store: createServerVisibility(store.database, env), close: async () => {} };
  };
}
