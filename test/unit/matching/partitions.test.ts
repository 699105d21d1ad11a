// Partitions of a task list: how tasks spread, that no poll misses one, and that shrinking loses none.
import { TaskListPartitionConfig, TaskListType, WorkflowQuery } from '@antiphon/proto';
import { describe, expect, it } from 'vitest';
import { baseNameOf, partitionName } from '../../../src/matching/partitions.ts';
import {
  addDecision,
  createHarness,
  DOMAIN_ID,
  decisionPoll,
  type Harness,
  listOf,
  runIdOf,
  startMatching,
} from './harness.ts';

const DECISION = TaskListType.TASK_LIST_TYPE_DECISION;
const list = { domainId: DOMAIN_ID, taskList: listOf(), type: DECISION };

const partitioned = (read: number, write = read, lookup = { read, write }) => ({
  lookup,
  harness: (): Promise<Harness> =>
    createHarness(
      { settingsRefreshMs: 10 },
      {
        lookups: { listSettings: () => ({ readPartitions: lookup.read, writePartitions: lookup.write }) },
      },
    ),
});

const storedIn = async (h: Harness, partition: number): Promise<number> =>
  h.store.taskLists.loadTaskCount(
    { domainId: DOMAIN_ID, name: partitionName('list', partition), type: DECISION },
    10_000,
  );

async function addMany(h: Harness, count: number, prefix = 'run'): Promise<void> {
  const added = Array.from({ length: count }, (_, i) => addDecision(h, `${prefix}-${i}`));
  await h.env.settle();
  await Promise.all(added);
}

async function pollMany(h: Harness, count: number, matching = h.matching): Promise<Set<string>> {
  const found = new Set<string>();
  for (let i = 0; i < count; i++) {
    const polled = matching.pollForDecisionTask(decisionPoll(), { deadlineMs: h.env.clock.nowMs() + 5000 });
    await h.env.settle();
    await h.env.advance(5);
    found.add(runIdOf(await polled));
  }
  return found;
}

/** Makes the list known, and its partitions durable. */
async function open(h: Harness): Promise<void> {
  for (let i = 0; i < 2; i++) {
    const polled = h.matching.pollForDecisionTask(decisionPoll(), { deadlineMs: h.env.clock.nowMs() + 1100 });
    await h.env.advance(200);
    await polled;
  }
  await h.env.advance(10_000);
}

const config = (read: number, write: number): TaskListPartitionConfig =>
  TaskListPartitionConfig.fromPartial({ numReadPartitions: read, numWritePartitions: write });

describe('partition names', () => {
  it.each([
    ['list', 0, 'list'],
    ['list', 3, '/__cadence_sys/list/3'],
    ['a/b/7', 12, '/__cadence_sys/a/b/7/12'],
  ])('of %s, number %i is %s and back', (base, partition, name) => {
    expect(partitionName(base, partition)).toBe(name);
    expect(baseNameOf(name)).toBe(base);
  });

  it('that are none belong to themselves', () => {
    for (const name of ['/__cadence_sys/list', '/__cadence_sys/list/0', '/__cadence_sys/list/x', '/__cadence_sys//1']) {
      expect(baseNameOf(name)).toBe(name);
    }
  });
});

