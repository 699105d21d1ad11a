// Adds the signals of given events to the run that counts: by hand, for what an operator or another region says was lost.
import type { HistoryEvent } from '@antiphon/proto';
import { EntityNotExistsError, required } from '#base';
import { currentVersionHistory } from '#core';
import type { NdcHost } from '../ports.ts';
import { addLostSignals } from './lost-signals.ts';
import { missingSignals, requestIdsOf, signalsOf } from './signal-events.ts';

export function reapplyEvents(
  host: NdcHost,
  run: { readonly domainId: string; readonly workflowId: string; readonly runId: string },
  events: readonly HistoryEvent[],
): Promise<void> {
  return host.withWorkflow(run.domainId, run.workflowId, async (transaction) => {
    const current = await transaction.currentRun();
    const counting = current === undefined ? undefined : await transaction.loadRun(current.runId);
    if (counting === undefined) {
      throw new EntityNotExistsError(`Workflow execution not found.  WorkflowId: ${run.workflowId}`);
    }
    const { branch, items } = currentVersionHistory(counting.versionHistories);
    const tip = required(items.at(-1), 'a branch has events').eventId;
    const known = await transaction.readBranch(required(branch, 'a version history has its branch'), 1, tip + 1);
    // Told by the events: the stored ids also remember signals of branches that lost.
    const present = requestIdsOf(signalsOf(known.flat(), counting.info.runId));
    const signals = missingSignals(signalsOf(events, run.runId), present);
    const settled = { writes: { runs: [] }, counting };
    const writes = await addLostSignals(transaction, settled, { runId: run.runId, signals });
    if (writes.runs.length > 0) await transaction.commit(writes);
  });
}
