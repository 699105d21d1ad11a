// Current runs on Cassandra: the owner of a shard asks the server only for those that may be there, and never misses one, whoever wrote it.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isStoreError, StoreError } from '#base';
import type { ShardStore } from '#persistence';
import { type CassandraSession, openCassandraSession } from '#persistence/cassandra';
import { createCurrentRunFilters } from '../../../src/persistence/cassandra/current-run-scan.ts';
import { createCassandraExecutions } from '../../../src/persistence/cassandra/executions.ts';
import { createCassandraHistory } from '../../../src/persistence/cassandra/history.ts';
import { createCassandraShards } from '../../../src/persistence/cassandra/shards.ts';
import { serviceMissing } from '../../support/services.ts';
import { freshKeyspace } from './cassandra-keyspace.ts';
import { env } from './drivers.ts';
import { currentRun, DOMAIN_ID, emptyCommit, execution, runKey } from './rows.ts';

const SHARD = 5;
const START_MS = 600_000;
const keyspace = freshKeyspace('history', env);

interface Process {
  readonly shards: ShardStore;
  /** Requests by what they are for. */
  readonly requests: Map<string, number>;
  /** What happens to the next conditional batch. */
  fault: 'none' | 'answer lost' | 'request lost';
  close(): Promise<void>;
}

/** The shards of a process of its own, whose requests are counted. */
async function openProcess(): Promise<Process> {
  const session = await openCassandraSession(await keyspace.current(), env);
  const requests = new Map<string, number>();
  const count = (what: string): void => void requests.set(what, (requests.get(what) ?? 0) + 1);
  const counted: CassandraSession = {
    ...session,
    read: (what, ...rest) => {
      count(what);
      return session.read(what, ...rest);
    },
    pages: (what, ...rest) => {
      count(what);
      return session.pages(what, ...rest);
    },
    compareAndSet: async (what, statements) => {
      const { fault } = opened;
      opened.fault = 'none';
      if (fault === 'request lost') throw new StoreError('Timeout', 'no answer');
      const applied = await session.compareAndSet(what, statements);
      if (fault === 'answer lost') throw new StoreError('Timeout', 'no answer');
      return applied;
    },
  };
  const currentRunFilters = createCurrentRunFilters(counted, env);
  const opened: Process = {
    shards: createCassandraShards(counted, {
      history: createCassandraHistory(counted),
      executions: createCassandraExecutions(counted),
      currentRunFilters,
    }),
    requests,
    fault: 'none',
    close: () => {
      currentRunFilters.close();
      return session.close();
    },
  };
  return opened;
}

const startOf = (...ids: readonly string[]) => ({
  ...emptyCommit,
  executions: ids.map((id) => execution(id)),
  currentRuns: ids.map((id) => currentRun(id)),
});
const numbered = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
const isTimeout = (error: unknown): boolean => isStoreError(error, 'Timeout');
const isLost = (error: unknown): boolean => isStoreError(error, 'ShardOwnershipLost');

