// Fills a gap: fetches the missing batches of a run from the source region (both ends exclusive, as in AdminAPI) and applies them in order.
// A batch that ends in continue-as-new takes the first batch of the next run with it, as the live message would have.
import type { HistoryEvent, WorkflowExecution } from '@antiphon/proto';
import type { VersionHistoryItem } from '@antiphon/proto/admin';
import { EntityNotExistsError, type RetryTaskV2Error } from '#base';
import type { HistoryClient, ReplicatedVersionItem } from '#rpc';
import type { RawHistoryClient } from '../ports-consumer.ts';
import { continuedRunId, eventsOf, itemsOf } from '../tasks/index.ts';

const PAGE_SIZE = 100;

interface Batch {
  readonly events: readonly HistoryEvent[];
  readonly versionHistoryItems: readonly ReplicatedVersionItem[];
}

interface Gap {
  readonly domain: string;
  readonly execution: WorkflowExecution;
  readonly start?: VersionHistoryItem | undefined;
  readonly end?: VersionHistoryItem | undefined;
}

const wireItem = (item: { eventId: number; version: number } | undefined): VersionHistoryItem | undefined =>
  item === undefined ? undefined : { eventId: BigInt(item.eventId), version: BigInt(item.version) };

/** The branch's items, cut after the given event. */
function itemsTo(items: readonly ReplicatedVersionItem[], eventId: number): readonly ReplicatedVersionItem[] {
  const kept = items.filter((item) => item.eventId < eventId);
  const next = items[kept.length];
  return next === undefined ? kept : [...kept, { eventId, version: next.version }];
}

async function* batchesOf(source: RawHistoryClient, gap: Gap, pageSize: number): AsyncGenerator<Batch> {
  let token: Uint8Array = new Uint8Array();
  do {
    const page = await source.getWorkflowExecutionRawHistoryV2({
      domain: gap.domain,
      workflowExecution: gap.execution,
      startEvent: gap.start,
      endEvent: gap.end,
      pageSize,
      nextPageToken: Buffer.from(token),
    });
    const items = itemsOf(page.versionHistory?.items ?? []);
    for (const blob of page.historyBatches) {
      const events = eventsOf(blob);
      const last = events.at(-1);
      if (last !== undefined) yield { events, versionHistoryItems: itemsTo(items, Number(last.eventId)) };
    }
    token = page.nextPageToken;
  } while (token.length > 0);
}

/** First batch of a run; none when the source does not have it any more. */
async function firstBatch(source: RawHistoryClient, gap: Gap): Promise<readonly HistoryEvent[]> {
  try {
    for await (const { events } of batchesOf(source, gap, 1)) return events;
  } catch (error) {
    if (!(error instanceof EntityNotExistsError)) throw error;
  }
  return [];
}

export async function resendGap(
  deps: { history: HistoryClient; source: RawHistoryClient; sourceCluster: string },
  domain: string,
  gap: RetryTaskV2Error,
): Promise<number> {
  const { domainId, workflowId, runId } = gap;
  const execution = { workflowId, runId };
  const range: Gap = { domain, execution, start: wireItem(gap.start), end: wireItem(gap.end) };
  let applied = 0;
  for await (const batch of batchesOf(deps.source, range, PAGE_SIZE)) {
    const newRunId = continuedRunId(batch.events);
    const newRun: Gap = { domain, execution: { workflowId, runId: newRunId } };
    const newRunEvents = newRunId === '' ? [] : await firstBatch(deps.source, newRun);
    await deps.history.replicateEvents({
      sourceCluster: deps.sourceCluster,
      domainId,
      workflowId,
      runId,
      ...batch,
      newRunEvents,
      newRunId,
    });
    applied++;
  }
  return applied;
}
