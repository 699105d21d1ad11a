// What a poller can be matched with.
import type { WorkflowQuery, WorkflowQueryResult } from '@antiphon/proto';
import type { Deferred } from '#base';
import type { BacklogTask, TaskListKey } from '#persistence';
import type { RunRef } from '#rpc';

/** A task of a backlog in memory. */
export interface BufferedTask extends BacklogTask {
  /** Zone that should run it, for a moment; not stored, because the moment is over when a row is read back. */
  readonly isolationGroup?: string | undefined;
}

/** A task as it arrives, before it has an id in a backlog. */
export type NewTask = Omit<BufferedTask, 'taskId'>;

/** The list that a match came from, which is told what became of it. */
export interface TaskOwner {
  readonly key: TaskListKey;
  /** History has started the task, or says that it is no longer needed. */
  finish(pending: PendingTask): void;
  /** The poll that took the task is gone before history was asked: the next one gets it. */
  putBack(pending: PendingTask): void;
  /** History could not start the task. A caller that waits hears it, a kept task is tried again later. */
  keep(pending: PendingTask, error: unknown): void;
  /** The poll that took the query is gone before it was handed over. */
  returnQuery(query: PendingQuery): void;
}

export interface PendingTask {
  readonly kind: 'task';
  /** Not always the list that was polled: partitions of one list help each other out. */
  readonly owner: TaskOwner;
  /** `sync`: its caller still waits. `stored`: read from the backlog. `memory`: of a sticky list, which keeps nothing. */
  readonly source: 'sync' | 'stored' | 'memory';
  readonly task: NewTask;
  /** Stored tasks: id and the generation of the backlog that read it. */
  taskId: number;
  generation: number;
  /** Sync tasks: resolved when history started the task or it became durable. */
  readonly caller: Deferred<void> | undefined;
  readonly arrivedMs: number;
  /** One for all attempts to start this task: an attempt with an unknown outcome is repeated, not doubled. */
  requestId: string | undefined;
  failureCount: number;
}

export interface PendingQuery {
  readonly kind: 'query';
  readonly owner: Pick<TaskOwner, 'returnQuery'>;
  readonly taskId: string;
  readonly run: RunRef;
  readonly query: WorkflowQuery;
  readonly taskListName: string;
  readonly isSticky: boolean;
  readonly answer: Deferred<WorkflowQueryResult>;
}

export type Match = PendingTask | PendingQuery;
