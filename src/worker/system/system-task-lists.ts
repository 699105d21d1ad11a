// The task lists that the service works itself, and what runs on each.
import { SCHEDULER, SYSTEM_DOMAIN } from '#domains';
import type { SystemTaskList } from './system-workers.ts';

export const PROBE_TASK_LIST = 'cadence-sys-probe-tasklist';

/** Activities are loaded when a worker of their list starts. */
export function systemTaskLists(): readonly SystemTaskList[] {
  return [
    { name: PROBE_TASK_LIST, domain: SYSTEM_DOMAIN, activities: async () => ({}) },
    {
      name: SCHEDULER,
      activities: async (context) => (await import('./schedule/schedule-activities.ts')).scheduleActivities(context),
    },
  ];
}
