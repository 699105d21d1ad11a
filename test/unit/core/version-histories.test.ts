// Version histories: where branches part, and whether a batch is a duplicate, an append or a new branch (semantics §5.7).

import { describe, expect, it } from 'vitest';
import {
  addVersionHistory,
  addVersionItem,
  compareTips,
  containsItem,
  currentVersionHistory,
  findBestBranch,
  findLcaItem,
  forkBranch,
  isLcaAppendable,
  itemsUpTo,
  lastWriteVersion,
  replaceVersionHistory,
  versionOfEvent,
  withCurrentIndex,
} from '#core';

const items = (...pairs: readonly (readonly [number, number])[]) =>
  pairs.map(([eventId, version]) => ({ eventId, version }));
const branch = (branchId: string, ...ancestors: readonly (readonly [string, number])[]) => ({
  treeId: 'tree',
  branchId,
  ancestors: ancestors.map(([id, endNodeId]) => ({ branchId: id, endNodeId })),
});

describe('items', () => {
  it('grow with events of the same version, and by one with a larger version', () => {
    expect(addVersionItem([], 3, 1)).toEqual(items([3, 1]));
    expect(addVersionItem(items([3, 1]), 5, 1)).toEqual(items([5, 1]));
    expect(addVersionItem(items([3, 1]), 5, 2)).toEqual(items([3, 1], [5, 2]));
  });

  it('never go back', () => {
    expect(() => addVersionItem(items([3, 2]), 4, 1)).toThrow('version must not decrease');
    expect(() => addVersionItem(items([3, 2]), 3, 2)).toThrow('event id must grow');
  });

  it('say which events they contain', () => {
    const own = items([3, 1], [7, 11]);
    expect(containsItem(own, { eventId: 2, version: 1 })).toBe(true);
    expect(containsItem(own, { eventId: 4, version: 1 })).toBe(false);
    expect(containsItem(own, { eventId: 4, version: 11 })).toBe(true);
    expect(containsItem(own, { eventId: 3, version: 11 })).toBe(false);
    expect(containsItem(own, { eventId: 8, version: 11 })).toBe(false);
    expect(containsItem(own, { eventId: 4, version: 2 })).toBe(false);
    expect(versionOfEvent(own, 3)).toBe(1);
    expect(versionOfEvent(own, 4)).toBe(11);
    expect(versionOfEvent(own, 8)).toBeUndefined();
    expect(versionOfEvent(own, 0)).toBeUndefined();
  });

  it('find the last event that two branches share', () => {
    expect(findLcaItem(items([3, 1], [7, 11]), items([5, 1], [9, 12]))).toEqual({ eventId: 3, version: 1 });
    expect(findLcaItem(items([3, 1], [7, 11]), items([3, 1], [6, 11]))).toEqual({ eventId: 6, version: 11 });
    expect(findLcaItem(items([3, 1]), items([3, 2]))).toBeUndefined();
  });

  it('are cut at a fork', () => {
    expect(itemsUpTo(items([3, 1], [7, 11], [9, 12]), { eventId: 5, version: 11 })).toEqual(items([3, 1], [5, 11]));
    expect(() => itemsUpTo(items([3, 1]), { eventId: 4, version: 1 })).toThrow('fork point');
  });

  it('order tips by version, then by event', () => {
    expect(compareTips(items([9, 1]), items([3, 2]))).toBeLessThan(0);
    expect(compareTips(items([9, 2]), items([3, 2]))).toBeGreaterThan(0);
  });
});

describe('histories', () => {
  const first = { branch: branch('b1'), items: items([5, 1], [9, 2]) };
  const second = { branch: branch('b2', ['b1', 6]), items: items([5, 1], [8, 11]) };
  const histories = addVersionHistory({ currentIndex: 0, histories: [first] }, second).histories;

  it('keep the current branch when another is added', () => {
    expect(currentVersionHistory(histories)).toBe(first);
    expect(lastWriteVersion(histories)).toBe(2);
    expect(lastWriteVersion(withCurrentIndex(histories, 1))).toBe(11);
  });

  it('find the branch that an incoming one continues or parts from', () => {
    expect(findBestBranch(histories, items([5, 1], [12, 11]))).toEqual({ index: 1, lca: { eventId: 8, version: 11 } });
    expect(findBestBranch(histories, items([5, 1], [7, 2]))).toEqual({ index: 0, lca: { eventId: 7, version: 2 } });
    expect(findBestBranch(histories, items([2, 3]))).toBeUndefined();
  });

  it('prefer the branch whose tip is the shared event', () => {
    const short = replaceVersionHistory(histories, 0, { branch: branch('b1'), items: items([5, 1]) });
    const best = findBestBranch(short, items([5, 1], [6, 21]));
    expect(best).toEqual({ index: 0, lca: { eventId: 5, version: 1 } });
    expect(isLcaAppendable(items([5, 1]), { eventId: 5, version: 1 })).toBe(true);
    expect(isLcaAppendable(items([5, 1], [6, 2]), { eventId: 5, version: 1 })).toBe(false);
  });
});

describe('a fork', () => {
  it('shares the events before it', () => {
    expect(forkBranch(branch('b1'), 6, 'b2')).toEqual(branch('b2', ['b1', 6]));
  });

  it('of a fork keeps the ancestors that reach it', () => {
    const parent = branch('b3', ['b1', 6], ['b2', 9]);
    expect(forkBranch(parent, 12, 'b4')).toEqual(branch('b4', ['b1', 6], ['b2', 9], ['b3', 12]));
    expect(forkBranch(parent, 8, 'b4')).toEqual(branch('b4', ['b1', 6], ['b2', 8]));
    expect(forkBranch(parent, 9, 'b4')).toEqual(branch('b4', ['b1', 6], ['b2', 9]));
    expect(forkBranch(parent, 4, 'b4')).toEqual(branch('b4', ['b1', 4]));
  });

  it('before the first event shares nothing', () => {
    expect(forkBranch(branch('b1'), 1, 'b2')).toEqual(branch('b2'));
  });
});
