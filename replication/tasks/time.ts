// Wire times and the engine's milliseconds. 0 means absent on both sides.
import type { Timestamp } from '@antiphon/proto/google';

export const timestampOf = (ms: number): Timestamp | undefined =>
  ms === 0 ? undefined : { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 };

export const msOf = (time: Timestamp | undefined): number =>
  time === undefined ? 0 : Number(time.seconds) * 1000 + Math.floor(time.nanos / 1e6);
