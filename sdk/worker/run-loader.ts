// Brings the state of a run up to a task: from the cache when the task continues it exactly, else from all of history.
// Invariants: a run that fails on the way is disposed of; a replay made for a query never replaces what the cache may hold.
import type { Decision, HistoryEvent, PollForDecisionTaskResponse } from '@antiphon/proto';
import type { ServiceCalls } from '../transport/index.ts';
import { splitIntoBatches } from './history-batches.ts';
import type { CachedRun, RunCache } from './run-cache.ts';
import type { Sandbox } from './sandbox-host.ts';
import type { SandboxTurns } from './sandbox-turns.ts';
import { createTaskHistory, isFullHistory } from './task-history.ts';
import { createWorkflowEngine } from './workflow-engine.ts';

export interface RunLoaderOptions {
  readonly calls: ServiceCalls;
  readonly sandbox: Sandbox;
  readonly turns: SandboxTurns;
  readonly cache: RunCache;
  readonly domain: string;
}

export interface LoadedRun {
  readonly run: CachedRun;
  /** Decisions of the task's batch; none for a query. */
  readonly decisions: Decision[];
  /** Built for one query only. */
  readonly isScratch: boolean;
}

export type RunLoader = (task: PollForDecisionTaskResponse) => Promise<LoadedRun>;

export function createRunLoader(options: RunLoaderOptions): RunLoader {
  const { calls, cache, domain, turns } = options;
  let scratchCount = 0;

  const advance = async (
    run: CachedRun,
    events: Promise<HistoryEvent[]>,
    replayedUpTo: number,
  ): Promise<Decision[]> => {
    try {
      const batches = splitIntoBatches(await events);
      return await turns.take(run.engine.key, () => run.engine.apply(batches, replayedUpTo));
    } catch (error) {
      run.engine.dispose();
      throw error;
    }
  };
  const build = (task: PollForDecisionTaskResponse, first: HistoryEvent | undefined): CachedRun => {
    const { workflowId = '', runId = '' } = task.workflowExecution ?? {};
    const key = task.query ? `${runId}#${++scratchCount}` : runId;
    const engine = createWorkflowEngine(options.sandbox, key, { domain, workflowId, runId }, first);
    return { engine, workflowId, runId, previousStartedEventId: 0 };
  };
  return async (task) => {
    const own = task.history?.events ?? [];
    const isQuery = task.query !== undefined;
    const history = createTaskHistory(calls, domain, task);
    const replayedUpTo = Number(task.previousStartedEventId ?? 0n);
    // A query with all of history is meant to be answered from it.
    const cached = isQuery && isFullHistory(own) ? undefined : cache.take(task.workflowExecution?.runId ?? '');
    if (cached && isQuery) return { run: cached, decisions: [], isScratch: false };
    if (cached && Number(own[0]?.eventId ?? 0n) === cached.previousStartedEventId + 1) {
      return { run: cached, decisions: await advance(cached, history.fromTask(), replayedUpTo), isScratch: false };
    }
    cached?.engine.dispose();
    const events = await history.fromStart();
    const run = build(task, events[0]);
    return { run, decisions: await advance(run, Promise.resolve(events), replayedUpTo), isScratch: isQuery };
  };
}
