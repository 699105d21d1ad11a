// A comparison with any number means the same for whole numbers as the one that a server is asked for.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { wholeBetween, wholeComparison } from '../../../src/visibility/sql/whole-numbers.ts';

const COMPARE = {
  '=': (a: number, b: number) => a === b,
  '<': (a: number, b: number) => a < b,
  '<=': (a: number, b: number) => a <= b,
  '>': (a: number, b: number) => a > b,
  '>=': (a: number, b: number) => a >= b,
} as const;
const operators = Object.keys(COMPARE) as (keyof typeof COMPARE)[];
const asked = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ min: -20, max: 20, noNaN: true }),
  fc.integer({ min: -20, max: 20 }),
);
const stored = fc.oneof(fc.integer({ min: -20, max: 20 }), fc.maxSafeInteger());

it('compares alike', () => {
  fc.assert(
    fc.property(fc.constantFrom(...operators), stored, asked, (operator, value, bound) => {
      const whole = wholeComparison(operator, bound);
      const answer = whole !== undefined && COMPARE[whole.operator](value, whole.value);
      expect(answer).toBe(COMPARE[operator](value, bound));
      if (whole !== undefined) expect(Math.abs(whole.value)).toBeLessThanOrEqual(2 ** 62);
    }),
  );
});

it('lies between alike', () => {
  fc.assert(
    fc.property(stored, asked, asked, (value, a, b) => {
      const { low, high } = wholeBetween(a, b);
      expect(value >= low && value <= high).toBe(value >= a && value <= b);
    }),
  );
});
