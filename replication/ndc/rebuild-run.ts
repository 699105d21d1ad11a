// The state of a run as another of its branches tells it: replayed from that branch's events, with all branches kept.
import { History, type HistoryEvent } from '@antiphon/proto';
import type { HistoryBranch, VersionHistories, VersionHistoryItem } from '@antiphon/proto/internal';
import { rebuild, type WorkflowState, withHistorySize } from '#core';
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
  return withHistorySize({ ...rebuilt, signalRequestIds, versionHistories: target.histories }, encodedSize(batches));
}
