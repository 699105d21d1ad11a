import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  countFires,
  nextCronTime,
  nextWakeMs,
  ON_TIME_MS,
  PLAN_FIRES_MAX,
  planSchedule,
  type SchedulePlan,
  type ScheduleSpec,
  scheduleClock,
} from '#core';

const T0 = Date.parse('2026-03-01T00:00:00Z');
const HOUR = 3_600_000;
const spec = (fields: Partial<ScheduleSpec> = {}): ScheduleSpec => ({ cron: '@every 1m', jitterMs: 0, ...fields });
const clockOf = (fields: Partial<ScheduleSpec> = {}) => scheduleClock(spec(fields), 'test');
const policies = (catchUp: 'skip' | 'one' | 'all', catchUpWindowMs = 0) => ({ catchUp, catchUpWindowMs });
const known = (processedMs: number, more: object = {}) => ({ processedMs, ...more });

/** Plans until nothing is due, as a schedule does step by step. */
function settle(
  clock: ReturnType<typeof clockOf>,
  how: ReturnType<typeof policies>,
  state: Parameters<typeof planSchedule>[2],
  nowMs: number,
): { fires: number[]; missed: number; processedMs: number; plans: number } {
  const fires: number[] = [];
  let missed = 0;
  let at = state;
  for (let plans = 1; ; plans++) {
    const plan: SchedulePlan = planSchedule(clock, how, at, nowMs);
    fires.push(...plan.fires);
    missed += plan.missed;
    at = { ...at, processedMs: plan.processedMs, candidateMs: plan.candidateMs };
    if (plan.isComplete) return { fires, missed, processedMs: plan.processedMs, plans };
  }
}

const CRONS = [
  '* * * * *',
  '*/7 * * * *',
  '0 6 * * 1-5',
  '30 2 * * *',
  'CRON_TZ=America/New_York 30 2 * * *',
  '@hourly',
  '@every 90s',
  '@every 1h',
];
const cron = fc.constantFrom(...CRONS);
const moment = fc.integer({ min: 0, max: 400 * 24 * 60 }).map((minutes) => T0 + minutes * 60_000);

describe('the clock of a schedule', () => {
  test('fires when the cron expression says', () => {
    fc.assert(
      fc.property(cron, moment, (expression, afterMs) => {
        expect(clockOf({ cron: expression }).nextFire(afterMs)).toBe(nextCronTime(expression, afterMs));
      }),
    );
  });

  test('fires neither before its start nor after its end, and at both', () => {
    const start = T0 + HOUR;
    const clock = clockOf({ cron: '0 * * * *', startMs: start, endMs: start + 2 * HOUR });
    expect(clock.nextFire(T0 - 99 * HOUR)).toBe(start);
    expect(clock.nextFire(start + HOUR)).toBe(start + 2 * HOUR);
    expect(clock.nextFire(start + 2 * HOUR)).toBeUndefined();
    expect(countFires(clock, T0, T0 + 99 * HOUR, 100)).toBe(3);
  });

  test('an interval begins with the start time', () => {
    const clock = clockOf({ cron: '@every 10m', startMs: T0 + 500 });
    expect(clock.nextFire(T0 - HOUR)).toBe(T0 + 1000);
    expect(clock.nextFire(T0 + 1000)).toBe(T0 + 601_000);
  });

  test('delays each fire by a share of the jitter that is always the same for it', () => {
    const clock = clockOf({ cron: '0 * * * *', jitterMs: 60_000 });
    const delays = Array.from({ length: 200 }, (_, i) => clock.dueTime(T0 + i * HOUR) - (T0 + i * HOUR));
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...delays)).toBeLessThan(60_000);
    expect(new Set(delays).size).toBeGreaterThan(150);
    const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
    expect(Math.abs(mean - 30_000)).toBeLessThan(6_000);
    const again = scheduleClock(spec({ cron: '0 * * * *', jitterMs: 60_000 }), 'test');
    expect(again.dueTime(T0)).toBe(clock.dueTime(T0));
    expect(scheduleClock(spec({ jitterMs: 60_000 }), 'another').dueTime(T0)).not.toBe(clock.dueTime(T0));
  });
});

