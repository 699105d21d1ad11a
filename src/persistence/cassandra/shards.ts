// The shard port on Cassandra. A commit is: the history nodes, in their own partitions and without a condition; then one conditional batch on
// the shard's partition with everything else, whose condition is the range id. The batch is one mutation and one lightweight transaction: all
// of it or nothing. Commits of a shard go out one after another, in the order of the calls.
import { ReplicationTask, ShardInfo, TimerTask, type TransferTask, TransferTasks } from '@antiphon/proto/internal';
import { StoreError } from '#base';
import { decoded } from '../checksum.ts';
import type { ShardCommit, ShardLease, ShardStore } from '../ports.ts';
import { createChains } from './chains.ts';
import type { CurrentRunFilter } from './current-run-filter.ts';
import type { CurrentRunFilters } from './current-run-scan.ts';
import {
  type CassandraExecutions,
  createKnownRuns,
  type KnownRuns,
  nameOf,
  refusedRun,
  rememberRun,
} from './executions.ts';
import type { CassandraHistory } from './history.ts';
import { listRuns } from './run-listing.ts';
import { type CassandraSession, type Statement, toBlob, toNumber } from './session.ts';
import { loadShardMap } from './shard-map.ts';
import { addTasks, CQL } from './shard-rows.ts';

type Long = { toNumber(): number };

interface ShardRow {
  readonly range_id: Long | null;
  readonly info: Buffer | null;
  readonly timer_floor_ms: Long | null;
}

interface Blob {
  readonly value: Buffer;
}

/** What is known of a shard while this process has it. */
interface Held {
  readonly rangeId: number;
  readonly known: KnownRuns;
  /** None: not this process acquired it. */
  readonly currentRuns: CurrentRunFilter | undefined;
  timerFloorMs: number;
  /** Rows of several transfer tasks stay until the last of them is done. */
  transferAckLevel: number;
}

const ACQUIRE_TRIES = 10;
const TASK_ROWS = 50;

/** The floor that timer reads may start from once the commit has happened: what it adds may fire before. */
function timerFloorAfter(floorMs: number, { shardInfo, timerTasks }: ShardCommit): number {
  let floor = Math.max(floorMs, shardInfo?.timerAckMs ?? 0);
  for (const { fireTimeMs } of timerTasks) floor = Math.min(floor, fireTimeMs);
  return floor;
}

function addFence(statements: Statement[], shardId: number, held: Held, commit: ShardCommit, floorMs: number): void {
  const { rangeId } = held;
  const { shardInfo } = commit;
  if (shardInfo !== undefined) {
    const info = toBlob(ShardInfo.encode(shardInfo).finish());
    statements.push({ query: CQL.fenceWithInfo, params: [rangeId, info, floorMs, shardId, rangeId] });
  } else if (floorMs !== held.timerFloorMs) {
    statements.push({ query: CQL.fenceWithFloor, params: [rangeId, floorMs, shardId, rangeId] });
  } else {
    statements.push({ query: CQL.fence, params: [rangeId, shardId, rangeId] });
  }
}

/** Ranges of what is done are deleted whole: one marker in the place of the one before, however many rows it covers. */
function addTrims(statements: Statement[], shardId: number, commit: ShardCommit, floorMs: number): void {
  const { shardInfo } = commit;
  if (shardInfo !== undefined) {
    statements.push({ query: CQL.trimTransferTasks, params: [shardId, shardInfo.transferAckLevel] });
    statements.push({ query: CQL.trimReplicationTasks, params: [shardId, shardInfo.replicationAckLevel] });
    if (floorMs > 0) statements.push({ query: CQL.trimTimerTasks, params: [shardId, floorMs] });
  }
  for (const { fireTimeMs, taskId } of commit.deletedTimers) {
    if (shardInfo !== undefined && fireTimeMs < floorMs) continue;
    statements.push({ query: CQL.deleteTimerTask, params: [shardId, fireTimeMs, taskId] });
  }
}

const infoOf = (shardId: number, row: ShardRow | undefined): ShardInfo =>
  decoded(ShardInfo, row?.info ?? new Uint8Array(), `the row of shard ${shardId}`);

