// How long a shard lets its next group gather: on a store whose commits are dear, those who were answered together leave together.
import { describe, expect, it } from 'vitest';
import { createSimulatedEnv, sleep } from '#env';
import { createMemoryStore } from '#persistence/memory';
import { GroupCommit } from '../../../src/history/group-commit.ts';
import { createHistoryMetrics } from '../../../src/history/metrics.ts';
import { TaskIds } from '../../../src/history/task-ids.ts';

const COMMIT_MS = 20;

async function setUp(gatherMsMax: number, startedMsMax = 0) {
  const env = createSimulatedEnv({ seed: 1, startMs: 1_700_000_000_000 });
  const store = createMemoryStore().shards;
  const { rangeId } = await store.acquireShard(1, 'a', 1);
  const startedMs: number[] = [];
  const slow = {
    ...store,
    commit: async (...args: Parameters<typeof store.commit>) => {
      startedMs.push(env.clock.monotonicMs());
      await sleep(env.scheduler, COMMIT_MS);
      await store.commit(...args);
    },
  };
  const failures: unknown[] = [];
  const commits = new GroupCommit(
    {
      env,
      store: slow,
      shardId: 1,
      host: 'a',
      taskIds: new TaskIds(rangeId),
      addPassengers: () => {},
      onDurable: () => {},
      onFailure: (error) => failures.push(error),
    },
    rangeId,
    { groupBytesMax: 1_000_000, queuedBytesMax: 1_000_000, queuedCommandsMax: 1_000, gatherMsMax, startedMsMax },
    createHistoryMetrics(env.metrics).commits,
  );
  const command = (count: number): void => {
    for (let index = 0; index < count; index++) {
      commits.open();
      commits.finishCommand();
    }
  };
  const start = env.clock.monotonicMs();
  const sinceStart = () => env.clock.monotonicMs() - start;
  return { env, commits, command, failures, sinceStart, starts: () => startedMs.map((ms) => ms - start) };
}

describe('the next group of a shard', () => {
  it('waits a part of what the last commit took, when that was a group of many', async () => {
    const { env, command, starts } = await setUp(100);
    command(8);
    await env.advance(COMMIT_MS / 2);
    command(1);
    await env.advance(200);
    expect(starts()).toEqual([0, COMMIT_MS * 1.75]);
  });

  it('waits no longer than it may', async () => {
    const { env, command, starts } = await setUp(5);
    command(8);
    await env.advance(COMMIT_MS / 2);
    command(1);
    await env.advance(200);
    expect(starts()).toEqual([0, COMMIT_MS + 5]);
  });

  it('leaves at once after a small group, and where no time is given', async () => {
    for (const [gatherMsMax, commands] of [
      [100, 2],
      [0, 8],
    ] as const) {
      const { env, command, starts } = await setUp(gatherMsMax);
      command(commands);
      await env.advance(COMMIT_MS / 2);
      command(1);
      await env.advance(200);
      expect(starts()).toEqual([0, COMMIT_MS]);
    }
  });
});

describe('a group with tasks that workers wait for', () => {
  it('waits until they are started, so that both are one commit', async () => {
    const { env, commits, command, starts } = await setUp(0, 4);
    command(1);
    const group = commits.open();
    let started = 0;
    group.dispatches = () => ({ all: 2, started });
    await env.advance(1.5);
    started = 2;
    command(1);
    await env.advance(100);
    expect(group.commandCount).toBe(2);
    expect(starts()).toEqual([2]);
  });

  it('waits no longer than it may, and hardly ever where nobody starts them in time', async () => {
    const { env, commits, command, starts, sinceStart } = await setUp(0, 4);
    const waited: number[] = [];
    for (let index = 0; index < 36; index++) {
      const begunMs = sinceStart();
      command(1);
      commits.open().dispatches = () => ({ all: 1, started: 0 });
      await env.advance(100);
      waited.push((starts().at(-1) ?? 0) - begunMs);
    }
    expect(waited.slice(0, 12)).toEqual(Array.from({ length: 12 }, () => 4));
    expect(waited.slice(12).filter((ms) => ms > 0)).toEqual([4]);
  });

  it('does not wait for those that are started in their own turn', async () => {
    const { env, commits, command, starts } = await setUp(0, 4);
    command(1);
    commits.open().dispatches = () => ({ all: 1, started: 1 });
    await env.advance(100);
    expect(starts()).toEqual([0]);
  });
});
