// The state of a run that has no event yet. `evolve` of the Started event fills it.
import { ExecutionState, type HistoryBranch } from '@antiphon/proto/internal';
import { copyInfo, newInfo } from './execution-info.ts';
import { SignalRequestIds } from './signal-request-ids.ts';
import type { WorkflowState } from './workflow-state.ts';

export interface RunIdentity {
  readonly domainId: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly branch: HistoryBranch;
  /** What a repeated start is recognised by. */
  readonly requestId: string;
}

export function newState(identity: RunIdentity): WorkflowState {
  return {
    info: newInfo(identity),
    activities: new Map(),
    timers: new Map(),
    children: new Map(),
    requestCancels: new Map(),
    signals: new Map(),
    signalRequestIds: SignalRequestIds.of(),
    bufferedEvents: [],
    versionHistories: { currentIndex: 0, histories: [{ branch: identity.branch, items: [] }] },
  };
}

/** The state with the bytes that its newest batches take in the store; whoever encodes them calls this. */
export function withHistorySize(state: WorkflowState, addedBytes: number): WorkflowState {
  const info = copyInfo(state.info);
  info.historySizeBytes += addedBytes;
  return { ...state, info };
}

export const isRunning = (state: WorkflowState): boolean =>
  state.info.state !== ExecutionState.EXECUTION_STATE_COMPLETED;