export function createCassandraShards(
  session: CassandraSession,
  rows: {
    readonly history: CassandraHistory;
    readonly executions: CassandraExecutions;
    readonly currentRunFilters: CurrentRunFilters;
  },
): ShardStore {
  const chains = createChains<number>();
  const holds = new Map<number, Held>();

  const readShard = async (shardId: number, serial: boolean): Promise<ShardRow | undefined> => {
    const [row] = await session.read<ShardRow>('shard', CQL.shard, [shardId], { serial });
    return row;
  };
  const lost = (shardId: number, rangeId: number, heldRangeId: number): StoreError =>
    new StoreError('ShardOwnershipLost', `shard ${shardId} has range id ${heldRangeId}, not ${rangeId}`);

  /** From now on the store is asked about the shard. */
  const letGo = (shardId: number): void => {
    holds.get(shardId)?.currentRuns?.release();
    holds.delete(shardId);
  };

  const acquire = async (
    shardId: number,
    owner: string,
    nowMs: number,
    before: Held | undefined,
  ): Promise<ShardLease> => {
    // Serial: what a commit of unknown outcome left in flight is decided now.
    let row = await readShard(shardId, true);
    for (let attempt = 0; attempt < ACQUIRE_TRIES; attempt++) {
      const info = { ...infoOf(shardId, row), shardId, owner, updatedMs: nowMs };
      const lastRangeId = row?.range_id?.toNumber() ?? null;
      const rangeId = (lastRangeId ?? 0) + 1;
      const blob = toBlob(ShardInfo.encode(info).finish());
      const statement = { query: CQL.acquire, params: [rangeId, blob, shardId, lastRangeId] };
      const { isApplied } = await session.compareAndSet('acquireShard', [statement]);
      if (isApplied) {
        const known = createKnownRuns(nowMs);
        const { transferAckLevel } = info;
        const timerFloorMs = toNumber(row?.timer_floor_ms);
        // Nobody had it in between: what was known of its current runs still is, and a range is renewed without a new scan.
        const kept = before?.rangeId === lastRangeId ? before?.currentRuns : undefined;
        const currentRuns = kept ?? rows.currentRunFilters.create(shardId);
        holds.set(shardId, { rangeId, known, currentRuns, timerFloorMs, transferAckLevel });
        return { shardId, rangeId, info };
      }
      row = await readShard(shardId, true);
    }
    throw new StoreError('Unavailable', `acquireShard: shard ${shardId} changed its owner ${ACQUIRE_TRIES} times`);
  };

  const acquireShard = async (shardId: number, owner: string, nowMs: number): Promise<ShardLease> => {
    const before = holds.get(shardId);
    // Until it is known whose the shard is, the store is asked.
    holds.delete(shardId);
    try {
      return await acquire(shardId, owner, nowMs, before);
    } finally {
      if (holds.get(shardId)?.currentRuns !== before?.currentRuns) before?.currentRuns?.release();
    }
  };

  /** Of a shard that this process did not acquire: read, so that the answer to a wrong commit is the store's. */
  const holdOf = async (shardId: number, rangeId: number): Promise<Held> => {
    const held = holds.get(shardId);
    if (held?.rangeId === rangeId) return held;
    const row = await readShard(shardId, false);
    const known = createKnownRuns(Number.POSITIVE_INFINITY);
    const { transferAckLevel } = infoOf(shardId, row);
    return { rangeId, known, currentRuns: undefined, timerFloorMs: toNumber(row?.timer_floor_ms), transferAckLevel };
  };

  const commitShard = async (shardId: number, rangeId: number, commit: ShardCommit): Promise<void> => {
    const held = await holdOf(shardId, rangeId);
    const floorMs = timerFloorAfter(held.timerFloorMs, commit);
    const statements: Statement[] = [];
    addFence(statements, shardId, held, commit, floorMs);
    const runs = await rows.executions.addStatements(statements, shardId, commit, held.known);
    addTasks(statements, shardId, commit);
    addTrims(statements, shardId, commit, floorMs);
    held.currentRuns?.addCommit(commit.currentRuns);
    const { isApplied, rows: refusals } = await session.compareAndSet('commit', statements).catch((error: unknown) => {
      // What the rows are now is not known any more.
      letGo(shardId);
      throw error;
    });
    if (!isApplied) {
      const current = refusals.find((row) => row.range_id !== null && row.range_id !== undefined);
      const heldRangeId = toNumber(current?.range_id);
      if (heldRangeId !== rangeId) {
        if (holds.get(shardId) === held) letGo(shardId);
        throw lost(shardId, rangeId, heldRangeId);
      }
      const existing = refusals.filter((row) => row.is_open !== null && row.is_open !== undefined);
      // The rows have the columns of their key.
      throw refusedRun(commit.executions, existing as unknown as { run_id: string; workflow_id: string }[]);
    }
    held.timerFloorMs = floorMs;
    if (commit.shardInfo !== undefined) held.transferAckLevel = commit.shardInfo.transferAckLevel;
    for (const [name, parts] of runs) rememberRun(held.known, name, parts);
    for (const key of commit.deletedRuns) held.known.parts.delete(nameOf(key));
  };

  /** Nothing of a shard's timers lies below it. */
  const timerFloor = async (shardId: number): Promise<number> =>
    holds.get(shardId)?.timerFloorMs ?? toNumber((await readShard(shardId, false))?.timer_floor_ms);

  const loadCurrentRun: ShardStore['loadCurrentRun'] = async (shardId, domainId, workflowId) => {
    const filter = holds.get(shardId)?.currentRuns;
    if (filter !== undefined && rows.currentRunFilters.isAbsent(filter, domainId, workflowId)) return undefined;
    return rows.executions.loadCurrentRun(shardId, domainId, workflowId);
  };

  return {
    loadShardMap: (create) => loadShardMap(session, create),
    acquireShard: (shardId, owner, nowMs) => chains.run(shardId, () => acquireShard(shardId, owner, nowMs)),
    commit: (shardId, rangeId, commit) => {
      // At once, beside the commit before; its failure is that of this commit, which has then not begun.
      const nodes = rows.history.writeBeforeCommit(commit.nodes, commit.branches);
      return chains.run(shardId, async () => {
        await nodes;
        await commitShard(shardId, rangeId, commit);
      });
    },
    loadExecution: (shardId, key) => rows.executions.load(shardId, key, holds.get(shardId)?.known),
    loadCurrentRun,
    loadTransferTasks: async (shardId, afterId, limit) => {
      const ackLevel =
        holds.get(shardId)?.transferAckLevel ?? infoOf(shardId, await readShard(shardId, false)).transferAckLevel;
      const fromId = Math.max(afterId, ackLevel);
      const found: TransferTask[] = [];
      const params = [shardId, fromId, limit];
      for await (const page of session.pages<Blob>('loadTransferTasks', CQL.loadTransferTasks, params, TASK_ROWS)) {
        for (const { value } of page) {
          const { tasks } = decoded(TransferTasks, value, `transfer tasks of shard ${shardId}`);
          for (const task of tasks) if (task.taskId > fromId) found.push(task);
        }
        if (found.length >= limit) break;
      }
      return found.slice(0, limit);
    },
    loadTimerTasks: async (shardId, after, beforeMs, limit) => {
      const floorMs = await timerFloor(shardId);
      const from = after.fireTimeMs < floorMs ? { fireTimeMs: floorMs - 1, taskId: Number.MAX_SAFE_INTEGER } : after;
      const params = [shardId, from.fireTimeMs, from.taskId, beforeMs, limit];
      const found = await session.read<Blob>('loadTimerTasks', CQL.loadTimerTasks, params);
      return found.map(({ value }) => decoded(TimerTask, value, `a timer task of shard ${shardId}`));
    },
    nextTimerMs: async (shardId, fromMs) => {
      const floorMs = await timerFloor(shardId);
      const params = [shardId, Math.max(fromMs, floorMs)];
      const [row] = await session.read<{ readonly sort: Long }>('nextTimerMs', CQL.nextTimer, params);
      return row?.sort.toNumber();
    },
    loadReplicationTasks: async (shardId, afterId, limit) => {
      const params = [shardId, afterId, limit];
      const found = await session.read<Blob>('loadReplicationTasks', CQL.loadReplicationTasks, params);
      return found.map(({ value }) => decoded(ReplicationTask, value, `a replication task of shard ${shardId}`));
    },
    listExecutions: (shardId, token, limit) => listRuns(session, shardId, token, limit),
  };
}
