// Calendar arithmetic agrees with the platform's, in UTC and in zones.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { daysFromCivil, loadZone, UTC, wallTimeOf } from '../../../src/core/civil-time.ts';

describe('civil time', () => {
  it('agrees with Date in UTC', () => {
    fc.assert(
      fc.property(fc.integer({ min: -5_000_000_000, max: 10_000_000_000 }), (seconds) => {
        const date = new Date(seconds * 1000);
        expect(wallTimeOf(seconds, UTC)).toEqual({
          year: date.getUTCFullYear(),
          month: date.getUTCMonth() + 1,
          day: date.getUTCDate(),
          hour: date.getUTCHours(),
          minute: date.getUTCMinutes(),
          second: date.getUTCSeconds(),
          weekday: date.getUTCDay(),
        });
        expect(daysFromCivil(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate())).toBe(
          Math.floor(seconds / 86_400),
        );
      }),
    );
  });

  it('knows offsets that are not whole hours', () => {
    expect(loadZone('Asia/Kathmandu').offsetAt(1_700_000_000)).toBe(5 * 3600 + 45 * 60);
    expect(loadZone('America/New_York').offsetAt(1_700_000_000)).toBe(-5 * 3600);
  });
});
