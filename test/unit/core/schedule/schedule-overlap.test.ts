import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BUFFERED_FIRES_MAX, CONCURRENT_RUNS_MAX, type FireQuestion, judgeFire } from '#core';

const ask = (fields: Partial<FireQuestion>) =>
  judgeFire({
    overlap: 'skipNew',
    running: 0,
    buffered: 0,
    bufferLimit: 0,
    concurrencyLimit: 0,
    isBackfill: false,
    ...fields,
  });

describe('a fire', () => {
  test('starts when nothing of its schedule is open or waits', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<FireQuestion['overlap']>(
          'skipNew',
          'buffer',
          'concurrent',
          'cancelPrevious',
          'terminatePrevious',
        ),
        fc.boolean(),
        fc.nat(),
        fc.nat(),
        (overlap, isBackfill, bufferLimit, concurrencyLimit) => {
          expect(ask({ overlap, isBackfill, bufferLimit, concurrencyLimit })).toBe('start');
        },
      ),
    );
  });

  test('meets an open run as its policy says', () => {
    expect(ask({ overlap: 'skipNew', running: 1 })).toBe('skip');
    expect(ask({ overlap: 'buffer', running: 1 })).toBe('buffer');
    expect(ask({ overlap: 'concurrent', running: 1 })).toBe('start');
    expect(ask({ overlap: 'cancelPrevious', running: 1 })).toBe('cancelThenStart');
    expect(ask({ overlap: 'terminatePrevious', running: 1 })).toBe('terminateThenStart');
  });

  test('does not overtake those that are buffered', () => {
    expect(ask({ overlap: 'buffer', buffered: 1 })).toBe('buffer');
  });

  test('is skipped where a limit is reached, its own or that of the service', () => {
    expect(ask({ overlap: 'buffer', running: 1, buffered: 2, bufferLimit: 2 })).toBe('skip');
    expect(ask({ overlap: 'buffer', running: 1, buffered: BUFFERED_FIRES_MAX, bufferLimit: 0 })).toBe('skip');
    expect(ask({ overlap: 'buffer', running: 1, buffered: BUFFERED_FIRES_MAX, bufferLimit: 1_000_000 })).toBe('skip');
    expect(ask({ overlap: 'concurrent', running: 3, concurrencyLimit: 3 })).toBe('skip');
    expect(ask({ overlap: 'concurrent', running: CONCURRENT_RUNS_MAX })).toBe('skip');
  });

  test('of a backfill waits instead, because its time does not pass', () => {
    expect(ask({ overlap: 'buffer', running: 1, isBackfill: true })).toBe('wait');
    expect(ask({ overlap: 'concurrent', running: 3, concurrencyLimit: 3, isBackfill: true })).toBe('wait');
    expect(ask({ overlap: 'skipNew', running: 1, isBackfill: true })).toBe('skip');
  });
});
