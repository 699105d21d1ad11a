// Visibility on Cassandra: what it lists, in which order, and how it refuses what it cannot list. On a real server.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRealEnv } from '#env';
import { type CassandraSession, openCassandraSession } from '#persistence/cassandra';
import { createCassandraVisibility, type Listing, type VisibilityRecord, type VisibilityStore } from '#visibility';
import { serviceMissing } from '../../support/services.ts';
import { freshKeyspace } from '../store/cassandra-keyspace.ts';
import { attributes, DOMAIN, listIds, recordsAt } from './records.ts';

const HOUR = 3_600_000;
const T0 = 1_700_000_000_000 - (1_700_000_000_000 % HOUR);
const env = createRealEnv();
const record = recordsAt(T0);

const SAMPLES: readonly VisibilityRecord[] = [
  record('a', { startTimeMs: T0 + 1, searchAttributes: attributes({ CustomKeywordField: 'red' }) }),
  record('b', { startTimeMs: T0 + 2, closeTimeMs: T0 + 50, closeStatus: 1, workflowType: 'Refund' }),
  record('c', { startTimeMs: T0 + 3, closeTimeMs: T0 + 40, closeStatus: 6 }),
  record("d'x", { startTimeMs: T0 + 4, workflowType: 'Refund' }),
  record('e', { startTimeMs: T0 + 5, closeTimeMs: T0 + 45, closeStatus: 2 }),
  record('long ago', { startTimeMs: T0 - 30 * HOUR }),
  record('later', { startTimeMs: T0 - 29 * HOUR, closeTimeMs: T0 + HOUR + 1, closeStatus: 1 }),
  record('f', { domainId: 'another-domain', startTimeMs: T0 + 6 }),
];

// Query → ids in order; undefined: refused.
const QUERIES: readonly (readonly [string, string | undefined])[] = [
  ['CloseTime = missing', "d'x,a,long ago"],
  ["CloseTime = missing AND WorkflowType = 'Refund'", "d'x"],
  [`CloseTime = missing AND StartTime >= ${T0 * 1_000_000}`, "d'x,a"],
  [`CloseTime = missing AND StartTime < ${T0 * 1_000_000}`, 'long ago'],
  ["CloseTime = missing AND CustomKeywordField = 'red'", 'a'],
  ['CloseTime != missing ORDER BY CloseTime DESC', 'later,b,e,c'],
  ['CloseStatus = 0 ORDER BY CloseTime DESC', 'later,b'],
  ['CloseStatus < 2 AND StartTime > 0 ORDER BY CloseTime DESC', 'later,b,e'],
  [`CloseTime BETWEEN ${(T0 + 40) * 1_000_000} AND ${(T0 + 45) * 1_000_000} ORDER BY CloseTime DESC`, 'e,c'],
  ["WorkflowID = 'c'", 'c'],
  ["WorkflowID = 'c' AND CloseTime = missing", ''],
  ["WorkflowID = 'nobody'", ''],
  ['', undefined],
  ['CloseStatus = 0', undefined],
  ['CloseTime != missing ORDER BY CloseTime', undefined],
  ['CloseTime = missing ORDER BY WorkflowID', undefined],
  ["CloseTime = missing OR WorkflowID = 'a'", undefined],
  ["WorkflowType = 'Order'", undefined],
];

const missing = serviceMissing('cassandra');
const keyspace = freshKeyspace('visibility', env);

