// google.protobuf Duration and Timestamp as the domain API uses them. Durations count whole seconds (semantics §1.7).
import { badRequest } from '#base';

export const MS_PER_DAY = 24 * 3600 * 1000;
// Beyond ten thousand years a duration is not one (google.protobuf.Duration).
const SECONDS_MAX = 315_576_000_000n;

interface SecondsAndNanos {
  seconds: bigint;
  nanos: number;
}

/** 0 when absent. */
export function msOfDuration(duration: SecondsAndNanos | undefined): number {
  if (duration === undefined) return 0;
  if (duration.seconds > SECONDS_MAX || duration.seconds < -SECONDS_MAX) throw badRequest('Duration is out of range.');
  return Number(duration.seconds) * 1000;
}

export const durationOfMs = (ms: number): SecondsAndNanos => ({ seconds: BigInt(Math.floor(ms / 1000)), nanos: 0 });
