// Tasks prefer workers of the zone that their workflow was started from, for a moment and if there are some.
import { TaskListType } from '@antiphon/proto';
import { describe, expect, it } from 'vitest';
import { createHarness, DOMAIN_ID, decisionPoll, type Harness, listOf, runIdOf, taskOf } from './harness.ts';

const open = (drained = new Set<string>(), known: readonly string[] = ['zone-a', 'zone-b']): Promise<Harness> =>
  createHarness(
    {},
    {
      lookups: {
        listSettings: () => ({ isIsolated: true }),
        isolationGroups: {
          isDrained: (_domain, group) => drained.has(group),
          isKnown: (group) => known.includes(group),
        },
      },
    },
  );

const poll = (h: Harness, isolationGroup: string) =>
  h.matching.pollForDecisionTask({ ...decisionPoll(listOf(), isolationGroup), isolationGroup }, {}).then(runIdOf);

function add(h: Harness, runId: string, isolationGroup: string): Promise<void> {
  h.history.pending.add(runId);
  return h.matching.addDecisionTask({ ...taskOf(runId), isolationGroup });
}

const isSettled = async (h: Harness, promise: Promise<unknown>): Promise<boolean> => {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  await h.env.settle();
  return settled;
};

describe('isolation groups', () => {
  it('give a task to a worker of its zone, though another waited longer', async () => {
    const h = await open();
    const other = poll(h, 'zone-b');
    const own = poll(h, 'zone-a');
    await h.env.settle();
    void add(h, 'run-a', 'zone-a');
    expect(await own).toBe('run-a');
    expect(await isSettled(h, other)).toBe(false);
    void add(h, 'run-b', 'zone-b');
    expect(await other).toBe('run-b');
  });

  it('hold a task for a worker of its zone that polled lately, and let it go after the moment', async () => {
    const h = await open();
    const first = poll(h, 'zone-a');
    await h.env.settle();
    void add(h, 'run-1', 'zone-a');
    await first;
    const other = poll(h, 'zone-b');
    await h.env.settle();
    void add(h, 'run-2', 'zone-a');
    await h.env.advance(150);
    expect(await isSettled(h, other)).toBe(false);
    const own = poll(h, 'zone-a');
    expect(await own).toBe('run-2');
    void add(h, 'run-3', 'zone-a');
    await h.env.advance(260);
    expect(await other).toBe('run-3');
  });

  it('do not hold it when no worker of its zone polled lately, or its zone is drained or unknown', async () => {
    const drained = new Set<string>();
    const h = await open(drained);
    let other = poll(h, 'zone-b');
    await h.env.settle();
    void add(h, 'alone', 'zone-a');
    expect(await other).toBe('alone');
    other = poll(h, 'zone-b');
    const own = poll(h, 'zone-a');
    await h.env.settle();
    drained.add('zone-a');
    void add(h, 'drained', 'zone-a');
    expect(await other).toBe('drained');
    void add(h, 'unknown', 'zone-x');
    expect(await own).toBe('unknown');
  });

  it('give tasks without a zone, and polls without one, the oldest partner', async () => {
    const h = await open();
    const first = poll(h, 'zone-a');
    const second = poll(h, '');
    await h.env.settle();
    void add(h, 'run-1', '');
    expect(await first).toBe('run-1');
    void add(h, 'run-2', 'zone-a');
    await h.env.advance(260);
    expect(await second).toBe('run-2');
  });

  it('lose no task that is held when the moment ends without any worker', async () => {
    const h = await open();
    const first = poll(h, 'zone-a');
    const other = poll(h, 'zone-b');
    await h.env.settle();
    void add(h, 'run-1', 'zone-a');
    await first;
    void add(h, 'run-2', 'zone-b');
    await other;
    const added = add(h, 'run-3', 'zone-a');
    await h.env.advance(2000);
    await added;
    const late = poll(h, 'zone-b');
    await h.env.advance(300);
    expect(await late).toBe('run-3');
  });

  it('are counted in the status of the list', async () => {
    const h = await open();
    const first = poll(h, 'zone-a');
    await h.env.settle();
    void add(h, 'run-1', 'zone-a');
    await first;
    const { taskListStatus } = await h.matching.describeTaskList({
      domainId: DOMAIN_ID,
      taskList: listOf(),
      type: TaskListType.TASK_LIST_TYPE_DECISION,
      includeStatus: true,
    });
    expect(taskListStatus?.isolationGroupMetrics['zone-a']?.pollerCount).toBe(1n);
    expect(taskListStatus?.isolationGroupMetrics['zone-a']?.newTasksPerSecond).toBeGreaterThan(0);
  });
});

describe('rates', () => {
  it('that the operator set go before what polls say', async () => {
    let tasksPerSecond: number | undefined = 1;
    const h = await createHarness({ settingsRefreshMs: 10 }, { lookups: { listSettings: () => ({ tasksPerSecond }) } });
    const activityPoll = () =>
      h.matching.pollForActivityTask(
        { domainId: DOMAIN_ID, taskList: listOf(), identity: 'w', pollerId: 'p', maxTasksPerSecond: 1000 },
        { deadlineMs: h.env.clock.nowMs() + 30_000 },
      );
    for (let i = 0; i < 5; i++) {
      h.history.pending.add(`run-${i}`);
      const added = h.matching.addActivityTask(taskOf(`run-${i}`));
      await h.env.settle();
      await added;
    }
    const startMs = h.env.clock.nowMs();
    await activityPoll();
    const second = activityPoll();
    await h.env.advance(900);
    expect(await isSettled(h, second)).toBe(false);
    await h.env.advance(200);
    await second;
    expect(h.env.clock.nowMs() - startMs).toBeGreaterThanOrEqual(1000);
    tasksPerSecond = undefined;
    await h.env.advance(100);
    for (let i = 0; i < 3; i++) {
      const polled = activityPoll();
      await h.env.advance(10);
      await polled;
    }
    expect(h.env.clock.nowMs() - startMs).toBeLessThan(1500);
  });
});
