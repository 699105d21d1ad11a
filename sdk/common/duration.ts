// Durations as people write them. On the wire Cadence keeps whole seconds, and truncates; so the SDK rounds up, because a
// timeout or timer that is too long by half a second is harmless and one of zero is not.

const UNIT_MS = {
  ms: 1,
  millisecond: 1,
  s: 1000,
  sec: 1000,
  second: 1000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
} as const;

export interface DurationParts {
  readonly days?: number;
  readonly hours?: number;
  readonly minutes?: number;
  readonly seconds?: number;
  readonly milliseconds?: number;
}

type Unit = keyof typeof UNIT_MS;
/** Milliseconds, `'90s'`, `'1.5 hours'`, or parts. The service keeps whole seconds; fractions are rounded up. */
export type Duration = number | `${number}${Unit}` | `${number} ${Unit}` | `${number} ${Unit}s` | DurationParts;

const TEXT = /^(\d+(?:\.\d+)?) ?([a-z]+)$/;

function textToMs(text: string): number {
  const match = TEXT.exec(text.trim());
  const name = match?.[2] ?? '';
  const unit = (Object.hasOwn(UNIT_MS, name) ? name : name.replace(/s$/, '')) as Unit;
  if (!match || !Object.hasOwn(UNIT_MS, unit)) {
    throw new TypeError(`"${text}" is not a duration: write milliseconds, '30s', '5m', '1.5h' or '7d'`);
  }
  return Number(match[1]) * UNIT_MS[unit];
}

function partsToMs(parts: DurationParts): number {
  const { days = 0, hours = 0, minutes = 0, seconds = 0, milliseconds = 0 } = parts;
  return days * UNIT_MS.d + hours * UNIT_MS.h + minutes * UNIT_MS.m + seconds * UNIT_MS.s + milliseconds;
}

export function durationToMs(duration: Duration): number {
  let ms: number;
  if (typeof duration === 'number') ms = duration;
  else ms = typeof duration === 'string' ? textToMs(duration) : partsToMs(duration);
  if (!Number.isFinite(ms) || ms < 0)
    throw new TypeError(`${ms} ms is not a duration: it must be finite and not negative`);
  return ms;
}

/** Whole seconds, rounded up; what is sent. */
export function durationToSeconds(duration: Duration): number {
  return Math.ceil(durationToMs(duration) / 1000);
}
