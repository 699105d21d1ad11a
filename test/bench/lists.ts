// npm run bench -- lists: how quickly runs are found among many. Fills a fresh store of visibility records, then lists and counts; the driver alone,
// without gRPC.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createRealEnv } from '#env';
import { loadSchemaVersions } from '#persistence';
import { openSqliteDatabase } from '#persistence/sqlite';
import {
  createOpenSearchClient,
  createOpenSearchSchemaTarget,
  createOpenSearchVisibility,
  createSqliteVisibility,
  type Listing,
  type VisibilityRecord,
  type VisibilityStore,
} from '#visibility';
import { percentiles } from './measure.ts';
import { figure } from './report.ts';

const HELP = `npm run bench -- lists [--store opensearch|sqlite] [--records N] [--calls N] [--url URL]

Fills N records (default 1000000; nine tenths of one domain), then makes each call N times (default 200), one after another, each with other values.
OpenSearch: eval "$(npm run --silent services -- env opensearch)" or --url.
`;

const DOMAIN = 'd0';
const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 0, 1);
const BATCH = 500;
const CUSTOMERS = 10_000;
const TYPES = 50;

const keyword = (value: unknown) => ({ data: Buffer.from(JSON.stringify(value)) });

/** A fifth is open; starts are spread over thirty days. */
function record(index: number, records: number): VisibilityRecord {
  const startTimeMs = START_MS + Math.floor((index / records) * 30 * DAY_MS);
  const isOpen = index % 5 === 0;
  return {
    domainId: index % 10 === 9 ? 'd1' : DOMAIN,
    workflowId: `order-${index}`,
    runId: randomUUID(),
    workflowType: `type-${index % TYPES}`,
    taskList: 'orders',
    startTimeMs,
    executionTimeMs: startTimeMs,
    closeTimeMs: isOpen ? undefined : startTimeMs + 1000 + (index % 60_000),
    closeStatus: isOpen ? 0 : index % 25 === 1 ? 2 : 1,
    historyLength: 5 + (index % 200),
    isCron: false,
    cronSchedule: '',
    searchAttributes: {
      indexedFields: {
        CustomKeywordField: keyword(`customer-${(index * 7919) % CUSTOMERS}`),
        CustomIntField: keyword((index * 31) % 1000),
      },
    },
    updateTimeMs: startTimeMs,
    version: index + 1,
  };
}

interface Opened {
  readonly store: VisibilityStore;
  readonly settle: () => Promise<void>;
  readonly close: () => Promise<void>;
}

async function openOpenSearch(url: string): Promise<Opened> {
  const env = createRealEnv();
  const connection = { urls: [url], timeoutMs: 120_000 };
  const index = `bench-${randomUUID()}`;
  const target = createOpenSearchSchemaTarget(env, { connection, index, shards: 1, replicas: 0 });
  for (const version of loadSchemaVersions(target.schema)) await target.apply(version, Date.now());
  const client = createOpenSearchClient(env, connection);
  const store = createOpenSearchVisibility(env, { connection, index });
  return {
    store,
    settle: async () => void (await client.send('POST', `/${index}/_refresh`)),
    close: async () => {
      await client.send('DELETE', `/${index}`);
      for (const open of [client, target, store]) await open.close();
    },
  };
}

function openSqlite(): Opened {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'antiphon-lists-'));
  const env = createRealEnv();
  const database = openSqliteDatabase({ path: path.join(folder, 'lists.db'), synchronous: 'NORMAL' }, env);
  return {
    store: createSqliteVisibility(database, env),
    settle: async () => {},
    close: async () => {
      database.close();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function measure(name: string, calls: number, call: (index: number) => Promise<number>): Promise<void> {
  const latencies: number[] = [];
  let found = 0;
  for (let index = 0; index < calls; index++) {
    const started = performance.now();
    found += await call(index);
    latencies.push(performance.now() - started);
  }
  const { p50Ms, p95Ms } = percentiles(latencies);
  console.log(`${name.padEnd(64)} p50 ${figure(p50Ms)} ms  p95 ${figure(p95Ms)} ms  found ${figure(found / calls)}`);
}

async function fill(store: VisibilityStore, records: number): Promise<void> {
  const started = performance.now();
  for (let from = 0; from < records; from += BATCH) {
    const count = Math.min(BATCH, records - from);
    await store.upsert(Array.from({ length: count }, (_, index) => record(from + index, records)));
  }
  const seconds = (performance.now() - started) / 1000;
  console.log(`${records} records in batches of ${BATCH}: ${figure(records / seconds)} per second`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      store: { type: 'string', default: 'opensearch' },
      records: { type: 'string', default: '1000000' },
      calls: { type: 'string', default: '200' },
      url: { type: 'string', default: process.env.OPENSEARCH_URL ?? '' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help || (values.store === 'opensearch' && values.url === '')) {
    console.log(HELP);
    return;
  }
  const [records, calls] = [Number(values.records), Number(values.calls)];
  const { store, settle, close } = values.store === 'sqlite' ? openSqlite() : await openOpenSearch(values.url);
  try {
    await fill(store, records);
    await settle();
    const page = async (listing: Listing, token?: Uint8Array) => store.list(DOMAIN, listing, { size: 100, token });
    const list = (query: (index: number) => string) => async (index: number) =>
      (await page({ kind: 'query', query: query(index) })).records.length;
    const count = (query: (index: number) => string) => (index: number) => store.count(DOMAIN, query(index));
    const queries: readonly (readonly [string, (index: number) => string])[] = [
      ['all', () => ''],
      ['one workflow id', (index) => `WorkflowID = 'order-${(index * 4801) % records}'`],
      ['one customer (of 10,000)', (index) => `CustomKeywordField = 'customer-${(index * 37) % CUSTOMERS}'`],
      ['a type (of 50), failed', (index) => `WorkflowType = 'type-${index % TYPES}' AND CloseStatus = 'FAILED'`],
      [
        'open, of one day',
        (index) => {
          const from = START_MS + (index % 30) * DAY_MS;
          return `CloseTime = missing AND StartTime BETWEEN ${from}000000 AND ${from + DAY_MS}000000`;
        },
      ],
      ['a number in a range', (index) => `CustomIntField BETWEEN ${index % 900} AND ${(index % 900) + 5}`],
    ];
    for (const [name, query] of queries) await measure(`list  ${name}`, calls, list(query));
    await measure('list  open ones by start time (the filter of old)', calls, async () => {
      const filter = { kind: 'filter', open: true, earliestMs: START_MS, latestMs: START_MS + 40 * DAY_MS } as const;
      return (await page(filter)).records.length;
    });
    await measure(
      'list  all, ordered by a custom number',
      Math.min(calls, 20),
      list(() => 'ORDER BY CustomIntField'),
    );
    for (const [name, query] of queries) await measure(`count ${name}`, calls, count(query));
    let token: Uint8Array | undefined;
    await measure('pages of 100, one after another', calls, async () => {
      const found = await page({ kind: 'query', query: '' }, token);
      token = found.nextToken;
      return found.records.length;
    });
  } finally {
    await close();
  }
}

await main();
