// All waiting of a shard in one heap behind one timer of the environment: timer tasks, retries, ends of long polls. Times are wall-clock
// milliseconds, checked again when the timer runs, because the wall clock may jump.
import { TimerHeap } from '#base';
import type { Env, TimerHandle } from '#env';

export interface Alarm {
  cancel(): void;
}

interface Entry extends Alarm {
  callback: (() => void) | undefined;
}

export interface Alarms {
  /** Runs `callback` once at or after `timeMs`. It must not throw. */
  at(timeMs: number, callback: () => void): Alarm;
  stop(): void;
}

// A wall clock that is set forward is noticed within this time.
const SLEEP_MS_MAX = 30_000;

export function createAlarms(env: Pick<Env, 'clock' | 'scheduler'>): Alarms {
  const heap = new TimerHeap<Entry>();
  let armed: TimerHandle | undefined;
  let armedForMs = Number.POSITIVE_INFINITY;
  let isStopped = false;

  const arm = (): void => {
    const first = heap.peek();
    if (isStopped || first === undefined) return;
    if (armed !== undefined && first.timeMs >= armedForMs) return;
    armed?.cancel();
    const nowMs = env.clock.nowMs();
    armedForMs = Math.min(first.timeMs, nowMs + SLEEP_MS_MAX);
    armed = env.scheduler.after(Math.max(0, armedForMs - nowMs), run);
  };
  const run = (): void => {
    armed = undefined;
    armedForMs = Number.POSITIVE_INFINITY;
    const nowMs = env.clock.nowMs();
    for (let first = heap.peek(); first !== undefined && !isStopped; first = heap.peek()) {
      if (first.value.callback !== undefined && first.timeMs > nowMs) break;
      heap.pop();
      const { callback } = first.value;
      first.value.callback = undefined;
      callback?.();
    }
    arm();
  };
  return {
    at(timeMs, callback) {
      const entry: Entry = {
        callback,
        cancel() {
          entry.callback = undefined;
        },
      };
      heap.push(timeMs, entry);
      arm();
      return entry;
    },
    stop() {
      isStopped = true;
      armed?.cancel();
      heap.clear();
    },
  };
}
