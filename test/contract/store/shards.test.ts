// The shard port: fences, atomicity, queues. Every driver.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isStoreError } from '#base';
import { type StoreCall, withFaults } from '#persistence';
import {
  branchOf,
  branchRow,
  bytes,
  currentRun,
  DOMAIN_ID,
  DRIVERS,
  emptyCommit,
  env,
  execution,
  node,
  type OpenedStore,
  replicationTask,
  runKey,
  textOf,
  timerTask,
  transferTask,
} from './drivers.ts';

const SHARD = 3;

describe.each(DRIVERS)('the shard port of $name', ({ open }) => {
  let opened: OpenedStore;
  beforeEach(async () => {
    opened = await open();
  });
  afterEach(() => opened.dispose());
  const shards = () => opened.store.shards;

  it('writes the shard map once: the first proposal stays', async () => {
    const first = {
      epoch: 1,
      shards: [
        { shardId: 0, from: 0, to: 2 ** 31 },
        { shardId: 1, from: 2 ** 31, to: 2 ** 32 },
      ],
    };
    expect(await shards().loadShardMap(first)).toEqual(first);
    expect(await shards().loadShardMap({ epoch: 2, shards: [{ shardId: 0, from: 0, to: 2 ** 32 }] })).toEqual(first);
    await opened.reopen();
    expect(await shards().loadShardMap({ epoch: 3, shards: [] })).toEqual(first);
  });

  it('raises the range id with every acquisition and keeps the rest of the info', async () => {
    const first = await shards().acquireShard(SHARD, 'a', 100);
    expect(first).toMatchObject({ shardId: SHARD, rangeId: 1, info: { shardId: SHARD, owner: 'a', updatedMs: 100 } });
    const shardInfo = { ...first.info, transferAckLevel: 17, timerAckMs: 5 };
    await shards().commit(SHARD, 1, { ...emptyCommit, shardInfo });
    await opened.reopen();
    const second = await shards().acquireShard(SHARD, 'b', 200);
    expect(second).toMatchObject({ rangeId: 2, info: { owner: 'b', transferAckLevel: 17, timerAckMs: 5 } });
  });

  it('refuses a stale range id as a whole', async () => {
    await shards().acquireShard(SHARD, 'a', 1);
    await shards().acquireShard(SHARD, 'b', 1);
    const branch = branchOf('tree', 'branch');
    const commit = {
      ...emptyCommit,
      branches: [branchRow(branch)],
      nodes: [node(branch, 1)],
      executions: [execution('w')],
      currentRuns: [currentRun('w')],
      transferTasks: [transferTask(1)],
      timerTasks: [timerTask(10, 1)],
      replicationTasks: [replicationTask(1)],
    };
    for (const stale of [1, 3, 0]) {
      const outcome = shards().commit(SHARD, stale, commit);
      await expect(outcome).rejects.toSatisfy((error) => isStoreError(error, 'ShardOwnershipLost'));
    }
    await expect(shards().commit(99, 1, commit)).rejects.toSatisfy((e) => isStoreError(e, 'ShardOwnershipLost'));
    expect(await shards().loadExecution(SHARD, runKey('w'))).toBeUndefined();
    expect(await shards().loadCurrentRun(SHARD, DOMAIN_ID, 'w')).toBeUndefined();
    expect(await shards().loadTransferTasks(SHARD, 0, 10)).toEqual([]);
    expect(await shards().loadTimerTasks(SHARD, { fireTimeMs: 0, taskId: 0 }, 100, 10)).toEqual([]);
    expect(await shards().loadReplicationTasks(SHARD, 0, 10)).toEqual([]);
  });

  it('fences each commit of one turn by its own shard', async () => {
    await shards().acquireShard(1, 'a', 1);
    await shards().acquireShard(2, 'a', 1);
    await shards().acquireShard(2, 'b', 1);
    const outcomes = await Promise.allSettled([
      shards().commit(1, 1, { ...emptyCommit, executions: [execution('one')] }),
      shards().commit(2, 1, { ...emptyCommit, executions: [execution('two')] }),
      shards().commit(1, 1, { ...emptyCommit, executions: [execution('three')] }),
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await shards().loadExecution(1, runKey('one'))).toBeDefined();
    expect(await shards().loadExecution(2, runKey('two'))).toBeUndefined();
    expect(await shards().loadExecution(1, runKey('three'))).toBeDefined();
  });

  it('applies the commits of one turn in the order of the calls', async () => {
    await shards().acquireShard(SHARD, 'a', 1);
    await Promise.all([
      shards().commit(SHARD, 1, { ...emptyCommit, executions: [execution('w', { record: bytes('1') })] }),
      shards().commit(SHARD, 1, { ...emptyCommit, executions: [execution('w', { record: bytes('2'), isNew: false })] }),
      shards().commit(SHARD, 1, { ...emptyCommit, executions: [execution('w', { record: bytes('3'), isNew: false })] }),
    ]);
    expect(textOf((await shards().loadExecution(SHARD, runKey('w')))?.record)).toBe('3');
  });

  it('undoes the whole commit when one of its conditions fails', async () => {
    await shards().acquireShard(SHARD, 'a', 1);
    await shards().commit(SHARD, 1, { ...emptyCommit, executions: [execution('there')] });
    const clash = {
      ...emptyCommit,
      executions: [execution('fresh'), execution('there', { record: bytes('other') })],
      transferTasks: [transferTask(5)],
    };
    await expect(shards().commit(SHARD, 1, clash)).rejects.toSatisfy((e) => isStoreError(e, 'ConditionFailed'));
    const absent = {
      ...emptyCommit,
      executions: [execution('absent', { isNew: false })],
      transferTasks: [transferTask(6)],
    };
    await expect(shards().commit(SHARD, 1, absent)).rejects.toSatisfy((e) => isStoreError(e, 'ConditionFailed'));
    expect(await shards().loadExecution(SHARD, runKey('fresh'))).toBeUndefined();
    expect(textOf((await shards().loadExecution(SHARD, runKey('there')))?.record)).toBe('record of there');
    expect(await shards().loadTransferTasks(SHARD, 0, 10)).toEqual([]);
  });

  it('keeps what an acknowledged commit wrote over a restart', async () => {
    await shards().acquireShard(SHARD, 'a', 1);
    await shards().commit(SHARD, 1, {
      ...emptyCommit,
      executions: [execution('w', { nextEventId: 2 ** 40, addedSignalRequestIds: ['s1', 's2'] })],
      currentRuns: [currentRun('w')],
      transferTasks: [transferTask(2 ** 50)],
    });
    await shards().commit(SHARD, 1, {
      ...emptyCommit,
      executions: [execution('w', { nextEventId: 2 ** 40 + 1, isNew: false, addedSignalRequestIds: ['s2', 's3'] })],
    });
    await opened.reopen();
    const loaded = await shards().loadExecution(SHARD, runKey('w'));
    expect(loaded?.nextEventId).toBe(2 ** 40 + 1);
    expect([...(loaded?.signalRequestIds ?? [])].sort()).toEqual(['s1', 's2', 's3']);
    expect(await shards().loadCurrentRun(SHARD, DOMAIN_ID, 'w')).toEqual(currentRun('w').current);
    expect(await shards().loadTransferTasks(SHARD, 0, 10)).toEqual([transferTask(2 ** 50)]);
  });

  it('deletes a run, and the current run only if it still names it', async () => {
    await shards().acquireShard(SHARD, 'a', 1);
    await shards().commit(SHARD, 1, {
      ...emptyCommit,
      executions: [execution('w', { addedSignalRequestIds: ['s'] }), execution('v')],
      currentRuns: [currentRun('w', { runId: 'newer' }), currentRun('v')],
    });
    await shards().commit(SHARD, 1, { ...emptyCommit, deletedRuns: [runKey('w'), runKey('v'), runKey('none')] });
    expect(await shards().loadExecution(SHARD, runKey('w'))).toBeUndefined();
    expect((await shards().loadCurrentRun(SHARD, DOMAIN_ID, 'w'))?.runId).toBe('newer');
    expect(await shards().loadCurrentRun(SHARD, DOMAIN_ID, 'v')).toBeUndefined();
    await shards().commit(SHARD, 1, { ...emptyCommit, executions: [execution('w')] });
    expect((await shards().loadExecution(SHARD, runKey('w')))?.signalRequestIds).toEqual([]);
  });

  it('refuses a new run that is there already, however young its id', async () => {
    await shards().acquireShard(SHARD, 'a', 1);
    const key = runKey('w', '0fffffff-ffff-7000-8000-000000000000');
    const create = (rangeId: number) =>
      shards().commit(SHARD, rangeId, { ...emptyCommit, executions: [execution('w', { key })] });
    await create(1);
    await expect(create(1)).rejects.toSatisfy((e) => isStoreError(e, 'ConditionFailed'));
    await shards().acquireShard(SHARD, 'b', Date.now());
    await expect(create(1)).rejects.toSatisfy((e) => isStoreError(e, 'ShardOwnershipLost'));
    expect(await shards().loadExecution(SHARD, key)).toBeDefined();
  });

  it('reads many transfer tasks of one commit page by page, from any id', async () => {
    const { info } = await shards().acquireShard(SHARD, 'a', 1);
    const ids = Array.from({ length: 200 }, (_, index) => index + 1);
    await shards().commit(SHARD, 1, { ...emptyCommit, transferTasks: ids.map(transferTask) });
    const read: number[] = [];
    for (let after = 0; after < 200; after = read.at(-1) ?? 200) {
      const page = await shards().loadTransferTasks(SHARD, after, 30);
      for (const { taskId } of page) read.push(taskId);
    }
    expect(read).toEqual(ids);
    const shardInfo = { ...info, transferAckLevel: 100 };
    await shards().commit(SHARD, 1, { ...emptyCommit, shardInfo });
    const ofNextOwner = async () => (await shards().loadTransferTasks(SHARD, 0, 500)).map(({ taskId }) => taskId);
    expect(await ofNextOwner()).toEqual(ids.slice(100));
    await shards().acquireShard(SHARD, 'b', 2);
    expect(await ofNextOwner()).toEqual(ids.slice(100));
  });

  it('reads transfer and replication tasks in id order and trims them by the ack levels', async () => {
    const { info } = await shards().acquireShard(SHARD, 'a', 1);
    const ids = [7, 2 ** 45, 1, 30, 2, 2 ** 45 + 1];
    await shards().commit(SHARD, 1, {
      ...emptyCommit,
      transferTasks: ids.map(transferTask),
      replicationTasks: ids.map(replicationTask),
    });
    const transferIds = async (after: number, limit: number) =>
      (await shards().loadTransferTasks(SHARD, after, limit)).map((task) => task.taskId);
    expect(await transferIds(0, 100)).toEqual([1, 2, 7, 30, 2 ** 45, 2 ** 45 + 1]);
    expect(await transferIds(2, 2)).toEqual([7, 30]);
    expect(await shards().loadTransferTasks(SHARD + 1, 0, 100)).toEqual([]);
    const shardInfo = { ...info, transferAckLevel: 7, replicationAckLevel: 2 ** 45 };
    await shards().commit(SHARD, 1, { ...emptyCommit, shardInfo, transferTasks: [transferTask(2 ** 46)] });
    expect(await transferIds(0, 100)).toEqual([30, 2 ** 45, 2 ** 45 + 1, 2 ** 46]);
    const replication = await shards().loadReplicationTasks(SHARD, 0, 100);
    expect(replication.map((task) => task.taskId)).toEqual([2 ** 45 + 1]);
  });

  it('reads timers by fire time, then id, within the window, and finds the next one', async () => {
    await shards().acquireShard(SHARD, 'a', 1);
    const base = 1_700_000_000_000;
    await shards().commit(SHARD, 1, {
      ...emptyCommit,
      timerTasks: [timerTask(base + 5, 9), timerTask(base, 4), timerTask(base + 5, 2), timerTask(base + 9, 1)],
    });
    const read = async (after: { fireTimeMs: number; taskId: number }, before: number, limit = 10) =>
      (await shards().loadTimerTasks(SHARD, after, before, limit)).map((task) => [task.fireTimeMs - base, task.taskId]);
    expect(await read({ fireTimeMs: 0, taskId: 0 }, base + 9)).toEqual([
      [0, 4],
      [5, 2],
      [5, 9],
    ]);
    expect(await read({ fireTimeMs: base + 5, taskId: 2 }, base + 100)).toEqual([
      [5, 9],
      [9, 1],
    ]);
    expect(await read({ fireTimeMs: 0, taskId: 0 }, base + 100, 2)).toEqual([
      [0, 4],
      [5, 2],
    ]);
    expect(await shards().nextTimerMs(SHARD, base + 1)).toBe(base + 5);
    expect(await shards().nextTimerMs(SHARD, base + 5)).toBe(base + 5);
    expect(await shards().nextTimerMs(SHARD, base + 10)).toBeUndefined();
    const deletedTimers = [
      { fireTimeMs: base + 5, taskId: 2 },
      { fireTimeMs: base + 5, taskId: 77 },
    ];
    await shards().commit(SHARD, 1, { ...emptyCommit, deletedTimers });
    expect(await read({ fireTimeMs: 0, taskId: 0 }, base + 100)).toEqual([
      [0, 4],
      [5, 9],
      [9, 1],
    ]);
  });

  it('shows a timer that comes after the ack time has passed it', async () => {
    const { info } = await shards().acquireShard(SHARD, 'a', 1);
    const read = async () =>
      (await shards().loadTimerTasks(SHARD, { fireTimeMs: -1, taskId: 0 }, 1_000, 10)).map((task) => task.taskId);
    await shards().commit(SHARD, 1, { ...emptyCommit, timerTasks: [timerTask(10, 1), timerTask(20, 2)] });
    const done = { ...emptyCommit, deletedTimers: [{ fireTimeMs: 10, taskId: 1 }] };
    await shards().commit(SHARD, 1, {
      ...done,
      shardInfo: { ...info, timerAckMs: 15 },
      timerTasks: [timerTask(12, 3)],
    });
    expect(await read()).toEqual([3, 2]);
    await shards().commit(SHARD, 1, { ...emptyCommit, timerTasks: [timerTask(5, 4)] });
    expect(await read()).toEqual([4, 3, 2]);
    expect(await shards().nextTimerMs(SHARD, 0)).toBe(5);
    await opened.reopen();
    expect(await read()).toEqual([4, 3, 2]);
    await shards().acquireShard(SHARD, 'b', 1);
    const deletedTimers = [timerTask(5, 4), timerTask(12, 3)];
    await shards().commit(SHARD, 2, { ...emptyCommit, deletedTimers, shardInfo: { ...info, timerAckMs: 16 } });
    expect(await read()).toEqual([2]);
  });

  it('lists every run of a shard once, page by page', async () => {
    await shards().acquireShard(SHARD, 'a', 1);
    const ids = Array.from({ length: 25 }, (_, index) => `workflow ${index} ✓`);
    await shards().commit(SHARD, 1, { ...emptyCommit, executions: ids.map((id) => execution(id)) });
    const seen: string[] = [];
    let token: Uint8Array | undefined;
    do {
      const page = await shards().listExecutions(SHARD, token, 10);
      expect(page.items.length).toBeGreaterThan(0);
      seen.push(...page.items.map((item) => item.workflowId));
      token = page.nextToken;
    } while (token !== undefined);
    expect(seen.toSorted()).toEqual(ids.toSorted());
    expect((await shards().listExecutions(SHARD + 1, undefined, 10)).items).toEqual([]);
  });

  it('tells nothing of a timed-out commit: it may have happened or not, and the fence settles it', async () => {
    let fail: 'before' | 'after' | 'never' | undefined;
    const calls: StoreCall[] = [];
    const decide = (call: StoreCall) => {
      calls.push(call);
      return call.method === 'commit' && fail !== undefined ? { fail } : undefined;
    };
    const faulty = withFaults(opened.store, { decide, scheduler: env.scheduler });
    await faulty.shards.acquireShard(SHARD, 'a', 1);
    const commit = (workflowId: string) =>
      faulty.shards.commit(SHARD, 1, { ...emptyCommit, executions: [execution(workflowId)] });
    fail = 'after';
    await expect(commit('applied')).rejects.toSatisfy((error) => isStoreError(error, 'Timeout'));
    fail = 'never';
    await expect(commit('lost')).rejects.toSatisfy((error) => isStoreError(error, 'Timeout'));
    fail = 'before';
    await expect(commit('refused')).rejects.toSatisfy((error) => isStoreError(error, 'Unavailable'));
    expect(await faulty.shards.loadExecution(SHARD, runKey('applied'))).toBeDefined();
    expect(await faulty.shards.loadExecution(SHARD, runKey('lost'))).toBeUndefined();
    expect(await faulty.shards.loadExecution(SHARD, runKey('refused'))).toBeUndefined();
    expect(calls.filter((call) => call.isWrite).map((call) => call.method)).toEqual([
      'acquireShard',
      'commit',
      'commit',
      'commit',
    ]);
  });

  it('fences a delayed commit that lands after the shard went to another owner', async () => {
    const decide = (call: StoreCall) => (call.method === 'commit' ? { delayMs: 20 } : undefined);
    const faulty = withFaults(opened.store, { decide, scheduler: env.scheduler });
    await shards().acquireShard(SHARD, 'a', 1);
    const late = faulty.shards.commit(SHARD, 1, { ...emptyCommit, executions: [execution('zombie')] });
    await shards().acquireShard(SHARD, 'b', 1);
    await expect(late).rejects.toSatisfy((error) => isStoreError(error, 'ShardOwnershipLost'));
    expect(await shards().loadExecution(SHARD, runKey('zombie'))).toBeUndefined();
  });

  it('refuses everything once closed', async () => {
    await shards().acquireShard(SHARD, 'a', 1);
    await opened.store.close();
    await expect(shards().acquireShard(SHARD, 'a', 1)).rejects.toSatisfy((e) => isStoreError(e, 'Unavailable'));
    await expect(shards().loadTransferTasks(SHARD, 0, 1)).rejects.toSatisfy((e) => isStoreError(e, 'Unavailable'));
  });
});
