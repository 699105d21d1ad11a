// From what arrived to what the passive side applies. What does not decode is refused as BadRequest: it is poison, not a reason to wait.
import { type DataBlob, EncodingType, History, type HistoryEvent } from '@antiphon/proto';
import type { HistoryTaskV2Attributes, SyncActivityTaskAttributes, VersionHistoryItem } from '@antiphon/proto/admin';
import { badRequest } from '#base';
import type { HistoryReplicationRequest, ReplicatedVersionItem, SyncActivityRequest } from '#rpc';
import { msOf } from './time.ts';

function numberOf(value: bigint, what: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw badRequest(`Replication task has an impossible ${what}.`);
  return number;
}

export const itemsOf = (items: readonly VersionHistoryItem[]): ReplicatedVersionItem[] =>
  items.map((item) => ({ eventId: numberOf(item.eventId, 'event id'), version: numberOf(item.version, 'version') }));

export function eventsOf(blob: DataBlob | undefined): readonly HistoryEvent[] {
  if (blob === undefined || blob.data.length === 0) return [];
  if (blob.encodingType !== EncodingType.ENCODING_TYPE_PROTO3) {
    throw badRequest('Replicated events have an encoding that is not served.');
  }
  try {
    return History.decode(blob.data).events;
  } catch (error) {
    throw badRequest('Replicated events do not decode.', { cause: error });
  }
}

/** The run that the last event continues as; empty when it does not. */
export function continuedRunId(events: readonly HistoryEvent[]): string {
  const attributes = events.at(-1)?.attributes;
  const continues = attributes?.$case === 'workflowExecutionContinuedAsNewEventAttributes';
  return continues ? attributes.value.newExecutionRunId : '';
}

export function decodeHistoryTask(sourceCluster: string, task: HistoryTaskV2Attributes): HistoryReplicationRequest {
  const events = eventsOf(task.events);
  if (events.length === 0) throw badRequest('Replication task has no events.');
  return {
    sourceCluster,
    domainId: task.domainId,
    workflowId: task.workflowExecution?.workflowId ?? '',
    runId: task.workflowExecution?.runId ?? '',
    versionHistoryItems: itemsOf(task.versionHistoryItems),
    events,
    newRunEvents: eventsOf(task.newRunEvents),
    newRunId: continuedRunId(events),
  };
}

export function decodeActivityTask(sourceCluster: string, task: SyncActivityTaskAttributes): SyncActivityRequest {
  return {
    sourceCluster,
    domainId: task.domainId,
    workflowId: task.workflowExecution?.workflowId ?? '',
    runId: task.workflowExecution?.runId ?? '',
    version: numberOf(task.version, 'version'),
    scheduledId: numberOf(task.scheduledId, 'event id'),
    scheduledTimeMs: msOf(task.scheduledTime),
    startedId: numberOf(task.startedId, 'event id'),
    startedTimeMs: msOf(task.startedTime),
    lastHeartbeatMs: msOf(task.lastHeartbeatTime),
    details: task.details,
    attempt: task.attempt,
    lastFailure: task.lastFailure,
    lastWorkerIdentity: task.lastWorkerIdentity,
    versionHistoryItems: itemsOf(task.versionHistory?.items ?? []),
  };
}
