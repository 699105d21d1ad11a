// The filter of current runs and its scan, on a store whose pages the test gives out: nothing that may be there is called absent, whatever
// comes while the scan runs.
import { beforeEach, describe, expect, it } from 'vitest';
import { deferred, StoreError } from '#base';
import { createSimulatedEnv, type SimulatedEnv } from '#env';
import { CurrentRunFilter } from '../../../src/persistence/cassandra/current-run-filter.ts';
import {
  type CurrentRunFilters,
  createCurrentRunFilters,
} from '../../../src/persistence/cassandra/current-run-scan.ts';
import { PairSet } from '../../../src/persistence/cassandra/pair-set.ts';
import type { CassandraSession, Value } from '../../../src/persistence/cassandra/session.ts';
import { currentRun, DOMAIN_ID } from '../../contract/store/rows.ts';

const tombstones = new StoreError('Unavailable', 'too many tombstones');

/** Pages of ids, given out one by one. */
function pagedSession() {
  const requests: { readonly params: Value[]; readonly pageRows: number; readonly shardId: Value }[] = [];
  const answers: ReturnType<typeof deferred<readonly string[] | 'end'>>[] = [];
  const session: Pick<CassandraSession, 'pages' | 'isTombstoneFailure'> = {
    isTombstoneFailure: (error) => error === tombstones,
    pages: async function* <Row>(_: string, __: string, params: Value[], pageRows: number) {
      requests.push({ params, pageRows, shardId: params[0] ?? null });
      for (;;) {
        const answer = deferred<readonly string[] | 'end'>();
        answers.push(answer);
        const ids = await answer.promise;
        if (ids === 'end') return;
        yield ids.map((id) => ({ domain_id: DOMAIN_ID, workflow_id: id })) as Row[];
      }
    },
  };
  const next = () => {
    const answer = answers.shift();
    if (answer === undefined) throw new Error('nothing is being read');
    return answer;
  };
  return { session, requests, isReading: () => answers.length > 0, next };
}

