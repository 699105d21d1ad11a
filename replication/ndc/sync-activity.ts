// State of a pending activity that no event tells: attempts, heartbeats, the worker that has it. The newer wins: by version, then attempt,
// then heartbeat. A run or event that is not here yet asks for the events first. Cadence: service/history/ndc/activity_replicator.go.
import type { ActivityInfo, TimerTask, TransferTask, VersionHistoryItem } from '@antiphon/proto/internal';
import { RetryTaskV2Error, required } from '#base';
import {
  clusterOfVersion,
  currentVersionHistory,
  type DecideContext,
  decide,
  findLcaItem,
  isLcaAppendable,
  type RunTransition,
  type WorkflowState,
} from '#core';
import type { SyncActivityRequest } from '#rpc';
import type { NdcHost } from '../ports.ts';
import { isClosed, isZombie } from './run-clock.ts';

export function syncActivity(host: NdcHost, request: SyncActivityRequest): Promise<void> {
  return host.withWorkflow(request.domainId, request.workflowId, async (transaction) => {
    const state = await transaction.loadRun(request.runId);
    // A run that is not here was deleted, or its events are dead letters: either way they come before its activities.
    if (state === undefined || isClosed(state)) return;
    if (!isOnBranch(request, state)) return;
    const activity = state.activities.get(request.scheduledId);
    if (activity === undefined || !isNewer(request, activity)) return;
    const transition = synced(state, activity, request, transaction.context());
    await transaction.commit({ runs: [{ transition, isNew: false }] });
  });
}

/** True when the activity's Scheduled event is on the current branch here and there; throws RetryTaskV2 when it is still to come. */
function isOnBranch(request: SyncActivityRequest, state: WorkflowState): boolean {
  const { items } = currentVersionHistory(state.versionHistories);
  const incoming: readonly VersionHistoryItem[] = request.versionHistoryItems;
  const lca = findLcaItem(items, incoming);
  if (lca === undefined) return false;
  if (request.scheduledId <= lca.eventId) return true;
  if (!isLcaAppendable(items, lca)) return false;
  const { domainId, workflowId, runId } = request;
  throw new RetryTaskV2Error({ domainId, workflowId, runId, start: { eventId: lca.eventId, version: lca.version } });
}

export function isNewer(request: SyncActivityRequest, activity: Readonly<ActivityInfo>): boolean {
  if (request.version !== activity.version) return request.version > activity.version;
  if (request.attempt !== activity.attempt) return request.attempt > activity.attempt;
  const wasStarted = activity.startedId !== 0;
  const isStarted = request.startedId !== 0;
  if (wasStarted !== isStarted) return isStarted;
  return request.lastHeartbeatMs > activity.lastHeartbeatMs;
}

function synced(
  state: WorkflowState,
  activity: Readonly<ActivityInfo>,
  request: SyncActivityRequest,
  context: DecideContext,
): RunTransition {
  const { clusters } = context;
  const sameSource = clusterOfVersion(clusters, request.version) === clusterOfVersion(clusters, activity.version);
  const keepsTimers = sameSource && request.attempt === activity.attempt;
  const next: ActivityInfo = {
    ...activity,
    version: request.version,
    scheduledTimeMs: request.scheduledTimeMs,
    startedId: request.startedId,
    startedTimeMs: request.startedTimeMs,
    lastHeartbeatMs: request.lastHeartbeatMs,
    heartbeatDetails: request.details,
    attempt: request.attempt,
    lastFailure: request.lastFailure,
    lastWorkerIdentity: request.lastWorkerIdentity,
    timerTaskStatus: keepsTimers ? activity.timerTaskStatus : 0,
  };
  const changed = { ...state, activities: new Map(state.activities).set(activity.scheduleId, next) };
  if (isZombie(state)) return { state: changed, batches: [], tasks: { transfer: [], timer: [], replication: [] } };
  const refreshed = decide(changed, { kind: 'refreshTasks' }, context).run;
  const { scheduleId } = activity;
  return {
    state: refreshed.state,
    batches: [],
    tasks: {
      transfer: refreshed.tasks.transfer.filter((task) => isOfActivity(task, scheduleId)),
      timer: refreshed.tasks.timer.filter((task) => isOfActivity(task, scheduleId)),
      replication: [],
    },
  };
}

/** Of all the run's tasks, those that this change can have made necessary. */
function isOfActivity({ work }: TransferTask | TimerTask, scheduleId: number): boolean {
  switch (required(work, 'a task says what to do').$case) {
    case 'activityTimeouts':
      return true;
    case 'activity':
    case 'activityRetry':
      return work !== undefined && 'scheduleId' in work.value && work.value.scheduleId === scheduleId;
    default:
      return false;
  }
}
