// What operators watch of matching. No label names a task list: a cluster has as many as its users like.
import type { Counter, Env, Gauge } from '#env';

export interface MatchingMetrics {
  readonly taskLists: Gauge;
  readonly syncMatches: Counter;
  readonly backlogMatches: Counter;
  readonly backlogWrites: Counter;
  readonly emptyPolls: Counter;
  readonly failedStarts: Counter;
  readonly droppedTasks: Counter;
  readonly expiredTasks: Counter;
  readonly lostLeases: Counter;
}

export function createMatchingMetrics({ metrics }: Pick<Env, 'metrics'>): MatchingMetrics {
  return {
    taskLists: metrics.gauge('tasklist_managers', 'Task lists in memory'),
    syncMatches: metrics.counter('matching_sync_matches', 'Tasks handed to a poll without being written'),
    backlogMatches: metrics.counter('matching_backlog_matches', 'Tasks handed to a poll from a backlog'),
    backlogWrites: metrics.counter('matching_backlog_writes', 'Tasks written to a backlog'),
    emptyPolls: metrics.counter('matching_polls_empty', 'Polls that ended without a task'),
    failedStarts: metrics.counter('matching_failed_starts', 'Matched tasks that history could not start'),
    droppedTasks: metrics.counter('matching_dropped_tasks', 'Matched tasks that history needed no more'),
    expiredTasks: metrics.counter('matching_expired_tasks', 'Tasks whose schedule-to-start time was over'),
    lostLeases: metrics.counter('matching_lost_leases', 'Times another owner took a task list'),
  };
}
