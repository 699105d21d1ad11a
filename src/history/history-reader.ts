// Reads batches of a history branch and proves that they are whole: dense from the first asked for to the last. Events stay encoded;
// whoever needs them decoded says so.
import { History, type HistoryEvent } from '@antiphon/proto';
import type { HistoryBranch } from '@antiphon/proto/internal';
import { dataInconsistency } from '#base';
import type { HistoryNode, HistoryStore } from '#persistence';
import { readingStore } from './store-answers.ts';

export interface StoredBatch {
  readonly firstEventId: number;
  readonly nextEventId: number;
  readonly blob: Uint8Array;
}

export interface BatchPage {
  readonly batches: readonly StoredBatch[];
  /** Where the next page starts; equal to the asked end when this was the last. */
  readonly nextEventId: number;
}

export const decodeEvents = (blob: Uint8Array): HistoryEvent[] => History.decode(blob).events;

export const encodeEvents = (events: readonly HistoryEvent[]): Uint8Array =>
  // The codec only reads the array.
  History.encode({ events: events as HistoryEvent[] }).finish();

const toBatch = (node: HistoryNode): StoredBatch => ({
  firstEventId: node.nodeId,
  nextEventId: node.nodeId + node.eventCount,
  blob: node.blob,
});

const nameOf = (branch: HistoryBranch): string => `history tree ${branch.treeId} branch ${branch.branchId}`;

function incomplete(branch: HistoryBranch, expectedEventId: number, found: number | undefined): Error {
  const got = found === undefined ? 'nothing' : `event ${found}`;
  return dataInconsistency(`incomplete history: ${nameOf(branch)}: expected event ${expectedEventId}, found ${got}`);
}

/** At least `minEvents` events of [from, to), whole batches, as far as there are. */
export async function readBatches(
  store: HistoryStore,
  branch: HistoryBranch,
  range: { readonly from: number; readonly to: number },
  minEvents: number,
): Promise<BatchPage> {
  if (range.from >= range.to) return { batches: [], nextEventId: range.to };
  const bounds = { minEventId: range.from, maxEventId: range.to };
  const batches: StoredBatch[] = [];
  let expected = range.from;
  let token: Uint8Array | undefined;
  do {
    const page = await readingStore(nameOf(branch), store.readBranch(branch, bounds, { minEvents, token }));
    for (const node of page.items) {
      const batch = toBatch(node);
      if (batch.firstEventId !== expected) {
        if (batches.length > 0 || batch.firstEventId < expected) throw incomplete(branch, expected, batch.firstEventId);
        batches.push(await readPartOfBatch(store, branch, expected, batch.firstEventId));
      }
      batches.push(batch);
      expected = batch.nextEventId;
    }
    token = page.nextToken;
  } while (token !== undefined && expected - range.from < minEvents);
  if (token !== undefined && expected < range.to) return { batches, nextEventId: expected };
  if (expected < range.to) {
    if (batches.length > 0) throw incomplete(branch, expected, undefined);
    batches.push(await readPartOfBatch(store, branch, expected, range.to));
  }
  return { batches, nextEventId: range.to };
}

/** The events [from, to) out of the batch in whose middle `from` lies, encoded again. */
async function readPartOfBatch(
  store: HistoryStore,
  branch: HistoryBranch,
  from: number,
  to: number,
): Promise<StoredBatch> {
  let token: Uint8Array | undefined;
  const events: HistoryEvent[] = [];
  do {
    const bounds = { minEventId: 1, maxEventId: from };
    const page = await readingStore(nameOf(branch), store.readBranch(branch, bounds, { minEvents: 1_000, token }));
    const last = page.items.at(-1);
    if (last !== undefined && last.nodeId + last.eventCount > from) {
      for (const event of decodeEvents(last.blob)) {
        const id = Number(event.eventId);
        if (id >= from && id < to) events.push(event);
      }
    }
    token = page.nextToken;
  } while (token !== undefined);
  if (events.length !== to - from) throw incomplete(branch, from, undefined);
  return { firstEventId: from, nextEventId: to, blob: encodeEvents(events) };
}

/** All of [from, to), decoded, batch by batch. */
export async function readAllEvents(
  store: HistoryStore,
  branch: HistoryBranch,
  from: number,
  to: number,
): Promise<HistoryEvent[][]> {
  const all: HistoryEvent[][] = [];
  let next = from;
  while (next < to) {
    const page = await readBatches(store, branch, { from: next, to }, 1_000);
    for (const batch of page.batches) {
      const events = decodeEvents(batch.blob);
      // The range may end inside a batch: what is after it is not asked for.
      all.push(batch.nextEventId > to ? events.filter((event) => Number(event.eventId) < to) : events);
    }
    next = page.nextEventId;
  }
  return all;
}
