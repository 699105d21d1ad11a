// Version histories (semantics §5.7): for each branch of a run, the last event id of every failover version along it. They decide
// whether a replicated batch is a duplicate, an append, a gap or a new branch. Everything here is pure and copies.
// Cadence: common/persistence/versionHistory.go.

import type {
  BranchAncestor,
  HistoryBranch,
  VersionHistories,
  VersionHistory,
  VersionHistoryItem,
} from '@antiphon/proto/internal';
import { assert, required } from '#base';

type Items = readonly VersionHistoryItem[];

/** `items` with events up to `eventId` written at `version`. Neither may go back. */
export function addVersionItem(items: Items, eventId: number, version: number): VersionHistoryItem[] {
  const last = items.at(-1);
  if (last === undefined) return [{ eventId, version }];
  assert(version >= last.version, 'version must not decrease along a branch', { last, eventId, version });
  assert(eventId > last.eventId, 'event id must grow along a branch', { last, eventId, version });
  const next = items.slice(0, version === last.version ? -1 : items.length);
  next.push({ eventId, version });
  return next;
}

export function containsItem(items: Items, item: VersionHistoryItem): boolean {
  let previous = 0;
  for (const own of items) {
    if (item.version === own.version) return item.eventId > previous && item.eventId <= own.eventId;
    if (own.version > item.version) return false;
    previous = own.eventId;
  }
  return false;
}

/** The version that the event was written with; undefined when the branch has no such event. */
export function versionOfEvent(items: Items, eventId: number): number | undefined {
  if (eventId < 1) return undefined;
  return items.find((item) => eventId <= item.eventId)?.version;
}

/** Last event that both branches have; undefined when they share none. */
export function findLcaItem(a: Items, b: Items): VersionHistoryItem | undefined {
  let i = a.length - 1;
  let j = b.length - 1;
  while (i >= 0 && j >= 0) {
    const left = a[i] as VersionHistoryItem;
    const right = b[j] as VersionHistoryItem;
    if (left.version === right.version) {
      return { version: left.version, eventId: Math.min(left.eventId, right.eventId) };
    }
    if (left.version > right.version) i--;
    else j--;
  }
  return undefined;
}

/** Items of a branch that keeps `items` up to and including `last`. */
export function itemsUpTo(items: Items, last: VersionHistoryItem): VersionHistoryItem[] {
  assert(containsItem(items, last), 'fork point must be on the branch', { items, last });
  const kept = items.filter((item) => item.version < last.version);
  kept.push({ eventId: last.eventId, version: last.version });
  return kept;
}

export const isLcaAppendable = (items: Items, lca: VersionHistoryItem): boolean => {
  const last = items.at(-1);
  return last !== undefined && last.eventId === lca.eventId && last.version === lca.version;
};

/** Order of two branches' tips: by version, then by event id. */
export function compareTips(a: Items, b: Items): number {
  const left = required(a.at(-1), 'branch must have events');
  const right = required(b.at(-1), 'branch must have events');
  return left.version - right.version || left.eventId - right.eventId;
}

export function currentVersionHistory(histories: VersionHistories): VersionHistory {
  return required(histories.histories[histories.currentIndex], 'current version history must exist');
}

/** Version of the last event written on the current branch; undefined when it is empty. */
export function lastWriteVersion(histories: VersionHistories): number | undefined {
  return currentVersionHistory(histories).items.at(-1)?.version;
}

/** The branch that shares most with `items`, and where they part. */
export function findBestBranch(
  histories: VersionHistories,
  items: Items,
): { readonly index: number; readonly lca: VersionHistoryItem } | undefined {
  let best: { index: number; lca: VersionHistoryItem } | undefined;
  for (const [index, history] of histories.histories.entries()) {
    const lca = findLcaItem(history.items, items);
    if (lca === undefined) continue;
    const isBetter = best === undefined || lca.eventId > best.lca.eventId;
    const isTip = best !== undefined && lca.eventId === best.lca.eventId && isLcaAppendable(history.items, lca);
    if (isBetter || isTip) best = { index, lca };
  }
  return best;
}

/** Adds a branch beside the others; the current one stays current. */
export function addVersionHistory(
  histories: VersionHistories,
  history: VersionHistory,
): { readonly histories: VersionHistories; readonly index: number } {
  return {
    histories: { currentIndex: histories.currentIndex, histories: [...histories.histories, history] },
    index: histories.histories.length,
  };
}

export function replaceVersionHistory(
  histories: VersionHistories,
  index: number,
  history: VersionHistory,
): VersionHistories {
  const next = histories.histories.slice();
  next[index] = history;
  return { currentIndex: histories.currentIndex, histories: next };
}

export const withCurrentIndex = (histories: VersionHistories, currentIndex: number): VersionHistories => ({
  currentIndex,
  histories: histories.histories,
});

/** A new branch of the same tree that shares the events before `firstEventId` (which will be its own first one). */
export function forkBranch(branch: HistoryBranch, firstEventId: number, branchId: string): HistoryBranch {
  const ancestors: BranchAncestor[] = [];
  let covered = 1;
  for (const ancestor of branch.ancestors) {
    if (covered >= firstEventId) break;
    const endNodeId = Math.min(ancestor.endNodeId, firstEventId);
    ancestors.push({ branchId: ancestor.branchId, endNodeId });
    covered = endNodeId;
  }
  if (covered < firstEventId) ancestors.push({ branchId: branch.branchId, endNodeId: firstEventId });
  return { treeId: branch.treeId, branchId, ancestors };
}
