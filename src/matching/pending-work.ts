// What a poller can be matched with.
import type { WorkflowQuery, WorkflowQueryResult } from '@antiphon/proto';
import type { Deferred } from '#base';
import type { BacklogTask } from '#persistence';
import type { RunRef } from '#rpc';

/** A task as it arrives, before it has an id in a backlog. */
export type NewTask = Omit<BacklogTask, 'taskId'>;

export interface PendingTask {
  readonly kind: 'task';
  /** `sync`: its caller still waits. `stored`: read from the backlog. `memory`: of a sticky list, which keeps nothing. */
  readonly source: 'sync' | 'stored' | 'memory';
  readonly task: NewTask;
  /** Stored tasks: id and the generation of the backlog that read it. */
  readonly taskId: number;
  readonly generation: number;
  /** Sync tasks: resolved when history started the task or it became durable. */
  readonly caller: Deferred<void> | undefined;
  readonly arrivedMs: number;
  /** One for all attempts to start this task: an attempt with an unknown outcome is repeated, not doubled. */
  requestId: string | undefined;
  failureCount: number;
}

export interface PendingQuery {
  readonly kind: 'query';
  readonly taskId: string;
  readonly run: RunRef;
  readonly query: WorkflowQuery;
  readonly taskListName: string;
  readonly isSticky: boolean;
  readonly answer: Deferred<WorkflowQueryResult>;
}

export type Match = PendingTask | PendingQuery;
