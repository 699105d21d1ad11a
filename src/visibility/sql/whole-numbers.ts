// Comparisons of columns that hold whole numbers. Queries give times in nanoseconds, so their milliseconds may have a fraction, and numbers may be
// larger than any server's integers: both are brought to the whole number that means the same.

// Beyond every stored number, and within a 64-bit integer.
const LIMIT = 2 ** 62;

const bounded = (value: number): number => Math.max(-LIMIT, Math.min(LIMIT, value));

type Operator = '=' | '<' | '<=' | '>' | '>=';

/** Undefined: no whole number is equal. */
export function wholeComparison(
  operator: Operator,
  value: number,
): { readonly operator: Operator; readonly value: number } | undefined {
  if (Number.isInteger(value)) return { operator, value: bounded(value) };
  if (operator === '=') return undefined;
  const isUpper = operator === '<' || operator === '<=';
  return { operator: isUpper ? '<=' : '>=', value: bounded(isUpper ? Math.floor(value) : Math.ceil(value)) };
}

export const wholeBetween = (low: number, high: number): { readonly low: number; readonly high: number } => ({
  low: bounded(Math.ceil(low)),
  high: bounded(Math.floor(high)),
});
