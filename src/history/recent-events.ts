// The newest event batches of a run's current branch, encoded once and kept: decision tasks, activity inputs and readers take them from here
// without a store read. Contiguous; bounded in bytes by dropping the oldest. Empty after a load from the store.
import type { HistoryEvent } from '@antiphon/proto';

export interface RecentBatch {
  readonly firstEventId: number;
  /** One past the last event. */
  readonly nextEventId: number;
  /** Encoded api.v1.History. */
  readonly blob: Uint8Array;
  readonly events: readonly HistoryEvent[];
}

// Decoded events beside their bytes cost about twice the bytes again.
const DECODED_FACTOR = 3;

export class RecentEvents {
  #branchId = '';
  #batches: RecentBatch[] = [];
  #bytes = 0;

  get estimatedBytes(): number {
    return this.#bytes * DECODED_FACTOR;
  }

  append(branchId: string, batch: RecentBatch, bytesMax: number): void {
    const last = this.#batches[this.#batches.length - 1];
    if (last !== undefined && (branchId !== this.#branchId || last.nextEventId !== batch.firstEventId)) this.clear();
    this.#branchId = branchId;
    this.#batches.push(batch);
    this.#bytes += batch.blob.length;
    while (this.#bytes > bytesMax && this.#batches.length > 1) {
      this.#bytes -= (this.#batches.shift() as RecentBatch).blob.length;
    }
  }

  clear(): void {
    this.#batches = [];
    this.#bytes = 0;
  }

  /** The batches that hold exactly the events [fromEventId, toEventId), or undefined when not all are here. */
  range(branchId: string, fromEventId: number, toEventId: number): readonly RecentBatch[] | undefined {
    if (fromEventId >= toEventId) return [];
    if (branchId !== this.#branchId) return undefined;
    const first = this.#batches.findIndex((batch) => batch.firstEventId === fromEventId);
    if (first < 0) return undefined;
    for (let last = first; last < this.#batches.length; last++) {
      const { nextEventId } = this.#batches[last] as RecentBatch;
      if (nextEventId === toEventId) return this.#batches.slice(first, last + 1);
      if (nextEventId > toEventId) return undefined;
    }
    return undefined;
  }

  find(branchId: string, eventId: number): HistoryEvent | undefined {
    if (branchId !== this.#branchId) return undefined;
    for (let index = this.#batches.length - 1; index >= 0; index--) {
      const batch = this.#batches[index] as RecentBatch;
      if (eventId >= batch.nextEventId) return undefined;
      if (eventId >= batch.firstEventId) return batch.events[eventId - batch.firstEventId];
    }
    return undefined;
  }
}