describe.skipIf(serviceMissing('cassandra') !== undefined)('current runs of a shard on cassandra', () => {
  let first: Process;
  let second: Process;
  beforeEach(async () => {
    await keyspace();
    first = await openProcess();
    second = await openProcess();
  }, START_MS);
  afterEach(() => Promise.all([first.close(), second.close()]));

  const reads = ({ requests }: Process): number => requests.get('loadCurrentRun') ?? 0;
  const scans = ({ requests }: Process): number => requests.get('listCurrentRuns') ?? 0;
  const find = async ({ shards }: Process, id: string) => (await shards.loadCurrentRun(SHARD, DOMAIN_ID, id))?.runId;
  const findAll = (process: Process, ids: readonly string[]) => Promise.all(ids.map((id) => find(process, id)));
  const runsOf = (ids: readonly string[]): string[] => ids.map((id) => `${id}-run`);
  const isScanned = (process: Process): Promise<void> =>
    vi.waitFor(
      async () => {
        const before = reads(process);
        await find(process, 'nobody has this id');
        expect(reads(process)).toBe(before);
      },
      { timeout: 30_000, interval: 20 },
    );
  /** So that a read answers or doesn't; one in a hundred that is not there is read all the same. */
  const expectFewReads = async (process: Process, ids: readonly string[]): Promise<void> => {
    const before = reads(process);
    expect(new Set(await findAll(process, ids))).toEqual(new Set([undefined]));
    expect(reads(process) - before).toBeLessThan(ids.length / 20);
  };

  it('costs no request where none can be, and one where one is or was', async () => {
    const { rangeId } = await first.shards.acquireShard(SHARD, 'a', 1);
    await isScanned(first);
    await expectFewReads(first, numbered('none', 200));
    const ids = numbered('w', 50);
    await first.shards.commit(SHARD, rangeId, startOf(...ids));
    const before = reads(first);
    expect(await findAll(first, ids)).toEqual(runsOf(ids));
    expect(reads(first) - before).toBe(50);
    await first.shards.commit(SHARD, rangeId, { ...emptyCommit, deletedRuns: [runKey('w-7')] });
    expect(await find(first, 'w-7')).toBeUndefined();
    await first.shards.commit(SHARD, rangeId, startOf('w-7'));
    expect(await find(first, 'w-7')).toBe('w-7-run');
  });

  it('finds what an earlier owner wrote, at any moment of the scan of several pages, and after it', async () => {
    const before = await first.shards.acquireShard(SHARD, 'a', 1);
    const ids = numbered('w', 5_000);
    for (let at = 0; at < ids.length; at += 500) {
      await first.shards.commit(SHARD, before.rangeId, {
        ...emptyCommit,
        currentRuns: ids.slice(at, at + 500).map((id) => currentRun(id)),
      });
    }
    const { rangeId } = await second.shards.acquireShard(SHARD, 'b', 2);
    for (let round = 0; round < 20; round++) {
      const young = `young-${round}`;
      await second.shards.commit(SHARD, rangeId, startOf(young));
      const some = ids.filter((_, index) => index % 250 === round);
      expect(await findAll(second, [young, ...some])).toEqual(runsOf([young, ...some]));
    }
    await isScanned(second);
    for (let at = 0; at < ids.length; at += 500) {
      const some = ids.slice(at, at + 500);
      expect(await findAll(second, some)).toEqual(runsOf(some));
    }
    expect(await findAll(second, numbered('young', 20))).toEqual(runsOf(numbered('young', 20)));
    await expectFewReads(second, numbered('none', 500));
  });

  it('knows them still when the owner renews its range, and not when another one had the shard in between', async () => {
    const lease = await first.shards.acquireShard(SHARD, 'a', 1);
    await isScanned(first);
    await first.shards.commit(SHARD, lease.rangeId, startOf('before'));
    const renewed = await first.shards.acquireShard(SHARD, 'a', 2);
    expect(renewed.rangeId).toBe(lease.rangeId + 1);
    await expectFewReads(first, numbered('none', 100));
    expect([await find(first, 'before'), scans(first)]).toEqual(['before-run', 1]);

    const other = await second.shards.acquireShard(SHARD, 'b', 3);
    await second.shards.commit(SHARD, other.rangeId, startOf('between'));
    await first.shards.acquireShard(SHARD, 'a', 4);
    expect(await findAll(first, ['between', 'before'])).toEqual(['between-run', 'before-run']);
    await isScanned(first);
    expect(scans(first)).toBe(2);
    expect(await findAll(first, ['between', 'before'])).toEqual(['between-run', 'before-run']);
  });

  it('asks the server again as soon as it has learned that another owner has the shard', async () => {
    const lease = await first.shards.acquireShard(SHARD, 'a', 1);
    await isScanned(first);
    const other = await second.shards.acquireShard(SHARD, 'b', 2);
    await second.shards.commit(SHARD, other.rangeId, startOf('others'));
    await expect(first.shards.commit(SHARD, lease.rangeId, startOf('stale'))).rejects.toSatisfy(isLost);
    expect(await findAll(first, ['others', 'stale'])).toEqual(['others-run', undefined]);
  });

  it.each(['answer lost', 'request lost'] as const)(
    'does not call absent what a commit of unknown outcome may have written (%s), then or under the next range',
    async (fault) => {
      const lease = await first.shards.acquireShard(SHARD, 'a', 1);
      await isScanned(first);
      expect(await find(first, 'unknown')).toBeUndefined();
      first.fault = fault;
      await expect(first.shards.commit(SHARD, lease.rangeId, startOf('unknown'))).rejects.toSatisfy(isTimeout);
      const expected = fault === 'answer lost' ? 'unknown-run' : undefined;
      const before = reads(first);
      expect(await find(first, 'unknown')).toBe(expected);
      expect(reads(first)).toBe(before + 1);
      await first.shards.acquireShard(SHARD, 'a', 2);
      expect(await find(first, 'unknown')).toBe(expected);
      await isScanned(first);
      expect(await find(first, 'unknown')).toBe(expected);
    },
  );

  it('asks the server when an acquisition failed, whatever it has done', async () => {
    const lease = await first.shards.acquireShard(SHARD, 'a', 1);
    await isScanned(first);
    first.fault = 'answer lost';
    await expect(first.shards.acquireShard(SHARD, 'a', 2)).rejects.toSatisfy(isTimeout);
    const other = await second.shards.acquireShard(SHARD, 'b', 3);
    expect(other.rangeId).toBe(lease.rangeId + 2);
    await second.shards.commit(SHARD, other.rangeId, startOf('others'));
    expect(await find(first, 'others')).toBe('others-run');
  });

  it('misses none while two owners take the shard from each other 60 times', async () => {
    const acknowledged: string[] = [];
    for (let round = 0; round < 60; round++) {
      const [owner, next] = round % 2 === 0 ? [first, second] : [second, first];
      const { rangeId } = await owner.shards.acquireShard(SHARD, 'owner', round);
      if (round % 3 === 0) await isScanned(owner);
      const sample = acknowledged.filter((_, index) => index % 7 === round % 7);
      expect(await findAll(owner, sample)).toEqual(runsOf(sample));
      // The last of them race with the next acquisition: they happen or they don't, and the next owner knows which.
      const ids = numbered(`r${round}`, 6);
      const outcomes = Promise.allSettled(ids.map((id) => owner.shards.commit(SHARD, rangeId, startOf(id))));
      const lease = await next.shards.acquireShard(SHARD, 'next', round);
      const done = (await outcomes).map(({ status }) => status === 'fulfilled');
      if (round % 3 === 1) await isScanned(next);
      expect(await findAll(next, ids)).toEqual(ids.map((id, index) => (done[index] ? `${id}-run` : undefined)));
      await next.shards.commit(SHARD, lease.rangeId, startOf(`n${round}`));
      acknowledged.push(...ids.filter((_, index) => done[index]), `n${round}`);
    }
    expect(await findAll(first, acknowledged)).toEqual(runsOf(acknowledged));
  }, 120_000);
});
