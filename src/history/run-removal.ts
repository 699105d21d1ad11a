// Takes all records of a run away: its visibility record, the branches of its history, its rows. In this order, so that what was begun can be
// repeated after a crash: the row, which leads to the rest, goes last.
import { EntityNotExistsError } from '#base';
import type { WorkflowState } from '#core';
import type { RunKey } from '#persistence';
import type { HistoryContext } from './context.ts';
import type { ShardActor } from './shard-actor.ts';
import type { Slot } from './workflow-cache.ts';

/** The workflow id is held over store calls only, so that no reset forks from what goes away. `isMeant` has the last word. */
export async function removeRun(
  context: HistoryContext,
  actor: ShardActor,
  key: RunKey,
  isMeant: (state: WorkflowState) => boolean,
): Promise<boolean> {
  await context.deps.visibility.remove(key.domainId, key.workflowId, key.runId);
  return actor.exclusive(key.domainId, key.workflowId, async (slot) => {
    await slot.uncommitted?.durable.promise;
    const entry = await actor.findRun(slot, key.runId);
    if (entry === undefined || !isMeant(entry.state)) return false;
    await deleteBranches(context, entry.state);
    entry.queries?.fail(new EntityNotExistsError('Workflow execution not found.'));
    actor.deleteRun(slot, key);
    return true;
  });
}

export async function deleteBranches({ deps }: HistoryContext, state: WorkflowState): Promise<void> {
  for (const { branch } of state.versionHistories.histories) {
    if (branch !== undefined) await deps.store.history.deleteBranch(branch);
  }
}

/** The rows of a run whose state cannot be read, and the branches that are known to be its own. For use inside `exclusive`. */
export async function removeUnreadable(
  { deps }: HistoryContext,
  actor: ShardActor,
  slot: Slot,
  runId: string,
): Promise<{ readonly branches: number }> {
  const rows = await deps.store.history.listBranches(runId);
  for (const { branch } of rows) await deps.store.history.deleteBranch(branch);
  actor.deleteRun(slot, { domainId: slot.domainId, workflowId: slot.workflowId, runId });
  return { branches: rows.length };
}
