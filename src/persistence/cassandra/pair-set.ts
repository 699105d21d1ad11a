// A growing Bloom filter of (domain id, workflow id) pairs. A pair that was added is always found; of others about one in a hundred is found
// all the same when the set is full, and fewer before. Layers of 8 KiB to 1 MiB, each twice the one before: 2 MiB and 1.2 million pairs in all.
// Nothing can be taken out. A lookup allocates one small object.

/** Two independent hashes of a pair; every position in every layer comes from them. */
export interface PairHash {
  readonly start: number;
  /** Odd, so that the positions of one pair differ in a layer, whose size is a power of two. */
  readonly step: number;
}

interface Layer {
  readonly words: Uint32Array;
  readonly mask: number;
  readonly capacity: number;
}

const FIRST_BYTES = 8 * 1024;
const LAST_BYTES = 1024 * 1024;
// Full layers find 0.12 % of the pairs they don't have, so eight of them 1 %.
const BITS_PER_PAIR = 14;
const POSITIONS = 10;

const BEYOND_TEXT = 0x1_0000;
const REPLACEMENT = 0xfffd;

function hashText(text: string, seed: number, factor: number): number {
  let hash = seed;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    // Half a surrogate pair is stored as the replacement character, and read back as that.
    hash = Math.imul(hash ^ ((unit & 0xf800) === 0xd800 ? REPLACEMENT : unit), factor);
  }
  return hash;
}

const hashBoth = (domainId: string, workflowId: string, seed: number, factor: number): number =>
  hashText(workflowId, Math.imul(hashText(domainId, seed, factor) ^ BEYOND_TEXT, factor), factor);

/** Not fingerprint32 of the workflow id: that places workflows on shards, so those of one shard have like values. */
export function hashPair(domainId: string, workflowId: string): PairHash {
  const a = hashBoth(domainId, workflowId, 0xdeadbeef, 0x9e3779b1);
  const b = hashBoth(domainId, workflowId, 0x41c6ce57, 0x5f356495);
  const start = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  const step = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(start ^ (start >>> 13), 0xc2b2ae35);
  return { start, step: step | 1 };
}

const layerOf = (bytes: number): Layer => ({
  words: new Uint32Array(bytes / 4),
  mask: bytes * 8 - 1,
  capacity: Math.floor((bytes * 8) / BITS_PER_PAIR),
});

function layerHas({ words, mask }: Layer, { start, step }: PairHash): boolean {
  for (let index = 0, position = start; index < POSITIONS; index++, position = (position + step) | 0) {
    const bit = position & mask;
    if (((words[bit >>> 5] ?? 0) & (1 << (bit & 31))) === 0) return false;
  }
  return true;
}

function addToLayer({ words, mask }: Layer, { start, step }: PairHash): void {
  for (let index = 0, position = start; index < POSITIONS; index++, position = (position + step) | 0) {
    const bit = position & mask;
    words[bit >>> 5] = (words[bit >>> 5] ?? 0) | (1 << (bit & 31));
  }
}

export class PairSet {
  /** The largest first: most pairs are there. */
  readonly #layers = [layerOf(FIRST_BYTES)];
  readonly #bytesMax: number;
  #room = this.#largest.capacity;
  #size = 0;

  /** `bytesMax` of the largest layer. */
  constructor(bytesMax: number = LAST_BYTES) {
    this.#bytesMax = bytesMax;
  }

  get #largest(): Layer {
    // There is one from the beginning.
    return this.#layers[0] as Layer;
  }

  /** Pairs that were not found when they were added. */
  get size(): number {
    return this.#size;
  }

  /** What is added now makes it find ever more that it doesn't have. */
  get isFull(): boolean {
    return this.#room <= 0 && this.#largest.words.byteLength >= this.#bytesMax;
  }

  get isMoreThanHalfFull(): boolean {
    const bitsMax = (2 * this.#bytesMax - FIRST_BYTES) * 8;
    return this.#size * BITS_PER_PAIR > bitsMax / 2;
  }

  get bytes(): number {
    return this.#layers.reduce((bytes, { words }) => bytes + words.byteLength, 0);
  }

  has(hash: PairHash): boolean {
    for (const layer of this.#layers) if (layerHas(layer, hash)) return true;
    return false;
  }

  add(hash: PairHash): void {
    if (this.has(hash)) return;
    if (this.#room <= 0 && !this.isFull) {
      const layer = layerOf(this.#largest.words.byteLength * 2);
      this.#layers.unshift(layer);
      this.#room = layer.capacity;
    }
    addToLayer(this.#largest, hash);
    this.#room--;
    this.#size++;
  }
}