describe('the filter of current runs', () => {
  let env: SimulatedEnv;
  let store: ReturnType<typeof pagedSession>;
  let filters: CurrentRunFilters;
  beforeEach(() => {
    env = createSimulatedEnv({ seed: 1 });
    store = pagedSession();
    filters = createCurrentRunFilters(store.session, env);
  });
  const isAbsent = (filter: CurrentRunFilter, id: string): boolean => filters.isAbsent(filter, DOMAIN_ID, id);
  const page = async (...ids: string[]): Promise<void> => {
    store.next().resolve(ids);
    await env.advance(1_000);
  };
  const end = async (): Promise<void> => {
    store.next().resolve('end');
    await env.settle();
  };
  const fail = async (error: unknown): Promise<void> => {
    store.next().reject(error);
    await env.settle();
  };

  it('calls nothing absent until the scan has read every row, and then what it did not find', async () => {
    const filter = filters.create(3);
    await env.settle();
    expect(isAbsent(filter, 'none')).toBe(false);
    await page('a', 'b');
    await page('c');
    expect(isAbsent(filter, 'none')).toBe(false);
    await end();
    expect(isAbsent(filter, 'none')).toBe(true);
    for (const id of ['a', 'b', 'c']) expect(isAbsent(filter, id)).toBe(false);
  });

  it('never calls absent what was committed before, during or after the scan', async () => {
    const first = filters.create(1);
    const filter = filters.create(2);
    filter.addCommit([currentRun('while it waits')]);
    await env.settle();
    await end();
    expect(isAbsent(first, 'while it waits')).toBe(true);
    filter.addCommit([currentRun('before the page')]);
    await page('a');
    filter.addCommit([currentRun('behind the page')]);
    await end();
    filter.addCommit([currentRun('later')]);
    for (const id of ['while it waits', 'before the page', 'behind the page', 'later', 'a']) {
      expect(isAbsent(filter, id), id).toBe(false);
    }
    expect(isAbsent(filter, 'none')).toBe(true);
  });

  it('scans one shard at a time, in the order they came, and none that was released', async () => {
    const [first, second, third] = [filters.create(1), filters.create(2), filters.create(3)];
    await env.settle();
    await page('a');
    second.release();
    expect(store.requests.map(({ shardId }) => shardId)).toEqual([1]);
    await end();
    expect(store.requests.map(({ shardId }) => shardId)).toEqual([1, 3]);
    await end();
    expect([first, second, third].map((filter) => isAbsent(filter, 'none'))).toEqual([true, false, true]);
  });

  it('stops reading for a filter that is released, and knows nothing from then on', async () => {
    const filter = filters.create(1);
    const next = filters.create(2);
    await env.settle();
    await page('a');
    filter.release();
    await page('b');
    filter.addCommit([currentRun('c')]);
    expect(store.requests.map(({ shardId }) => shardId)).toEqual([1, 2]);
    await end();
    expect([isAbsent(filter, 'none'), isAbsent(next, 'none')]).toEqual([false, true]);
    next.release();
    expect(isAbsent(next, 'none')).toBe(false);
  });

  it('goes on where a scan failed, a minute later, and lets other shards go first', async () => {
    const filter = filters.create(1);
    filters.create(2);
    await env.settle();
    await page('a', 'b');
    filter.addCommit([currentRun('committed')]);
    await fail(new StoreError('Unavailable', 'gone'));
    expect(store.requests.map(({ shardId }) => shardId)).toEqual([1, 2]);
    await end();
    await env.advance(59_000);
    expect(store.isReading()).toBe(false);
    expect(isAbsent(filter, 'none')).toBe(false);
    await env.advance(1_000);
    expect(store.requests.at(-1)?.params).toEqual([1, DOMAIN_ID, 'b']);
    await page('b', 'c');
    await end();
    expect(isAbsent(filter, 'none')).toBe(true);
    for (const id of ['a', 'b', 'c', 'committed']) expect(isAbsent(filter, id)).toBe(false);
  });

  it('reads smaller pages from there on where too much was deleted for a large one', async () => {
    const filter = filters.create(1);
    await env.settle();
    await page('a');
    await fail(tombstones);
    await page('b');
    await fail(tombstones);
    expect(store.requests.map(({ params, pageRows }) => [...params, pageRows])).toEqual([
      [1, '', '', 2_000],
      [1, DOMAIN_ID, 'a', 200],
      [1, DOMAIN_ID, 'b', 20],
    ]);
    await fail(tombstones);
    expect(store.isReading()).toBe(false);
    await env.advance(60_000);
    expect(store.requests.at(-1)?.pageRows).toBe(2_000);
    await end();
    expect(isAbsent(filter, 'none')).toBe(true);
    for (const id of ['a', 'b']) expect(isAbsent(filter, id)).toBe(false);
  });

  it('knows nothing and reads nothing once the store is closed', async () => {
    const filter = filters.create(1);
    const failed = filters.create(2);
    await env.settle();
    await end();
    await fail(new StoreError('Unavailable', 'gone'));
    expect(isAbsent(filter, 'none')).toBe(true);
    filters.close();
    await env.advance(120_000);
    expect([isAbsent(filter, 'none'), isAbsent(failed, 'none')]).toEqual([false, false]);
    expect(store.isReading()).toBe(false);
  });

  describe('that grows', () => {
    const scans: CurrentRunFilter[] = [];
    const ends: string[] = [];
    beforeEach(() => {
      scans.length = 0;
      ends.length = 0;
    });
    // One layer of 8 KiB: some 4,700 pairs.
    const create = (): CurrentRunFilter =>
      new CurrentRunFilter(
        1,
        { scan: (filter) => void scans.push(filter), onEnd: (_, reason) => void ends.push(reason) },
        () => new PairSet(8 * 1024),
      );
    const commit = (filter: CurrentRunFilter, name: string, count: number): void => {
      for (let index = 0; index < count; index++) filter.addCommit([currentRun(`${name}-${index}`)]);
    };
    const isIn = (filter: CurrentRunFilter, name: string, count: number): boolean =>
      Array.from({ length: count }, (_, index) => index).every(
        (index) => !filter.isAbsent(DOMAIN_ID, `${name}-${index}`),
      );

    it('asks for a new scan when it is full of what may be gone, knows all meanwhile, and forgets what is gone', () => {
      const filter = create();
      filter.finish();
      commit(filter, 'old', 5_000);
      expect(scans).toHaveLength(2);
      commit(filter, 'young', 1_000);
      expect(isIn(filter, 'old', 5_000) && isIn(filter, 'young', 1_000)).toBe(true);
      filter.found(DOMAIN_ID, 'kept');
      filter.finish();
      expect(isIn(filter, 'kept', 0) && isIn(filter, 'young', 1_000)).toBe(true);
      expect(filter.isAbsent(DOMAIN_ID, 'kept')).toBe(false);
      const gone = Array.from({ length: 4_000 }, (_, index) => filter.isAbsent(DOMAIN_ID, `old-${index}`));
      expect(gone.filter(Boolean).length).toBeGreaterThan(3_900);
      expect(ends).toEqual([]);
    });

    it('gives up when there is more than it may know, by its scan or by commits beside it', () => {
      const scanned = create();
      for (let index = 0; index < 5_000; index++) scanned.found(DOMAIN_ID, `row-${index}`);
      scanned.finish();
      const committed = create();
      commit(committed, 'new', 5_000);
      committed.finish();
      expect(ends).toEqual(['too many rows', 'too many rows']);
      expect([scanned, committed].map((filter) => filter.isAbsent(DOMAIN_ID, 'none'))).toEqual([false, false]);
    });

    it('gives up, and does not scan again and again, when a scan found it more than half full', () => {
      const filter = create();
      for (let index = 0; index < 3_000; index++) filter.found(DOMAIN_ID, `row-${index}`);
      filter.finish();
      expect(filter.isAbsent(DOMAIN_ID, 'none')).toBe(true);
      commit(filter, 'new', 3_000);
      expect(ends).toEqual(['too many rows']);
      expect(scans).toHaveLength(1);
      expect(filter.isAbsent(DOMAIN_ID, 'none')).toBe(false);
    });
  });
});
