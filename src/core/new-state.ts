// The state of a run that has no event yet. `evolve` of the Started event fills it.
import { CronOverlapPolicy, WorkflowExecutionCloseStatus } from '@antiphon/proto';
import { type ExecutionInfo, ExecutionState, type HistoryBranch } from '@antiphon/proto/internal';
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

function newInfo(identity: RunIdentity): ExecutionInfo {
  return {
    domainId: identity.domainId,
    workflowId: identity.workflowId,
    runId: identity.runId,
    firstExecutionRunId: '',
    originalExecutionRunId: '',
    parent: undefined,
    taskList: undefined,
    workflowType: '',
    executionTimeoutSeconds: 0,
    taskTimeoutSeconds: 0,
    state: ExecutionState.EXECUTION_STATE_CREATED,
    closeStatus: WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_INVALID,
    nextEventId: 1,
    lastFirstEventId: 0,
    lastEventTaskId: 0,
    lastProcessedEventId: 0,
    startTimeMs: 0,
    lastUpdateTimeMs: 0,
    closeTimeMs: 0,
    createRequestId: identity.requestId,
    signalCount: 0,
    historySizeBytes: 0,
    decision: undefined,
    decisionAttempt: 0,
    cancelRequested: false,
    cancelRequestId: '',
    stickyTaskList: '',
    stickyScheduleToStartSeconds: 0,
    stickyUpdatedMs: 0,
    clientLibraryVersion: '',
    clientFeatureVersion: '',
    clientImpl: '',
    attempt: 0,
    retryPolicy: undefined,
    expirationTimeMs: 0,
    cronSchedule: '',
    cronOverlapPolicy: CronOverlapPolicy.CRON_OVERLAP_POLICY_INVALID,
    firstDecisionBackoffSeconds: 0,
    memo: undefined,
    searchAttributes: undefined,
    autoResetPoints: undefined,
    partitionConfig: {},
    activeClusterSelectionPolicy: undefined,
    startVersion: 0,
    closeEventBatchId: 0,
    hasProcessedOrPendingDecision: false,
  };
}

/** The state with the bytes that its newest batches take in the store; whoever encodes them calls this. */
export function withHistorySize(state: WorkflowState, addedBytes: number): WorkflowState {
  const info = { ...state.info, historySizeBytes: state.info.historySizeBytes + addedBytes };
  return { ...state, info };
}

export const isRunning = (state: WorkflowState): boolean =>
  state.info.state !== ExecutionState.EXECUTION_STATE_COMPLETED;
