// The shard port in memory. A commit checks everything it can fail on before it changes anything, so it is atomic
// without undo.
import { ReplicationTask, ShardInfo, TimerTask, TransferTask } from '@antiphon/proto/internal';
import { StoreError } from '#base';
import type { RunKey, ShardCommit, ShardStore } from '../ports.ts';
import type { MemoryAccess } from './access.ts';
import { writeNodes } from './history.ts';
import { keyOf, type MemoryImage, type ShardRows, type TaskRow, type TimerRow } from './image.ts';
import { compareBytes, SortedRows } from './sorted-rows.ts';

const byTaskId = (a: TaskRow, b: TaskRow): number => a.taskId - b.taskId;
const byFireTime = (a: TimerRow, b: TimerRow): number => a.fireTimeMs - b.fireTimeMs || a.taskId - b.taskId;
const runKey = (key: RunKey): string => keyOf(key.domainId, key.workflowId, key.runId);
const byRunKey = (a: RunKey, b: RunKey): number =>
  compareBytes(a.domainId, b.domainId) || compareBytes(a.workflowId, b.workflowId) || compareBytes(a.runId, b.runId);

function emptyShard(shardId: number): ShardRows {
  const info = { shardId, owner: '', transferAckLevel: 0, timerAckMs: 0, replicationAckLevel: 0, updatedMs: 0 };
  return {
    rangeId: 0,
    info: ShardInfo.encode(info).finish(),
    executions: new Map(),
    currentRuns: new Map(),
    transferTasks: new SortedRows(byTaskId),
    timerTasks: new SortedRows(byFireTime),
    replicationTasks: new SortedRows(byTaskId),
  };
}

function requireCommittable(shard: ShardRows | undefined, shardId: number, rangeId: number, commit: ShardCommit): void {
  if (shard === undefined || shard.rangeId !== rangeId) {
    const held = shard?.rangeId ?? 0;
    throw new StoreError('ShardOwnershipLost', `shard ${shardId} has range id ${held}, not ${rangeId}`);
  }
  for (const write of commit.executions) {
    const exists = shard.executions.has(runKey(write.key));
    if (exists === write.isNew) {
      const problem = exists ? 'exists already' : 'does not exist';
      throw new StoreError('ConditionFailed', `run ${write.key.workflowId}/${write.key.runId} ${problem}`);
    }
  }
}

function writeExecutions(shard: ShardRows, commit: ShardCommit): void {
  for (const { key, record, nextEventId, isOpen, addedSignalRequestIds } of commit.executions) {
    const signalRequestIds = shard.executions.get(runKey(key))?.signalRequestIds ?? new Set<string>();
    for (const id of addedSignalRequestIds) signalRequestIds.add(id);
    shard.executions.set(runKey(key), { key: { ...key }, record, nextEventId, isOpen, signalRequestIds });
  }
  for (const { domainId, workflowId, current } of commit.currentRuns) {
    shard.currentRuns.set(keyOf(domainId, workflowId), { ...current });
  }
  for (const key of commit.deletedRuns) {
    shard.executions.delete(runKey(key));
    const currentKey = keyOf(key.domainId, key.workflowId);
    if (shard.currentRuns.get(currentKey)?.runId === key.runId) shard.currentRuns.delete(currentKey);
  }
}

function writeTasks(shard: ShardRows, commit: ShardCommit): void {
  for (const task of commit.transferTasks) {
    shard.transferTasks.put({ taskId: task.taskId, blob: TransferTask.encode(task).finish() });
  }
  for (const task of commit.timerTasks) {
    shard.timerTasks.put({
      taskId: task.taskId,
      fireTimeMs: task.fireTimeMs,
      blob: TimerTask.encode(task).finish(),
    });
  }
  for (const task of commit.replicationTasks) {
    shard.replicationTasks.put({ taskId: task.taskId, blob: ReplicationTask.encode(task).finish() });
  }
  for (const { fireTimeMs, taskId } of commit.deletedTimers) {
    shard.timerTasks.deleteAt((row) => row.fireTimeMs - fireTimeMs || row.taskId - taskId);
  }
}

