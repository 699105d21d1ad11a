// Buckets by name, bounded: names come from clients. When the table is full, buckets at rest go first, for a new one in their place is the
// same; if none is, the oldest tenth goes, which lets at most another second's worth of theirs through.
import { TokenBucket } from './token-bucket.ts';

export class BucketTable {
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #countMax: number;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  get size(): number {
    return this.#buckets.size;
  }

  of(name: string, ratePerSecond: number, nowMs: number): TokenBucket {
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      if (this.#buckets.size >= this.#countMax) this.#makeRoom(nowMs);
      bucket = new TokenBucket(ratePerSecond, nowMs);
      this.#buckets.set(name, bucket);
    }
    return bucket;
  }

  #makeRoom(nowMs: number): void {
    const target = Math.floor(this.#countMax * 0.9);
    for (const [name, bucket] of this.#buckets) if (bucket.isFull(nowMs)) this.#buckets.delete(name);
    for (const name of this.#buckets.keys()) {
      if (this.#buckets.size <= target) return;
      this.#buckets.delete(name);
    }
  }
}
