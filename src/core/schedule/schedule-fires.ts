// When a schedule fires. Pure: the same spec and the same moment give the same fire in every region and on every attempt.
import { type CronSchedule, nextCronTime, parseCronSchedule } from '../cron.ts';
import type { ScheduleSpec } from './schedule.ts';

export interface ScheduleClock {
  /** The first fire strictly after a moment, without its jitter; undefined: there is none any more. */
  nextFire(afterMs: number): number | undefined;
  /** When a fire is carried out. */
  dueTime(fireMs: number): number;
}

/** Throws BadRequest when the cron expression is not one. `seed` is the schedule's id. */
export function scheduleClock(spec: ScheduleSpec, seed: string): ScheduleClock {
  const cron = parseCronSchedule(spec.cron);
  return {
    nextFire: (afterMs) => nextFire(cron, spec, afterMs),
    dueTime: (fireMs) => (spec.jitterMs <= 0 ? fireMs : fireMs + Math.floor(share(seed, fireMs) * spec.jitterMs)),
  };
}

function nextFire(cron: CronSchedule, { startMs, endMs }: ScheduleSpec, afterMs: number): number | undefined {
  let next: number | undefined;
  if (startMs !== undefined && afterMs < startMs) {
    // An interval begins with the start time; calendar fires include it.
    const firstMs = Math.ceil(startMs / 1000) * 1000;
    next = cron.kind === 'interval' ? firstMs : nextCronTime(cron, startMs - 1);
  } else {
    next = nextCronTime(cron, afterMs);
  }
  return next === undefined || (endMs !== undefined && next > endMs) ? undefined : next;
}

/** FNV-1a over the text, as a number in [0, 1). */
function share(seed: string, fireMs: number): number {
  let hash = 0x811c9dc5;
  const text = `${seed}/${fireMs}`;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  // The low bits of near texts are near; a last mix spreads them.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 12)) >>> 0) / 2 ** 32;
}

/** Fires in [startMs, endMs], as many as `max`, for counting a backfill. */
export function countFires(clock: ScheduleClock, startMs: number, endMs: number, max: number): number {
  let count = 0;
  let at = startMs - 1;
  while (count < max) {
    const next = clock.nextFire(at);
    if (next === undefined || next > endMs) break;
    at = next;
    count++;
  }
  return count;
}
