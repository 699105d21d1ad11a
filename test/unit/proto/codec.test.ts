// The generated codecs write what protobuf demands, although they share a writer and avoid BigInt.

import { Timestamp } from '@antiphon/proto/google';
import { ShardInfo } from '@antiphon/proto/internal';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const plain = (value: bigint): Uint8Array => new BinaryWriter().uint32(8).int64(value).finish();
const EDGES = [
  0x7f,
  0x80,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 35,
  2 ** 49,
  2 ** 53 - 1,
  -1,
  -(2 ** 53 - 1),
];

describe('an int64', () => {
  it('has the bytes that the library writes', () => {
    const sample = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.maxSafeInteger().map(BigInt));
    fc.assert(
      fc.property(sample, (seconds) => {
        fc.pre(seconds !== 0n);
        const bytes = Timestamp.encode({ seconds, nanos: 0 }).finish();
        expect(bytes).toEqual(plain(seconds));
        expect(Timestamp.decode(bytes).seconds).toBe(seconds);
      }),
    );
    for (const edge of EDGES) {
      expect(Timestamp.encode({ seconds: BigInt(edge), nanos: 0 }).finish()).toEqual(plain(BigInt(edge)));
    }
  });

  it('held as a number comes back as that number', () => {
    for (const edge of EDGES) {
      const bytes = ShardInfo.encode(ShardInfo.fromPartial({ updatedMs: edge })).finish();
      expect(ShardInfo.decode(bytes).updatedMs).toBe(edge);
    }
  });

  it('that does not fit is refused', () => {
    for (const seconds of [2n ** 63n, -(2n ** 63n) - 1n]) {
      expect(() => Timestamp.encode({ seconds, nanos: 0 })).toThrow(RangeError);
    }
    for (const updatedMs of [1.5, Number.NaN]) {
      expect(() => ShardInfo.encode(ShardInfo.fromPartial({ updatedMs }))).toThrow(RangeError);
    }
  });
});

describe('an encoding', () => {
  it('is not touched by the next one, nor by one that failed', () => {
    const first = Timestamp.encode({ seconds: 1n, nanos: 2 }).finish();
    expect(() => Timestamp.encode({ seconds: 5n, nanos: 0.5 })).toThrow();
    const second = Timestamp.encode({ seconds: 3n, nanos: 4 }).finish();
    expect([...first]).toEqual([8, 1, 16, 2]);
    expect([...second]).toEqual([8, 3, 16, 4]);
  });
});
