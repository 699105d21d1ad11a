// Times relative to now in queries: `now() - 1h30m` in the query itself or in quotes, and `'3d'`, three days ago, as Cadence's CLI writes it.

const MS = 1;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Months and years are 30 and 365 days, as in the CLI. */
const UNITS: ReadonlyMap<string, number> = new Map([
  ['ms', MS],
  ['s', SECOND],
  ['second', SECOND],
  ['m', MINUTE],
  ['minute', MINUTE],
  ['h', HOUR],
  ['hour', HOUR],
  ['d', DAY],
  ['day', DAY],
  ['w', 7 * DAY],
  ['week', 7 * DAY],
  ['M', 30 * DAY],
  ['month', 30 * DAY],
  ['y', 365 * DAY],
  ['year', 365 * DAY],
]);

const PART = String.raw`\d+(?:\.\d+)?(?:ms|seconds?|minutes?|hours?|days?|weeks?|months?|years?|[smhdwMy])`;

/** At a place in a query. */
export const RELATIVE_TIME = new RegExp(
  String.raw`[nN][oO][wW]\s*\(\s*\)(?:\s*[+-]\s*(?:${PART})+(?![A-Za-z0-9_.]))?`,
  'y',
);

const FROM_NOW = new RegExp(String.raw`^\s*now\s*\(\s*\)\s*(?:([+-])\s*((?:${PART})+))?\s*$`, 'i');
const AGO = new RegExp(String.raw`^\s*((?:${PART})+)\s*$`);
const ONE_PART = /(\d+(?:\.\d+)?)([A-Za-z]+)/g;

function durationMs(text: string): number | undefined {
  let total = 0;
  for (const [, amount, name = ''] of text.matchAll(ONE_PART)) {
    const unit = UNITS.get(name) ?? UNITS.get(name.toLowerCase()) ?? UNITS.get(name.toLowerCase().replace(/s$/, ''));
    if (unit === undefined) return undefined;
    total += Number(amount) * unit;
  }
  return total;
}

/** Unix milliseconds, or undefined when the text is no such time. */
export function relativeTimeMs(text: string, nowMs: number): number | undefined {
  const ago = AGO.exec(text);
  if (ago !== null) {
    const duration = durationMs(ago[1] ?? '');
    return duration === undefined ? undefined : nowMs - duration;
  }
  const match = FROM_NOW.exec(text);
  if (match === null) return undefined;
  const [, sign, span] = match;
  const duration = span === undefined ? 0 : durationMs(span);
  return duration === undefined ? undefined : nowMs + (sign === '-' ? -duration : duration);
}
