// What a run needs when its domain's active cluster changed, in the region that gained it and in the one that lost it. Both idempotent.
// Lost: events that wait for a decision are written out, with the version that this region wrote last, so that what was acknowledged here
// reaches the other regions without waiting for their events. Gained: signals that only branches which lost before still hold are added:
// this region was passive when they lost, and the other one, which received them, may have ceased to be active by then.
import type { HistoryEvent } from '@antiphon/proto';
import { currentVersionHistory, type WorkflowState } from '#core';
import type { NdcHost, NdcTransaction } from '../ports.ts';
import { flushBuffer } from './buffered-events.ts';
import { isOwnVersion, mayWrite } from './contexts.ts';
import { addLostSignals, eventsAfterFork } from './lost-signals.ts';
import { currentRunOf, isClosed, isZombie, versionOf } from './run-clock.ts';
import { missingSignals, requestIdsOf, signalsOf } from './signal-events.ts';

/** Worth calling for runs that are open or have several branches; for others it does nothing. */
export function settleRunAfterFailover(
  host: NdcHost,
  run: { readonly domainId: string; readonly workflowId: string; readonly runId: string },
): Promise<void> {
  return host.withWorkflow(run.domainId, run.workflowId, async (transaction) => {
    const state = await transaction.loadRun(run.runId);
    if (state === undefined || isZombie(state)) return;
    const stored = await transaction.currentRun();
    const isCurrent = stored?.runId === run.runId;
    if (transaction.context().domain.isActiveHere) {
      if (isCurrent) await recoverLostSignals(transaction, state);
    } else if (!isClosed(state)) {
      await flushWaitingEvents(transaction, state, isCurrent);
    }
  });
}

async function flushWaitingEvents(
  transaction: NdcTransaction,
  state: WorkflowState,
  isCurrent: boolean,
): Promise<void> {
  const context = transaction.context();
  if (!isOwnVersion(context, versionOf(state))) return;
  const transition = flushBuffer(state, context);
  if (transition === undefined) return;
  const current = isCurrent ? { current: currentRunOf(transition.state) } : {};
  await transaction.commit({ runs: [{ transition, isNew: false }], ...current });
}

async function recoverLostSignals(transaction: NdcTransaction, state: WorkflowState): Promise<void> {
  const { histories } = state.versionHistories;
  if (histories.length < 2 || !mayWrite(transaction.context(), state)) return;
  const { runId } = state.info;
  const current = currentVersionHistory(state.versionHistories);
  const found = new Set<string>();
  const signals: HistoryEvent[] = [];
  for (const history of histories) {
    if (history === current) continue;
    const present = requestIdsOf(signalsOf(await eventsAfterFork(transaction, current, history), runId));
    const lost = signalsOf(await eventsAfterFork(transaction, history, current), runId);
    for (const signal of missingSignals(missingSignals(lost, present), found)) {
      for (const id of requestIdsOf([signal])) found.add(id);
      signals.push(signal);
    }
  }
  if (signals.length === 0) return;
  const writes = await addLostSignals(transaction, { writes: { runs: [] }, counting: state }, { runId, signals });
  if (writes.runs.length > 0) await transaction.commit(writes);
}
