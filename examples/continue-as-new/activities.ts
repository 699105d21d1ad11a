// A source of 13 items in pages of 3.
const ITEM_COUNT = 13;
const PAGE_SIZE = 3;

export interface Page {
  readonly items: readonly number[];
  readonly next?: number;
}

export async function loadPage(cursor: number): Promise<Page> {
  const end = Math.min(cursor + PAGE_SIZE, ITEM_COUNT);
  const items = Array.from({ length: end - cursor }, (_, index) => cursor + index);
  return end < ITEM_COUNT ? { items, next: end } : { items };
}

export async function processItem(item: number): Promise<number> {
  return item * item;
}
