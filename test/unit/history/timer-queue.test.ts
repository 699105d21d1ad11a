// Up to which time the timers of a shard are done: a store forgets those before it.
import type { TimerTask } from '@antiphon/proto/internal';
import { describe, expect, it } from 'vitest';
import { createSimulatedEnv } from '#env';
import { createMemoryStore } from '#persistence/memory';
import { createAlarms } from '../../../src/history/alarms.ts';
import { TimerQueue } from '../../../src/history/timer-queue.ts';
import { emptyCommit, timerTask } from '../../contract/store/rows.ts';

const T0 = 1_700_000_000_000;
const SHARD = 1;

async function setUp(stored: readonly TimerTask[]) {
  const env = createSimulatedEnv({ seed: 1, startMs: T0 });
  const store = createMemoryStore().shards;
  const { rangeId } = await store.acquireShard(SHARD, 'a', T0);
  await store.commit(SHARD, rangeId, { ...emptyCommit, timerTasks: stored });
  const running: TimerTask[] = [];
  const host = {
    env,
    alarms: createAlarms(env),
    store,
    shardId: SHARD,
    submit: (task: TimerTask) => running.push(task),
  };
  const timers = new TimerQueue({ ...host, onReadError: () => {} }, { windowMs: 60_000, inMemoryMax: 100 });
  return { env, timers, running };
}

describe('the ack time of a timer queue', () => {
  it('is behind everything as long as nothing was read', async () => {
    const { timers } = await setUp([timerTask(T0 - 5, 1)]);
    expect(timers.ackMs).toBe(0);
    const reading = timers.start();
    expect(timers.ackMs).toBe(0);
    await reading;
    expect(timers.ackMs).toBe(T0 - 5);
  });

  it('waits for a timer that has fired until its work is done', async () => {
    const { env, timers, running } = await setUp([timerTask(T0 + 5, 1), timerTask(T0 + 9, 2)]);
    await timers.start();
    expect(timers.ackMs).toBe(T0);
    await env.advance(20);
    expect(running.map((task) => task.taskId)).toEqual([1, 2]);
    expect(timers.ackMs).toBe(T0 + 5);
    timers.finish(timerTask(T0 + 5, 1));
    expect(timers.ackMs).toBe(T0 + 9);
    timers.finish(timerTask(T0 + 9, 2));
    expect(timers.ackMs).toBe(env.clock.nowMs());
  });

  it('goes back for a timer that is committed with a time in the past', async () => {
    const { timers } = await setUp([]);
    await timers.start();
    timers.add([timerTask(T0 - 100, 7)]);
    expect(timers.ackMs).toBe(T0 - 100);
  });
});
