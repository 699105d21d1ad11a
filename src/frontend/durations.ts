// Durations and times of requests. The server works in whole seconds and truncates (semantics §1.7): half a second is none. What does
// not fit the 32 bits that Cadence stores is refused, not wrapped.
import type { Duration, Timestamp } from '@antiphon/proto/google';

const SECONDS_MAX = 2 ** 31 - 1;
const NANOS_PER_SECOND = 1_000_000_000n;
// Year 9999, the end of protobuf's Timestamp.
const TIMESTAMP_SECONDS_MAX = 253_402_300_799n;

/** Whole seconds, toward zero; undefined when absent; NaN when out of range. */
export function secondsOfDuration(duration: Duration | undefined): number | undefined {
  if (duration === undefined) return undefined;
  const seconds = Number((duration.seconds * NANOS_PER_SECOND + BigInt(duration.nanos)) / NANOS_PER_SECOND);
  return Math.abs(seconds) > SECONDS_MAX ? Number.NaN : seconds;
}

export const isPositive = (seconds: number | undefined): seconds is number => seconds !== undefined && seconds > 0;

/** Absent or not negative; NaN is neither. */
export const isAbsentOrNotNegative = (seconds: number | undefined): boolean => seconds === undefined || seconds >= 0;

/** Unix milliseconds, undefined when absent or no valid time. */
export function msOfTimestamp(timestamp: Timestamp | undefined): number | undefined {
  if (timestamp === undefined) return undefined;
  const { seconds, nanos } = timestamp;
  if (seconds < 0n || seconds > TIMESTAMP_SECONDS_MAX || nanos < 0 || nanos > 999_999_999) return undefined;
  return Number(seconds) * 1000 + Math.floor(nanos / 1_000_000);
}
