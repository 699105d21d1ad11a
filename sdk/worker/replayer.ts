// Replays a recorded history against workflow code, to see before a deployment whether open runs would still be
// deterministic. Nothing is sent anywhere.
import type { HistoryEvent } from '@antiphon/proto';
import { splitIntoBatches } from './history-batches.ts';
import { createSandbox } from './sandbox-host.ts';
import type { WorkflowBundle } from './workflow-bundle.ts';
import { createWorkflowEngine } from './workflow-engine.ts';

export interface ReplayOptions {
  readonly workflowId?: string;
  /** Default: the original run id of the history, from which random numbers and child ids derive. */
  readonly runId?: string;
  readonly domain?: string;
}

/** Id of the last DecisionTaskStarted that was completed: what lies behind it has been decided, and can be compared. */
function lastDecidedId(history: readonly HistoryEvent[]): number {
  const completed = history.findLast(({ attributes }) => attributes?.$case === 'decisionTaskCompletedEventAttributes');
  if (completed?.attributes?.$case !== 'decisionTaskCompletedEventAttributes') return 0;
  return Number(completed.attributes.value.startedEventId);
}

/** Throws NonDeterminismError, or what workflow code threw, when the history does not replay. */
export function replayHistory(
  bundle: WorkflowBundle,
  history: readonly HistoryEvent[],
  options: ReplayOptions = {},
): void {
  const [first] = history;
  const start = first?.attributes;
  if (start?.$case !== 'workflowExecutionStartedEventAttributes') {
    throw new TypeError('a history to replay must begin with WorkflowExecutionStarted');
  }
  const runId = options.runId ?? start.value.originalExecutionRunId;
  const identity = { domain: options.domain ?? '', workflowId: options.workflowId ?? '', runId };
  const sandbox = createSandbox({ bundle, onLog: () => undefined });
  const engine = createWorkflowEngine(sandbox, 'replay', identity, first);
  const decidedUpTo = lastDecidedId(history);
  const batches = splitIntoBatches(history);
  // The batch after the last decided one is needed for its events only; running it would be new work, not replay.
  const last = batches.findLastIndex((batch) => batch.isDecided && batch.endEventId <= decidedUpTo);
  sandbox.guard(() => engine.replay(batches.slice(0, last + 2), decidedUpTo));
}
