import { History, type HistoryEvent } from '@antiphon/proto';
import { ReplicationTask, ReplicationTaskType } from '@antiphon/proto/admin';
import { describe, expect, it } from 'vitest';
import { badRequest, EntityNotExistsError, RetryTaskV2Error, ServiceBusyError, StoreError, unavailable } from '#base';
import type { DomainView } from '#core';
import { createSimulatedEnv, type Logger, sleep } from '#env';
import { HISTORY_TOPIC, type LogMessage, type LogSource } from '#log';
import type { LogStore } from '#persistence';
import { createMemoryStore } from '#persistence/memory';
import {
  createClusterConsumer,
  createDeadLetters,
  createTaskApplier,
  DEFAULT_APPLIER_OPTIONS,
  type DomainLookup,
} from '#replication';
import type { HistoryClient, HistoryReplicationRequest } from '#rpc';

const RETENTION_MS = 86_400_000;

const event = (eventId: number): HistoryEvent => ({
  eventId: BigInt(eventId),
  eventTime: { seconds: 1n, nanos: 0 },
  version: 1n,
  taskId: 1n,
  attributes: {
    $case: 'workflowExecutionSignaledEventAttributes',
    value: { signalName: '', input: undefined, identity: '', requestId: '' },
  },
});

const blob = (...ids: number[]) => ({
  encodingType: 3 as const,
  data: Buffer.from(History.encode({ events: ids.map(event) }).finish()),
});

function message(offset: number, workflowId: string, eventId = offset, domainId = 'd'): LogMessage {
  const task: ReplicationTask = {
    taskType: ReplicationTaskType.REPLICATION_TASK_TYPE_HISTORY_V2,
    sourceTaskId: BigInt(offset),
    creationTime: undefined,
    attributes: {
      $case: 'historyTaskV2Attributes',
      value: {
        taskId: BigInt(offset),
        domainId,
        workflowExecution: { workflowId, runId: 'run' },
        versionHistoryItems: [{ eventId: BigInt(eventId), version: 1n }],
        events: blob(eventId),
        newRunEvents: undefined,
      },
    },
  };
  return { offset, key: `${domainId}/${workflowId}`, value: ReplicationTask.encode(task).finish(), timeMs: 1 };
}

interface Call {
  readonly workflowId: string;
  readonly eventId: number;
}

