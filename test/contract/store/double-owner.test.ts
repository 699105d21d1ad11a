// Two owners of one shard at once, a thousand times: the old one commits after the new one has acquired, from another connection or process, whatever it
// wants to write. None of it may happen. Every driver.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isStoreError } from '#base';
import type { ShardCommit, ShardStore } from '#persistence';
import {
  bytes,
  currentRun,
  DRIVERS,
  emptyCommit,
  execution,
  type OpenedStore,
  replicationTask,
  runKey,
  textOf,
  timerTask,
  transferTask,
} from './drivers.ts';

const CASES = 1_000;
const SHARDS = 16;
const RACES = 160;
const CASES_TIMEOUT_MS = 300_000;

/** What a stale owner may try on the run and the queues of the new one; `index` makes ids that nobody else has. */
const ATTEMPTS: readonly ((workflowId: string, index: number) => ShardCommit)[] = [
  (_, index) => ({
    ...emptyCommit,
    executions: [execution(`stale ${index}`)],
    currentRuns: [currentRun(`stale ${index}`)],
    transferTasks: [transferTask(10_000 + index)],
    timerTasks: [timerTask(10_000 + index, 1)],
    replicationTasks: [replicationTask(10_000 + index)],
  }),
  (workflowId) => ({
    ...emptyCommit,
    executions: [execution(workflowId, { isNew: false, record: bytes('stale'), addedSignalRequestIds: ['stale'] })],
    currentRuns: [currentRun(workflowId, { runId: 'stale', isOpen: false })],
  }),
  (workflowId) => ({ ...emptyCommit, deletedRuns: [runKey(workflowId)] }),
  (_, index) => ({ ...emptyCommit, deletedTimers: [{ fireTimeMs: index, taskId: 1 }] }),
];

const ownCommit = (workflowId: string, index: number): ShardCommit => ({
  ...emptyCommit,
  executions: [execution(workflowId)],
  currentRuns: [currentRun(workflowId)],
  transferTasks: [transferTask(index + 1)],
  timerTasks: [timerTask(index, 1)],
});

/** Cases one after another on each shard, the shards at once. */
const onShards = (count: number, run: (shardId: number, index: number) => Promise<void>): Promise<unknown> =>
  Promise.all(
    Array.from({ length: SHARDS }, async (_, shardId) => {
      for (let index = shardId; index < count; index += SHARDS) await run(shardId, index);
    }),
  );

describe.each(DRIVERS)('two owners of a shard of $name', ({ open }) => {
  let opened: OpenedStore;
  let rival: Awaited<ReturnType<OpenedStore['rival']>>;
  beforeEach(async () => {
    opened = await open();
    rival = await opened.rival();
  });
  afterEach(async () => {
    await rival.close();
    await opened.dispose();
  });
  /** Which of the two connections the old owner has changes from case to case. */
  const ownersOf = (index: number): readonly [ShardStore, ShardStore] => {
    const stores = [opened.store.shards, rival.store.shards] as const;
    return index % 2 === 0 ? stores : [stores[1], stores[0]];
  };

  it(
    `applies nothing of ${CASES} commits of owners that were replaced`,
    async () => {
      let refused = 0;
      await onShards(CASES, async (shardId, index) => {
        const [stale, owner] = ownersOf(index);
        const workflowId = `w ${index}`;
        const before = await stale.acquireShard(shardId, 'stale', index);
        const { rangeId } = await owner.acquireShard(shardId, 'owner', index);
        await owner.commit(shardId, rangeId, ownCommit(workflowId, index));
        const attempt = ATTEMPTS[Math.floor(index / SHARDS) % ATTEMPTS.length] as (typeof ATTEMPTS)[number];
        const outcome = stale.commit(shardId, before.rangeId, attempt(workflowId, index));
        await expect(outcome).rejects.toSatisfy((error) => isStoreError(error, 'ShardOwnershipLost'));
        refused++;
        const { record, signalRequestIds } = (await owner.loadExecution(shardId, runKey(workflowId))) ?? {};
        expect([textOf(record), signalRequestIds]).toEqual([`record of ${workflowId}`, []]);
      });
      expect(refused).toBe(CASES);
      const { shards } = opened.store;
      for (let shardId = 0; shardId < SHARDS; shardId++) {
        const own = Array.from({ length: CASES }, (_, index) => index).filter((index) => index % SHARDS === shardId);
        const transfers = await shards.loadTransferTasks(shardId, 0, CASES * 2);
        expect(transfers.map(({ taskId }) => taskId)).toEqual(own.map((index) => index + 1));
        const timers = await shards.loadTimerTasks(shardId, { fireTimeMs: -1, taskId: 0 }, 10 ** 6, CASES * 2);
        expect(timers.map(({ fireTimeMs }) => fireTimeMs)).toEqual(own);
        expect(await shards.loadReplicationTasks(shardId, 0, 10)).toEqual([]);
        for (const index of own) {
          const current = await shards.loadCurrentRun(shardId, runKey('').domainId, `w ${index}`);
          expect(current?.runId).toBe(`w ${index}-run`);
          expect(await shards.loadExecution(shardId, runKey(`stale ${index}`))).toBeUndefined();
        }
      }
    },
    CASES_TIMEOUT_MS,
  );

  it(
    'applies a commit that races with the next acquisition exactly when it acknowledges it',
    async () => {
      await onShards(RACES, async (shardId, index) => {
        const [stale, owner] = ownersOf(index);
        const workflowId = `race ${index}`;
        const { rangeId } = await stale.acquireShard(shardId, 'stale', index);
        const [commit] = await Promise.allSettled([
          stale.commit(shardId, rangeId, ownCommit(workflowId, index)),
          owner.acquireShard(shardId, 'owner', index),
        ]);
        if (commit.status === 'rejected') expect(isStoreError(commit.reason, 'ShardOwnershipLost')).toBe(true);
        const isThere = (await owner.loadExecution(shardId, runKey(workflowId))) !== undefined;
        expect(isThere).toBe(commit.status === 'fulfilled');
      });
    },
    CASES_TIMEOUT_MS,
  );
});
