// Cron schedules fire when Cadence's do: vectors made with github.com/robfig/cron/v3 v3.0.1, ParseStandard, around daylight saving changes
// of several zones, and what that parser takes and refuses.

import { CronOverlapPolicy } from '@antiphon/proto';
import { describe, expect, it } from 'vitest';
import { nextCronBackoffSeconds, nextCronTime, parseCronSchedule } from '#core';
import golden from './fixtures/cron.json' with { type: 'json' };

const iso = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');

describe('cron schedules', () => {
  it(`fire as the reference implementation does, in ${golden.vectors.length} vectors`, () => {
    for (const { spec, after, next } of golden.vectors) {
      const schedule = parseCronSchedule(spec);
      const fires: string[] = [];
      let time: number | undefined = Date.parse(after);
      while (fires.length < 4) {
        time = nextCronTime(schedule, time);
        if (time === undefined) break;
        fires.push(iso(time));
      }
      expect({ spec, after, fires }).toEqual({ spec, after, fires: next });
    }
  });

  it('are taken and refused as the reference implementation does', () => {
    for (const { spec, valid } of golden.verdicts) {
      const parse = (): unknown => parseCronSchedule(spec);
      if (valid) expect(parse, spec).not.toThrow();
      else expect(parse, spec).toThrow(/^Invalid CronSchedule/);
    }
  });

  it('refuse a time zone without a schedule', () => {
    expect(() => parseCronSchedule('CRON_TZ=UTC')).toThrow('missing schedule');
  });
});

describe('the pause between two runs of a cron schedule', () => {
  const { CRON_OVERLAP_POLICY_SKIPPED: SKIPPED, CRON_OVERLAP_POLICY_BUFFER_ONE: BUFFER_ONE } = CronOverlapPolicy;
  const at = (time: string): number => Date.parse(`2026-01-01T${time}Z`);

  it('ends with the next fire after the close', () => {
    expect(nextCronBackoffSeconds('*/10 * * * *', at('00:00:00'), at('00:03:20'), SKIPPED)).toBe(400);
  });

  it('is rounded up to whole seconds', () => {
    expect(nextCronBackoffSeconds('*/10 * * * *', at('00:00:00'), at('00:03:20.300'), SKIPPED)).toBe(400);
  });

  it('skips the fires that a long run missed', () => {
    expect(nextCronBackoffSeconds('*/10 * * * *', at('00:00:00'), at('00:25:00'), SKIPPED)).toBe(300);
    expect(nextCronBackoffSeconds('@every 1m', at('00:00:07'), at('00:02:30'), SKIPPED)).toBe(37);
  });

  it('takes a fire at the very moment of the close', () => {
    expect(nextCronBackoffSeconds('*/10 * * * *', at('00:00:00'), at('00:20:00'), SKIPPED)).toBe(0);
    expect(nextCronBackoffSeconds('@every 1m', at('00:00:00'), at('00:02:00'), SKIPPED)).toBe(0);
  });

  it('is none when a fire was missed and one is buffered', () => {
    expect(nextCronBackoffSeconds('*/10 * * * *', at('00:00:00'), at('00:25:00'), BUFFER_ONE)).toBe(0);
    expect(nextCronBackoffSeconds('*/10 * * * *', at('00:00:00'), at('00:05:00'), BUFFER_ONE)).toBe(300);
  });

  it('does not exist when the schedule never fires again', () => {
    expect(nextCronBackoffSeconds('0 0 30 2 *', at('00:00:00'), at('00:05:00'), SKIPPED)).toBeUndefined();
  });

  it('is found at once for a run of years on a schedule of seconds', () => {
    const close = at('00:00:00') + 3 * 365 * 86_400_000 + 500;
    expect(nextCronBackoffSeconds('@every 1s', at('00:00:00'), close, SKIPPED)).toBe(1);
  });
});
