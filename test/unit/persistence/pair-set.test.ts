// A set of pairs that may find too much and never too little.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashPair, PairSet } from '../../../src/persistence/cassandra/pair-set.ts';

const DOMAIN = '11111111-1111-4111-8111-111111111111';
const PAIRS = 100_000;

const setOf = (count: number, idOf: (index: number) => string, set = new PairSet()): PairSet => {
  for (let index = 0; index < count; index++) set.add(hashPair(DOMAIN, idOf(index)));
  return set;
};
const foundOf = (set: PairSet, count: number, idOf: (index: number) => string): number => {
  let found = 0;
  for (let index = 0; index < count; index++) if (set.has(hashPair(DOMAIN, idOf(index)))) found++;
  return found;
};

describe('a set of pairs', () => {
  it.each([
    { kind: 'numbers', idOf: (index: number) => `order-${index}` },
    { kind: 'padded numbers at the front', idOf: (index: number) => `${String(index).padStart(9, '0')}-order` },
    { kind: 'texts beyond ASCII', idOf: (index: number) => `заказ ${index} 注文` },
  ])('finds each of 100,000 ids of $kind, and less than one in a hundred of others', ({ idOf }) => {
    const set = setOf(PAIRS, idOf);
    expect(foundOf(set, PAIRS, idOf)).toBe(PAIRS);
    expect(foundOf(set, PAIRS, (index) => idOf(PAIRS + index))).toBeLessThan(PAIRS / 100);
    expect(foundOf(set, PAIRS, (index) => `other-${index}`)).toBeLessThan(PAIRS / 100);
    // None was lost by growing: what it did not count it had found before.
    expect(set.size).toBeGreaterThan(PAIRS * 0.99);
    expect(set.bytes).toBe((8 + 16 + 32 + 64 + 128) * 1024);
  });

  it('is full at 1.2 million pairs and 2 MiB, where it finds about one in a hundred of others, and still all of its own', () => {
    const set = new PairSet();
    let count = 0;
    while (!set.isFull) set.add(hashPair(DOMAIN, `order-${count++}`));
    expect(set.size).toBeGreaterThan(1_190_000);
    expect(set.bytes).toBe(2040 * 1024);
    expect(foundOf(set, PAIRS, (index) => `other-${index}`)).toBeLessThan(PAIRS * 0.015);
    const last = count;
    // Beyond it, too, and without growing.
    setOf(10_000, (index) => `late-${index}`, set);
    expect(foundOf(set, 10_000, (index) => `late-${index}`)).toBe(10_000);
    const tenth = Math.floor(last / 10);
    expect(foundOf(set, tenth, (index) => `order-${index * 10}`)).toBe(tenth);
    expect(set.bytes).toBe(2040 * 1024);
  });

  it('counts a pair once, however often it is added', () => {
    const set = new PairSet();
    for (let round = 0; round < 20; round++) setOf(1_000, (index) => `again-${index}`, set);
    expect(set.size).toBeGreaterThan(990);
    expect(set.size).toBeLessThanOrEqual(1_000);
    expect(set.bytes).toBe(8 * 1024);
  });

  it('tells pairs apart whose texts together are the same', () => {
    const set = new PairSet();
    set.add(hashPair('ab', 'c'));
    expect(set.has(hashPair('ab', 'c'))).toBe(true);
    expect(set.has(hashPair('a', 'bc'))).toBe(false);
    expect(set.has(hashPair('abc', ''))).toBe(false);
  });

  it('finds a text in the form in which a store gives it back', () => {
    const stored = (text: string): string => Buffer.from(text, 'utf8').toString('utf8');
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0xd800, max: 0xdfff }))),
        (units) => {
          const id = String.fromCharCode(...units);
          const set = new PairSet();
          set.add(hashPair(DOMAIN, stored(id)));
          expect(set.has(hashPair(DOMAIN, id))).toBe(true);
        },
      ),
    );
  });
});
