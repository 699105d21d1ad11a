// State of a pending activity that no event tells: attempts, heartbeats, the worker that has it. Core decides what is newer; here is whether
// the activity is on this region's branch at all. Events that are not here yet are asked for first.
// Cadence: service/history/ndc/activity_replicator.go.
import type { VersionHistoryItem } from '@antiphon/proto/internal';
import { RetryTaskV2Error } from '#base';
import { applySyncActivity, currentVersionHistory, findLcaItem, isLcaAppendable, type WorkflowState } from '#core';
import type { SyncActivityRequest } from '#rpc';
import type { NdcHost } from '../ports.ts';
import { isClosed, isZombie } from './run-clock.ts';

const NO_TASKS = { transfer: [], timer: [], replication: [] } as const;

export function syncActivity(host: NdcHost, request: SyncActivityRequest): Promise<void> {
  return host.withWorkflow(request.domainId, request.workflowId, async (transaction) => {
    const state = await transaction.loadRun(request.runId);
    // A run that is not here was deleted, or its events are dead letters: either way they come before its activities.
    if (state === undefined || isClosed(state) || !isOnBranch(request, state)) return;
    const transition = applySyncActivity(state, request, transaction.context());
    if (transition === undefined) return;
    const written = isZombie(state) ? { ...transition, tasks: NO_TASKS } : transition;
    await transaction.commit({ runs: [{ transition: written, isNew: false }] });
  });
}

/** True when the activity's Scheduled event is on the current branch here and there; throws RetryTaskV2 when it is still to come. */
function isOnBranch(request: SyncActivityRequest, state: WorkflowState): boolean {
  const { items } = currentVersionHistory(state.versionHistories);
  const incoming: readonly VersionHistoryItem[] = request.versionHistoryItems;
  const lca = findLcaItem(items, incoming);
  if (lca === undefined) return false;
  if (request.scheduledId <= lca.eventId) return true;
  // Beyond it this region has gone another way, or the event is still to come.
  if (!isLcaAppendable(items, lca)) return false;
  const { domainId, workflowId, runId } = request;
  throw new RetryTaskV2Error({ domainId, workflowId, runId, start: { eventId: lca.eventId, version: lca.version } });
}
