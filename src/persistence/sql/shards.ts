// The shard port on SQL. A commit is one transaction in two round trips: the first locks the row of the shard, which compares the range id, and
// reads which runs are there; the second writes everything and commits. Commits of one shard go out in the order of the calls.
import { ReplicationTask, ShardInfo, TimerTask, TransferTask } from '@antiphon/proto/internal';
import { required, StoreError } from '#base';
import { decoded } from '../checksum.ts';
import type { ShardCommit, ShardLease, ShardMap, ShardStore } from '../ports.ts';
import type { SqlDatabase } from './database.ts';
import type { SqlDialect } from './dialect.ts';
import type { SqlExecutions } from './executions.ts';
import type { SqlHistory } from './history.ts';
import { createKeyedQueue } from './keyed-queue.ts';
import { rowOf, rowsOf, type SqlStatement, sql } from './statement.ts';

const MAP = { name: 'shard_map', columns: { id: 'integer', epoch: 'integer' }, key: ['id'] } as const;
const RANGES = {
  name: 'shard_ranges',
  columns: { shard_id: 'integer', from_hash: 'integer', to_hash: 'integer' },
  key: ['shard_id'],
} as const;
const SHARDS = {
  name: 'shards',
  columns: { shard_id: 'integer', range_id: 'integer', info: 'bytes' },
  key: ['shard_id'],
} as const;
const queueTable = <N extends string>(name: N) =>
  ({
    name,
    columns: { shard_id: 'integer', task_id: 'integer', task: 'bytes' },
    key: ['shard_id', 'task_id'],
  }) as const;
const TRANSFER = queueTable('transfer_tasks');
const REPLICATION = queueTable('replication_tasks');
const TIMERS = {
  name: 'timer_tasks',
  columns: { shard_id: 'integer', fire_ms: 'integer', task_id: 'integer', task: 'bytes' },
  key: ['shard_id', 'fire_ms', 'task_id'],
} as const;

interface ShardRow {
  readonly range_id: number;
  readonly info: Uint8Array;
}
interface TaskRow {
  readonly task: Uint8Array;
}

function taskWrites(dialect: SqlDialect, shardId: number, commit: ShardCommit): readonly SqlStatement[] {
  const { deletedTimers } = commit;
  const transfers = commit.transferTasks.map((task) => [shardId, task.taskId, TransferTask.encode(task).finish()]);
  const timers = commit.timerTasks.map((task) => [
    shardId,
    task.fireTimeMs,
    task.taskId,
    TimerTask.encode(task).finish(),
  ]);
  const replications = commit.replicationTasks.map((task) => [
    shardId,
    task.taskId,
    ReplicationTask.encode(task).finish(),
  ]);
  const writes = [
    ...dialect.insert(TRANSFER, transfers, 'replace'),
    ...dialect.insert(TIMERS, timers, 'replace'),
    ...dialect.insert(REPLICATION, replications, 'replace'),
  ];
  if (deletedTimers.length === 0) return writes;
  const positions = deletedTimers.map(({ fireTimeMs, taskId }) => [fireTimeMs, taskId]);
  const { text, values, isVariable } = dialect.isOneOf(TIMERS, ['fire_ms', 'task_id'], positions);
  const deletion = `DELETE FROM timer_tasks WHERE shard_id = ? AND ${text}`;
  return [...writes, { text: deletion, values: [shardId, ...values], isPrepared: !isVariable }];
}

function infoWrites(shardId: number, info: ShardInfo): readonly SqlStatement[] {
  return [
    sql('UPDATE shards SET info = ? WHERE shard_id = ?', ShardInfo.encode(info).finish(), shardId),
    sql('DELETE FROM transfer_tasks WHERE shard_id = ? AND task_id <= ?', shardId, info.transferAckLevel),
    sql('DELETE FROM replication_tasks WHERE shard_id = ? AND task_id <= ?', shardId, info.replicationAckLevel),
  ];
}

