// The values of a row that every closed loop has: what its client saw, and what servers and store spent on each operation of the window.
import type { Measured } from './measure.ts';
import type { Deployment, Usage } from './target.ts';

export interface Edge {
  readonly usage: Usage;
  /** Of the load, which shares the machine with what it measures. */
  readonly clientCpuSeconds: number;
}

/** `edges` are the counters at the start and the end of the window. */
export function valuesOf(
  result: Measured,
  edges: readonly [Edge, Edge],
  deployment: Deployment,
): Record<string, number> {
  const [{ usage: start, clientCpuSeconds: clientStart }, { usage: end, clientCpuSeconds: clientEnd }] = edges;
  const each = (from: number, to: number): number => (to - from) / Math.max(1, result.count);
  return {
    'per second': result.perSecond,
    'p50 ms': result.p50Ms,
    'p95 ms': result.p95Ms,
    'p99 ms': result.p99Ms,
    errors: result.errors,
    'server CPU ms each': each(start.serverCpuSeconds, end.serverCpuSeconds) * 1000,
    ...(start.storeCpuSeconds !== undefined &&
      end.storeCpuSeconds !== undefined && {
        'store CPU ms each': each(start.storeCpuSeconds, end.storeCpuSeconds) * 1000,
      }),
    'client CPU ms each': each(clientStart, clientEnd) * 1000,
    'disk KB each': each(start.diskWrittenBytes, end.diskWrittenBytes) / 1024,
    'peak RSS MB': Math.max(...deployment.peakRssBytes()) / 1024 / 1024,
  };
}
