// Rows in key order in one array: appends at the end are cheap, which is how task queues grow.

export class SortedRows<T> {
  readonly #compare: (a: T, b: T) => number;
  #rows: T[] = [];

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#rows.length;
  }

  /** Inserts, or replaces the row of the same key. */
  put(row: T): void {
    const index = this.#lowerBound((other) => this.#compare(other, row));
    const there = this.#rows[index];
    if (there !== undefined && this.#compare(there, row) === 0) this.#rows[index] = row;
    else this.#rows.splice(index, 0, row);
  }

  /**
   * Rows from the first for which `position` is not negative, while `wanted` holds. `position` must grow along the
   * rows.
   */
  read(position: (row: T) => number, wanted: (row: T) => boolean, limit = Number.MAX_SAFE_INTEGER): T[] {
    const found: T[] = [];
    for (let index = this.#lowerBound(position); index < this.#rows.length && found.length < limit; index++) {
      const row = this.#rows[index] as T;
      if (!wanted(row)) break;
      found.push(row);
    }
    return found;
  }

  /** Deletes the rows before the first for which `position` is not negative. */
  deleteBefore(position: (row: T) => number): void {
    this.#rows.splice(0, this.#lowerBound(position));
  }

  delete(matching: (row: T) => boolean): void {
    this.#rows = this.#rows.filter((row) => !matching(row));
  }

  /** Deletes the row at exactly this position, if there. */
  deleteAt(position: (row: T) => number): void {
    const index = this.#lowerBound(position);
    const row = this.#rows[index];
    if (row !== undefined && position(row) === 0) this.#rows.splice(index, 1);
  }

  #lowerBound(position: (row: T) => number): number {
    let low = 0;
    let high = this.#rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (position(this.#rows[middle] as T) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Orders strings by their UTF-8 bytes, as the databases do. */
export const compareBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
