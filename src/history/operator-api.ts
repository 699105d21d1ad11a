// What operators do with the shards, queues and runs of this host. Everything passes the shard's owner, so that nothing is changed under it.
import { badRequest, featureNotEnabled, unavailable } from '#base';
import type { DeletedParts, HistoryAdmin, RunRef } from '#rpc';
import type { HistoryContext } from './context.ts';
import { createNdcHost } from './ndc-host.ts';
import { workflowNotFound } from './not-found.ts';
import { isServiceError } from './outside-work.ts';
import { reindexPage } from './reindex.ts';
import { type Inspection, inspectRun } from './run-inspection.ts';
import { deleteBranches, removeRun, removeUnreadable } from './run-removal.ts';
import type { ShardActor } from './shard-actor.ts';
import type { Slot } from './workflow-cache.ts';

const NOTHING: DeletedParts = { history: false, executions: false, visibility: false };
const EVERYTHING: DeletedParts = { history: true, executions: true, visibility: true };

const REMOVAL_ATTEMPTS = 3;

/** A shard that closes after a run's history went and before its row leaves a run that cannot be read: begun is gone through with. */
async function goThrough<T>(removal: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await removal();
    } catch (error) {
      const isClosed = isServiceError(error, 'Unavailable', 'ShardOwnershipLost');
      if (!isClosed || attempt === REMOVAL_ATTEMPTS) throw error;
    }
  }
}

export function createOperatorApi(context: HistoryContext): HistoryAdmin {
  const { shards, deps } = context;
  const { visibility } = deps;

  const require = (shardId: number) => {
    const handle = shards.handle(shardId);
    if (handle !== undefined) return handle;
    if (!shards.ids().includes(shardId)) throw badRequest(`Shard ${shardId} does not exist.`);
    throw shards.elsewhere(shardId);
  };

  /** `isFresh`: nothing is taken from memory. */
  const inspect = (
    actor: ShardActor,
    run: RunRef,
    isFresh: boolean,
    then: (slot: Slot, found: Inspection) => unknown,
  ) =>
    actor.exclusive(run.domainId, run.workflowId, async (slot) => {
      await slot.uncommitted?.durable.promise;
      if (isFresh) {
        slot.current = undefined;
        slot.runs.get(run.runId)?.queries?.fail(unavailable('The run is loaded again, please retry'));
        slot.runs.delete(run.runId);
      }
      const found = await inspectRun(context, actor, slot, run.runId);
      if (found === undefined) throw workflowNotFound(deps, run.domainId, run.workflowId, run.runId);
      await then(slot, found);
      return found;
    });

  return {
    shardIds: () => shards.ids(),
    openShardIds: () => shards.actors().map(({ shardId }) => shardId),
    shardOf: (workflowId) => shards.shardOf(workflowId),

    async closeShard(shardId) {
      await require(shardId).actor?.stop(unavailable(`Shard ${shardId} was closed by an operator, please retry`));
    },

    async describeQueue(shardId, queue) {
      const actor = await require(shardId).ready();
      return queue === 'transfer' ? actor.transfers.describe() : actor.timers.describe();
    },

    async removeTask(shardId, task) {
      const actor = await require(shardId).ready();
      await actor.removeTask(task);
    },

    async deleteRun(run) {
      const find = (actor: ShardActor) =>
        actor.exclusive(run.domainId, run.workflowId, (slot) => actor.loadRun(slot, run.runId));
      const { key } = await find(await shards.of(run.workflowId));
      const executions = await goThrough(async () =>
        removeRun(context, await shards.of(run.workflowId), key, () => true),
      );
      // Once more: a task of the run may have written its record again meanwhile.
      await visibility.remove(key.domainId, key.workflowId, key.runId);
      return { history: executions, executions, visibility: true };
    },

    async deleteCorruptRun(run) {
      const actor = await shards.of(run.workflowId);
      const first = await inspect(actor, run, false, () => undefined);
      if (first.faults.length === 0) return { ...NOTHING, faults: [] };
      let deleted: DeletedParts = NOTHING;
      const ref = { ...run, runId: first.runId };
      const second = await inspect(actor, ref, true, async (slot, { entry, faults, runId }) => {
        if (faults.length === 0) return;
        await visibility.remove(run.domainId, run.workflowId, runId);
        if (entry === undefined) {
          const { branches } = await removeUnreadable(context, actor, slot, runId);
          deleted = { ...EVERYTHING, history: branches > 0 };
          return;
        }
        await deleteBranches(context, entry.state);
        actor.deleteRun(slot, entry.key);
        deleted = EVERYTHING;
      });
      return { ...deleted, faults: second.faults };
    },

    async reindexVisibility(shardId, token, limit) {
      return reindexPage(context, await require(shardId).ready(), token, limit);
    },

    async reapplyEvents(run, events) {
      if (deps.replicate === undefined) throw featureNotEnabled('replication');
      // In an active-active domain only a run that is active here is written.
      await context.activeDomain(run.domainId);
      await deps.replicate.reapplyEvents(createNdcHost(context), run, events);
    },
  };
}
