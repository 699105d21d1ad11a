// Cron schedules as github.com/robfig/cron v3 ParseStandard reads them: five fields with names, lists, ranges and steps; `@daily` and its
// kin; `@every 1h30m`; a leading `TZ=` or `CRON_TZ=`. Golden vectors made with that library: test/unit/core/fixtures/cron.json.
import { badRequest } from '#base';
import { loadZone, UTC, unixOf, wallTimeOf, type Zone } from './civil-time.ts';

interface FieldSchedule {
  readonly kind: 'fields';
  readonly zone: Zone;
  readonly minutes: CronField;
  readonly hours: CronField;
  readonly daysOfMonth: CronField;
  readonly months: CronField;
  readonly daysOfWeek: CronField;
}

/** From any moment on, whole seconds. */
interface IntervalSchedule {
  readonly kind: 'interval';
  readonly seconds: number;
}

export type CronSchedule = FieldSchedule | IntervalSchedule;

interface CronField {
  readonly values: ReadonlySet<number>;
  /** Written with a `*`: the other day field decides alone. */
  readonly isStar: boolean;
}

interface FieldBounds {
  readonly min: number;
  readonly max: number;
  readonly names?: Readonly<Record<string, number>>;
}

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
const WEEKDAYS = 'sun mon tue wed thu fri sat'.split(' ');
const MINUTE: FieldBounds = { min: 0, max: 59 };
const HOUR: FieldBounds = { min: 0, max: 23 };
const DAY_OF_MONTH: FieldBounds = { min: 1, max: 31 };
const MONTH: FieldBounds = { min: 1, max: 12, names: Object.fromEntries(MONTHS.map((name, at) => [name, at + 1])) };
const DAY_OF_WEEK: FieldBounds = { min: 0, max: 6, names: Object.fromEntries(WEEKDAYS.map((name, at) => [name, at])) };

const DESCRIPTORS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  μs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
};

/** What is wrong with an expression; known to this file only. */
class CronFault extends Error {}

function fault(message: string): never {
  throw new CronFault(message);
}

/** Throws BadRequest when the expression is not one. */
export function parseCronSchedule(expression: string): CronSchedule {
  try {
    return parse(expression);
  } catch (error) {
    if (!(error instanceof CronFault)) throw error;
    const text = `Invalid CronSchedule, failed to parse: ${JSON.stringify(expression)}, err: ${error.message}`;
    throw badRequest(text, { cause: error });
  }
}

function parse(expression: string): CronSchedule {
  if (expression === '') fault('empty spec string');
  let spec = expression;
  let zone = UTC;
  if (spec.startsWith('TZ=') || spec.startsWith('CRON_TZ=')) {
    const end = spec.indexOf(' ');
    if (end < 0) fault(`missing schedule after time zone: ${expression}`);
    zone = loadZone(spec.slice(spec.indexOf('=') + 1, end));
    spec = spec.slice(end).trim();
  }
  if (spec.startsWith('@every ')) return { kind: 'interval', seconds: parseInterval(spec.slice('@every '.length)) };
  if (spec.startsWith('@')) {
    const fields = DESCRIPTORS[spec];
    if (fields === undefined) fault(`unrecognized descriptor: ${spec}`);
    spec = fields;
  }
  const fields = spec.split(/\s+/).filter((field) => field !== '');
  if (fields.length !== 5) fault(`expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`);
  const [minutes = '', hours = '', daysOfMonth = '', months = '', daysOfWeek = ''] = fields;
  return {
    kind: 'fields',
    zone,
    minutes: parseField(minutes, MINUTE),
    hours: parseField(hours, HOUR),
    daysOfMonth: parseField(daysOfMonth, DAY_OF_MONTH),
    months: parseField(months, MONTH),
    daysOfWeek: parseField(daysOfWeek, DAY_OF_WEEK),
  };
}

/** Go's time.ParseDuration, in whole seconds, at least one. */
function parseInterval(text: string): number {
  const match = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(text);
  if (match === null) fault(`failed to parse duration ${text}`);
  let seconds = 0;
  for (const [, value = '', unit = ''] of (match[2] ?? '').matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    seconds += Number(value) * (DURATION_UNITS[unit] ?? 0);
  }
  // Binary fractions of a decimal input may fall just short of a whole second.
  return match[1] === '-' ? 1 : Math.max(1, Math.floor(seconds + 1e-9));
}

function parseField(text: string, bounds: FieldBounds): CronField {
  const values = new Set<number>();
  let isStar = false;
  for (const part of text.split(',')) {
    if (part === '') continue;
    if (parseRange(part, bounds, values)) isStar = true;
  }
  return { values, isStar };
}

/** Adds `*`, `N`, `N-M`, each with an optional `/step`. True when it counts as a star. */
function parseRange(part: string, bounds: FieldBounds, values: Set<number>): boolean {
  const [range = '', stepText, ...moreSteps] = part.split('/');
  const [lowText = '', highText, ...moreHyphens] = range.split('-');
  if (moreHyphens.length > 0) fault(`too many hyphens: ${part}`);
  if (moreSteps.length > 0) fault(`too many slashes: ${part}`);
  let isStar = lowText === '*' || lowText === '?';
  const low = isStar ? bounds.min : parseNumber(lowText, bounds);
  let high = isStar ? bounds.max : highText === undefined ? low : parseNumber(highText, bounds);
  let step = 1;
  if (stepText !== undefined) {
    step = parseInteger(stepText);
    if (highText === undefined) high = bounds.max;
    if (step > 1) isStar = false;
  }
  if (low < bounds.min) fault(`beginning of range (${low}) below minimum (${bounds.min}): ${part}`);
  if (high > bounds.max) fault(`end of range (${high}) above maximum (${bounds.max}): ${part}`);
  if (low > high) fault(`beginning of range (${low}) beyond end of range (${high}): ${part}`);
  if (step === 0) fault(`step of range should be a positive number: ${part}`);
  for (let value = low; value <= high; value += step) values.add(value);
  return isStar;
}

