import { describe, expect, test } from 'vitest';
import { msOfTimestamp, secondsOfDuration } from '../../../src/frontend/durations.ts';

const duration = (seconds: bigint, nanos = 0) => ({ seconds, nanos });

describe('durations of requests', () => {
  test.each([
    [duration(5n), 5],
    [duration(5n, 999_999_999), 5],
    [duration(0n, 999_999_999), 0],
    [duration(1n, -500_000_000), 0],
    [duration(-1n, -500_000_000), -1],
    [duration(-3n), -3],
    [duration(2n ** 31n - 1n), 2 ** 31 - 1],
    [duration(2n ** 31n), Number.NaN],
    [duration(-(2n ** 63n)), Number.NaN],
    [undefined, undefined],
  ])('%o is %s whole seconds', (given, seconds) => {
    expect(secondsOfDuration(given)).toEqual(seconds);
  });

  test.each([
    [duration(1n, 500_000_000), 1500],
    [duration(0n), 0],
    [duration(-1n), undefined],
    [duration(1n, -1), undefined],
    [duration(1n, 1_000_000_000), undefined],
    [duration(2n ** 40n), undefined],
    [undefined, undefined],
  ])('%o is %s unix milliseconds', (given, ms) => {
    expect(msOfTimestamp(given)).toBe(ms);
  });
});
