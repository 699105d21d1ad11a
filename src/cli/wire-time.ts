// Times and durations as protobuf has them.

export interface WireTime {
  readonly seconds: bigint;
  readonly nanos: number;
}

export const wireDuration = (seconds: number): WireTime => ({ seconds: BigInt(seconds), nanos: 0 });

export const wireTime = (unixMs: number): WireTime => ({
  seconds: BigInt(Math.floor(unixMs / 1000)),
  nanos: Math.round((((unixMs % 1000) + 1000) % 1000) * 1e6),
});

export const unixNanos = (time: WireTime | undefined): bigint =>
  time === undefined ? 0n : time.seconds * 1_000_000_000n + BigInt(time.nanos);
