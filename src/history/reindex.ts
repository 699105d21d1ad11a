// Writes visibility records again, from what the runs are now: a new index is filled, or one that lost something, while writing goes on. A record
// gets an id of the shard before its run is read, so that what changes later has a larger one and is never overwritten; a removed run stays removed.
import type { VisibilityRecord } from '#visibility';
import type { HistoryContext } from './context.ts';
import { loadDurableState } from './run-access.ts';
import type { ShardActor } from './shard-actor.ts';
import { visibilityRecord } from './visibility-writer.ts';

// Runs that are read from the store at once: the shard's other work goes on.
const READS_AT_ONCE = 16;

export interface ReindexedPage {
  readonly written: number;
  readonly nextToken?: Uint8Array | undefined;
}

export async function reindexPage(
  { deps }: HistoryContext,
  actor: ShardActor,
  token: Uint8Array | undefined,
  limit: number,
): Promise<ReindexedPage> {
  const { items, nextToken } = await deps.store.shards.listExecutions(actor.shardId, token, limit);
  const records: VisibilityRecord[] = [];
  for (let at = 0; at < items.length; at += READS_AT_ONCE) {
    const reads = items.slice(at, at + READS_AT_ONCE).map(async (key) => {
      const version = actor.taskIds.next();
      const state = await loadDurableState(actor, key);
      // Gone since it was listed.
      if (state !== undefined) records.push(visibilityRecord(state, version, deps.domains.peekById(key.domainId)));
    });
    await Promise.all(reads);
  }
  await deps.visibility.upsert(records);
  return { written: records.length, nextToken };
}
