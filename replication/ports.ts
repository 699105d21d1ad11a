// What replication needs of the history service, which implements these; they meet in src/server. Nothing here imports a service.
import type { HistoryEvent } from '@antiphon/proto';
import type { HistoryBranch, ReplicationTask } from '@antiphon/proto/internal';
import type { DecideContext, RunTransition, WorkflowState } from '#core';
import type { CurrentRun, RunKey } from '#persistence';

/** One workflow id, held exclusively on its shard while conflict resolution works on it. */
export interface NdcTransaction {
  readonly domainId: string;
  readonly workflowId: string;
  currentRun(): Promise<CurrentRun | undefined>;
  loadRun(runId: string): Promise<WorkflowState | undefined>;
  /** Decoded batches of the branch with minEventId ≤ first id < maxEventId. */
  readBranch(
    branch: HistoryBranch,
    minEventId: number,
    maxEventId: number,
  ): Promise<readonly (readonly HistoryEvent[])[]>;
  /** A fresh context. Its domain is that of the run given, which is the run that is written with it; of none, where nobody writes. */
  context(run?: WorkflowState): DecideContext;
  /** One group commit; resolves when durable. */
  commit(writes: NdcWrites): Promise<void>;
}

export interface NdcWrites {
  readonly runs: readonly {
    readonly transition: RunTransition;
    readonly isNew: boolean;
  }[];
  /** Set when the current run changes or its columns do. */
  readonly current?: CurrentRun | undefined;
}

export interface NdcHost {
  withWorkflow<T>(domainId: string, workflowId: string, work: (transaction: NdcTransaction) => Promise<T>): Promise<T>;
}

/** A shard's queue of tasks to publish. Given on acquisition, closed when the shard is lost. */
export interface ReplicationQueue {
  readonly shardId: number;
  /** Level from which to publish after a restart. */
  readonly ackLevel: number;
  load(afterTaskId: number, limit: number): Promise<readonly ReplicationTask[]>;
  /** An id above those of all tasks that were decided before the call; they are durable when it resolves. */
  barrier(): Promise<number>;
  /** Tasks ≤ taskId are in the log; the stored level follows lazily. */
  acknowledge(taskId: number): void;
  /** Called when new tasks are durable. Returns the unsubscribe function. */
  onNewTasks(listener: () => void): () => void;
  readEvents(branch: HistoryBranch, minEventId: number, maxEventId: number): Promise<readonly Uint8Array[]>;
  loadRun(key: RunKey): Promise<WorkflowState | undefined>;
}
