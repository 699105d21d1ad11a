// Keys of task lists: partitions, rates, isolation groups.
import { boolKey, durationKey, floatKey, intKey, listKey } from '../key.ts';

const by = ['domainName', 'taskListName', 'taskType'] as const;

export const READ_PARTITIONS = intKey('matching.numTasklistReadPartitions', {
  default: 1,
  by: [...by],
  min: 1,
  max: 1000,
  description: 'Partitions of a task list that polls read; UpdateTaskListPartitionConfig goes before it.',
});
export const WRITE_PARTITIONS = intKey('matching.numTasklistWritePartitions', {
  default: 1,
  by: [...by],
  min: 1,
  max: 1000,
  description: 'Partitions of a task list that new tasks go to.',
});
export const TASK_LIST_RPS = floatKey('matching.overrideTaskListRps', {
  default: 0,
  by: [...by],
  description: 'Tasks a second that each partition of a list gives out, whatever its polls say; 0: what polls say.',
});
export const ENABLES_ISOLATION = boolKey('system.enableTasklistIsolation', {
  default: false,
  by: ['domainName'],
  description: 'Tasks prefer workers of the isolation group (zone) that their workflow was started from.',
});
export const ALL_ISOLATION_GROUPS = listKey('system.allIsolationGroups', {
  default: [],
  description: 'Isolation groups of this cluster; other names count as none. Empty: any name counts.',
});
export const ISOLATION_DURATION = durationKey('matching.taskIsolationDuration', {
  default: 200,
  by: [...by],
  max: 60_000,
  description: 'How long a task waits for a worker of its isolation group.',
});
export const ISOLATION_POLLER_WINDOW = durationKey('matching.taskIsolationPollerWindow', {
  default: 2000,
  by: [...by],
  description: 'A group with no poll for this long has no workers: its tasks do not wait for them.',
});

export const MATCHING_KEYS = [
  READ_PARTITIONS,
  WRITE_PARTITIONS,
  TASK_LIST_RPS,
  ENABLES_ISOLATION,
  ALL_ISOLATION_GROUPS,
  ISOLATION_DURATION,
  ISOLATION_POLLER_WINDOW,
] as const;
