// The state of a run as another of its branches tells it: replayed from that branch's events, with all branches kept. Attempts of its
// activities are in no event: those of activities that both branches have are taken over from the state before, so that the regions agree on
// them (the other one was told of them already, and does not say it again) and a retry policy does not start anew.
import { History, type HistoryEvent } from '@antiphon/proto';
import type { ActivityInfo, HistoryBranch, VersionHistories, VersionHistoryItem } from '@antiphon/proto/internal';
import { currentVersionHistory, findLcaItem, rebuild, type WorkflowState, withHistorySize } from '#core';
import type { NdcTransaction } from '../ports.ts';
import { unitedIds } from './lost-signals.ts';

export interface BranchToRebuild {
  readonly branch: HistoryBranch;
  readonly last: VersionHistoryItem;
  /** With the branch as the current one. */
  readonly histories: VersionHistories;
}

const encodedSize = (batches: readonly (readonly HistoryEvent[])[]): number =>
  batches.reduce((sum, events) => sum + History.encode({ events: [...events] }).finish().length, 0);

export async function rebuildRun(
  transaction: NdcTransaction,
  state: WorkflowState,
  target: BranchToRebuild,
): Promise<WorkflowState> {
  const { domainId, workflowId, runId, createRequestId } = state.info;
  const batches = await transaction.readBranch(target.branch, 1, target.last.eventId + 1);
  const identity = { domainId, workflowId, runId, branch: target.branch, requestId: createRequestId };
  const rebuilt = rebuild(batches, identity);
  const signalRequestIds = unitedIds(state.signalRequestIds, rebuilt.signalRequestIds);
  const activities = activitiesOf(state, rebuilt, target);
  const versionHistories = target.histories;
  return withHistorySize({ ...rebuilt, activities, signalRequestIds, versionHistories }, encodedSize(batches));
}

function activitiesOf(
  before: WorkflowState,
  rebuilt: WorkflowState,
  target: BranchToRebuild,
): WorkflowState['activities'] {
  const items = currentVersionHistory(before.versionHistories).items;
  const sharedUntil = findLcaItem(items, currentVersionHistory(target.histories).items)?.eventId ?? 0;
  const activities = new Map(rebuilt.activities);
  for (const [scheduleId, activity] of rebuilt.activities) {
    const known = before.activities.get(scheduleId);
    if (known === undefined || scheduleId > sharedUntil || !hasGoneOn(known, activity)) continue;
    // Whether it is to be cancelled the branch tells.
    const { cancelRequested, cancelRequestId } = activity;
    activities.set(scheduleId, { ...known, cancelRequested, cancelRequestId, timerTaskStatus: 0 });
  }
  return activities;
}

/** Later than what the events tell, as SyncActivity orders it; a start that is an event of the branch that lost is not. */
function hasGoneOn(known: Readonly<ActivityInfo>, told: Readonly<ActivityInfo>): boolean {
  if (known.startedId > 0 || told.startedId > 0) return false;
  if (known.version !== told.version) return known.version > told.version;
  return known.attempt > told.attempt;
}
