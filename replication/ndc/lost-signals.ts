// Signals of a branch that lost: they were acknowledged, so the workflow gets them again, in the region that is active. Each keeps its
// request id, or gets one made of where it was, so that a signal counts once however often and wherever it is added again: by this
// region, by another whose events come later, or by the client that repeats its call. Whether a run has a signal is told by the events
// of its current branch: the stored set of request ids also remembers those of branches that lost.
import type { HistoryEvent } from '@antiphon/proto';
import type { VersionHistory } from '@antiphon/proto/internal';
import { required } from '#base';
import {
  type DecideContext,
  decide,
  type EventBatch,
  findLcaItem,
  type RunTransition,
  type WorkflowState,
} from '#core';
import type { NdcTransaction, NdcWrites } from '../ports.ts';
import { mayWrite } from './contexts.ts';
import { resetForSignals } from './reset-for-signals.ts';
import { currentRunOf, isClosed } from './run-clock.ts';
import { missingSignals, requestIdsOf, signalsOf } from './signal-events.ts';

/** All ids of `before`, in their order, then what `after` adds: the store only ever adds ids to a run. */
export const unitedIds = (before: ReadonlySet<string>, after: ReadonlySet<string>): ReadonlySet<string> =>
  new Set([...before, ...after]);

/** Events of the branch after it parted from `other`. */
export async function eventsAfterFork(
  transaction: NdcTransaction,
  history: VersionHistory,
  other: VersionHistory,
): Promise<readonly HistoryEvent[]> {
  const lca = required(findLcaItem(history.items, other.items), 'branches of a run share its start');
  const tip = required(history.items.at(-1), 'a branch has events');
  if (tip.eventId === lca.eventId) return [];
  const branch = required(history.branch, 'a version history has its branch');
  return (await transaction.readBranch(branch, lca.eventId + 1, tip.eventId + 1)).flat();
}

interface Reapplied {
  readonly transition: RunTransition;
  readonly isNew: boolean;
}

/**
 * The current run with the signals added; a closed one is reset to its last decision, which then sees them. undefined: there is nothing
 * to add, or it was never decided and so cannot be reset. `pendingBatches`: what the same commit writes to that run.
 */
async function reapplySignals(
  transaction: NdcTransaction,
  current: WorkflowState,
  lost: { readonly runId: string; readonly signals: readonly HistoryEvent[] },
  pendingBatches: readonly EventBatch[],
): Promise<Reapplied | undefined> {
  // Those that wait for a decision to close are on no branch yet, and not lost either.
  const waiting = requestIdsOf(signalsOf(current.bufferedEvents, current.info.runId));
  const signals = missingSignals(lost.signals, waiting);
  if (signals.length === 0) return undefined;
  if (isClosed(current)) {
    const reset = await resetForSignals(transaction, current, signals, pendingBatches);
    return reset === undefined ? undefined : { transition: reset, isNew: true };
  }
  return {
    transition: withSignals(current, { runId: lost.runId, signals }, transaction.context(current)),
    isNew: false,
  };
}

/** An open run with the signals added, whatever its stored ids say of them. */
function withSignals(
  state: WorkflowState,
  lost: { readonly runId: string; readonly signals: readonly HistoryEvent[] },
  context: DecideContext,
): RunTransition {
  const again = requestIdsOf(lost.signals);
  const signalRequestIds = new Set([...state.signalRequestIds].filter((id) => !again.has(id)));
  const command = { kind: 'reapplySignals' as const, runId: lost.runId, events: lost.signals };
  const { run } = decide({ ...state, signalRequestIds }, command, context);
  const united = unitedIds(state.signalRequestIds, run.state.signalRequestIds);
  return { ...run, state: { ...run.state, signalRequestIds: united } };
}

/** The writes with the lost signals added to the run that counts, where this region may write it. */
export async function addLostSignals(
  transaction: NdcTransaction,
  settled: { readonly writes: NdcWrites; readonly counting: WorkflowState },
  lost: { readonly runId: string; readonly signals: readonly HistoryEvent[] },
): Promise<NdcWrites> {
  const { writes, counting } = settled;
  if (lost.signals.length === 0 || !mayWrite(transaction.context(counting), counting)) return writes;
  const own = writes.runs.find(({ transition }) => transition.state.info.runId === counting.info.runId);
  const reapplied = await reapplySignals(transaction, counting, lost, own?.transition.batches ?? []);
  if (reapplied === undefined) return writes;
  const current = currentRunOf(reapplied.transition.state);
  const index = writes.runs.findIndex(({ transition }) => transition.state.info.runId === current.runId);
  const write = writes.runs[index];
  if (write === undefined) return { runs: [...writes.runs, reapplied], current };
  const runs = writes.runs.with(index, { ...write, transition: joined(write.transition, reapplied.transition) });
  return { runs, current };
}

/** Two steps of one run in one write. */
function joined(first: RunTransition, second: RunTransition): RunTransition {
  return {
    state: second.state,
    batches: [...first.batches, ...second.batches],
    tasks: {
      transfer: [...first.tasks.transfer, ...second.tasks.transfer],
      timer: [...first.tasks.timer, ...second.tasks.timer],
      replication: [...first.tasks.replication, ...second.tasks.replication],
    },
  };
}
