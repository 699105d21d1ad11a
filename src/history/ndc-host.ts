// What conflict resolution works with: one workflow id held for itself, its runs and branches to read, and one commit of several runs.
import { domainOfRun, type RunTransition } from '#core';
import type { NdcHost, NdcTransaction } from '#replication';
import type { HistoryContext } from './context.ts';
import { readAllEvents } from './history-reader.ts';
import type { ShardActor } from './shard-actor.ts';
import type { RunEntry, Slot } from './workflow-cache.ts';

export function createNdcHost(context: HistoryContext): NdcHost {
  const { store } = context.deps;

  /**
   * Ids taken in a long transaction may be smaller than ids that other workflows have committed meanwhile, and ack levels pass over what is
   * smaller. So tasks get their ids at the commit.
   */
  const renumbered = (actor: ShardActor, transition: RunTransition): RunTransition => {
    const next = <T extends { taskId: number }>(task: T): T => ({ ...task, taskId: actor.taskIds.next() });
    const { transfer, timer, replication } = transition.tasks;
    return {
      ...transition,
      tasks: { transfer: transfer.map(next), timer: timer.map(next), replication: replication.map(next) },
    };
  };

  const open = async (actor: ShardActor, slot: Slot, onCommit: () => void): Promise<NdcTransaction> => {
    const { domainId, workflowId } = slot;
    let domain = await context.domain(domainId);
    return {
      domainId,
      workflowId,
      currentRun: () => actor.currentRun(slot),
      loadRun: async (runId) => (await actor.findRun(slot, runId))?.state,
      async readBranch(branch, minEventId, maxEventId) {
        // The events are read from the store: what is on its way there has to arrive first.
        await slot.uncommitted?.durable.promise;
        return readAllEvents(store.history, branch, minEventId, maxEventId);
      },
      context(run) {
        domain = context.deps.domains.peekById(domainId) ?? domain;
        const own = run === undefined ? domain : domainOfRun(domain, run.info.activeClusterSelectionPolicy);
        return context.decideContext(actor, own);
      },
      async commit({ runs, current }) {
        const found = new Map<string, RunEntry>();
        for (const { transition, isNew } of runs) {
          const { runId } = transition.state.info;
          if (!isNew) found.set(runId, await actor.loadRun(slot, runId));
        }
        actor.assertOpen();
        const updates = [];
        const creates = [];
        for (const { transition, isNew } of runs) {
          const entry = found.get(transition.state.info.runId);
          if (isNew || entry === undefined) creates.push(renumbered(actor, transition));
          else updates.push({ entry, transition: renumbered(actor, transition) });
        }
        onCommit();
        actor.write(slot, { updates, creates, current });
        await slot.uncommitted?.durable.promise;
      },
    };
  };

  return {
    async withWorkflow(domainId, workflowId, work) {
      const actor = await context.shards.of(workflowId);
      actor.requireRoom();
      let isWritten = false;
      const result = await actor.exclusive(domainId, workflowId, async (slot) =>
        work(
          await open(actor, slot, () => {
            isWritten = true;
          }),
        ),
      );
      // The message will not come again: that there was nothing to write must be the owner's word.
      if (!isWritten) await actor.proveOwned();
      return result;
    },
  };
}