function applyCommit(image: MemoryImage, shardId: number, rangeId: number, commit: ShardCommit): void {
  const shard = image.shards.get(shardId);
  requireCommittable(shard, shardId, rangeId, commit);
  const rows = shard as ShardRows; // requireCommittable throws on an unknown shard
  writeNodes(image, commit.nodes, commit.branches);
  writeExecutions(rows, commit);
  writeTasks(rows, commit);
  const { shardInfo } = commit;
  if (shardInfo === undefined) return;
  rows.info = ShardInfo.encode(shardInfo).finish();
  rows.transferTasks.deleteBefore((row) => row.taskId - shardInfo.transferAckLevel - 1);
  rows.replicationTasks.deleteBefore((row) => row.taskId - shardInfo.replicationAckLevel - 1);
}

export function createMemoryShards(image: MemoryImage, access: MemoryAccess): ShardStore {
  const find = (shardId: number): ShardRows => image.shards.get(shardId) ?? emptyShard(shardId);
  const always = (): boolean => true;
  return {
    loadShardMap: (create) =>
      access.write(() => {
        image.shardMap ??= structuredClone(create);
        return image.shardMap;
      }),
    acquireShard: (shardId, owner, nowMs) =>
      access.write(() => {
        const shard = find(shardId);
        image.shards.set(shardId, shard);
        shard.rangeId++;
        const info = { ...ShardInfo.decode(shard.info), owner, updatedMs: nowMs };
        shard.info = ShardInfo.encode(info).finish();
        return { shardId, rangeId: shard.rangeId, info };
      }),
    commit: (shardId, rangeId, commit) => access.write(() => applyCommit(image, shardId, rangeId, commit)),
    loadExecution: (shardId, key) =>
      access.read(() => {
        const row = find(shardId).executions.get(runKey(key));
        if (row === undefined) return undefined;
        return { record: row.record, nextEventId: row.nextEventId, signalRequestIds: [...row.signalRequestIds] };
      }),
    loadCurrentRun: (shardId, domainId, workflowId) =>
      access.read(() => find(shardId).currentRuns.get(keyOf(domainId, workflowId))),
    loadTransferTasks: (shardId, afterId, limit) =>
      access.read(() =>
        find(shardId)
          .transferTasks.read((row) => row.taskId - afterId - 1, always, limit)
          .map((row) => TransferTask.decode(row.blob)),
      ),
    loadTimerTasks: (shardId, after, beforeMs, limit) =>
      access.read(() => {
        const position = (row: TimerRow): number => row.fireTimeMs - after.fireTimeMs || row.taskId - after.taskId - 1;
        return find(shardId)
          .timerTasks.read(position, (row) => row.fireTimeMs < beforeMs, limit)
          .map((row) => TimerTask.decode(row.blob));
      }),
    nextTimerMs: (shardId, fromMs) =>
      access.read(() => find(shardId).timerTasks.read((row) => row.fireTimeMs - fromMs, always, 1)[0]?.fireTimeMs),
    loadReplicationTasks: (shardId, afterId, limit) =>
      access.read(() =>
        find(shardId)
          .replicationTasks.read((row) => row.taskId - afterId - 1, always, limit)
          .map((row) => ReplicationTask.decode(row.blob)),
      ),
    listExecutions: (shardId, token, limit) =>
      access.read(() => {
        const after = token === undefined ? undefined : decodeRunKey(token);
        const rows = [...find(shardId).executions.values()]
          .filter((row) => after === undefined || byRunKey(row.key, after) > 0)
          .sort((a, b) => byRunKey(a.key, b.key));
        const items = rows.slice(0, limit).map(({ key, record, nextEventId, signalRequestIds }) => ({
          ...key,
          record,
          nextEventId,
          signalRequestIds: [...signalRequestIds],
        }));
        const last = rows.length > limit ? items.at(-1) : undefined;
        return last === undefined ? { items } : { items, nextToken: encodeRunKey(last) };
      }),
  };
}

const encodeRunKey = (key: RunKey): Uint8Array => Buffer.from([key.domainId, key.workflowId, key.runId].join('\0'));

function decodeRunKey(token: Uint8Array): RunKey {
  const [domainId = '', workflowId = '', runId = ''] = Buffer.from(token).toString().split('\0');
  return { domainId, workflowId, runId };
}