/** A consumer of a log that is given, into a history that does what the test says. */
function createHarness(options: {
  messages: readonly LogMessage[];
  apply?: (call: Call, request: HistoryReplicationRequest) => Promise<void>;
  clusters?: readonly string[];
  isActiveHere?: boolean;
  retentionMs?: number;
  offsets?: LogStore;
  rawHistory?: () => ReturnType<typeof blob>[];
  windowSize?: number;
  partitions?: number;
  /** Up to here the source has nothing any more. */
  trimmedTo?: number;
  logged?: { level: string; message: string; fields: unknown }[];
}) {
  const simulated = createSimulatedEnv({ seed: 3 });
  const log = (level: string) => (text: string, fields?: unknown) =>
    options.logged?.push({ level, message: text, fields });
  const logger: Logger = {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: () => logger,
  };
  const env = options.logged === undefined ? simulated : { ...simulated, logger };
  let isDown = false;
  const store = createMemoryStore();
  const offsets = options.offsets ?? store.log;
  const applied: Call[] = [];
  const acknowledged: number[] = [];
  const history = {
    replicateEvents: async (request: HistoryReplicationRequest) => {
      const call = { workflowId: request.workflowId, eventId: Number(request.events[0]?.eventId) };
      await options.apply?.(call, request);
      applied.push(call);
    },
  } as unknown as HistoryClient; // The consumer calls nothing else here.
  const { clusters = ['a', 'b'], isActiveHere = false, retentionMs = RETENTION_MS } = options;
  const view = { id: 'd', name: 'shop', clusters, isActiveHere, retentionMs } as unknown as DomainView;
  const domains: DomainLookup = { byId: async () => view };
  const source: LogSource = {
    sourceCluster: 'a',
    partitionCount: async () => options.partitions ?? 1,
    async fetch(topic, partition, position, { waitMs, signal }) {
      if (isDown) throw unavailable('connection refused');
      acknowledged.push(position.appliedOffset);
      const all = topic === HISTORY_TOPIC && partition === 0 ? options.messages : [];
      const messages = all.filter(({ offset }) => offset > position.afterOffset).slice(0, 3);
      const trimmedTo = topic === HISTORY_TOPIC && partition === 0 ? (options.trimmedTo ?? 0) : 0;
      const reachedOffset = Math.max(position.afterOffset, trimmedTo, ...messages.map(({ offset }) => offset));
      if (reachedOffset === position.afterOffset) await sleep(env.scheduler, waitMs, signal);
      return { messages, reachedOffset, lastOffset: all.at(-1)?.offset ?? 0, sourceTimeMs: 5 };
    },
  };
  const deadLetters = createDeadLetters({ keyValues: store.keyValues });
  const applier = createTaskApplier(
    {
      env,
      history,
      domains,
      domainTasks: { applyDomainTask: async () => {} },
      source: {
        getWorkflowExecutionRawHistoryV2: async () => ({
          nextPageToken: Buffer.alloc(0),
          historyBatches: options.rawHistory?.() ?? [],
          versionHistory: { branchToken: Buffer.alloc(0), items: [{ eventId: 100n, version: 1n }] },
        }),
      },
      sourceCluster: 'a',
      currentCluster: 'b',
    },
    { ...DEFAULT_APPLIER_OPTIONS, attemptsMax: 3 },
  );
  const consumer = createClusterConsumer(
    { env, source, offsets, applier, deadLetters },
    options.windowSize === undefined ? {} : { windowSize: options.windowSize },
  );
  const run = async (ms = 30_000): Promise<void> => {
    consumer.start();
    await simulated.advance(ms);
  };
  const stop = async (): Promise<void> => {
    const stopped = consumer.stop();
    await simulated.advance(10_000);
    await stopped;
  };
  const offset = (): Promise<number> => offsets.loadOffset('replication-from:a', HISTORY_TOPIC, 0);
  const setDown = (down: boolean): void => {
    isDown = down;
  };
  return { env, setDown, applied, acknowledged, consumer, deadLetters, applier, run, stop, offset };
}

const NAME = { sourceCluster: 'a', topic: HISTORY_TOPIC, partition: 0 };

