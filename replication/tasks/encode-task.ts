// From what a shard's replication queue holds to what travels: admin.v1 ReplicationTask. History batches are sent as the bytes that the
// store has; nothing is encoded again. A task whose run or events are gone (retention was faster) has nothing to send.
import { EncodingType } from '@antiphon/proto';
import { ReplicationTaskType, type ReplicationTask as WireTask } from '@antiphon/proto/admin';
import type {
  HistoryBranch,
  HistoryReplication,
  ReplicationTask,
  SyncActivity,
  VersionHistoryItem,
} from '@antiphon/proto/internal';
import { required } from '#base';
import type { ReplicationQueue } from '../ports.ts';
import { timestampOf } from './time.ts';

type Source = Pick<ReplicationQueue, 'readEvents' | 'loadRun'>;

/** Messages of one workflow keep their order. */
export const workflowKey = (domainId: string, workflowId: string): string => `${domainId}/${workflowId}`;

const wireItems = (items: readonly VersionHistoryItem[]) =>
  items.map(({ eventId, version }) => ({ eventId: BigInt(eventId), version: BigInt(version) }));

/** Encoded History messages one after another are one encoded History. */
async function blobOf(source: Source, branch: HistoryBranch, from: number, to: number) {
  const batches = await source.readEvents(branch, from, to);
  if (batches.length === 0) return undefined;
  return { encodingType: EncodingType.ENCODING_TYPE_PROTO3, data: Buffer.concat(batches) };
}

async function historyTask(source: Source, task: ReplicationTask, work: HistoryReplication) {
  const branch = required(work.branch, 'a history task names its branch');
  const events = await blobOf(source, branch, work.firstEventId, work.nextEventId);
  if (events === undefined) return undefined;
  const newRunEvents = work.newRunBranch === undefined ? undefined : await firstBatch(source, work.newRunBranch);
  return {
    taskId: BigInt(task.taskId),
    domainId: task.domainId,
    workflowExecution: { workflowId: task.workflowId, runId: task.runId },
    versionHistoryItems: wireItems(work.versionHistoryItems),
    events,
    newRunEvents,
  };
}

async function firstBatch(source: Source, branch: HistoryBranch) {
  // Node id 1 alone: the batch that starts the run.
  return blobOf(source, branch, 1, 2);
}

async function activityTask(source: Source, task: ReplicationTask, work: SyncActivity) {
  const { domainId, workflowId, runId } = task;
  const state = await source.loadRun({ domainId, workflowId, runId });
  const activity = state?.activities.get(work.scheduleId);
  if (state === undefined || activity === undefined) return undefined;
  const history = required(state.versionHistories.histories[state.versionHistories.currentIndex], 'a run has a branch');
  return {
    domainId,
    workflowExecution: { workflowId, runId },
    version: BigInt(activity.version),
    scheduledId: BigInt(activity.scheduleId),
    scheduledTime: timestampOf(activity.scheduledTimeMs),
    startedId: BigInt(activity.startedId),
    startedTime: timestampOf(activity.startedTimeMs),
    lastHeartbeatTime: timestampOf(activity.lastHeartbeatMs),
    details: activity.heartbeatDetails,
    attempt: activity.attempt,
    lastFailure: activity.lastFailure,
    lastWorkerIdentity: activity.lastWorkerIdentity,
    versionHistory: { branchToken: Buffer.alloc(0), items: wireItems(history.items) },
  };
}

/** undefined: there is nothing to send any more. */
export async function encodeTask(source: Source, task: ReplicationTask): Promise<WireTask | undefined> {
  const header = { sourceTaskId: BigInt(task.taskId), creationTime: timestampOf(task.creationTimeMs) };
  const work = required(task.work, 'a replication task says what to replicate');
  if (work.$case === 'history') {
    const value = await historyTask(source, task, work.value);
    if (value === undefined) return undefined;
    const taskType = ReplicationTaskType.REPLICATION_TASK_TYPE_HISTORY_V2;
    return { ...header, taskType, attributes: { $case: 'historyTaskV2Attributes', value } };
  }
  const value = await activityTask(source, task, work.value);
  if (value === undefined) return undefined;
  const taskType = ReplicationTaskType.REPLICATION_TASK_TYPE_SYNC_ACTIVITY;
  return { ...header, taskType, attributes: { $case: 'syncActivityTaskAttributes', value } };
}
