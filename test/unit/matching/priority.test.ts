// Priority and fairness key of tasks, from memory and from the durable backlog.
import { TaskListType } from '@antiphon/proto';
import { describe, expect, it } from 'vitest';
import {
  createHarness,
  DOMAIN_ID,
  decisionPoll,
  type Harness,
  listOf,
  runIdOf,
  startMatching,
  sticky,
  taskOf,
} from './harness.ts';

interface Place {
  readonly priority?: number;
  readonly key?: string;
  readonly weight?: number;
}

const add = (h: Harness, runId: string, { priority = 3, key = '', weight = 1 }: Place = {}, list = listOf()) => {
  h.history.pending.add(runId);
  return h.matching.addDecisionTask({
    ...taskOf(runId, list),
    priority: { priority, fairnessKey: key, fairnessWeight: weight },
  });
};

async function pollAll(h: Harness, count: number, matching = h.matching): Promise<string[]> {
  const order: string[] = [];
  for (let i = 0; i < count; i++) {
    const polled = matching.pollForDecisionTask(decisionPoll(), { deadlineMs: h.env.clock.nowMs() + 3000 });
    await h.env.settle();
    await h.env.advance(1);
    order.push(runIdOf(await polled));
  }
  return order;
}

/** No poller: tasks go to the store. */
async function addAll(h: Harness, tasks: readonly (readonly [string, Place])[]): Promise<void> {
  for (let from = 0; from < tasks.length; from += 1000) {
    const added = tasks.slice(from, from + 1000).map(([runId, place]) => add(h, runId, place));
    await h.env.settle();
    await Promise.all(added);
  }
}

const backlogOf = async (h: Harness, matching = h.matching) => {
  const taskList = listOf();
  const type = TaskListType.TASK_LIST_TYPE_DECISION;
  return (await matching.describeTaskList({ domainId: DOMAIN_ID, taskList, type, includeStatus: true })).taskListStatus;
};

const many = (count: number, prefix: string, place: Place): [string, Place][] =>
  Array.from({ length: count }, (_, i) => [`${prefix}-${i}`, place]);

describe('priority and fairness', () => {
  it('let a task of priority 1 overtake a backlog', async () => {
    const h = await createHarness();
    await addAll(h, [
      ...many(50, 'normal', {}),
      ...many(2, 'urgent', { priority: 1 }),
      ...many(2, 'late', { priority: 5 }),
    ]);
    const order = await pollAll(h, 54);
    expect(order.slice(0, 2)).toEqual(['urgent-0', 'urgent-1']);
    expect(order.slice(-2)).toEqual(['late-0', 'late-1']);
  });

  it('let a key with 10,000 tasks not delay another key', async () => {
    const h = await createHarness();
    await addAll(h, many(10_000, 'big', { key: 'big' }));
    await addAll(h, many(3, 'small', { key: 'small' }));
    const order = await pollAll(h, 7);
    expect(order.filter((runId) => runId.startsWith('small'))).toEqual(['small-0', 'small-1', 'small-2']);
  });

  it('do so after a restart, and for a task that stands behind 10,000 without a key', async () => {
    const h = await createHarness();
    await addAll(h, many(10_000, 'plain', {}));
    await addAll(h, many(10_000, 'big', { key: 'big' }));
    await addAll(h, [...many(2, 'small', { key: 'small' }), ...many(1, 'urgent', { priority: 1 })]);
    await h.matching.stop();
    const matching = startMatching(h.env, h.store, h.domains, h.history);
    // The first poll opens the list and takes what was read first: plain tasks, on which the backlog begins.
    await pollAll(h, 1, matching);
    await h.env.settle();
    expect((await backlogOf(h, matching))?.backlogCountHint).toBe(20_002n);
    const order = await pollAll(h, 8, matching);
    expect(order[0]).toBe('urgent-0');
    expect(order.filter((runId) => runId.startsWith('small'))).toEqual(['small-0', 'small-1']);
    expect(order.filter((runId) => runId.startsWith('plain')).length).toBeGreaterThanOrEqual(2);
  }, 60_000);

  it('give every task of more keys than are looked at, each once', async () => {
    const h = await createHarness({ laneCountMax: 5, laneBufferMax: 4, ackFlushMs: 50 });
    const tasks = Array.from({ length: 120 }, (_, i): [string, Place] => [
      `run-${i}`,
      { key: `key-${i % 40}`, priority: 3 + (i % 2) },
    ]);
    await addAll(h, tasks);
    const order = await pollAll(h, 120);
    expect(new Set(order).size).toBe(120);
    expect(order).not.toContain('');
    await h.env.advance(1000);
    const key = { domainId: DOMAIN_ID, name: 'list', type: TaskListType.TASK_LIST_TYPE_DECISION };
    expect(await h.store.taskLists.loadTaskCount(key, 1000)).toBe(0);
    expect((await backlogOf(h))?.empty).toBe(true);
  });

  it('order a burst that waits for a poll, and tasks of a sticky list', async () => {
    const h = await createHarness({ syncMatchWaitMs: 1000 });
    const list = sticky();
    const first = h.matching.pollForDecisionTask(decisionPoll(list), {});
    await h.env.settle();
    await add(h, 'first', {}, list);
    expect(runIdOf(await first)).toBe('first');
    await add(h, 'normal', {}, list);
    await add(h, 'urgent', { priority: 1 }, list);
    for (const expected of ['urgent', 'normal']) {
      const polled = h.matching.pollForDecisionTask(decisionPoll(list), {});
      await h.env.settle();
      expect(runIdOf(await polled)).toBe(expected);
    }
  });

  it('count what is left exactly, in memory and in the store, down to zero', async () => {
    const h = await createHarness({ laneBufferMax: 4, bufferedTaskCountMax: 8, loadPageSize: 5 });
    await addAll(h, [...many(30, 'plain', {}), ...many(30, 'keyed', { key: 'k' })]);
    expect((await backlogOf(h))?.backlogCountHint).toBe(60n);
    await pollAll(h, 10);
    expect((await backlogOf(h))?.backlogCountHint).toBe(50n);
    await h.matching.stop();
    const matching = startMatching(h.env, h.store, h.domains, h.history);
    for (let left = 49n; left >= 0n; left--) {
      const polled = matching.pollForDecisionTask(decisionPoll(), {});
      await h.env.settle();
      expect((await polled).response.backlogCountHint, `${left} left`).toBe(left);
    }
    expect((await backlogOf(h, matching))?.empty).toBe(true);
  });
});
