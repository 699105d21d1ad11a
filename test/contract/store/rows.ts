// Builders of what the store contract stores.
import type { HistoryBranch, TimerTask, TransferTask } from '@antiphon/proto/internal';
import type { ExecutionWrite, HistoryNode, ShardCommit } from '#persistence';

export const DOMAIN_ID = '11111111-1111-4111-8111-111111111111';

export const bytes = (text: string): Uint8Array => Buffer.from(text);
export const textOf = (blob: Uint8Array | undefined): string => Buffer.from(blob ?? []).toString();

export const emptyCommit: ShardCommit = {
  nodes: [],
  branches: [],
  executions: [],
  currentRuns: [],
  transferTasks: [],
  timerTasks: [],
  replicationTasks: [],
  deletedRuns: [],
  deletedTimers: [],
};

export const runKey = (workflowId: string, runId = `${workflowId}-run`) => ({ domainId: DOMAIN_ID, workflowId, runId });

export const execution = (workflowId: string, overrides: Partial<ExecutionWrite> = {}): ExecutionWrite => ({
  key: runKey(workflowId),
  record: bytes(`record of ${workflowId}`),
  nextEventId: 3,
  isOpen: true,
  addedSignalRequestIds: [],
  isNew: true,
  ...overrides,
});

export const currentRun = (workflowId: string, overrides: { runId?: string; isOpen?: boolean } = {}) => ({
  domainId: DOMAIN_ID,
  workflowId,
  current: {
    runId: `${workflowId}-run`,
    createRequestId: 'request',
    isOpen: true,
    closeStatus: 0,
    lastWriteVersion: 12,
    startTimeMs: 1_700_000_000_000,
    ...overrides,
  },
});

const owner = { domainId: DOMAIN_ID, workflowId: 'w', runId: 'r', version: 1 };

export const transferTask = (taskId: number): TransferTask => ({
  ...owner,
  taskId,
  work: { $case: 'closeExecution', value: {} },
});

export const timerTask = (fireTimeMs: number, taskId: number): TimerTask => ({
  ...owner,
  taskId,
  fireTimeMs,
  work: { $case: 'userTimers', value: {} },
});

export const replicationTask = (taskId: number) => ({
  ...owner,
  taskId,
  creationTimeMs: 5,
  work: { $case: 'syncActivity' as const, value: { scheduleId: 7 } },
});

export const branchOf = (
  treeId: string,
  branchId: string,
  ancestors: { branchId: string; endNodeId: number }[] = [],
): HistoryBranch => ({ treeId, branchId, ancestors });

/** A batch of events nodeId … nodeId + eventCount − 1. */
export const node = (branch: HistoryBranch, nodeId: number, eventCount = 1, txnId = nodeId * 10): HistoryNode => ({
  treeId: branch.treeId,
  branchId: branch.branchId,
  nodeId,
  txnId,
  eventCount,
  blob: bytes(`${branch.branchId}:${nodeId}:${txnId}`),
});

export const branchRow = (branch: HistoryBranch) => ({ branch, info: `${DOMAIN_ID}:w:${branch.treeId}` });