describe('replication consumer', () => {
  it('applies everything, in order per workflow, and saves the offset after', async () => {
    const messages = Array.from({ length: 10 }, (_, i) => message(i + 1, `w${i % 3}`));
    const harness = createHarness({ messages });
    await harness.run();
    for (const workflowId of ['w0', 'w1', 'w2']) {
      const ids = harness.applied.filter((call) => call.workflowId === workflowId).map(({ eventId }) => eventId);
      expect(ids).toEqual([...ids].sort((a, b) => a - b));
    }
    expect(harness.applied).toHaveLength(10);
    expect(await harness.offset()).toBe(10);
    await harness.stop();
  });

  it('goes on behind what the source has trimmed, and counts it as applied', async () => {
    const harness = createHarness({ messages: [], trimmedTo: 44 });
    await harness.run(5_000);
    expect(await harness.offset()).toBe(44);
    const [, status] = harness.consumer.status();
    expect(status).toMatchObject({ fetchedOffset: 44, appliedOffset: 44, sourceLastOffset: 44, lagMs: 0 });
    await harness.stop();
  });

  it('acknowledges only what is applied', async () => {
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const harness = createHarness({ messages: [message(1, 'w')], apply: () => gate });
    await harness.run(10_000);
    expect(Math.max(...harness.acknowledged)).toBe(0);
    release();
    await harness.run(5_000);
    expect(Math.max(...harness.acknowledged)).toBe(1);
    await harness.stop();
  });

  it('tries what may pass until it passes, however long, and never calls it poison', async () => {
    const failures = [
      new ServiceBusyError('busy'),
      unavailable('gone'),
      new StoreError('Timeout', 'unknown outcome'),
      new StoreError('Unavailable', 'down'),
      ...Array.from({ length: 20 }, () => new ServiceBusyError('busy')),
    ];
    const harness = createHarness({
      messages: [message(1, 'w')],
      apply: async () => {
        const failure = failures.shift();
        if (failure !== undefined) throw failure;
      },
    });
    await harness.run(300_000);
    expect(harness.applied).toHaveLength(1);
    expect(await harness.deadLetters.count()).toEqual([]);
    await harness.stop();
  });

  it('applies the other workflows, of this page and later ones, while one cannot be applied', async () => {
    let isStuck = true;
    const messages = [message(1, 'stuck'), ...Array.from({ length: 20 }, (_, i) => message(i + 2, `w${i % 5}`))];
    const harness = createHarness({
      messages,
      apply: async ({ workflowId }) => {
        if (workflowId === 'stuck' && isStuck) throw new ServiceBusyError('busy');
      },
    });
    await harness.run(10_000);
    expect(harness.applied).toHaveLength(20);
    expect(await harness.offset()).toBe(0);
    isStuck = false;
    await harness.run(20_000);
    expect(harness.applied).toHaveLength(21);
    expect(await harness.offset()).toBe(21);
    await harness.stop();
  });

  it('fetches no further than the window beyond the oldest message that is not applied', async () => {
    const messages = [message(1, 'stuck'), ...Array.from({ length: 20 }, (_, i) => message(i + 2, `w${i % 5}`))];
    const harness = createHarness({
      messages,
      windowSize: 9,
      apply: async ({ workflowId }) => {
        if (workflowId === 'stuck') throw new ServiceBusyError('busy');
      },
    });
    await harness.run(10_000);
    expect(harness.applied).toHaveLength(8);
    await harness.stop();
  });

  it('tells of an outage of the source once, without a stack, and of its end', async () => {
    const logged: { level: string; message: string; fields: unknown }[] = [];
    const harness = createHarness({ messages: [message(1, 'w')], partitions: 4, logged });
    await harness.run(5_000);
    harness.setDown(true);
    await harness.run(60_000);
    harness.setDown(false);
    await harness.run(20_000);
    const told = logged.filter(({ level }) => level !== 'debug');
    expect(told).toMatchObject([
      { level: 'warn', fields: { 'source-cluster': 'a', error: 'Unavailable: connection refused' } },
      { level: 'info', fields: { 'source-cluster': 'a' } },
    ]);
    await harness.stop();
  });

  it('puts poison into the DLQ with its error and goes on', async () => {
    const harness = createHarness({
      messages: [message(1, 'bad'), message(2, 'good')],
      apply: async ({ workflowId }) => {
        if (workflowId === 'bad') throw badRequest('no good');
      },
    });
    await harness.run();
    expect(harness.applied).toEqual([{ workflowId: 'good', eventId: 2 }]);
    expect(await harness.offset()).toBe(2);
    const letters = await harness.deadLetters.list(NAME, { afterOffset: 0, limit: 10 });
    expect(letters).toMatchObject([{ offset: 1, attempts: 3, error: 'BadRequest: no good' }]);
    expect(await harness.deadLetters.count()).toEqual([{ ...NAME, count: 1 }]);
    await harness.stop();
  });

  it('makes no run from events as old as the retention of a domain that is active here, unless somebody merges them', async () => {
    const seen: (boolean | undefined)[] = [];
    const apply = async (_: Call, { mustExist }: HistoryReplicationRequest): Promise<void> => {
      seen.push(mustExist);
      if (mustExist) throw new EntityNotExistsError('Run run of workflow w is not here.');
    };
    const harness = createHarness({ messages: [message(1, 'w')], apply, isActiveHere: true });
    await harness.run();
    expect([seen, harness.applied, await harness.offset()]).toEqual([[true], [], 1]);
    const letters = await harness.deadLetters.list(NAME, { afterOffset: 0, limit: 10 });
    expect(letters).toMatchObject([{ offset: 1, attempts: 1 }]);
    expect(letters[0]?.error).toContain('older than the retention of shop');
    await harness.deadLetters.merge(NAME, undefined, (task) => harness.applier.applyOnce(task));
    expect([seen.at(-1), harness.applied.length]).toEqual([false, 1]);
    await harness.stop();
  });

  it.each([
    ['of a passive domain', { isActiveHere: false }],
    ['that are newer than retention', { isActiveHere: true, retentionMs: Number.MAX_SAFE_INTEGER }],
  ])('makes runs from events %s', async (_, domain) => {
    const seen: (boolean | undefined)[] = [];
    const apply = async (__: Call, { mustExist }: HistoryReplicationRequest): Promise<void> =>
      void seen.push(mustExist);
    const harness = createHarness({ messages: [message(1, 'w')], apply, ...domain });
    await harness.run();
    expect([seen, harness.applied.length]).toEqual([[false], 1]);
    await harness.stop();
  });

  it('merges dead letters when they can be applied, in order, and purges them on demand', async () => {
    let isBroken = true;
    const harness = createHarness({
      messages: [1, 2, 3].map((offset) => message(offset, 'w')),
      apply: async () => {
        if (isBroken) throw badRequest('no good');
      },
    });
    await harness.run();
    await expect(
      harness.deadLetters.merge(NAME, undefined, (task) => harness.applier.applyOnce(task)),
    ).rejects.toThrow();
    isBroken = false;
    expect(await harness.deadLetters.merge(NAME, 2, (task) => harness.applier.applyOnce(task))).toBe(2);
    expect(harness.applied.map(({ eventId }) => eventId)).toEqual([1, 2]);
    expect(await harness.deadLetters.purge(NAME)).toBe(1);
    expect(await harness.deadLetters.count()).toEqual([]);
    await harness.stop();
  });

  it('fills a gap from the source, then applies the message', async () => {
    let known = 0;
    const harness = createHarness({
      messages: [message(1, 'w', 4)],
      rawHistory: () => [blob(1), blob(2, 3)],
      apply: async ({ eventId, workflowId }, request) => {
        if (eventId > known + 1) {
          const end = { eventId, version: 1 };
          throw new RetryTaskV2Error({ domainId: 'd', workflowId, runId: 'run', end });
        }
        known = Number(request.events.at(-1)?.eventId);
        expect(request.versionHistoryItems).toEqual([{ eventId: known, version: 1 }]);
      },
    });
    await harness.run();
    expect(harness.applied.map(({ eventId }) => eventId)).toEqual([1, 2, 4]);
    await harness.stop();
  });

  it('gives up on a gap that the source cannot fill', async () => {
    const harness = createHarness({
      messages: [message(1, 'w', 4)],
      rawHistory: () => {
        throw new EntityNotExistsError('deleted');
      },
      apply: async ({ workflowId }) => {
        throw new RetryTaskV2Error({ domainId: 'd', workflowId, runId: 'run' });
      },
    });
    await harness.run();
    const letters = await harness.deadLetters.list(NAME, { afterOffset: 0, limit: 10 });
    expect(letters).toMatchObject([{ error: 'EntityNotExists: deleted' }]);
    await harness.stop();
  });

  it('skips domains that do not live here', async () => {
    const harness = createHarness({ messages: [message(1, 'w')], clusters: ['a', 'c'] });
    await harness.run();
    expect(harness.applied).toEqual([]);
    expect(await harness.offset()).toBe(1);
    await harness.stop();
  });

  it('goes on after a restart with what was not saved', async () => {
    const store = createMemoryStore();
    let saves = 0;
    const failing: LogStore = {
      ...store.log,
      saveOffset: async (...args) => {
        if (saves++ === 1) throw new StoreError('Unavailable', 'down for good');
        if (saves > 1) throw new StoreError('Unavailable', 'down for good');
        await store.log.saveOffset(...args);
      },
    };
    const messages = Array.from({ length: 6 }, (_, i) => message(i + 1, 'w'));
    const before = createHarness({ messages, offsets: failing });
    await before.run(2_000);
    await before.stop();
    const saved = await before.offset();
    expect(saved).toBeLessThan(6);
    const after = createHarness({ messages, offsets: store.log });
    await after.run();
    expect(after.applied.map(({ eventId }) => eventId)).toEqual([1, 2, 3, 4, 5, 6].filter((id) => id > saved));
    await after.stop();
  });

  it('says where it stands', async () => {
    const harness = createHarness({ messages: [message(1, 'w'), message(2, 'w')] });
    await harness.run();
    const status = harness.consumer.status().find(({ topic }) => topic === HISTORY_TOPIC);
    expect(status).toMatchObject({
      fetchedOffset: 2,
      appliedOffset: 2,
      sourceLastOffset: 2,
      lagMs: 0,
      isConnected: true,
    });
    await harness.stop();
  });
});
