// The real outside world.
import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { Clock, Env, Logger, Metrics, Random, Scheduler } from './ports.ts';
import { quietLogger, quietMetrics } from './quiet.ts';

// setTimeout takes a signed 32-bit delay; a longer one would fire at once.
const DELAY_MS_MAX = 2 ** 31 - 1;

export const realClock: Clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

export const realScheduler: Scheduler = {
  after(delayMs, callback) {
    if (delayMs <= 0) {
      const immediate = setImmediate(callback);
      return { cancel: () => clearImmediate(immediate) };
    }
    let cancelled = false;
    let timeout: NodeJS.Timeout;
    const arm = (remainingMs: number): void => {
      const step = Math.min(remainingMs, DELAY_MS_MAX);
      timeout = setTimeout(() => {
        if (cancelled) return;
        if (remainingMs > step) arm(remainingMs - step);
        else callback();
      }, step);
    };
    arm(delayMs);
    return {
      cancel: () => {
        cancelled = true;
        clearTimeout(timeout);
      },
    };
  },
};

export const realRandom: Random = { next: () => Math.random(), uuid: () => randomUUID() };

export function createRealEnv(options: { logger?: Logger; metrics?: Metrics } = {}): Env {
  return {
    clock: realClock,
    scheduler: realScheduler,
    random: realRandom,
    logger: options.logger ?? quietLogger,
    metrics: options.metrics ?? quietMetrics,
  };
}
