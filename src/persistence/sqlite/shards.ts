// The shard port on SQLite. The fence is checked before anything of a commit is written, so a lost shard writes nothing
// at all.
import { ReplicationTask, ShardInfo, TimerTask, TransferTask } from '@antiphon/proto/internal';
import { StoreError } from '#base';
import { decoded } from '../checksum.ts';
import type { ShardCommit, ShardLease, ShardMap, ShardStore } from '../ports.ts';
import type { SqliteDatabase } from './database.ts';
import type { SqliteExecutions } from './executions.ts';
import type { SqliteHistory } from './history.ts';

interface TaskBlob {
  readonly task: Buffer;
}

function prepareStatements({ connection }: SqliteDatabase) {
  const queue = (table: 'transfer_tasks' | 'replication_tasks') => ({
    put: connection.prepare<[number, number, Uint8Array]>(`INSERT OR REPLACE INTO ${table} VALUES (?, ?, ?)`),
    load: connection.prepare<[number, number, number], TaskBlob>(
      `SELECT task FROM ${table} WHERE shard_id = ? AND task_id > ? ORDER BY task_id LIMIT ?`,
    ),
    trim: connection.prepare<[number, number]>(`DELETE FROM ${table} WHERE shard_id = ? AND task_id <= ?`),
  });
  return {
    mapEpoch: connection.prepare<[], { epoch: number }>('SELECT epoch FROM shard_map'),
    putMapEpoch: connection.prepare<[number]>('INSERT INTO shard_map (id, epoch) VALUES (1, ?)'),
    mapRanges: connection.prepare<[], { shardId: number; from: number; to: number }>(
      'SELECT shard_id AS shardId, from_hash AS "from", to_hash AS "to" FROM shard_ranges ORDER BY from_hash',
    ),
    putMapRange: connection.prepare<[number, number, number]>('INSERT INTO shard_ranges VALUES (?, ?, ?)'),
    shard: connection.prepare<[number], { range_id: number; info: Buffer }>(
      'SELECT range_id, info FROM shards WHERE shard_id = ?',
    ),
    rangeId: connection.prepare<[number], number>('SELECT range_id FROM shards WHERE shard_id = ?').pluck(),
    putShard: connection.prepare<[number, number, Uint8Array]>('INSERT OR REPLACE INTO shards VALUES (?, ?, ?)'),
    putInfo: connection.prepare<[Uint8Array, number]>('UPDATE shards SET info = ? WHERE shard_id = ?'),
    transfer: queue('transfer_tasks'),
    replication: queue('replication_tasks'),
    putTimer: connection.prepare<[number, number, number, Uint8Array]>(
      'INSERT OR REPLACE INTO timer_tasks VALUES (?, ?, ?, ?)',
    ),
    deleteTimer: connection.prepare<[number, number, number]>(
      'DELETE FROM timer_tasks WHERE fire_ms = ? AND shard_id = ? AND task_id = ?',
    ),
    loadTimers: connection.prepare<[number, number, number, number, number, number], TaskBlob>(
      `SELECT task FROM timer_tasks WHERE (fire_ms, shard_id, task_id) > (?, ?, ?) AND fire_ms < ? AND shard_id = ?
       ORDER BY fire_ms, shard_id, task_id LIMIT ?`,
    ),
    nextTimer: connection
      .prepare<[number, number], number>(
        'SELECT fire_ms FROM timer_tasks WHERE fire_ms >= ? AND shard_id = ? ORDER BY fire_ms LIMIT 1',
      )
      .pluck(),
  };
}

type Statements = ReturnType<typeof prepareStatements>;

function writeTasks(sql: Statements, shardId: number, commit: ShardCommit): void {
  for (const task of commit.transferTasks) {
    sql.transfer.put.run(shardId, task.taskId, TransferTask.encode(task).finish());
  }
  for (const task of commit.timerTasks) {
    sql.putTimer.run(task.fireTimeMs, shardId, task.taskId, TimerTask.encode(task).finish());
  }
  for (const task of commit.replicationTasks) {
    sql.replication.put.run(shardId, task.taskId, ReplicationTask.encode(task).finish());
  }
  for (const { fireTimeMs, taskId } of commit.deletedTimers) sql.deleteTimer.run(fireTimeMs, shardId, taskId);
}

