// The form of what another region sent, checked before anything is decided by it. What fails here can never be applied: BadRequest.
import type { HistoryEvent } from '@antiphon/proto';
import type { VersionHistoryItem } from '@antiphon/proto/internal';
import { badRequest } from '#base';
import type { HistoryReplicationRequest } from '#rpc';

export interface ReplicatedBatch {
  readonly runId: string;
  readonly events: readonly HistoryEvent[];
  readonly firstEventId: number;
  readonly lastEventId: number;
  readonly version: number;
  /** The source's branch up to and including these events. */
  readonly items: readonly VersionHistoryItem[];
}

const REQUEST_INVALID = 'Replicated batch is malformed: ';

function requireDense(events: readonly HistoryEvent[]): void {
  const [first] = events;
  if (first === undefined) throw badRequest(`${REQUEST_INVALID}no events.`);
  for (const [index, event] of events.entries()) {
    if (event.eventId !== first.eventId + BigInt(index)) throw badRequest(`${REQUEST_INVALID}event ids have a hole.`);
    if (event.version !== first.version) throw badRequest(`${REQUEST_INVALID}events of several versions.`);
    if (event.attributes === undefined) throw badRequest(`${REQUEST_INVALID}an event of unknown type.`);
  }
}

function requireItems(items: readonly VersionHistoryItem[], lastEventId: number, version: number): void {
  const last = items.at(-1);
  if (last?.eventId !== lastEventId || last.version !== version) {
    throw badRequest(`${REQUEST_INVALID}its version history does not end with it.`);
  }
  for (const [index, item] of items.entries()) {
    const previous = items[index - 1];
    if (previous !== undefined && (item.eventId <= previous.eventId || item.version <= previous.version)) {
      throw badRequest(`${REQUEST_INVALID}its version history goes back.`);
    }
  }
}

export function readBatch(request: HistoryReplicationRequest): ReplicatedBatch {
  const { events, versionHistoryItems: items } = request;
  const { domainId, workflowId, runId } = request;
  if ([domainId, workflowId, runId].includes('')) throw badRequest(`${REQUEST_INVALID}it names no run.`);
  requireDense(events);
  const firstEventId = Number(events[0]?.eventId);
  const lastEventId = firstEventId + events.length - 1;
  const version = Number(events[0]?.version);
  if (firstEventId < 1) throw badRequest(`${REQUEST_INVALID}its first event has no position.`);
  requireItems(items, lastEventId, version);
  if (request.newRunEvents.length > 0) {
    requireDense(request.newRunEvents);
    if (request.newRunEvents[0]?.eventId !== 1n) throw badRequest(`${REQUEST_INVALID}its new run does not start.`);
    if (request.newRunId === '') throw badRequest(`${REQUEST_INVALID}its new run has no id.`);
  }
  return { runId, events, firstEventId, lastEventId, version, items };
}
