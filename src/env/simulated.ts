// Virtual time and seeded randomness. Time moves only in `advance`, to the next timer, after all promise work of the current instant is done,
// so a run is a function of its seed.
import { TimerHeap } from '#base';
import type { Env, Logger, Random, TimerHandle } from './ports.ts';
import { quietLogger, quietMetrics } from './quiet.ts';

/** sfc32 seeded by splitmix32: small, fast, and good enough to drive faults. */
export function seededRandom(seed: number): Random {
  let s = seed >>> 0;
  const splitmix = (): number => {
    s = (s + 0x9e3779b9) >>> 0;
    let z = s;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  let [a, b, c, d] = [splitmix(), splitmix(), splitmix(), 1];
  const word = (): number => {
    const t = (((a + b) >>> 0) + d) >>> 0;
    d = (d + 1) >>> 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) >>> 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) >>> 0;
    return t;
  };
  for (let i = 0; i < 12; i++) word();
  const hex = (value: number, length: number): string => (value >>> 0).toString(16).padStart(8, '0').slice(0, length);
  return {
    next: () => word() / 2 ** 32,
    uuid: () => {
      const [p, q, r, t] = [word(), word(), word(), word()];
      const variant = (8 + (r >>> 30)).toString(16);
      return `${hex(p, 8)}-${hex(q, 4)}-4${hex(q << 16, 3)}-${variant}${hex(r << 4, 3)}-${hex(r, 4)}${hex(t, 8)}`;
    },
  };
}

export interface SimulatedEnv extends Env {
  /** Runs timers and promise work until virtual time has moved by `ms`, or nothing is left to run. */
  advance(ms: number): Promise<void>;
  /** Runs all promise work that is ready now, without moving time. */
  settle(): Promise<void>;
  /** An env on the same time whose wall clock is off by `skewMs` and whose randomness is its own. */
  host(options: { seed: number; skewMs?: number; logger?: Logger }): SimulatedHostEnv;
}

/** What one host has of a simulated world. */
export interface SimulatedHostEnv extends Env {
  /** The wall clock is now off by so much. */
  setSkew(skewMs: number): void;
  /** The process dies: none of its callbacks runs any more, whatever it armed or arms. */
  kill(): void;
  /** The process stands still: what is due waits until `thaw`. */
  freeze(): void;
  thaw(): void;
}

// One turn of the macrotask queue lets every chain of already-resolved promises run to its end.
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function createSimulatedEnv(options: { seed: number; startMs?: number; logger?: Logger }): SimulatedEnv {
  let nowMs = options.startMs ?? 1_700_000_000_000;
  const startMs = nowMs;
  const timers = new TimerHeap<{ callback: (() => void) | undefined }>();
  const random = seededRandom(options.seed);
  const scheduler = {
    after(delayMs: number, callback: () => void): TimerHandle {
      const entry: { callback: (() => void) | undefined } = { callback };
      // Whole milliseconds, as the wall clock counts.
      timers.push(nowMs + Math.max(0, Math.ceil(delayMs)), entry);
      return {
        cancel: () => {
          entry.callback = undefined;
        },
      };
    },
  };
  const settle = async (): Promise<void> => {
    await turn();
  };
  return {
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs - startMs },
    scheduler,
    random,
    logger: options.logger ?? quietLogger,
    metrics: quietMetrics,
    settle,
    async advance(ms) {
      const untilMs = nowMs + ms;
      await settle();
      for (;;) {
        const next = timers.peek();
        if (next === undefined || next.timeMs > untilMs) break;
        timers.pop();
        const { callback } = next.value;
        if (callback === undefined) continue;
        nowMs = Math.max(nowMs, next.timeMs);
        callback();
        await settle();
      }
      nowMs = untilMs;
    },
    host({ seed, skewMs = 0, logger }) {
      let skew = Math.trunc(skewMs);
      let isDead = false;
      let isFrozen = false;
      let held: (() => void)[] = [];
      const run = (callback: () => void): void => {
        if (isFrozen) held.push(callback);
        else if (!isDead) callback();
      };
      return {
        clock: { nowMs: () => nowMs + skew, monotonicMs: () => nowMs - startMs },
        scheduler: {
          after(delayMs, callback) {
            let isCancelled = false;
            const timer = scheduler.after(delayMs, () =>
              run(() => {
                if (!isCancelled) callback();
              }),
            );
            return {
              cancel() {
                isCancelled = true;
                timer.cancel();
              },
            };
          },
        },
        random: seededRandom(seed),
        logger: logger ?? quietLogger,
        metrics: quietMetrics,
        setSkew(skewMs) {
          skew = Math.trunc(skewMs);
        },
        kill() {
          isDead = true;
          held = [];
        },
        freeze() {
          isFrozen = true;
        },
        thaw() {
          isFrozen = false;
          const due = held;
          held = [];
          for (const callback of due) scheduler.after(0, () => run(callback));
        },
      };
    },
  };
}
