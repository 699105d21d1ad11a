// What a command makes: the shape of every answer of `decide`.
import type { HistoryEvent } from '@antiphon/proto';
import type { HistoryBranch, ReplicationTask, TimerTask, TransferTask } from '@antiphon/proto/internal';
import type { WorkflowState } from './workflow-state.ts';

/** Events written together, all of one version: a history node (its id is the first event's) and the unit of replication. */
export interface EventBatch {
  readonly branch: HistoryBranch;
  readonly events: readonly HistoryEvent[];
}

/** Work to enqueue. Task ids are already assigned (from `DecideContext.nextTaskId`), in order. */
export interface TaskSet {
  readonly transfer: readonly TransferTask[];
  readonly timer: readonly TimerTask[];
  readonly replication: readonly ReplicationTask[];
}

/** One run's part of a transition. */
export interface RunTransition {
  readonly state: WorkflowState;
  /** At most two: a transient decision's batch, then the normal one (semantics §2.1). */
  readonly batches: readonly EventBatch[];
  readonly tasks: TaskSet;
}

/**
 * The result of a command: the run it was sent to and, where it opens another one (continue-as-new, cron, retry, reset,
 * terminate-and-start), that run. Both commit in one group or not at all.
 */
export interface Transition<Reply = void> {
  readonly run: RunTransition;
  readonly newRun?: RunTransition | undefined;
  readonly reply: Reply;
}
