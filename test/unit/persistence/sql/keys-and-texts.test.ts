// How ids become keys, and texts what PostgreSQL can hold.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundedKey } from '#persistence/sql';
import { escapeText, unescapeText } from '../../../../src/persistence/postgres/text-escape.ts';

const anyText = fc.string({ unit: 'binary' });
const controlText = fc.string({ unit: fc.constantFrom('\u0000', '\u0001', '\u0002', 'a', 'é') });
const compare = (a: string, b: string): number => Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));

describe('a bounded key', () => {
  it('is the id while that is short', () => {
    for (const id of ['', 'order-1', 'x'.repeat(255), 'é'.repeat(127)]) expect(boundedKey(id)).toBe(id);
  });

  it('fits its column, keeps its beginning, and is longer than any short id', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 256, maxLength: 1000 }), (id) => {
        const key = Buffer.from(boundedKey(id));
        expect(key.length).toBeGreaterThan(255);
        expect(key.length).toBeLessThanOrEqual(270);
        expect(key.subarray(0, 180)).toEqual(Buffer.from(id).subarray(0, 180));
      }),
    );
  });

  it('differs for ids that differ at their end only', () => {
    const long = '漢'.repeat(999);
    expect(boundedKey(`${long}a`)).not.toBe(boundedKey(`${long}b`));
    expect(boundedKey(boundedKey(`${long}a`))).not.toBe(boundedKey(`${long}a`));
  });
});

describe('a text for PostgreSQL', () => {
  it('has no U+0000, comes back as it was, and sorts as before', () => {
    const texts = fc.oneof(anyText, controlText);
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        expect(escapeText(a)).not.toContain('\u0000');
        expect(unescapeText(escapeText(a))).toBe(a);
        expect(compare(escapeText(a), escapeText(b))).toBe(compare(a, b));
      }),
    );
  });
});