describe('a partitioned list', () => {
  it('spreads its tasks and gives them all, from whichever partition', async () => {
    const h = await partitioned(4).harness();
    await open(h);
    await addMany(h, 200);
    const counts = await Promise.all([0, 1, 2, 3].map((partition) => storedIn(h, partition)));
    expect(Math.min(...counts)).toBeGreaterThan(20);
    expect(counts.reduce((sum, count) => sum + count)).toBe(200);
    expect((await pollMany(h, 200)).size).toBe(200);
  });

  it('hands a task of one partition to a poll that waits at another, without writing it', async () => {
    const h = await partitioned(4).harness();
    await open(h);
    for (let i = 0; i < 20; i++) {
      const polled = h.matching.pollForDecisionTask(decisionPoll(), {});
      await h.env.settle();
      await addDecision(h, `run-${i}`);
      expect(runIdOf(await polled)).toBe(`run-${i}`);
    }
    expect(await Promise.all([0, 1, 2, 3].map((partition) => storedIn(h, partition)))).toEqual([0, 0, 0, 0]);
  });

  it('hands a query to a poll at any partition', async () => {
    const h = await partitioned(3).harness();
    await open(h);
    for (let i = 0; i < 10; i++) {
      const polled = h.matching.pollForDecisionTask(decisionPoll(), {});
      await h.env.settle();
      const run = { domainId: DOMAIN_ID, workflowId: 'w', runId: `q-${i}` };
      const query = WorkflowQuery.fromPartial({ queryType: 'state' });
      const deadlineMs = h.env.clock.nowMs() + 500;
      const asked = h.matching.queryWorkflow({ run, taskList: listOf(), query }, { deadlineMs });
      const expired = expect(asked).rejects.toThrow('no worker answered the query in time');
      expect((await polled).response.query?.queryType).toBe('state');
      await h.env.advance(600);
      await expired;
    }
  });

  it('keeps priorities across partitions', async () => {
    const h = await partitioned(3).harness();
    await open(h);
    await addMany(h, 60);
    h.history.pending.add('urgent');
    const urgent = {
      domainId: DOMAIN_ID,
      workflowId: 'w',
      runId: 'urgent',
      scheduleId: 2,
      attempt: 0,
      scheduleToStartMs: 0,
    };
    const added = h.matching.addDecisionTask({
      ...urgent,
      taskList: listOf(),
      priority: { priority: 1, fairnessKey: '', fairnessWeight: 1 },
    });
    await h.env.settle();
    await added;
    expect([...(await pollMany(h, 1))]).toEqual(['urgent']);
  });

  it('writes to a new partition only when it is durable that there is one', async () => {
    const { lookup, harness } = partitioned(1);
    const h = await harness();
    await open(h);
    lookup.read = 4;
    lookup.write = 4;
    const put = h.store.keyValues.put;
    let isStuck = true;
    h.store.keyValues.put = async (...args) => {
      if (isStuck) throw new Error('the store is stuck');
      return put.apply(h.store.keyValues, args);
    };
    await h.env.advance(100);
    await addMany(h, 40);
    expect(await storedIn(h, 0)).toBe(40);
    isStuck = false;
    await addMany(h, 40, 'later');
    await addMany(h, 40, 'last');
    expect(await storedIn(h, 0)).toBeLessThan(115);
  });

  it('reads what is left in a partition that is no longer written to, also after a restart, and then forgets it', async () => {
    const { lookup, harness } = partitioned(4);
    const h = await harness();
    await open(h);
    await addMany(h, 80);
    lookup.read = 1;
    lookup.write = 1;
    await h.matching.stop();
    const matching = startMatching(
      h.env,
      h.store,
      h.domains,
      h.history,
      { settingsRefreshMs: 10 },
      {
        listSettings: () => ({ readPartitions: 1, writePartitions: 1 }),
      },
    );
    expect(await matching.listPartitions(list)).toHaveLength(4);
    expect((await pollMany(h, 80, matching)).size).toBe(80);
    for (let i = 0; i < 20; i++) {
      const polled = matching.pollForDecisionTask(decisionPoll(), { deadlineMs: h.env.clock.nowMs() + 1500 });
      await h.env.advance(7000);
      await polled;
    }
    expect(await matching.listPartitions(list)).toEqual(['list']);
  });

  it('takes its numbers from the admin API before dynamic config, and tells them', async () => {
    const h = await createHarness();
    expect(await h.matching.listPartitions(list)).toEqual(['list']);
    const describeList = () => h.matching.describeTaskList({ ...list, includeStatus: false });
    expect((await describeList()).partitionConfig).toBeUndefined();
    await h.matching.updatePartitions({ ...list, config: config(3, 2) });
    expect(await h.matching.listPartitions(list)).toEqual(['list', '/__cadence_sys/list/1', '/__cadence_sys/list/2']);
    const told = (await describeList()).partitionConfig;
    expect(told).toMatchObject({ version: 1n, numReadPartitions: 3, numWritePartitions: 2 });
    expect(Object.keys(told?.readPartitions ?? {})).toEqual(['0', '1', '2']);
    await addMany(h, 60);
    expect(await storedIn(h, 1)).toBeGreaterThan(10);
    expect(await storedIn(h, 2)).toBe(0);
  });

  it.each([
    [
      'more to write than to read',
      config(1, 2),
      'The number of write partitions cannot be larger than the number of read partitions.',
    ],
    ['none', config(0, 0), 'The number of partitions must be larger than 0.'],
    ['too many', config(5000, 1), 'The number of read partitions must be at most 1000.'],
    [
      'a gap',
      TaskListPartitionConfig.fromPartial({ readPartitions: { 0: {}, 2: {} }, writePartitions: { 0: {} } }),
      'The read partitions must be numbered from 0: 1 is missing.',
    ],
  ])('refuses %s', async (_what, wrong, message) => {
    const h = await createHarness();
    await expect(h.matching.updatePartitions({ ...list, config: wrong })).rejects.toThrow(message);
  });
});
