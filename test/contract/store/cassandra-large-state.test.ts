// A run with very much pending on Cassandra: a step writes what it changed, and what is read is what was written.
import { ActivityInfo, ExecutionRecord } from '@antiphon/proto/internal';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isStoreError } from '#base';
import type { ExecutionWrite, Store } from '#persistence';
import { createCassandraStore, openCassandraSession } from '#persistence/cassandra';
import { serviceMissing } from '../../support/services.ts';
import { freshKeyspace } from './cassandra-keyspace.ts';
import { env } from './drivers.ts';
import { emptyCommit, execution, runKey } from './rows.ts';

const SHARD = 6;
const PENDING = 5_000;
const keyspace = freshKeyspace('history', env);

const recordOf = (count: number, mark: (scheduleId: number) => string = () => ''): ExecutionRecord =>
  ExecutionRecord.fromPartial({
    info: { workflowId: 'w', runId: 'w-run', nextEventId: count },
    activities: Array.from({ length: count }, (_, index) =>
      ActivityInfo.fromPartial({
        version: 1,
        scheduleId: index + 5,
        activityId: `activity-${index}${mark(index + 5)}`,
        activityType: 'charge-the-card-of-the-customer',
        lastWorkerIdentity: 'worker@some-host.example.com',
        requestId: '11111111-1111-4111-8111-111111111111',
      }),
    ),
    versionHistories: { currentIndex: 0, histories: [] },
  });

describe.skipIf(serviceMissing('cassandra') !== undefined)('a run with 5,000 pending activities on cassandra', () => {
  let store: Store;
  let rangeId: number;
  let nextEventId = 10;
  const open = async (): Promise<Store> => createCassandraStore(await keyspace.current(), env);
  beforeEach(async () => {
    store = await createCassandraStore(await keyspace(), env);
    ({ rangeId } = await store.shards.acquireShard(SHARD, 'a', 1));
  }, 600_000);
  afterEach(() => store.close());

  const write = (record: ExecutionRecord, overrides: Partial<ExecutionWrite> = {}) =>
    store.shards.commit(SHARD, rangeId, {
      ...emptyCommit,
      executions: [
        execution('w', {
          record: ExecutionRecord.encode(record).finish(),
          nextEventId: ++nextEventId,
          isNew: false,
          ...overrides,
        }),
      ],
    });
  const load = async (from: Store = store) => {
    const loaded = await from.shards.loadExecution(SHARD, runKey('w'));
    return loaded && ExecutionRecord.decode(loaded.record);
  };

  it('reads as it was written, grown, changed, shrunk and grown again, by this owner and by the next', async () => {
    const marked = (id: number) => (record: number) => (record === id ? '-changed' : '');
    const steps = [
      recordOf(PENDING),
      recordOf(PENDING, marked(77)),
      recordOf(PENDING - 10, marked(77)),
      recordOf(3),
      recordOf(1_000),
      recordOf(1_001, marked(5)),
    ];
    for (const [index, step] of steps.entries()) {
      await write(step, { isNew: index === 0, addedSignalRequestIds: [`s${index}`] });
      expect(await load()).toEqual(step);
    }
    const next = await open();
    const lease = await next.shards.acquireShard(SHARD, 'b', 1);
    const last = recordOf(900, marked(8));
    // Not loaded before: the parts that are there are looked up.
    await next.shards.commit(SHARD, lease.rangeId, {
      ...emptyCommit,
      executions: [execution('w', { record: ExecutionRecord.encode(last).finish(), nextEventId: 99, isNew: false })],
    });
    expect(await load(next)).toEqual(last);
    const listed = await next.shards.listExecutions(SHARD, undefined, 10);
    expect(listed.items.map(({ record }) => ExecutionRecord.decode(record))).toEqual([last]);
    expect(listed.items[0]?.signalRequestIds).toHaveLength(steps.length);
    await next.shards.commit(SHARD, lease.rangeId, { ...emptyCommit, deletedRuns: [runKey('w')] });
    expect(await load(next)).toBeUndefined();
    await next.close();
  }, 120_000);

  it('writes a few hundred bytes for a step that changes one activity', async () => {
    await write(recordOf(PENDING), { isNew: true });
    const session = await openCassandraSession(await keyspace.current(), env);
    const rowsAt = async () => {
      const query = 'SELECT item, writetime(value) AS written, value FROM shard_rows WHERE shard_id = ? AND kind = 1';
      return session.read<{ item: string; written: { toString(): string }; value: Buffer }>('rows', query, [SHARD]);
    };
    const before = new Map((await rowsAt()).map(({ item, written }) => [item, written.toString()]));
    const total = (await rowsAt()).reduce((bytes, { value }) => bytes + value.length, 0);
    await write(recordOf(PENDING, (id) => (id === 2_000 ? '-started' : '')));
    const rewritten = (await rowsAt()).filter(({ item, written }) => before.get(item) !== written.toString());
    const bytes = rewritten.reduce((sum, { value }) => sum + value.length, 0);
    expect(rewritten.map(({ item }) => item).sort()).toEqual(['', '2000'.padStart(16, '0')]);
    expect(total).toBeGreaterThan(500_000);
    expect(bytes).toBeLessThan(500);
    await session.close();
  }, 120_000);

  it('is corrupt when a part of it is gone', async () => {
    await write(recordOf(PENDING), { isNew: true });
    const session = await openCassandraSession(await keyspace.current(), env);
    const query = 'SELECT sort, domain_id FROM shard_rows WHERE shard_id = ? AND kind = 1 LIMIT 1';
    const [row] = await session.read<{ sort: { toNumber(): number }; domain_id: string }>('row', query, [SHARD]);
    await session.write('lose a part', [
      {
        query: `DELETE FROM shard_rows WHERE shard_id = ? AND kind = 1 AND sort = ? AND id = 0 AND domain_id = ? AND workflow_id = 'w'
          AND run_id = 'w-run' AND part = 2 AND item = ?`,
        params: [SHARD, row?.sort.toNumber() as number, row?.domain_id as string, '2000'.padStart(16, '0')],
      },
    ]);
    await session.close();
    await expect(load()).rejects.toSatisfy((error) => isStoreError(error, 'Corrupt'));
  }, 120_000);
});
