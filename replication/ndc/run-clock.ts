// Which of two runs of one workflow id is newer: the one that was written with the larger version, and within a version the one whose last
// event came later on its shard. Every region orders them the same. Also the states that a run can be in beside another.
import { ExecutionState } from '@antiphon/proto/internal';
import { required } from '#base';
import { lastWriteVersion, type WorkflowState } from '#core';
import type { CurrentRun } from '#persistence';

export const versionOf = (state: WorkflowState): number =>
  required(lastWriteVersion(state.versionHistories), 'a run has events');

export function happensAfter(a: WorkflowState, b: WorkflowState): boolean {
  const [left, right] = [versionOf(a), versionOf(b)];
  return left === right ? a.info.lastEventTaskId > b.info.lastEventTaskId : left > right;
}

export const isClosed = ({ info }: WorkflowState): boolean => info.state === ExecutionState.EXECUTION_STATE_COMPLETED;

export const isZombie = ({ info }: WorkflowState): boolean => info.state === ExecutionState.EXECUTION_STATE_ZOMBIE;

/** Open, but not what its workflow id means. */
export function asZombie(state: WorkflowState): WorkflowState {
  return { ...state, info: { ...state.info, state: ExecutionState.EXECUTION_STATE_ZOMBIE } };
}

export function asOpen(state: WorkflowState): WorkflowState {
  const open = state.info.hasProcessedOrPendingDecision
    ? ExecutionState.EXECUTION_STATE_RUNNING
    : ExecutionState.EXECUTION_STATE_CREATED;
  return { ...state, info: { ...state.info, state: open } };
}

export const currentRunOf = (state: WorkflowState): CurrentRun => ({
  runId: state.info.runId,
  createRequestId: state.info.createRequestId,
  isOpen: !isClosed(state) && !isZombie(state),
  closeStatus: state.info.closeStatus,
  lastWriteVersion: versionOf(state),
  startTimeMs: state.info.startTimeMs,
});
