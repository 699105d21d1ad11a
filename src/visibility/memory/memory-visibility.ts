// Visibility in memory, for simulation: the image is what a crash leaves, shared by successive opens.
import type { Env } from '#env';
import { decodeSearchAttributes } from '../attribute-values.ts';
import type { AttributeValue, Condition, Selection } from '../condition.ts';
import { decodePageToken, encodePageToken, type PagePosition } from '../page-token.ts';
import type { VisibilityRecord, VisibilityStore } from '../ports.ts';
import { SEARCH_ATTRIBUTES, type SearchAttributeRegistry } from '../search-attributes.ts';
import { selectionOf, selectionOfQuery } from '../selection.ts';
import { compareValues, type IndexedRecord, matches, valuesOf } from './evaluate.ts';

export interface MemoryVisibilityImage {
  readonly rows: Map<string, IndexedRecord>;
  readonly removed: Set<string>;
  nextRowNumber: number;
}

export const createMemoryVisibilityImage = (): MemoryVisibilityImage => ({
  rows: new Map(),
  removed: new Set(),
  nextRowNumber: 1,
});

const keyOf = (domainId: string, workflowId: string, runId: string): string =>
  JSON.stringify([domainId, workflowId, runId]);

interface SortedRow {
  readonly row: IndexedRecord;
  readonly position: PagePosition;
}

/** Values first, missing ones last, rows of one value by age. */
function comparePositions(a: PagePosition, b: PagePosition, descending: boolean): number {
  if (a.sortValue === null || b.sortValue === null) {
    if (a.sortValue !== b.sortValue) return a.sortValue === null ? 1 : -1;
    return descending ? b.rowNumber - a.rowNumber : a.rowNumber - b.rowNumber;
  }
  const ascending = compareValues(a.sortValue, b.sortValue) || a.rowNumber - b.rowNumber;
  return descending ? -ascending : ascending;
}

export function createMemoryVisibility(
  env: Env,
  image: MemoryVisibilityImage = createMemoryVisibilityImage(),
  registry: () => SearchAttributeRegistry = () => SEARCH_ATTRIBUTES,
): VisibilityStore {
  const find = (domainId: string, where: Condition | undefined): IndexedRecord[] => {
    const nowMs = env.clock.nowMs();
    return [...image.rows.values()].filter(
      (row) => row.record.domainId === domainId && (where === undefined || matches(row, where, nowMs)),
    );
  };
  const sorted = (rows: readonly IndexedRecord[], { attribute, descending }: Selection['orderBy']): SortedRow[] =>
    rows
      .map((row): SortedRow => {
        const value: AttributeValue | undefined = valuesOf(row, attribute, env.clock.nowMs())[0];
        return { row, position: { sortValue: value ?? null, rowNumber: row.rowNumber } };
      })
      .sort((a, b) => comparePositions(a.position, b.position, descending));
  const upsert = (record: VisibilityRecord): void => {
    const key = keyOf(record.domainId, record.workflowId, record.runId);
    const stored = image.rows.get(key);
    if (image.removed.has(key) || (stored !== undefined && stored.record.version > record.version)) return;
    image.rows.set(key, {
      record: structuredClone(record),
      attributes: decodeSearchAttributes(record.searchAttributes, registry()) ?? {},
      rowNumber: stored?.rowNumber ?? image.nextRowNumber++,
    });
  };

  return {
    upsert: async (records) => {
      for (const record of records) upsert(record);
    },
    remove: async (domainId, workflowId, runId) => {
      const key = keyOf(domainId, workflowId, runId);
      image.rows.delete(key);
      image.removed.add(key);
    },
    list: async (domainId, listing, page) => {
      const { where, orderBy } = selectionOf(listing, registry(), env.clock.nowMs());
      const after = page.token === undefined ? undefined : decodePageToken(domainId, listing, page.token);
      const rows = sorted(find(domainId, where), orderBy).filter(
        ({ position }) => after === undefined || comparePositions(position, after, orderBy.descending) > 0,
      );
      const records = rows.slice(0, page.size).map(({ row }) => row.record);
      const last = rows.length > page.size ? rows[page.size - 1] : undefined;
      return last === undefined
        ? { records }
        : { records, nextToken: encodePageToken(domainId, listing, last.position) };
    },
    count: async (domainId, query) =>
      find(domainId, selectionOfQuery(query, registry(), env.clock.nowMs()).where).length,
    close: async () => {},
  };
}
