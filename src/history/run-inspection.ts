// Do the records of a run agree with each other? The invariants are those of Cadence's scanner: the history is there and whole, it ends as the
// state says, and an open run is its workflow id's current one.
import { InvariantViolation, isStoreError, ServiceError } from '#base';
import type { HistoryContext } from './context.ts';
import { decodeEvents, readBatches } from './history-reader.ts';
import { branchOf, isOpen, isZombie } from './run-state.ts';
import type { ShardActor } from './shard-actor.ts';
import type { RunEntry, Slot } from './workflow-cache.ts';

const CLOSE_EVENTS: ReadonlySet<string> = new Set([
  'workflowExecutionCompletedEventAttributes',
  'workflowExecutionFailedEventAttributes',
  'workflowExecutionTimedOutEventAttributes',
  'workflowExecutionCanceledEventAttributes',
  'workflowExecutionTerminatedEventAttributes',
  'workflowExecutionContinuedAsNewEventAttributes',
]);

/** Bytes that tell nothing, as against a store that does not answer. */
const isDamage = (error: unknown): boolean =>
  isStoreError(error, 'Corrupt') ||
  error instanceof InvariantViolation ||
  error instanceof RangeError ||
  (error instanceof ServiceError && error.kind === 'InternalDataInconsistency');

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export interface Inspection {
  readonly runId: string;
  readonly entry: RunEntry | undefined;
  readonly faults: readonly string[];
}

/** Inside `exclusive`, when nothing of the slot waits for its commit. Undefined: there is no such run at all. */
export async function inspectRun(
  context: HistoryContext,
  actor: ShardActor,
  slot: Slot,
  askedRunId: string,
): Promise<Inspection | undefined> {
  const current = await actor.currentRun(slot);
  const runId = askedRunId === '' ? current?.runId : askedRunId;
  if (runId === undefined) return undefined;
  let entry: RunEntry | undefined;
  try {
    entry = await actor.findRun(slot, runId);
  } catch (error) {
    if (!isDamage(error)) throw error;
    return { runId, entry: undefined, faults: [`the state cannot be read: ${textOf(error)}`] };
  }
  if (entry === undefined) {
    if (current?.runId !== runId) return undefined;
    return { runId, entry, faults: ['the current run of the workflow has no state'] };
  }
  const faults = await historyFaults(context, entry);
  if (isOpen(entry.state) && current?.runId !== runId) {
    faults.push(`it is open, and the current run is ${current === undefined ? 'none' : current.runId}`);
  }
  return { runId, entry, faults };
}

async function historyFaults(context: HistoryContext, { state }: RunEntry): Promise<string[]> {
  const { nextEventId } = state.info;
  let last: string | undefined;
  try {
    const branch = branchOf(state);
    for (let from = 1; from < nextEventId; ) {
      const page = await readBatches(context.deps.store.history, branch, { from, to: nextEventId }, 1_000);
      for (const { blob, firstEventId } of page.batches) {
        const events = decodeEvents(blob);
        const isDense = events.every(({ eventId }, index) => Number(eventId) === firstEventId + index);
        if (!isDense) return [`the batch of event ${firstEventId} holds other events`];
        last = events.at(-1)?.attributes?.$case;
      }
      from = page.nextEventId;
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
    return [textOf(error)];
  }
  if (isZombie(state)) return [];
  const isEnded = last !== undefined && CLOSE_EVENTS.has(last);
  if (isOpen(state) !== isEnded) return [];
  return [`it is ${isOpen(state) ? 'open' : 'closed'}, and its last event is ${last ?? 'none'}`];
}
