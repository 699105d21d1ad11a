// A closed run that still has signals to hear is reset to its last decision. Where children pend at that point the core refuses (they would
// report to the run that is closed), so it is reset to before the decision that started the first of them: the latest point at which
// nothing is owed to the old run. The decisions after it are made again, as after any reset; no acknowledged signal is lost.
// Cadence fails there, and its replication task becomes a dead letter.
import type { HistoryEvent } from '@antiphon/proto';
import { required } from '#base';
import {
  currentVersionHistory,
  type EventBatch,
  forkBranch,
  type RunTransition,
  rebuild,
  resetWorkflow,
  versionOfEvent,
  type WorkflowState,
} from '#core';
import type { NdcTransaction } from '../ports.ts';
import { missingSignals, requestIdsOf, signalsOf } from './signal-events.ts';

type Batches = readonly (readonly HistoryEvent[])[];

const firstIdOf = (batch: readonly HistoryEvent[]): number => Number(batch[0]?.eventId);

/** Event id of the decision's end from which the new run goes on, and the state of the events before it. */
interface ResetPoint {
  readonly decisionFinishEventId: number;
  readonly rebuilt: WorkflowState;
}

function latestPoint(batches: Batches, lastStartedId: number, rebuildTo: (kept: Batches) => WorkflowState): ResetPoint {
  let decisionFinishEventId = lastStartedId + 1;
  for (;;) {
    const finish = decisionFinishEventId;
    const rebuilt = rebuildTo(batches.filter((batch) => firstIdOf(batch) < finish));
    // A child's batch begins with the decision that started it; each step is before the one it replaces, the first decision has none.
    const started = [...rebuilt.children.values()].map(({ initiatedEventBatchId }) => initiatedEventBatchId);
    if (started.length === 0) return { decisionFinishEventId, rebuilt };
    decisionFinishEventId = Math.min(...started);
  }
}

/** undefined: the run was never decided, so nothing in it can hear a signal. `pendingBatches`: what the same commit writes to it. */
export async function resetForSignals(
  transaction: NdcTransaction,
  closed: WorkflowState,
  signals: readonly HistoryEvent[],
  pendingBatches: readonly EventBatch[],
): Promise<RunTransition | undefined> {
  const context = transaction.context(closed);
  const startedId = closed.info.lastProcessedEventId;
  if (startedId < 1) return undefined;
  const { branch: closedBranch, items } = currentVersionHistory(closed.versionHistories);
  const base = required(closedBranch, 'a version history has its branch');
  const newRunId = context.uuid();
  const { domainId, workflowId, runId } = closed.info;
  const pending = pendingBatches.filter((batch) => batch.branch.branchId === base.branchId).map(({ events }) => events);
  const storedUntil = Number(pending[0]?.[0]?.eventId ?? closed.info.nextEventId);
  const all = [...(await transaction.readBranch(base, 1, storedUntil)), ...pending];
  const requestId = context.uuid();
  const branchId = context.uuid();
  const identity = { domainId, workflowId, runId: newRunId, branch: base, requestId };
  const point = latestPoint(all, startedId, (kept) => rebuild(kept, identity));
  const { decisionFinishEventId, rebuilt } = point;
  const branch = forkBranch(base, decisionFinishEventId, branchId);
  // What the closed run took after that decision began is not in what is kept of it.
  const later = signalsOf(all.filter((batch) => firstIdOf(batch) >= decisionFinishEventId).flat(), runId);
  return resetWorkflow(
    rebuilt,
    {
      newRunId,
      requestId,
      reason: 'reapply signals of a branch that lost a version conflict',
      decisionFinishEventId,
      branch,
      forkEventVersion: required(versionOfEvent(items, decisionFinishEventId - 1), 'the decision is on the branch'),
      baseRunId: runId,
      signals: [...later, ...missingSignals(signals, requestIdsOf(later))],
    },
    context,
  );
}
