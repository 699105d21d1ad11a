// When is a world at rest? When every run that can end has ended, every task is done, and what one region wrote is known to the other.
import { ExecutionState, ReplicationTask, TransferTask } from '@antiphon/proto/internal';
import { decodeState, type WorkflowState } from '#core';
import type { MemoryImage } from '#persistence/memory';
import type { Site } from './site.ts';
import type { World } from './world.ts';

export function* statesOf(image: MemoryImage): Generator<WorkflowState> {
  for (const rows of image.shards.values()) {
    for (const { record } of rows.executions.values()) yield decodeState(record, []);
  }
}

const isOpen = ({ info }: WorkflowState): boolean => info.state !== ExecutionState.EXECUTION_STATE_COMPLETED;

export const openRuns = (image: MemoryImage): WorkflowState[] => [...statesOf(image)].filter(isOpen);

/** What `from` has published and `to` has not applied, in words; undefined: nothing. */
function replicationLag(from: Site, to: Site): string | undefined {
  for (const [key, log] of from.image.logs) {
    const name = `replication-from:${from.name}`;
    const positionKey = `${name.length}:${name}|${key}`;
    const applied = to.image.logPositions.get(positionKey) ?? 0;
    if (applied < log.lastOffset)
      return `${to.name} has applied ${applied} of ${log.lastOffset} of ${from.name}'s ${key}`;
  }
  return undefined;
}

async function publishLag(site: Site): Promise<string | undefined> {
  if (site.hosts.length === 0) return `${site.name} is down`;
  const statuses = await Promise.all(site.hosts.map(({ region }) => region.worker.replicationStatus()));
  const publishers = statuses.flatMap((status) => status.publishers);
  for (const [shardId, rows] of site.image.shards) {
    const last = rows.replicationTasks
      .read(
        () => 0,
        () => true,
      )
      .at(-1);
    if (last === undefined) continue;
    const task = ReplicationTask.decode(last.blob);
    const published = publishers.find((publisher) => publisher.shardId === shardId)?.publishedTaskId ?? 0;
    if (published < task.taskId) return `${site.name} has not published task ${task.taskId} of shard ${shardId}`;
  }
  return undefined;
}

function unfinishedTasks(site: Site, shardId: number, ackLevel: number): string {
  const rows = site.image.shards.get(shardId)?.transferTasks.read(
    (row) => row.taskId - ackLevel - 1,
    () => true,
  );
  const tasks = (rows ?? []).map((row) => TransferTask.decode(row.blob));
  return tasks
    .slice(0, 3)
    .map(({ taskId, workflowId, runId, work }) => `${taskId} ${work?.$case} of ${workflowId} ${runId}`)
    .join('; ');
}

/** Why the world is not at rest; undefined: it is. */
export async function unrest(world: World): Promise<string | undefined> {
  for (const site of world.sites) {
    const open = openRuns(site.image).filter(({ info }) => info.cronSchedule === '');
    const [first] = open;
    if (first !== undefined) return `${site.name} has ${open.length} open runs, one of ${first.info.workflowId}`;
    const cron = openRuns(site.image).length;
    if (cron > 0) return `${site.name} has ${cron} open cron runs`;
    if (site.hosts.length === 0) return `${site.name} is down`;
    const shards = site.hosts.flatMap(({ region }) => region.history.shardStatus());
    if (shards.length < site.image.shards.size) return `${site.name} has ${shards.length} shards`;
    for (const shard of shards) {
      if (!shard.isOpen) return `${site.name}: shard ${shard.shardId} is closed`;
      if (shard.unfinishedTransferTasks > 0) {
        const tasks = unfinishedTasks(site, shard.shardId, shard.transferAckLevel);
        return `${site.name}: shard ${shard.shardId} has unfinished tasks (${shard.heldTasks} held): ${tasks}`;
      }
    }
  }
  const [a, b] = world.sites;
  if (a === undefined || b === undefined) return undefined;
  return (await publishLag(a)) ?? (await publishLag(b)) ?? replicationLag(a, b) ?? replicationLag(b, a);
}
