// What operators do with shards, queues and single runs of a history service, beside what clients do with workflows.
import type { HistoryEvent } from '@antiphon/proto';
import type { RunRef } from './clients.ts';

export type TaskQueueName = 'transfer' | 'timer';

export interface QueueTaskRef {
  readonly queue: TaskQueueName;
  readonly taskId: number;
  /** Of a timer. */
  readonly fireTimeMs: number;
}

/** Which records of a run are gone. */
export interface DeletedParts {
  readonly history: boolean;
  readonly executions: boolean;
  readonly visibility: boolean;
}

export interface HistoryAdmin {
  /** Every shard of the map, in order. */
  shardIds(): readonly number[];
  /** Those that are open here now. */
  openShardIds(): readonly number[];
  shardOf(workflowId: string): number;
  /** Lets go of the shard, all accepted work durable; it is acquired and loaded again. BadRequest: there is no such shard. */
  closeShard(shardId: number): Promise<void>;
  /** The state of the queue as lines for people. */
  describeQueue(shardId: number, queue: TaskQueueName): Promise<readonly string[]>;
  /** Gives the task up: it is not executed again, and its row goes. One that is not there is gone already. */
  removeTask(shardId: number, task: QueueTaskRef): Promise<void>;
  /** Deletes the run in this region, open or closed, archived or not. EntityNotExists: there is none. */
  deleteRun(run: RunRef): Promise<DeletedParts>;
  /** Deletes the run if its records contradict each other, in memory and, looked at again, in the store. `faults` says what was found. */
  deleteCorruptRun(run: RunRef): Promise<DeletedParts & { readonly faults: readonly string[] }>;
  /** Writes the visibility records of a page of the shard's runs again, from what the runs are now. */
  reindexVisibility(
    shardId: number,
    token: Uint8Array | undefined,
    limit: number,
  ): Promise<{ readonly written: number; readonly nextToken?: Uint8Array | undefined }>;
  /** Adds the signals among the events, which `run` had, to the current run of the workflow; each counts once. */
  reapplyEvents(run: RunRef, events: readonly HistoryEvent[]): Promise<void>;
}
