// Times and durations as protobuf has them.

export interface WireTime {
  readonly seconds: bigint;
  readonly nanos: number;
}

export const wireDuration = (seconds: number): WireTime => ({ seconds: BigInt(seconds), nanos: 0 });

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
] as const;

/** In the largest unit that it is whole in: `7d`, `36h`, `90s`. As flags of a duration take it. */
export function durationText({ seconds, nanos }: WireTime): string {
  const total = Number(seconds) + nanos / 1e9;
  const [unit, unitSeconds] = UNITS.find(([, each]) => total !== 0 && total % each === 0) ?? ['s', 1];
  return `${total / unitSeconds}${unit}`;
}

export const wireTime = (unixMs: number): WireTime => ({
  seconds: BigInt(Math.floor(unixMs / 1000)),
  nanos: Math.round((((unixMs % 1000) + 1000) % 1000) * 1e6),
});

export const unixNanos = (time: WireTime | undefined): bigint =>
  time === undefined ? 0n : time.seconds * 1_000_000_000n + BigInt(time.nanos);