describe.skipIf(missing !== undefined)('visibility in cassandra', () => {
  let session: CassandraSession;
  let store: VisibilityStore;
  beforeEach(async () => {
    session = await openCassandraSession(await keyspace(), env);
    store = createCassandraVisibility(session, env);
  }, 600_000);
  afterEach(() => store.close());

  const list = (listing: Listing | string, size?: number, domainId?: string): Promise<string[]> =>
    listIds(store, listing, size, domainId);

  it('answers the queries that its tables are ordered for, page by page, and refuses others naming OpenSearch', async () => {
    await store.upsert(SAMPLES);
    for (const [query, expected] of QUERIES) {
      if (expected === undefined) {
        await expect(list(query), query).rejects.toMatchObject({ name: 'BadRequest', message: /OpenSearch/ });
        continue;
      }
      const ids = expected === '' ? [] : expected.split(',');
      expect(await list(query), query).toEqual(ids);
      expect(await list(query, 1), query).toEqual(ids);
      expect(await store.count(DOMAIN, query.replace(/order by.*/i, '')), query).toBe(ids.length);
    }
    expect(await store.count(DOMAIN, '')).toBe(7);
    expect(await store.count(DOMAIN, "WorkflowType = 'Refund'")).toBe(2);
  });

  it('returns the record as it was written', async () => {
    const written = record('w', {
      closeTimeMs: T0 + 9,
      closeStatus: 4,
      memo: { fields: { note: { data: Buffer.from('"hello"') } } },
      searchAttributes: attributes({ CustomKeywordField: ['x'], Whatever: 3 }),
      parentWorkflowId: 'p',
      parentRunId: 'pr',
      isCron: true,
      cronSchedule: '@every 5s',
      numClusters: 2,
      clusterAttribute: { scope: 'region', name: 'eu' },
    });
    await store.upsert([written]);
    const { records } = await store.list(DOMAIN, { kind: 'query', query: "WorkflowID = 'w'" }, { size: 10 });
    expect(structuredClone(records)).toEqual(structuredClone([written]));
  });

  it('lists open runs by start time and closed ones by close time, with the fixed filters', async () => {
    await store.upsert(SAMPLES);
    const filter = { kind: 'filter', earliestMs: T0, latestMs: T0 + 100 } as const;
    for (const size of [100, 1]) {
      expect(await list({ ...filter, open: true }, size)).toEqual(["d'x", 'a']);
      expect(await list({ ...filter, open: false }, size)).toEqual(['b', 'e', 'c']);
      expect(await list({ ...filter, open: true, earliestMs: 0 }, size)).toEqual(["d'x", 'a', 'long ago']);
    }
    expect(await list({ ...filter, open: false, latestMs: T0 + 45 })).toEqual(['e', 'c']);
    expect(await list({ ...filter, open: true, earliestMs: T0 + 2 })).toEqual(["d'x"]);
    expect(await list({ ...filter, open: false, closeStatus: 6 })).toEqual(['c']);
    expect(await list({ ...filter, open: false, workflowType: 'Refund' })).toEqual(['b']);
    expect(await list({ ...filter, open: true, workflowId: 'a' })).toEqual(['a']);
    expect(await list({ ...filter, open: true, workflowId: 'a', runId: 'other' })).toEqual([]);
  });

  it('moves a run from the open to the closed ones, and no older write moves it back', async () => {
    const closed = record('w', { version: 20, closeStatus: 1, closeTimeMs: T0 + 1 });
    await store.upsert([record('w', { version: 10 })]);
    expect(await list('CloseTime = missing')).toEqual(['w']);
    await store.upsert([closed]);
    await store.upsert([record('w', { version: 15 })]);
    expect(await list('CloseTime = missing')).toEqual([]);
    expect(await list('CloseTime != missing ORDER BY CloseTime DESC')).toEqual(['w']);
    expect(await list("WorkflowID = 'w' AND CloseStatus = 0")).toEqual(['w']);
  });

  it('lets a removal win over a late write', async () => {
    await store.upsert([record('w'), record('v'), record('x', { closeTimeMs: T0 + 2, closeStatus: 1 })]);
    await store.remove(DOMAIN, 'w', 'w-run');
    await store.remove(DOMAIN, 'x', 'x-run');
    await store.upsert([record('w'), record('x', { closeTimeMs: T0 + 2, closeStatus: 1 })]);
    await store.remove(DOMAIN, 'early', 'early-run');
    await store.upsert([record('early')]);
    expect(await list('CloseTime = missing')).toEqual(['v']);
    expect(await list('CloseTime != missing ORDER BY CloseTime DESC')).toEqual([]);
    expect(await list("WorkflowID = 'w'")).toEqual([]);
  });

  it('shows no run twice and misses none that was there when rows come between pages', async () => {
    const old = Array.from({ length: 30 }, (_, index) => record(`old-${index}`, { startTimeMs: T0 + (index % 3) }));
    await store.upsert(old);
    const seen: string[] = [];
    let token: Uint8Array | undefined;
    let round = 0;
    do {
      const page = await store.list(DOMAIN, { kind: 'query', query: 'CloseTime = missing' }, { size: 4, token });
      seen.push(...page.records.map((found) => found.workflowId));
      token = page.nextToken;
      await store.upsert([record(`new-${++round}`, { startTimeMs: T0 + 1000 + round })]);
    } while (token !== undefined);
    expect(seen.toSorted()).toEqual(old.map((row) => row.workflowId).toSorted());
  });

  it('keeps domains apart', async () => {
    await store.upsert(SAMPLES);
    expect(await list('CloseTime = missing', 10, 'another-domain')).toEqual(['f']);
    expect(await store.count('another-domain', "WorkflowType = 'Order'")).toBe(1);
    expect(await store.count('none', '')).toBe(0);
  });

  it('refuses a page token that is not of this listing', async () => {
    await store.upsert(SAMPLES);
    const listing: Listing = { kind: 'query', query: 'CloseTime = missing' };
    const { nextToken: token } = await store.list(DOMAIN, listing, { size: 1 });
    const page = { size: 1, token };
    const bad = { name: 'BadRequest' };
    await expect(store.list('another-domain', listing, page)).rejects.toMatchObject(bad);
    const other: Listing = { kind: 'query', query: 'CloseTime != missing ORDER BY CloseTime DESC' };
    await expect(store.list(DOMAIN, other, page)).rejects.toMatchObject(bad);
    for (const garbage of ['', 'x', '[]', '[1,2]', '{"a":1}', '[1,{},3,4]']) {
      const outcome = store.list(DOMAIN, listing, { size: 1, token: Buffer.from(garbage) });
      await expect(outcome, garbage).rejects.toMatchObject(bad);
    }
  });

  it('forgets hours of the past that have no row left, and finds a run that comes to one later', async () => {
    const past = { startTimeMs: T0 - 1000 * HOUR };
    await store.upsert([record('w', past)]);
    await store.upsert([record('w', { ...past, closeTimeMs: T0, closeStatus: 1 })]);
    // Rows written just now stay for an hour, for the sake of writers that are under way.
    expect(await list('CloseTime = missing')).toEqual([]);
    await store.upsert([record('late', past)]);
    expect(await list('CloseTime = missing')).toEqual(['late']);
  });

  it('steps around very many runs that closed', async () => {
    const count = 120_000;
    const batch = 3_000;
    for (let at = 0; at < count; at += batch) {
      const statements = Array.from({ length: batch }, (_, index) => ({
        query:
          'DELETE FROM open_runs USING TIMESTAMP 1 WHERE domain_id = ? AND bucket = ? AND time_ms = ? AND workflow_id = ? AND run_id = ?',
        params: [DOMAIN, T0 / HOUR, T0 + 10 + at + index, 'gone', 'gone-run'],
      }));
      await session.write('gone runs', statements);
    }
    await store.upsert([record('first', { startTimeMs: T0 + 1 }), record('last', { startTimeMs: T0 + 10 + count })]);
    expect(await list('CloseTime = missing')).toEqual(['last', 'first']);
  }, 180_000);
});
