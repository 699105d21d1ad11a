// A closed loop of fixed concurrency with a warm-up and a measured window.

export interface Measured {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly count: number;
  readonly errors: number;
  readonly seconds: number;
}

export async function closedLoop(options: {
  concurrency: number;
  warmUpSeconds: number;
  seconds: number;
  operation: (index: number) => Promise<void>;
  /** Called at the start and the end of the measured window. */
  onWindow?: (edge: 'start' | 'end') => void;
}): Promise<Measured> {
  const latencies: number[] = [];
  let errors = 0;
  let index = 0;
  let phase: 'warm-up' | 'window' | 'over' = 'warm-up';
  const runner = async (): Promise<void> => {
    while (phase !== 'over') {
      const started = performance.now();
      try {
        await options.operation(index++);
        if (phase === 'window') latencies.push(performance.now() - started);
      } catch {
        // Counted: a run with errors says so.
        if (phase === 'window') errors++;
      }
    }
  };
  const runners = Array.from({ length: options.concurrency }, runner);
  await new Promise((resolve) => setTimeout(resolve, options.warmUpSeconds * 1000));
  phase = 'window';
  options.onWindow?.('start');
  const windowStart = performance.now();
  await new Promise((resolve) => setTimeout(resolve, options.seconds * 1000));
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
