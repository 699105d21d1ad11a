// What a shard's queues cost to read after very many workflows have passed through it, beside those of a shard that is new: the rows of finished work must
// not be in the way of what is left. The workflows are written straight to the store, a commit for a hundred of them as a busy shard makes it: at a
// thousandth of the time that running them would take.
import { randomUUID } from 'node:crypto';
import type { TimerTask, TransferTask } from '@antiphon/proto/internal';
import type { ShardCommit, ShardStore } from '#persistence';
import { percentiles } from './measure.ts';
import type { BenchOptions, Row } from './scenarios.ts';

const WORN_SHARD = 0;
const NEW_SHARD = 1;
const WORKFLOWS_PER_COMMIT = 100;
const WORKFLOWS_PER_SECOND = 100;
/** Closed runs stay for a while; retention deletes older ones. */
const RUNS_KEPT = 20_000;
const SHORT_TIMER_MS = 10_000;
const LONG_TIMER_MS = 36_000_000;
const START_MS = 1_700_000_000_000;
const PENDING = 20;
const READS = 200;
const RECORD_BYTES = 400;
const REPORT_EVERY = 100_000;

const DOMAIN_ID = randomUUID();
const record = Buffer.alloc(RECORD_BYTES, 7);
const runKey = (index: number) => ({ domainId: DOMAIN_ID, workflowId: `w-${index}`, runId: `r-${index}` });
const ownerOf = (index: number) => ({ ...runKey(index), version: 0 });

const transferTask = (index: number, taskId: number): TransferTask => ({
  ...ownerOf(index),
  taskId,
  work: { $case: 'closeExecution', value: {} },
});

const timerTask = (index: number, taskId: number, fireTimeMs: number): TimerTask => ({
  ...ownerOf(index),
  taskId,
  fireTimeMs,
  work: { $case: 'userTimers', value: {} },
});

const timeOf = (index: number): number => START_MS + Math.floor((index / WORKFLOWS_PER_SECOND) * 1000);

function emptyCommit(): { -readonly [K in keyof ShardCommit]: ShardCommit[K] } {
  return {
    nodes: [],
    branches: [],
    executions: [],
    currentRuns: [],
    transferTasks: [],
    timerTasks: [],
    replicationTasks: [],
    deletedRuns: [],
    deletedTimers: [],
  };
}

/** A hundred workflows from index on that start and end at once; the queues' ack levels follow, and retention takes as many old ones. */
function passing(from: number, info: NonNullable<ShardCommit['shardInfo']>): ShardCommit {
  const indexes = Array.from({ length: WORKFLOWS_PER_COMMIT }, (_, offset) => from + offset);
  const nowMs = timeOf(from);
  return {
    ...emptyCommit(),
    executions: indexes.map((index) => ({
      key: runKey(index),
      record,
      nextEventId: 12,
      isOpen: false,
      addedSignalRequestIds: [],
      isNew: true,
    })),
    currentRuns: indexes.map((index) => ({
      domainId: DOMAIN_ID,
      workflowId: `w-${index}`,
      current: {
        runId: `r-${index}`,
        createRequestId: 'request',
        isOpen: false,
        closeStatus: 1,
        lastWriteVersion: 0,
        startTimeMs: nowMs,
      },
    })),
    transferTasks: indexes.flatMap((index) => [transferTask(index, 3 * index + 1), transferTask(index, 3 * index + 2)]),
    timerTasks: indexes.flatMap((index) => [
      timerTask(index, 3 * index + 1, nowMs + SHORT_TIMER_MS),
      timerTask(index, 3 * index + 2, nowMs + LONG_TIMER_MS),
    ]),
    deletedRuns: from < RUNS_KEPT ? [] : indexes.map((index) => runKey(index - RUNS_KEPT)),
    shardInfo: { ...info, transferAckLevel: 3 * from, timerAckMs: nowMs, updatedMs: nowMs },
  };
}

/** The same few tasks, which wait to be done. */
const pending = (): ShardCommit => ({
  ...emptyCommit(),
  transferTasks: Array.from({ length: PENDING }, (_, index) => transferTask(index, 2 ** 50 + index)),
});

interface Reads {
  readonly transfers: number;
  readonly timers: number;
  readonly next: number;
  readonly acquire: number;
}

/** Medians in milliseconds of what a shard reads at its start and afterwards. */
async function readQueues(shards: ShardStore, shardId: number, ackLevel: number, ackMs: number): Promise<Reads> {
  const medianOf = async (count: number, read: () => Promise<unknown>): Promise<number> => {
    const latencies: number[] = [];
    for (let index = 0; index < count; index++) {
      const begun = performance.now();
      await read();
      latencies.push(performance.now() - begun);
    }
    return percentiles(latencies).p50Ms;
  };
  const after = { fireTimeMs: ackMs, taskId: 0 };
  return {
    transfers: await medianOf(READS, () => shards.loadTransferTasks(shardId, ackLevel, 100)),
    timers: await medianOf(READS, () => shards.loadTimerTasks(shardId, after, ackMs + 60_000, 100)),
    next: await medianOf(READS, () => shards.nextTimerMs(shardId, ackMs)),
    acquire: await medianOf(10, () => shards.acquireShard(shardId, 'reader', ackMs)),
  };
}

export async function wornShard({ target, finishedWorkflows }: BenchOptions): Promise<readonly Row[]> {
  if (target.makeStore === undefined) throw new Error(`${target.title}: its store is not ours to write`);
  const { store, close } = await target.makeStore();
  const { shards } = store;
  const fresh = await shards.acquireShard(NEW_SHARD, 'bench', START_MS);
  await shards.commit(NEW_SHARD, fresh.rangeId, passing(0, fresh.info));
  await shards.commit(NEW_SHARD, fresh.rangeId, pending());
  const { rangeId, info } = await shards.acquireShard(WORN_SHARD, 'bench', START_MS);
  const begun = performance.now();
  for (let from = 0; from < finishedWorkflows; from += WORKFLOWS_PER_COMMIT) {
    await shards.commit(WORN_SHARD, rangeId, passing(from, info));
    if (from > 0 && from % REPORT_EVERY === 0) {
      console.log(`${from} workflows after ${((performance.now() - begun) / 1000).toFixed(0)} s`);
    }
  }
  await shards.commit(WORN_SHARD, rangeId, pending());
  const newReads = await readQueues(shards, NEW_SHARD, 3 * WORKFLOWS_PER_COMMIT, START_MS);
  const wornReads = await readQueues(
    shards,
    WORN_SHARD,
    3 * finishedWorkflows,
    timeOf(finishedWorkflows - WORKFLOWS_PER_COMMIT),
  );
  await close();
  return [
    {
      scenario: `shard after ${finishedWorkflows} workflows`,
      values: {
        'transfer ms': wornReads.transfers,
        'transfer ms new': newReads.transfers,
        'timers ms': wornReads.timers,
        'timers ms new': newReads.timers,
        'next timer ms': wornReads.next,
        'next timer ms new': newReads.next,
        'acquire ms': wornReads.acquire,
        'acquire ms new': newReads.acquire,
      },
    },
  ];
}