export function createSqlShards(
  database: SqlDatabase,
  rows: { readonly history: SqlHistory; readonly executions: SqlExecutions },
): ShardStore {
  const { dialect } = database;
  const commits = createKeyedQueue();

  const commit = (shardId: number, rangeId: number, changes: ShardCommit): Promise<void> =>
    database.transact('commit', {
      first: [
        sql('SELECT range_id FROM shards WHERE shard_id = ? FOR UPDATE', shardId),
        ...rows.executions.existing(shardId, changes),
      ],
      decide: ([fence, existing]) => {
        const held = rowOf<ShardRow>(fence)?.range_id ?? 0;
        if (held !== rangeId || held === 0) {
          throw new StoreError('ShardOwnershipLost', `shard ${shardId} has range id ${held}, not ${rangeId}`);
        }
        const writes = [
          ...rows.executions.writes(shardId, changes, existing),
          ...rows.history.writes(changes.nodes, changes.branches),
          ...taskWrites(dialect, shardId, changes),
          ...(changes.shardInfo === undefined ? [] : infoWrites(shardId, changes.shardInfo)),
        ];
        return { writes, value: undefined };
      },
    });

  const acquire = (shardId: number, owner: string, nowMs: number): Promise<ShardLease> =>
    database.transact('acquireShard', {
      first: [
        ...dialect.insert(SHARDS, [[shardId, 0, new Uint8Array()]], 'keep'),
        sql('SELECT range_id, info FROM shards WHERE shard_id = ? FOR UPDATE', shardId),
      ],
      decide: (results) => {
        const row = required(rowOf<ShardRow>(results.at(-1)), 'a shard that was made is there');
        const stored = decoded(ShardInfo, row.info, `the row of shard ${shardId}`);
        const info = { ...stored, shardId, owner, updatedMs: nowMs };
        const rangeId = row.range_id + 1;
        const encoded = ShardInfo.encode(info).finish();
        const update = sql('UPDATE shards SET range_id = ?, info = ? WHERE shard_id = ?', rangeId, encoded, shardId);
        return { writes: [update], value: { shardId, rangeId, info } };
      },
    });

  const loadShardMap = (create: ShardMap): Promise<ShardMap> =>
    database.transact('loadShardMap', {
      first: [
        ...dialect.insert(MAP, [[1, create.epoch]], 'keep'),
        sql('SELECT epoch FROM shard_map WHERE id = 1 FOR UPDATE'),
        sql('SELECT shard_id, from_hash, to_hash FROM shard_ranges ORDER BY from_hash'),
      ],
      decide: (results) => {
        const { epoch } = required(rowOf<{ epoch: number }>(results.at(-2)), 'the shard map has its row');
        const ranges = rowsOf<{ shard_id: number; from_hash: number; to_hash: number }>(results.at(-1));
        if (ranges.length > 0) {
          const shards = ranges.map((range) => ({ shardId: range.shard_id, from: range.from_hash, to: range.to_hash }));
          return { writes: [], value: { epoch, shards } };
        }
        const created = create.shards.map(({ shardId, from, to }) => [shardId, from, to]);
        return { writes: dialect.insert(RANGES, created, 'fail'), value: { epoch, shards: create.shards } };
      },
    });

  const loadQueue = async (table: typeof TRANSFER | typeof REPLICATION, values: readonly [number, number, number]) => {
    const text = `SELECT task FROM ${table.name} WHERE shard_id = ? AND task_id > ? ORDER BY task_id LIMIT ?`;
    return rowsOf<TaskRow>((await database.read(`load ${table.name}`, [sql(text, ...values)]))[0]);
  };

  return {
    loadShardMap,
    acquireShard: acquire,
    commit: (shardId, rangeId, changes) => commits.run(shardId, () => commit(shardId, rangeId, changes)),
    loadExecution: rows.executions.load,
    loadCurrentRun: rows.executions.loadCurrentRun,
    loadTransferTasks: async (shardId, afterId, limit) =>
      (await loadQueue(TRANSFER, [shardId, afterId, limit])).map(({ task }) =>
        decoded(TransferTask, task, `a transfer task of shard ${shardId}`),
      ),
    loadReplicationTasks: async (shardId, afterId, limit) =>
      (await loadQueue(REPLICATION, [shardId, afterId, limit])).map(({ task }) =>
        decoded(ReplicationTask, task, `a replication task of shard ${shardId}`),
      ),
    loadTimerTasks: async (shardId, { fireTimeMs, taskId }, beforeMs, limit) => {
      const text = `SELECT task FROM timer_tasks WHERE shard_id = ? AND fire_ms >= ? AND fire_ms < ?
        AND (fire_ms > ? OR task_id > ?) ORDER BY fire_ms, task_id LIMIT ?`;
      const statement = sql(text, shardId, fireTimeMs, beforeMs, fireTimeMs, taskId, limit);
      const [result] = await database.read('loadTimerTasks', [statement]);
      return rowsOf<TaskRow>(result).map(({ task }) => decoded(TimerTask, task, `a timer task of shard ${shardId}`));
    },
    nextTimerMs: async (shardId, fromMs) => {
      const text = 'SELECT fire_ms FROM timer_tasks WHERE shard_id = ? AND fire_ms >= ? ORDER BY fire_ms LIMIT 1';
      const [result] = await database.read('nextTimerMs', [sql(text, shardId, fromMs)]);
      return rowOf<{ fire_ms: number }>(result)?.fire_ms;
    },
    listExecutions: rows.executions.list,
  };
}
