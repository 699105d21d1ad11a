import { History } from '@antiphon/proto';
import { ReplicationTask as WireTask } from '@antiphon/proto/admin';
import type { ReplicationTask } from '@antiphon/proto/internal';
import { describe, expect, it } from 'vitest';
import { StoreError } from '#base';
import { createSimulatedEnv } from '#env';
import type { LogPublisher } from '#log';
import { createHistoryPublisher, type ReplicationQueue } from '#replication';

const task = (taskId: number, workflowId = 'w'): ReplicationTask => ({
  domainId: 'd',
  workflowId,
  runId: 'run',
  taskId,
  version: 1,
  creationTimeMs: 1_700_000_000_000,
  work: {
    $case: 'history',
    value: {
      firstEventId: taskId,
      nextEventId: taskId + 1,
      branch: { treeId: 'run', branchId: 'branch', ancestors: [] },
      versionHistoryItems: [{ eventId: taskId, version: 1 }],
      newRunBranch: undefined,
      newRunId: '',
    },
  },
});

const bytes = (id: number): Uint8Array =>
  History.encode({
    events: [{ eventId: BigInt(id), eventTime: undefined, version: 1n, taskId: 0n, attributes: undefined }],
  }).finish();

function createHarness(
  options: { readEvents?: (id: number) => Promise<readonly Uint8Array[]>; failures?: number } = {},
) {
  const env = createSimulatedEnv({ seed: 5 });
  const tasks: ReplicationTask[] = [];
  const listeners = new Set<() => void>();
  const published: number[] = [];
  const acknowledged: number[] = [];
  let failures = options.failures ?? 0;
  let loads = 0;
  const queue: ReplicationQueue = {
    shardId: 1,
    ackLevel: 0,
    load: async (after, limit) => {
      loads++;
      return tasks.filter(({ taskId }) => taskId > after).slice(0, limit);
    },
    barrier: async () => (tasks.at(-1)?.taskId ?? 0) + 1,
    acknowledge: (taskId) => acknowledged.push(taskId),
    onNewTasks: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    readEvents: (_branch, from) => options.readEvents?.(from) ?? Promise.resolve([bytes(from)]),
    loadRun: async () => undefined,
  };
  const log: LogPublisher = {
    publish: async (_topic, messages) => {
      if (failures-- > 0) throw new StoreError('Unavailable', 'log is down');
      for (const { value, key } of messages) {
        const { attributes } = WireTask.decode(value);
        if (attributes?.$case !== 'historyTaskV2Attributes') throw new Error('not a history task');
        expect(key).toBe(`d/${attributes.value.workflowExecution?.workflowId}`);
        published.push(Number(History.decode(attributes.value.events!.data).events[0]?.eventId));
      }
    },
    partitionCount: () => 1,
    partitionOf: () => 0,
  };
  const publisher = createHistoryPublisher({ env, log }, { batchSize: 3 });
  const add = (...ids: number[]): void => {
    tasks.push(...ids.map((id) => task(id)));
    for (const listener of listeners) listener();
  };
  return { env, publisher, queue, add, published, acknowledged, loads: () => loads };
}

describe('history publisher', () => {
  it('publishes in task order after the ack level and acknowledges what is in the log', async () => {
    const { env, publisher, queue, add, published, acknowledged } = createHarness();
    add(1, 2, 3, 4, 5, 6, 7);
    publisher.attach({ ...queue, ackLevel: 2 });
    await env.advance(10);
    add(8);
    await env.advance(10);
    expect(published).toEqual([3, 4, 5, 6, 7, 8]);
    expect(acknowledged.at(-1)).toBe(8);
    await publisher.stop();
  });

  it('does nothing while nothing is new', async () => {
    const { env, publisher, queue, add, loads } = createHarness();
    add(1);
    publisher.attach(queue);
    await env.advance(10);
    const before = loads();
    await env.advance(3_600_000);
    expect(loads()).toBe(before);
    await publisher.stop();
  });

  it('tries again when the log fails, losing nothing and keeping the order', async () => {
    const { env, publisher, queue, add, published } = createHarness({ failures: 4 });
    add(1, 2, 3, 4);
    publisher.attach(queue);
    await env.advance(60_000);
    expect(published).toEqual([1, 2, 3, 4]);
    await publisher.stop();
  });

  it('leaves out histories that are gone or damaged, and waits for a store that is down', async () => {
    let downs = 3;
    const { env, publisher, queue, add, published, acknowledged } = createHarness({
      readEvents: async (id) => {
        if (id === 2) return [];
        if (id === 3) throw new StoreError('Corrupt', 'damaged');
        if (id === 4 && downs-- > 0) throw new StoreError('Unavailable', 'down');
        return [bytes(id)];
      },
    });
    add(1, 2, 3, 4, 5);
    publisher.attach(queue);
    await env.advance(60_000);
    expect(published).toEqual([1, 4, 5]);
    expect(acknowledged.at(-1)).toBe(5);
    await publisher.stop();
  });

  it('stops publishing a shard that is lost', async () => {
    const { env, publisher, queue, add, published } = createHarness();
    const detach = publisher.attach(queue);
    await env.advance(10);
    detach();
    add(1);
    await env.advance(10_000);
    expect(published).toEqual([]);
    expect(publisher.status()).toEqual([]);
  });
});
