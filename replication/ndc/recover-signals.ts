// After a failover to this region: signals that only branches which lost before still hold, added to the run that this region now writes.
// Needed when the branch lost while this region was passive and the other one received it after it had ceased to be active, so that
// neither added them. Idempotent: what the current branch has is not added again.
import type { HistoryEvent } from '@antiphon/proto';
import { currentVersionHistory } from '#core';
import type { NdcHost } from '../ports.ts';
import { mayWrite } from './contexts.ts';
import { eventsAfterFork, reapplySignals, requestIdsOf, signalsOf } from './lost-signals.ts';
import { currentRunOf, isZombie } from './run-clock.ts';

/** Returns the number of signals added. For runs with one branch it does nothing. */
export function recoverLostSignals(
  host: NdcHost,
  run: { readonly domainId: string; readonly workflowId: string; readonly runId: string },
): Promise<number> {
  return host.withWorkflow(run.domainId, run.workflowId, async (transaction) => {
    const state = await transaction.loadRun(run.runId);
    const isCandidate = state !== undefined && !isZombie(state) && state.versionHistories.histories.length > 1;
    if (!isCandidate || !mayWrite(transaction.context(), state)) return 0;
    const stored = await transaction.currentRun();
    if (stored?.runId !== run.runId) return 0;
    const current = currentVersionHistory(state.versionHistories);
    const lost = new Map<string, HistoryEvent>();
    for (const history of state.versionHistories.histories) {
      if (history === current) continue;
      const present = requestIdsOf(signalsOf(await eventsAfterFork(transaction, current, history), run.runId));
      for (const signal of signalsOf(await eventsAfterFork(transaction, history, current), run.runId)) {
        const [requestId = ''] = requestIdsOf([signal]);
        if (!present.has(requestId)) lost.set(requestId, signal);
      }
    }
    const signals = [...lost.values()];
    const reapplied = await reapplySignals(transaction, state, { runId: run.runId, signals });
    if (reapplied === undefined) return 0;
    await transaction.commit({ runs: [reapplied], current: currentRunOf(reapplied.transition.state) });
    return signals.length;
  });
}
