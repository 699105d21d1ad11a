// Runs kept in memory between decision tasks, least recently used out first. A task takes its run out of the cache and puts
// it back when done, so nothing is evicted while it is in use.
import type { WorkflowEngine } from './workflow-engine.ts';

export interface CachedRun {
  readonly engine: WorkflowEngine;
  readonly workflowId: string;
  readonly runId: string;
  /** started_event_id of the last decision task; the next one must continue right after it. */
  previousStartedEventId: number;
}

export interface RunCache {
  take(runId: string): CachedRun | undefined;
  put(run: CachedRun): void;
  clear(): void;
  readonly size: number;
}

export function createRunCache(sizeMax: number, onEvict: (run: CachedRun) => void): RunCache {
  // Insertion order of the map is the order of last use.
  const runs = new Map<string, CachedRun>();
  return {
    get size() {
      return runs.size;
    },
    take: (runId) => {
      const run = runs.get(runId);
      runs.delete(runId);
      return run;
    },
    put: (run) => {
      runs.set(run.runId, run);
      if (runs.size <= sizeMax) return;
      const [oldest] = runs.values();
      if (!oldest) return;
      runs.delete(oldest.runId);
      onEvict(oldest);
    },
    clear: () => {
      for (const run of runs.values()) run.engine.dispose();
      runs.clear();
    },
  };
}
