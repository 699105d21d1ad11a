// A caller far beyond its quota is refused late: one that waits for its answers, as all but a generator of load do, then asks less often by itself, and
// what it asks costs the other tenants less. Up to twice the quota the refusal is at once; beyond, the later the further. Few are held: who
// has so many calls waiting does not wait for any, and what is held lives long enough to make the collector's pauses longer for all.
import type { ServiceBusyError } from '#base';
import type { Property } from '#dynamicconfig';
import type { Scheduler } from '#env';

const HELD_MAX = 256;
const STEP_MS = 100;

export interface LateRefusals {
  /** Throws the error at once, or gives a promise that fails with it. */
  refuse(error: ServiceBusyError, excess: number): Promise<never>;
}

export function createLateRefusals(scheduler: Scheduler, delayMsMax: Property<number>): LateRefusals {
  let held = 0;
  return {
    refuse(error, excess) {
      // In whole steps, so that timers share their place in the loop.
      const delayMs = Math.min(Math.floor(excess - 1) * STEP_MS, delayMsMax.get());
      if (delayMs <= 0 || held >= HELD_MAX) throw error;
      held++;
      return new Promise((_, reject) => {
        scheduler.after(delayMs, () => {
          held--;
          reject(error);
        });
      });
    },
  };
}
