// Growing ids per shard: range id × 2^20 + counter (semantics §4.2). Ids of a newer lease are larger than all of an older one, whatever the
// older one still had in flight. Invariant: an id is handed out once.
import { assert } from '#base';

export const IDS_PER_RANGE = 2 ** 20;
// The range is renewed between two commits when fewer than this remain; no turn of commands uses so many.
const RENEW_BELOW = 2 ** 17;

export class TaskIds {
  #next: number;
  #end: number;

  constructor(rangeId: number) {
    this.#next = rangeId * IDS_PER_RANGE;
    this.#end = this.#next + IDS_PER_RANGE;
  }

  get isLow(): boolean {
    return this.#end - this.#next < RENEW_BELOW;
  }

  get isExhausted(): boolean {
    // Room for what one command may still take.
    return this.#end - this.#next < 4096;
  }

  next(): number {
    assert(this.#next < this.#end, 'task ids of a range are renewed before they run out');
    return this.#next++;
  }

  /** Goes on in a later range. */
  renew(rangeId: number): void {
    assert(rangeId * IDS_PER_RANGE >= this.#end, 'a renewed range is later', { rangeId });
    this.#next = rangeId * IDS_PER_RANGE;
    this.#end = this.#next + IDS_PER_RANGE;
  }
}