describe('a plan', () => {
  test('offers each fire once, in order, however often it is made', () => {
    fc.assert(
      fc.property(
        cron,
        moment,
        fc.array(fc.integer({ min: 1, max: 90_000 }), { maxLength: 12 }),
        (expression, startMs, waits) => {
          const clock = clockOf({ cron: expression });
          let state: Parameters<typeof planSchedule>[2] = known(startMs);
          let nowMs = startMs;
          const offered: number[] = [];
          for (const waitMs of waits) {
            nowMs += waitMs;
            const plan = planSchedule(clock, policies('all'), state, nowMs);
            offered.push(...plan.fires);
            expect(plan.processedMs).toBeGreaterThanOrEqual(state.processedMs);
            state = { processedMs: plan.processedMs, candidateMs: plan.candidateMs };
            // The clock of another host may be behind.
            expect(planSchedule(clock, policies('all'), state, nowMs - 5_000).fires).toEqual([]);
          }
          const expected: number[] = [];
          for (let at = clock.nextFire(startMs); at !== undefined && at <= nowMs; at = clock.nextFire(at))
            expected.push(at);
          expect(offered).toEqual(expected);
        },
      ),
    );
  });

  test('accounts for every fire of an outage: taken or missed', () => {
    fc.assert(
      fc.property(
        cron,
        moment,
        fc.integer({ min: 0, max: 3 * 24 * 60 }),
        fc.constantFrom<'skip' | 'one' | 'all'>('skip', 'one', 'all'),
        fc.integer({ min: 0, max: 48 }),
        (expression, startMs, minutes, catchUp, windowHours) => {
          const clock = clockOf({ cron: expression });
          const nowMs = startMs + minutes * 60_000;
          const { fires, missed } = settle(clock, policies(catchUp, windowHours * HOUR), known(startMs), nowMs);
          expect(fires.length + missed).toBe(countFires(clock, startMs + 1, nowMs, 100_000));
          expect(fires).toEqual(fires.toSorted((a, b) => a - b));
          const late = fires.filter((fire) => nowMs - fire > ON_TIME_MS);
          if (catchUp === 'skip') expect(late).toEqual([]);
          if (catchUp === 'one') expect(late.length).toBeLessThanOrEqual(1);
          if (windowHours > 0) for (const fire of late) expect(nowMs - fire).toBeLessThanOrEqual(windowHours * HOUR);
        },
      ),
    );
  });

  test('of catch-up ONE takes the newest missed fire, before what is on time', () => {
    const nowMs = T0 + 10 * HOUR + 30_000;
    const clock = clockOf({ cron: '@every 1m' });
    const { fires, missed } = settle(clock, policies('one'), known(T0), nowMs);
    // The fire of this minute is on time; the one before is the newest of the late ones.
    expect(fires).toEqual([T0 + 10 * HOUR - 60_000, T0 + 10 * HOUR]);
    expect(missed).toBe(598);
  });

  test('treats what a pause held back as its end says', () => {
    const resumedMs = T0 + 10 * 60_000 + 500;
    const resume = (catchUp: 'skip' | 'one' | 'all') => ({ resume: { atMs: resumedMs, catchUp } });
    const clock = clockOf({ cron: '@every 1m' });
    const plan = (catchUp: 'skip' | 'one' | 'all') =>
      planSchedule(clock, policies('skip'), known(T0, resume(catchUp)), resumedMs);
    expect(plan('skip')).toMatchObject({ fires: [], missed: 10, isComplete: true });
    expect(plan('one')).toMatchObject({ fires: [T0 + 10 * 60_000], missed: 9 });
    expect(plan('all').fires).toHaveLength(10);
  });

  test('bounds its work, and goes on where it ended', () => {
    const clock = clockOf({ cron: '@every 1s' });
    const week = 7 * 24 * HOUR;
    const first = planSchedule(clock, policies('all'), known(T0), T0 + week);
    expect(first).toMatchObject({ isComplete: false, missed: 0 });
    expect(first.fires).toHaveLength(PLAN_FIRES_MAX);
    const skipped = settle(clock, policies('one'), known(T0), T0 + week);
    expect(skipped.plans).toBeLessThan(100);
    expect(skipped.missed + skipped.fires.length).toBe(week / 1000);
    // One that was late, and those of the last minute.
    expect(skipped.fires).toHaveLength(1 + ON_TIME_MS / 1000 + 1);
  });

  test('of a paused schedule has no next time', () => {
    const clock = clockOf();
    expect(nextWakeMs(clock, { processedMs: T0 })).toBe(T0 + 60_000);
    expect(nextWakeMs(clock, { processedMs: T0, paused: { reason: '', by: '', atMs: T0 } })).toBeUndefined();
  });
});
