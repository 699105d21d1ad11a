// What the visibility contract writes and how it reads it back: records of runs of one domain that differ in what a test names, each newer than the
// ones before, and whole lists page by page.
import type { SearchAttributes } from '@antiphon/proto';
import { expect } from 'vitest';
import type { Listing, VisibilityRecord, VisibilityStore } from '#visibility';

export const DOMAIN = 'domain-id';

export const attributes = (values: Record<string, unknown>): SearchAttributes => ({
  indexedFields: Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, { data: Buffer.from(JSON.stringify(value)) }]),
  ),
});

let versions = 0;
export const nextVersion = (): number => ++versions;

export type MakeRecord = (workflowId: string, overrides?: Partial<VisibilityRecord>) => VisibilityRecord;

/** Open runs that started at `t0`, unless told otherwise. */
export const recordsAt =
  (t0: number): MakeRecord =>
  (workflowId, overrides = {}) => ({
    domainId: DOMAIN,
    workflowId,
    runId: `${workflowId}-run`,
    workflowType: 'Order',
    taskList: 'orders',
    startTimeMs: t0,
    executionTimeMs: overrides.startTimeMs ?? t0,
    closeTimeMs: undefined,
    closeStatus: 0,
    historyLength: 3,
    isCron: false,
    cronSchedule: '',
    memo: undefined,
    searchAttributes: undefined,
    parentWorkflowId: undefined,
    parentRunId: undefined,
    updateTimeMs: t0,
    version: nextVersion(),
    ...overrides,
  });

/** The workflow ids of the whole list, in its order, read in pages of `size`. */
export async function listIds(
  store: VisibilityStore,
  listing: Listing | string,
  size = 100,
  domainId = DOMAIN,
): Promise<string[]> {
  const asListing: Listing = typeof listing === 'string' ? { kind: 'query', query: listing } : listing;
  const ids: string[] = [];
  let token: Uint8Array | undefined;
  do {
    const page = await store.list(domainId, asListing, { size, token });
    expect(page.records.length).toBeLessThanOrEqual(size);
    ids.push(...page.records.map((found) => found.workflowId));
    token = page.nextToken;
  } while (token !== undefined);
  return ids;
}
