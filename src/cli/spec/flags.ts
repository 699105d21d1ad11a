// Flags of commands, declared once: names, what the value is, what it is for. The first name is ours (`--workflow-id`), the others are
// aliases, among them all that Cadence's CLI has (`-w`, `--wid`); `_` and `-` are the same in any of them. A flag's type follows from its
// declaration, so that a command's `run` gets typed values.
import { usageError } from '../failure.ts';

export interface Flag<T> {
  /** Without dashes; the first is the full name. */
  readonly names: readonly string[];
  readonly help: string;
  /** How help names the value; undefined: a switch, which takes none. */
  readonly placeholder: string | undefined;
  readonly isRequired: boolean;
  /** May be given more than once; `parse` gets all values. */
  readonly isMany: boolean;
  readonly choices: readonly string[] | undefined;
  /** The value when it is not given. */
  readonly fallback: T;
  /** @throws Error whose message says what was expected. */
  parse(texts: readonly string[]): T;
}

export type Flags = Readonly<Record<string, Flag<unknown>>>;
export type ValuesOf<F extends Flags> = { readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never };

type Optional<T> = Flag<T | undefined>;

function flag<T>(
  names: string,
  help: string,
  placeholder: string | undefined,
  parse: (text: string) => T,
): Optional<T> {
  return {
    names: names.split(' '),
    help,
    placeholder,
    isRequired: false,
    isMany: false,
    choices: undefined,
    fallback: undefined,
    parse: (texts) => parse(texts.at(-1) ?? ''),
  };
}

export const text = (names: string, help: string, placeholder = 'text'): Optional<string> =>
  flag(names, help, placeholder, (value) => value);

export const whole = (names: string, help: string, placeholder = 'n'): Optional<number> =>
  flag(names, help, placeholder, wholeNumber);

export const decimal = (names: string, help: string): Optional<number> =>
  flag(names, help, 'number', (value) => {
    if (value.trim() === '' || !Number.isFinite(Number(value))) throw new Error('expected a number.');
    return Number(value);
  });

/** Whole seconds; a plain number is seconds, as in Cadence. */
export const duration = (names: string, help: string): Optional<number> =>
  flag(names, help, 'duration', (value) => durationSeconds(value, 1));

/** Whole seconds; a plain number is days, as in Cadence. */
export const days = (names: string, help: string): Optional<number> =>
  flag(names, help, 'days', (value) => durationSeconds(value, 86_400));

/** Unix milliseconds. */
export const instant = (names: string, help: string): Optional<number> =>
  flag(names, help, 'time', (value) => instantMs(value, Date.now()));

// Longer lists of choices are put into the text instead, for the sake of the columns of a help page.
const PLACEHOLDER_LENGTH = 30;

export function oneOf<const C extends string>(names: string, help: string, choices: readonly C[]): Optional<C> {
  const listed = choices.join('|');
  const isShort = listed.length <= PLACEHOLDER_LENGTH;
  const parse = (value: string): C => {
    const found = choices.find((choice) => choice.toLowerCase() === value.toLowerCase());
    if (found === undefined) throw new Error(`expected one of ${choices.join(', ')}.`);
    return found;
  };
  return {
    ...flag(names, isShort ? help : `${help}: ${choices.join(', ')}`, isShort ? listed : 'choice', parse),
    choices,
  };
}

/** Given more than once, or as a list with commas. */
export const list = (names: string, help: string, placeholder = 'a,b'): Flag<readonly string[]> => ({
  ...flag(names, help, placeholder, String),
  isMany: true,
  fallback: [],
  parse: (texts) =>
    texts
      .flatMap((value) => value.split(','))
      .map((value) => value.trim())
      .filter((value) => value !== ''),
});

/** Given more than once; each value is taken as it is. */
export const many = (names: string, help: string, placeholder: string): Flag<readonly string[]> => ({
  ...flag(names, help, placeholder, String),
  isMany: true,
  fallback: [],
  parse: (texts) => texts,
});

