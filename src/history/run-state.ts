// Questions to a run's state that the service asks often.
import { ExecutionState, type HistoryBranch } from '@antiphon/proto/internal';
import { required } from '#base';
import { currentVersionHistory, lastWriteVersion, type WorkflowState } from '#core';
import type { CurrentRun } from '#persistence';

/** Created or running: it is its workflow id's current run. A zombie is not. */
export const isOpen = ({ info }: WorkflowState): boolean =>
  info.state === ExecutionState.EXECUTION_STATE_CREATED || info.state === ExecutionState.EXECUTION_STATE_RUNNING;

export const isZombie = ({ info }: WorkflowState): boolean => info.state === ExecutionState.EXECUTION_STATE_ZOMBIE;

export const isClosed = ({ info }: WorkflowState): boolean => info.state === ExecutionState.EXECUTION_STATE_COMPLETED;

/** Scheduled and not started. A started one has a positive id, or the marker of a started activity without an event. */
export const isUnstarted = (startedId: number): boolean => startedId === 0;

export const branchOf = (state: WorkflowState): HistoryBranch =>
  required(currentVersionHistory(state.versionHistories).branch, 'a version history has its branch');

export const currentRunOf = (state: WorkflowState): CurrentRun => ({
  runId: state.info.runId,
  createRequestId: state.info.createRequestId,
  isOpen: isOpen(state),
  closeStatus: state.info.closeStatus,
  lastWriteVersion: required(lastWriteVersion(state.versionHistories), 'a run has events'),
  startTimeMs: state.info.startTimeMs,
});

export const isSameCurrentRun = (a: CurrentRun, b: CurrentRun): boolean =>
  a.runId === b.runId &&
  a.isOpen === b.isOpen &&
  a.closeStatus === b.closeStatus &&
  a.lastWriteVersion === b.lastWriteVersion &&
  a.createRequestId === b.createRequestId &&
  a.startTimeMs === b.startTimeMs;
