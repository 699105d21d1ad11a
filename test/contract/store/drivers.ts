// The drivers that the store contract runs against.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'vitest';
import { createRealEnv } from '#env';
import type { Store } from '#persistence';
import { createCassandraStore } from '#persistence/cassandra';
import { createMemoryImage, createMemoryStore } from '#persistence/memory';
import { createSqliteStore } from '#persistence/sqlite';
import { type ServiceName, serviceMissing } from '../../support/services.ts';
import { serviceOf } from '../../support/sql-databases.ts';
import { freshKeyspace } from './cassandra-keyspace.ts';
import { sqlDriver } from './sql-drivers.ts';

export interface OpenedStore {
  store: Store;
  /** Closes the store and opens what is durable again. */
  reopen(): Promise<Store>;
  /** The same data as another process has it open; the caller closes it. SQLite, which one process has, gives the same store again. */
  rival(): Promise<{ readonly store: Store; close(): Promise<void> }>;
  dispose(): Promise<void>;
}

export const env = createRealEnv();

const rivalOf = (store: Store) => ({ store, close: () => store.close() });

export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'antiphon-store-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

async function openMemory(): Promise<OpenedStore> {
  const image = createMemoryImage();
  const opened: OpenedStore = {
    store: createMemoryStore(env, image),
    reopen: async () => {
      await opened.store.close();
      opened.store = createMemoryStore(env, image);
      return opened.store;
    },
    rival: async () => rivalOf(createMemoryStore(env, image)),
    dispose: () => opened.store.close(),
  };
  return opened;
}

async function openSqlite(): Promise<OpenedStore> {
  const folder = temporaryFolder();
  const open = (): Store => createSqliteStore({ path: join(folder.path, 'store.db') }, env);
  const opened: OpenedStore = {
    store: open(),
    reopen: async () => {
      await opened.store.close();
      opened.store = open();
      return opened.store;
    },
    rival: async () => ({ store: opened.store, close: async () => {} }),
    dispose: async () => {
      await opened.store.close();
      folder.remove();
    },
  };
  return opened;
}

const cassandraKeyspace = freshKeyspace('history', env);

async function openCassandra(): Promise<OpenedStore> {
  const options = await cassandraKeyspace();
  const opened: OpenedStore = {
    store: await createCassandraStore(options, env),
    reopen: async () => {
      await opened.store.close();
      opened.store = await createCassandraStore(options, env);
      return opened.store;
    },
    rival: async () => rivalOf(await createCassandraStore(options, env)),
    dispose: () => opened.store.close(),
  };
  return opened;
}

interface StoreDriver {
  readonly name: string;
  readonly open: () => Promise<OpenedStore>;
}

/** Those of servers that this machine cannot run are skipped, by name. */
function onServer(service: ServiceName, driver: StoreDriver): readonly StoreDriver[] {
  const missing = serviceMissing(service);
  if (missing === undefined) return [driver];
  it.skip(`the store contract of ${driver.name} cannot run here: ${missing}`, () => {});
  return [];
}

export const DRIVERS: readonly StoreDriver[] = [
  { name: 'memory', open: openMemory },
  { name: 'sqlite', open: openSqlite },
  ...onServer('cassandra', { name: 'cassandra', open: openCassandra }),
  ...onServer(serviceOf('postgres'), { name: 'postgres', open: sqlDriver('postgres', env) }),
  ...onServer(serviceOf('mysql'), { name: 'mysql', open: sqlDriver('mysql', env) }),
];

export * from './rows.ts';
