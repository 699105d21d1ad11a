// A closed loop of fixed concurrency, or operations at a fixed rate of so many under way at most, with a warm-up and a measured window: of so many seconds, or of so many operations, which is the same
// work on a machine that is busy with something else.

export interface Measured {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly count: number;
  readonly errors: number;
  readonly seconds: number;
}

export interface Window {
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** Operations of the window, after half as many to warm up; the seconds do not count then. */
  readonly operations?: number | undefined;
}

/** Resolves at the time of the next operation, and with it: what is late counts from when it was due. */
function turnsOf(perSecond: number): () => Promise<number> {
  let nextMs = performance.now();
  return async () => {
    const dueMs = nextMs;
    nextMs += 1000 / perSecond;
    const leftMs = dueMs - performance.now();
    if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs));
    return dueMs;
  };
}

export async function measureLoad(options: {
  concurrency: number;
  /** Undefined: an operation begins when another has ended. */
  perSecond?: number | undefined;
  window: Window;
  operation: (index: number) => Promise<void>;
  /** Called at the start and the end of the measured window. */
  onWindow?: (edge: 'start' | 'end') => void;
}): Promise<Measured> {
  const { warmUpSeconds, seconds: windowSeconds, operations } = options.window;
  const latencies: number[] = [];
  let errors = 0;
  let index = 0;
  let phase: 'warm-up' | 'window' | 'over' = 'warm-up';
  let finished = 0;
  let reached: { readonly count: number; readonly resolve: () => void } | undefined;
  /** Until so many more operations have finished, or so many seconds have passed. */
  const wait = (count: number | undefined, seconds: number): Promise<void> =>
    new Promise((resolve) => {
      if (count === undefined) setTimeout(resolve, seconds * 1000);
      else reached = { count: finished + count, resolve };
    });
  const { perSecond } = options;
  const turn = perSecond === undefined ? async () => performance.now() : turnsOf(perSecond);
  const runner = async (): Promise<void> => {
    while (phase !== 'over') {
      const started = await turn();
      try {
        await options.operation(index++);
        if (phase === 'window') latencies.push(performance.now() - started);
      } catch {
        // Counted: a run with errors says so.
        if (phase === 'window') errors++;
      }
      finished++;
      if (reached !== undefined && finished >= reached.count) reached.resolve();
    }
  };
  const runners = Array.from({ length: options.concurrency }, runner);
  await wait(operations && Math.ceil(operations / 2), warmUpSeconds);
  phase = 'window';
  options.onWindow?.('start');
  const windowStart = performance.now();
  await wait(operations, windowSeconds);
  const seconds = (performance.now() - windowStart) / 1000;
  options.onWindow?.('end');
  phase = 'over';
  await Promise.race([Promise.all(runners), new Promise((resolve) => setTimeout(resolve, 10_000))]);
  return { ...percentiles(latencies), count: latencies.length, perSecond: latencies.length / seconds, errors, seconds };
}

export function percentiles(latencies: readonly number[]): { p50Ms: number; p95Ms: number; p99Ms: number } {
  const sorted = [...latencies].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) };
}