/** `a=1,b=2`, or given more than once. */
export const pairs = (names: string, help: string): Flag<Readonly<Record<string, string>>> => ({
  ...flag(names, help, 'key=value', String),
  isMany: true,
  fallback: {},
  parse: (texts) =>
    Object.fromEntries(
      texts
        .flatMap((value) => value.split(','))
        .filter((pair) => pair.trim() !== '')
        .map((pair) => {
          const separator = pair.indexOf('=');
          if (separator <= 0) throw new Error(`expected key=value, and got "${pair}".`);
          return [pair.slice(0, separator).trim(), pair.slice(separator + 1).trim()];
        }),
    ),
});

export const on = (names: string, help: string): Flag<boolean> => ({
  ...flag<boolean>(names, help, undefined, () => true),
  fallback: false,
  parse: (texts) => !/^(false|f|0|no)$/i.test(texts.at(-1) ?? 'true'),
});

/** A switch that is on unless `--name=false`: given with a value, as Cadence's `--global_domain false`. */
export const yesOrNo = (names: string, help: string): Optional<boolean> =>
  flag(names, help, 'true|false', (value) => {
    if (/^(true|t|1|yes)$/i.test(value)) return true;
    if (/^(false|f|0|no)$/i.test(value)) return false;
    throw new Error('expected true or false.');
  });

export const required = <T>(given: Flag<T>): Flag<NonNullable<T>> => ({
  ...(given as Flag<NonNullable<T>>),
  isRequired: true,
});

export const or = <T>(given: Optional<T>, fallback: T): Flag<T> => ({ ...(given as Flag<T>), fallback });

export function wholeNumber(value: string): number {
  if (!/^-?\d+$/.test(value.trim()) || !Number.isSafeInteger(Number(value))) {
    throw new Error('expected a whole number.');
  }
  return Number(value);
}

const UNIT_SECONDS = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const;

/** `10s`, `5m`, `2h`, `1d`, or a plain number of `plainUnit` seconds; whole seconds, rounded up. */
export function durationSeconds(value: string, plainUnit: number): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)?$/.exec(value.trim());
  if (!match) throw new Error('expected a duration such as 30s, 5m, 2h or 1d.');
  const unit = match[2] as keyof typeof UNIT_SECONDS | undefined;
  return Math.ceil(Number(match[1]) * (unit === undefined ? plainUnit : UNIT_SECONDS[unit]));
}

// Cadence's relative times: `15minute`, `3h`, `2M` (months of 30 days).
const AGO_MS: Readonly<Record<string, number>> = Object.fromEntries(
  (
    [
      ['s', 'second', 1],
      ['m', 'minute', 60],
      ['h', 'hour', 3600],
      ['d', 'day', 86_400],
      ['w', 'week', 604_800],
      ['M', 'month', 30 * 86_400],
      ['y', 'year', 365 * 86_400],
    ] as const
  ).flatMap(([short, long, seconds]) => [
    [short, seconds * 1000],
    [long, seconds * 1000],
  ]),
);

/** RFC 3339, Unix nanoseconds, or how long ago: `3h`, `15minute`. */
export function instantMs(value: string, nowMs: number): number {
  const trimmed = value.trim();
  if (/^\d{10,}$/.test(trimmed)) return Math.floor(Number(trimmed) / 1e6);
  const ago = /^(\d+)([a-zA-Z]+)$/.exec(trimmed);
  const unitMs = ago ? AGO_MS[ago[2] as string] : undefined;
  if (ago && unitMs !== undefined) return nowMs - Number(ago[1]) * unitMs;
  const parsed = /^\d{4}-/.test(trimmed) ? Date.parse(trimmed) : Number.NaN;
  if (Number.isNaN(parsed)) {
    throw new Error('expected a time such as 2026-01-31T12:00:00Z, or how long ago, such as 3h or 15minute.');
  }
  return parsed;
}

/** The value of a flag from what was typed, or its fallback. @throws CliError naming the flag. */
export function typedValue<T>(declared: Flag<T>, texts: readonly string[]): T {
  if (texts.length === 0) return declared.fallback;
  try {
    return declared.parse(texts);
  } catch (error) {
    if (!(error instanceof Error) || error.name === 'CliError') throw error;
    throw usageError(`--${declared.names[0]} is "${texts.at(-1)}": ${error.message}`);
  }
}