function writeInfo(sql: Statements, shardId: number, info: ShardInfo): void {
  sql.putInfo.run(ShardInfo.encode(info).finish(), shardId);
  sql.transfer.trim.run(shardId, info.transferAckLevel);
  sql.replication.trim.run(shardId, info.replicationAckLevel);
}

function acquire(sql: Statements, shardId: number, owner: string, nowMs: number): ShardLease {
  const row = sql.shard.get(shardId);
  const stored =
    row === undefined
      ? ShardInfo.decode(new Uint8Array())
      : decoded(ShardInfo, row.info, `the row of shard ${shardId}`);
  const info = { ...stored, shardId, owner, updatedMs: nowMs };
  const rangeId = (row?.range_id ?? 0) + 1;
  sql.putShard.run(shardId, rangeId, ShardInfo.encode(info).finish());
  return { shardId, rangeId, info };
}

function loadShardMap(sql: Statements, create: ShardMap): ShardMap {
  const stored = sql.mapEpoch.get();
  if (stored !== undefined) return { epoch: stored.epoch, shards: sql.mapRanges.all() };
  sql.putMapEpoch.run(create.epoch);
  for (const { shardId, from, to } of create.shards) sql.putMapRange.run(shardId, from, to);
  return { epoch: create.epoch, shards: sql.mapRanges.all() };
}

export function createSqliteShards(
  database: SqliteDatabase,
  rows: { readonly history: SqliteHistory; readonly executions: SqliteExecutions },
): ShardStore {
  const sql = prepareStatements(database);
  const commitShard = (shardId: number, rangeId: number, commit: ShardCommit): void => {
    const held = sql.rangeId.get(shardId) ?? 0;
    if (held !== rangeId) {
      throw new StoreError('ShardOwnershipLost', `shard ${shardId} has range id ${held}, not ${rangeId}`);
    }
    rows.executions.write(shardId, commit);
    rows.history.writeNodes(commit.nodes, commit.branches);
    writeTasks(sql, shardId, commit);
    if (commit.shardInfo !== undefined) writeInfo(sql, shardId, commit.shardInfo);
  };
  return {
    loadShardMap: (create) => database.write('loadShardMap', () => loadShardMap(sql, create)),
    acquireShard: (shardId, owner, nowMs) => database.write('acquireShard', () => acquire(sql, shardId, owner, nowMs)),
    commit: (shardId, rangeId, commit) => database.write('commit', () => commitShard(shardId, rangeId, commit)),
    loadExecution: (shardId, key) => database.read('loadExecution', () => rows.executions.load(shardId, key)),
    loadCurrentRun: (shardId, domainId, workflowId) =>
      database.read('loadCurrentRun', () => rows.executions.loadCurrentRun(shardId, domainId, workflowId)),
    loadTransferTasks: (shardId, afterId, limit) =>
      database.read('loadTransferTasks', () =>
        sql.transfer.load
          .all(shardId, afterId, limit)
          .map(({ task }) => decoded(TransferTask, task, `a transfer task of shard ${shardId}`)),
      ),
    loadTimerTasks: (shardId, after, beforeMs, limit) =>
      database.read('loadTimerTasks', () =>
        sql.loadTimers
          .all(after.fireTimeMs, shardId, after.taskId, beforeMs, shardId, limit)
          .map(({ task }) => decoded(TimerTask, task, `a timer task of shard ${shardId}`)),
      ),
    nextTimerMs: (shardId, fromMs) => database.read('nextTimerMs', () => sql.nextTimer.get(fromMs, shardId)),
    loadReplicationTasks: (shardId, afterId, limit) =>
      database.read('loadReplicationTasks', () =>
        sql.replication.load
          .all(shardId, afterId, limit)
          .map(({ task }) => decoded(ReplicationTask, task, `a replication task of shard ${shardId}`)),
      ),
    listExecutions: (shardId, token, limit) =>
      database.read('listExecutions', () => rows.executions.list(shardId, token, limit)),
  };
}
