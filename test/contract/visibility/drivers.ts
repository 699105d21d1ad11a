// The drivers of the visibility port, each opened empty. One that needs a server which this machine cannot run is skipped, by name.
import { randomUUID } from 'node:crypto';
import { afterAll } from 'vitest';
import { createSimulatedEnv, type Env } from '#env';
import { loadSchemaVersions } from '#persistence';
import { openSqliteDatabase } from '#persistence/sqlite';
import {
  createMemoryVisibility,
  createOpenSearchClient,
  createOpenSearchSchemaTarget,
  createOpenSearchVisibility,
  createSqliteVisibility,
  type OpenSearchConnection,
  type VisibilityStore,
} from '#visibility';
import { serviceMissing, useService, variable } from '../../support/services.ts';
import { sqlVisibilityDriver } from './sql-drivers.ts';

export const T0 = 1_700_000_000_000;
/** The first time on a machine a server is downloaded. */
export const OPEN_MS = 600_000;

export interface OpenedVisibility {
  readonly store: VisibilityStore;
  close(): Promise<void>;
}

export interface VisibilityDriver {
  readonly name: string;
  /** Why it cannot run on this machine. */
  readonly missing?: string | undefined;
  readonly open: () => Promise<OpenedVisibility>;
}

const env = createSimulatedEnv({ seed: 1, startMs: T0 + 10_000 });

/** The simulated clock, but turns that pass by themselves. */
const turnEnv: Env = {
  ...env,
  scheduler: {
    after: (_, callback) => {
      const immediate = setImmediate(callback);
      return { cancel: () => clearImmediate(immediate) };
    },
  },
};

/** The simulated clock, but timers of real servers. */
export const timerEnv: Env = {
  ...env,
  scheduler: {
    after: (delayMs, callback) => {
      const timer = setTimeout(callback, delayMs);
      return { cancel: () => clearTimeout(timer) };
    },
  },
};

export const openSearchConnection = async (): Promise<OpenSearchConnection> => ({
  urls: [variable(await useService('opensearch'), 'OPENSEARCH_URL')],
  timeoutMs: 30_000,
});

/** A new index with this release's mapping; returns its name. */
export async function makeIndex(connection: OpenSearchConnection): Promise<string> {
  const index = `contract-${randomUUID()}`;
  const target = createOpenSearchSchemaTarget(timerEnv, { connection, index, shards: 1, replicas: 0 });
  for (const version of loadSchemaVersions(target.schema)) await target.apply(version, T0);
  await target.close();
  return index;
}

async function makeSharedIndex() {
  const connection = await openSearchConnection();
  return { connection, index: await makeIndex(connection) };
}

let made: ReturnType<typeof makeSharedIndex> | undefined;

afterAll(async () => {
  if (made === undefined) return;
  const { connection, index } = await made;
  const client = createOpenSearchClient(timerEnv, connection);
  await client.send('DELETE', `/${index}`);
  client.close();
});

/** Making an index takes a second: all tests of a file have one, and each its own domains. Lists show at once what was written. */
async function openOpenSearch(): Promise<OpenedVisibility> {
  made ??= makeSharedIndex();
  const { connection, index } = await made;
  const whole = createOpenSearchVisibility(timerEnv, { connection, index, refresh: 'true' });
  const mark = `${randomUUID()}/`;
  const store: VisibilityStore = {
    upsert: (records) => whole.upsert(records.map((record) => ({ ...record, domainId: mark + record.domainId }))),
    remove: (domainId, workflowId, runId) => whole.remove(mark + domainId, workflowId, runId),
    list: async (domainId, listing, page) => {
      const found = await whole.list(mark + domainId, listing, page);
      return { ...found, records: found.records.map((record) => ({ ...record, domainId })) };
    },
    count: (domainId, query) => whole.count(mark + domainId, query),
    close: () => whole.close(),
  };
  return { store, close: () => whole.close() };
}

export const DRIVERS: readonly VisibilityDriver[] = [
  { name: 'memory', open: async () => ({ store: createMemoryVisibility(env), close: async () => {} }) },
  {
    name: 'sqlite',
    open: async () => {
      const database = openSqliteDatabase({ path: ':memory:' }, turnEnv);
      return { store: createSqliteVisibility(database, turnEnv), close: async () => database.close() };
    },
  },
  { name: 'postgres', missing: serviceMissing('postgres'), open: sqlVisibilityDriver('postgres', timerEnv) },
  { name: 'mysql', missing: serviceMissing('mariadb'), open: sqlVisibilityDriver('mysql', timerEnv) },
  { name: 'opensearch', missing: serviceMissing('opensearch'), open: openOpenSearch },
];

/** Those that can run on this machine. */
export const driversHere = (): readonly VisibilityDriver[] => DRIVERS.filter(({ missing }) => missing === undefined);
