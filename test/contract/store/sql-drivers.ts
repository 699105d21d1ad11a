// PostgreSQL and MariaDB for the store contract: one database a test file, emptied before each test.
import { afterAll } from 'vitest';
import type { Env } from '#env';
import type { Store } from '#persistence';
import { emptyTables } from '../../support/empty-tables.ts';
import { makeTestDatabase, type SqlStoreName, type TestDatabase } from '../../support/sql-databases.ts';
import type { OpenedStore } from './drivers.ts';

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
      rival: async () => {
        const other = await database.open(env);
        return { store: other, close: () => other.close() };
      },
      dispose: () => opened.store.close(),
    };
    return opened;
  };
}
