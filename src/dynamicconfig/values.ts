// Reading and writing of values. Outside they are JSON or YAML scalars, maps and lists; durations are Go's text. What does not fit its key is
// refused with a text that says what was expected and what was found: it is shown to people who edit files by hand.
import type { AnyKey, ValueKind } from './key.ts';

export class ValueError extends Error {
  override readonly name = 'DynamicConfigValueError';
}

const EXPECTED: Readonly<Record<ValueKind, string>> = {
  int: 'a whole number',
  float: 'a number',
  bool: 'true or false',
  string: 'a text',
  duration: 'a duration such as 10s, 1m30s or 250ms',
  map: 'a map',
  list: 'a list',
};

const SHOWN_CHARS_MAX = 60;

const shown = (raw: unknown): string => {
  const text = JSON.stringify(raw) ?? String(raw);
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text;
};

/** @throws ValueError, without the key's name. */
export function parseValue(key: AnyKey, raw: unknown): unknown {
  const value = parseKind(key.kind, raw);
  if (typeof value === 'number') checkBounds(key, value, raw);
  if (key.choices !== undefined && !key.choices.includes(value as string)) {
    throw new ValueError(`must be one of ${key.choices.join(', ')}, and is ${shown(raw)}`);
  }
  if (key.kind === 'list') requireTexts(value as readonly unknown[]);
  return value;
}

/** For keys that are known but have no effect: only the type is looked at. */
export function parseKind(kind: ValueKind, raw: unknown): unknown {
  switch (kind) {
    case 'int':
      if (Number.isSafeInteger(raw)) return raw;
      break;
    case 'float':
      if (typeof raw === 'number' && Number.isFinite(raw)) return raw;
      break;
    case 'bool':
      if (typeof raw === 'boolean') return raw;
      break;
    case 'string':
      if (typeof raw === 'string') return raw;
      break;
    case 'duration': {
      const ms = typeof raw === 'string' ? parseDuration(raw) : undefined;
      if (ms !== undefined) return ms;
      break;
    }
    case 'map':
      if (typeof raw === 'object' && raw !== null && !Array.isArray(raw)) return raw;
      break;
    case 'list':
      if (Array.isArray(raw)) return raw;
      break;
  }
  throw new ValueError(`must be ${EXPECTED[kind]}, and is ${shown(raw)}`);
}

function checkBounds(key: AnyKey, value: number, raw: unknown): void {
  const text = (bound: number): string => (key.kind === 'duration' ? formatDuration(bound) : String(bound));
  if (key.min !== undefined && value < key.min) {
    throw new ValueError(`must be ${text(key.min)} or more, and is ${shown(raw)}`);
  }
  if (key.max !== undefined && value > key.max) {
    throw new ValueError(`must be ${text(key.max)} or less, and is ${shown(raw)}`);
  }
}

function requireTexts(items: readonly unknown[]): void {
  const wrong = items.find((item) => typeof item !== 'string');
  if (wrong !== undefined) throw new ValueError(`must be a list of texts, and has ${shown(wrong)}`);
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const DURATION = /^([+-])?((?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/;
const DURATION_PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g;

/** Go's time.ParseDuration, in milliseconds; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (text.length > SHOWN_CHARS_MAX || !DURATION.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(DURATION_PART))
    ms += Number(amount) * (UNIT_MS[unit as string] as number);
  return text.startsWith('-') ? -ms : ms;
}

/** As Go prints a duration: "1h0m0s", "1.5s", "250ms". */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  const sign = ms < 0 ? '-' : '';
  const rest = Math.abs(ms);
  if (rest < 1000) return `${sign}${rest}ms`;
  const hours = Math.floor(rest / 3_600_000);
  const minutes = Math.floor((rest % 3_600_000) / 60_000);
  const seconds = (rest % 60_000) / 1000;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${seconds}s`;
}

/** The form a value has outside. */
export const rawValue = (kind: ValueKind, value: unknown): unknown =>
  kind === 'duration' ? formatDuration(value as number) : value;
