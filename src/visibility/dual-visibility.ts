// Two visibility stores at once, while moving from one to the other: a write is done when both have it, so that the tasks behind it are not
// acknowledged before; lists come from one. Writes may be repeated in either, for both keep the newest version.
import type { VisibilityStore } from './ports.ts';

/** @param read the one that is listed from. */
export function createDualVisibility(read: VisibilityStore, other: VisibilityStore): VisibilityStore {
  const both = async (write: (store: VisibilityStore) => Promise<void>): Promise<void> => {
    // Both are asked in any case: one that is down keeps nothing from the other.
    const outcomes = await Promise.allSettled([write(read), write(other)]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  };
  return {
    upsert: (records) => both((store) => store.upsert(records)),
    remove: (domainId, workflowId, runId) => both((store) => store.remove(domainId, workflowId, runId)),
    list: (domainId, listing, page) => read.list(domainId, listing, page),
    count: (domainId, query) => read.count(domainId, query),
    close: () => both((store) => store.close()),
  };
}
