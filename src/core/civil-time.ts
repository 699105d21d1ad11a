// Calendar arithmetic without a clock: wall times of a time zone to and from unix seconds, as Go's time package counts them, since cron
// schedules must fire when Cadence's do, also around daylight saving changes.
import { badRequest } from '#base';

export interface WallTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** 0 is Sunday. */
  readonly weekday: number;
}

export interface Zone {
  /** Seconds that the zone is ahead of UTC at that moment. */
  offsetAt(unixSeconds: number): number;
}

export const UTC: Zone = { offsetAt: () => 0 };

const DAY_SECONDS = 86_400;

/** Days since 1970-01-01 of a proleptic Gregorian date; month and day may be out of range. */
export function daysFromCivil(year: number, month: number, day: number): number {
  const months = year * 12 + (month - 1);
  const normalYear = Math.floor(months / 12);
  const normalMonth = months - normalYear * 12 + 1;
  const y = normalMonth <= 2 ? normalYear - 1 : normalYear;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const monthFromMarch = (normalMonth + 9) % 12;
  const dayOfYear = Math.floor((153 * monthFromMarch + 2) / 5);
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468 + (day - 1);
}

export function wallTimeOf(unixSeconds: number, zone: Zone): WallTime {
  const local = unixSeconds + zone.offsetAt(unixSeconds);
  const days = Math.floor(local / DAY_SECONDS);
  const rest = local - days * DAY_SECONDS;
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
    hour: Math.floor(rest / 3600),
    minute: Math.floor((rest % 3600) / 60),
    second: rest % 60,
    weekday: (((days + 4) % 7) + 7) % 7,
  };
}

/** Go's time.Date: fields may be out of range; a time that does not exist or exists twice is resolved as Go does. */
export function unixOf(year: number, month: number, day: number, hour: number, zone: Zone): number {
  const asUtc = daysFromCivil(year, month, day) * DAY_SECONDS + hour * 3600;
  const offset = zone.offsetAt(asUtc);
  if (offset === 0) return asUtc;
  const unix = asUtc - offset;
  const actual = zone.offsetAt(unix);
  return actual === offset ? unix : asUtc - actual;
}

const QUARTER_SECONDS = 900;

/** A zone of the IANA database, by the platform's tables. */
export function loadZone(name: string): Zone {
  if (name === '' || name === 'UTC' || name === 'Local') return UTC;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch (error) {
    throw badRequest(`Invalid CronSchedule: unknown time zone ${name}`, { cause: error });
  }
  let memoKey = Number.NaN;
  let memoOffset = 0;
  return {
    offsetAt(unixSeconds) {
      // Offsets change on quarters of an hour only.
      const key = Math.floor(unixSeconds / QUARTER_SECONDS);
      if (key !== memoKey) {
        memoKey = key;
        memoOffset = computeOffset(format, key * QUARTER_SECONDS);
      }
      return memoOffset;
    },
  };
}

function computeOffset(format: Intl.DateTimeFormat, unixSeconds: number): number {
  const fields: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(unixSeconds * 1000)) fields[type] = Number(value);
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = fields;
  return daysFromCivil(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second - unixSeconds;
}
