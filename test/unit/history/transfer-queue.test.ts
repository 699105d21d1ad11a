// The queue of immediate tasks while visibility cannot be written: memory is bounded, nothing is lost, and the rows of what is not done stay.
import { TransferTask } from '@antiphon/proto/internal';
import { describe, expect, it } from 'vitest';
import { StoreError } from '#base';
import { createSimulatedEnv } from '#env';
import { createMemoryStore } from '#persistence/memory';
import { HELD_MAX, TransferQueue } from '../../../src/history/transfer-queue.ts';

type Work = NonNullable<TransferTask['work']>['$case'];

async function queueWith(onLoad: () => void = () => {}) {
  const env = createSimulatedEnv({ seed: 1 });
  const rows: TransferTask[] = [];
  const running = new Map<number, TransferTask>();
  const failures: unknown[] = [];
  let lastId = 0;
  const { shards } = createMemoryStore(env);
  const queue = new TransferQueue(
    {
      store: {
        ...shards,
        loadTransferTasks: async (_shardId, afterId, limit) => {
          if (lastId > 0) onLoad();
          return rows.filter(({ taskId }) => taskId > afterId).slice(0, limit);
        },
      },
      shardId: 0,
      submit: (task) => {
        expect(running.has(task.taskId)).toBe(false);
        running.set(task.taskId, task);
      },
      isStopped: () => false,
      fail: (error) => failures.push(error),
    },
    0,
    1,
  );
  // No earlier owner has left anything.
  await queue.recover(() => false);
  const commit = (count: number, work: Work = 'recordStarted'): void => {
    const tasks = Array.from({ length: count }, () =>
      TransferTask.fromPartial({ taskId: ++lastId, work: { $case: work, value: {} } as TransferTask['work'] }),
    );
    queue.announce(tasks);
    rows.push(...tasks);
    queue.commit(tasks);
  };
  /** Ends up to `count` of those that run, oldest first, and lets go of rows as a shard does. */
  const finish = async (count: number): Promise<readonly number[]> => {
    const ids = [...running.keys()].slice(0, count);
    for (const id of ids) {
      running.delete(id);
      queue.finish({ taskId: id });
    }
    const level = queue.ackLevel;
    const kept = rows.findIndex(({ taskId }) => taskId > level);
    rows.splice(0, kept < 0 ? rows.length : kept);
    await env.advance(0);
    return ids;
  };
  return { queue, running, rows, failures, commit, finish, lastId: () => lastId };
}

describe('the transfer queue', () => {
  it('keeps so many tasks in memory and the others in the store, and runs each of them once', async () => {
    const { queue, running, rows, commit, finish, lastId } = await queueWith();
    for (let group = 0; group < 60; group++) commit(1_000, group % 2 === 0 ? 'recordStarted' : 'closeExecution');
    expect(running.size).toBeLessThanOrEqual(HELD_MAX + 1_000);
    expect(queue.unfinishedCount).toBe(running.size);
    expect(queue.describe()[1]).toContain('in the store only');
    const done: number[] = [];
    for (let round = 0; done.length < lastId() && round < 1_000; round++) {
      if (round < 10) commit(100);
      const held = running.size;
      done.push(...(await finish(1_500)));
      expect(held).toBeLessThanOrEqual(HELD_MAX + 1_000);
      // Nothing that is not done has lost its row.
      expect(queue.ackLevel).toBeLessThan(rows[0]?.taskId ?? Number.POSITIVE_INFINITY);
      expect(queue.ackLevel).toBeLessThan(Math.min(...running.keys()));
    }
    expect(new Set(done).size).toBe(61_000);
    expect(queue.ackLevel).toBe(lastId());
    expect(rows).toEqual([]);
  });

  it('runs at once what writes no visibility, however much is left in the store', async () => {
    const { running, commit, lastId } = await queueWith();
    for (let group = 0; group < 25; group++) commit(1_000);
    commit(10, 'signalExternal');
    expect([...running.keys()].slice(-10)).toEqual(Array.from({ length: 10 }, (_, index) => lastId() - 9 + index));
    commit(10, 'decision');
    expect(running.has(lastId())).toBe(true);
  });

  it('does not pass over what it has left in the store, whatever else is done', async () => {
    const { queue, running, commit, lastId } = await queueWith();
    for (let group = 0; group < 25; group++) commit(1_000);
    commit(10, 'signalExternal');
    for (const id of [...running.keys()].filter((id) => id > 100)) queue.finish({ taskId: id });
    expect(queue.ackLevel).toBe(0);
    for (const id of [...running.keys()].filter((id) => id <= 100)) queue.finish({ taskId: id });
    expect(queue.ackLevel).toBeGreaterThanOrEqual(HELD_MAX - 1_000);
    expect(queue.ackLevel).toBeLessThan(lastId() - 10);
  });

  it('gives its shard up when what is left cannot be read', async () => {
    const { failures, commit, finish } = await queueWith(() => {
      throw new StoreError('Unavailable', 'down');
    });
    for (let group = 0; group < 25; group++) commit(1_000);
    await finish(HELD_MAX);
    expect(failures).toHaveLength(1);
  });
});
