// Draws from a seed. A fork by label has its own stream, so that one part of a run that draws more does not change what another part draws.
import { createHash } from 'node:crypto';
import { type Random, seededRandom } from '#env';

export const hashOf = (...parts: readonly (string | number)[]): number =>
  createHash('sha256').update(parts.join('\0')).digest().readUInt32LE(0);

export class Chance {
  readonly #seed: string;
  readonly #random: Random;

  constructor(seed: string | number) {
    this.#seed = String(seed);
    this.#random = seededRandom(hashOf(this.#seed));
  }

  fork(label: string): Chance {
    return new Chance(`${this.#seed}/${label}`);
  }

  /** True with this probability. */
  is(probability: number): boolean {
    return probability > 0 && this.#random.next() < probability;
  }

  /** Uniform in [least, most]. */
  between(least: number, most: number): number {
    return least + this.#random.next() * (most - least);
  }

  /** Uniform whole number in [least, most]. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.#random.next() * (most - least + 1));
  }

  pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.#random.next() * items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  /** A key of the weights, by its weight. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries(weights) as [K, number][];
    let left = this.#random.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      left -= weight;
      if (left < 0) return key;
    }
    return entries[0]![0];
  }

  uuid(): string {
    return this.#random.uuid();
  }
}
