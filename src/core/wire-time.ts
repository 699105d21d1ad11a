// Unix milliseconds and whole seconds to and from the wire's Timestamp and Duration. The engine truncates durations to seconds, as Cadence
// does (semantics §1.7); an absent message is not zero, so callers that care look for undefined themselves.
import type { HistoryEvent } from '@antiphon/proto';
import type { Duration, Timestamp } from '@antiphon/proto/google';

export function timestampOf(ms: number): Timestamp {
  const seconds = Math.floor(ms / 1000);
  return { seconds: BigInt(seconds), nanos: Math.floor(ms - seconds * 1000) * 1_000_000 };
}

/** Milliseconds of a Timestamp, rounded down; 0 when absent. */
export function msOf(timestamp: Timestamp | undefined): number {
  return timestamp === undefined ? 0 : Number(timestamp.seconds) * 1000 + Math.floor(timestamp.nanos / 1_000_000);
}

export function durationOf(seconds: number): Duration {
  return { seconds: BigInt(seconds), nanos: 0 };
}

/** Whole seconds of a Duration; 0 when absent. */
export function secondsOf(duration: Duration | undefined): number {
  return duration === undefined ? 0 : Number(duration.seconds);
}

// The state keeps seconds in 32 bits, as Cadence does.
const KEPT_SECONDS_MAX = 2 ** 31 - 1;

/** False for a Duration whose seconds the state cannot keep. */
export const isKeptDuration = (duration: Duration | undefined): boolean =>
  Math.abs(secondsOf(duration)) <= KEPT_SECONDS_MAX;

/** As `secondsOf`, but undefined for what is not above zero: the caller has a default. */
export function positiveSecondsOf(duration: Duration | undefined): number | undefined {
  const seconds = secondsOf(duration);
  return seconds > 0 ? seconds : undefined;
}

export const eventTimeMs = (event: HistoryEvent): number => msOf(event.eventTime);