function parseNumber(text: string, bounds: FieldBounds): number {
  return bounds.names?.[text.toLowerCase()] ?? parseInteger(text);
}

function parseInteger(text: string): number {
  if (/^-\d+$/.test(text) && Number(text) !== 0) fault(`negative number (${text}) not allowed: ${text}`);
  if (!/^[+-]?\d+$/.test(text)) fault(`failed to parse int from ${text}`);
  return Number(text);
}

const YEARS_AHEAD_MAX = 5;

/** The next fire strictly after `afterMs`; undefined when none comes within five years. */
export function nextCronTime(schedule: CronSchedule | string, afterMs: number): number | undefined {
  const parsed = typeof schedule === 'string' ? parseCronSchedule(schedule) : schedule;
  const afterSeconds = Math.floor(afterMs / 1000);
  if (parsed.kind === 'interval') return (afterSeconds + parsed.seconds) * 1000;
  const next = nextFire(parsed, afterSeconds + 1);
  return next === undefined ? undefined : next * 1000;
}

function matchesDay(schedule: FieldSchedule, day: number, weekday: number): boolean {
  const { daysOfMonth, daysOfWeek } = schedule;
  const byMonth = daysOfMonth.values.has(day);
  const byWeek = daysOfWeek.values.has(weekday);
  return daysOfMonth.isStar || daysOfWeek.isStar ? byMonth && byWeek : byMonth || byWeek;
}

/** robfig's SpecSchedule.Next, step for step: each field moves on until it matches, and an overflow starts from the top. */
function nextFire(schedule: FieldSchedule, from: number): number | undefined {
  const { zone } = schedule;
  const yearMax = wallTimeOf(from, zone).year + YEARS_AHEAD_MAX;
  let time = from;
  let isTruncated = false;
  for (;;) {
    if (wallTimeOf(time, zone).year > yearMax) return undefined;
    const day = nextDay(schedule, time, isTruncated);
    time = day.time;
    isTruncated = day.isTruncated;
    if (day.wrapped) continue;
    const hour = nextHour(schedule, time, isTruncated);
    time = hour.time;
    isTruncated = hour.isTruncated;
    if (hour.wrapped) continue;
    const minute = nextMinute(schedule, time, isTruncated);
    time = minute.time;
    isTruncated = minute.isTruncated;
    if (!minute.wrapped) return time;
  }
}

interface Step {
  readonly time: number;
  /** Lower fields are at their start already. */
  readonly isTruncated: boolean;
  readonly wrapped: boolean;
}

function nextDay(schedule: FieldSchedule, start: number, truncated: boolean): Step {
  const { zone, months } = schedule;
  let time = start;
  let isTruncated = truncated;
  let wall = wallTimeOf(time, zone);
  while (!months.values.has(wall.month)) {
    if (!isTruncated) {
      isTruncated = true;
      time = unixOf(wall.year, wall.month, 1, 0, zone);
      wall = wallTimeOf(time, zone);
    }
    time = addDate(time, 1, 0, zone);
    wall = wallTimeOf(time, zone);
    if (wall.month === 1) return { time, isTruncated, wrapped: true };
  }
  while (!matchesDay(schedule, wall.day, wall.weekday)) {
    if (!isTruncated) {
      isTruncated = true;
      time = unixOf(wall.year, wall.month, wall.day, 0, zone);
    }
    time = addDate(time, 0, 1, zone);
    wall = wallTimeOf(time, zone);
    // Where midnight does not exist the day begins at another hour.
    if (wall.hour !== 0) {
      time += (wall.hour > 12 ? 24 - wall.hour : -wall.hour) * 3600;
      wall = wallTimeOf(time, zone);
    }
    if (wall.day === 1) return { time, isTruncated, wrapped: true };
  }
  return { time, isTruncated, wrapped: false };
}

/** Go's AddDate: the same clock time some months and days on. */
function addDate(time: number, months: number, days: number, zone: Zone): number {
  const wall = wallTimeOf(time, zone);
  const midnight = unixOf(wall.year, wall.month + months, wall.day + days, wall.hour, zone);
  return midnight + wall.minute * 60 + wall.second;
}

function nextHour(schedule: FieldSchedule, start: number, truncated: boolean): Step {
  const { zone, hours } = schedule;
  let time = start;
  let isTruncated = truncated;
  let wall = wallTimeOf(time, zone);
  while (!hours.values.has(wall.hour)) {
    if (!isTruncated) {
      isTruncated = true;
      time = unixOf(wall.year, wall.month, wall.day, wall.hour, zone);
    }
    time += 3600;
    wall = wallTimeOf(time, zone);
    if (wall.hour === 0) return { time, isTruncated, wrapped: true };
  }
  return { time, isTruncated, wrapped: false };
}

function nextMinute(schedule: FieldSchedule, start: number, truncated: boolean): Step {
  const { zone, minutes } = schedule;
  let time = start;
  let isTruncated = truncated;
  while (!minutes.values.has(wallTimeOf(time, zone).minute)) {
    if (!isTruncated) {
      isTruncated = true;
      time -= time % 60;
    }
    time += 60;
    if (wallTimeOf(time, zone).minute === 0) return { time, isTruncated, wrapped: true };
  }
  // The seconds field of a standard schedule is 0.
  const { second } = wallTimeOf(time, zone);
  if (second === 0) return { time, isTruncated, wrapped: false };
  time += 60 - second;
  return { time, isTruncated, wrapped: true };
}
