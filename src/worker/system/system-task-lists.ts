// The task lists that the service works itself, and what runs on each.
import { BATCHER_DOMAIN, DEPRECATION_TASK_LIST, DIAGNOSTICS_TASK_LIST, SCHEDULER, SYSTEM_DOMAIN } from '#domains';
import type { SystemTaskList } from './system-workers.ts';

export const PROBE_TASK_LIST = 'cadence-sys-probe-tasklist';
export const BATCHER_TASK_LIST = 'cadence-sys-batcher-tasklist';
export const FAILOVER_TASK_LIST = 'cadence-sys-failoverManager-tasklist';

/** Activities are loaded when a worker of their list starts. */
export function systemTaskLists(): readonly SystemTaskList[] {
  return [
    { name: PROBE_TASK_LIST, domain: SYSTEM_DOMAIN, activities: async () => ({}) },
    {
      name: SCHEDULER,
      activities: async (context) => (await import('./schedule/schedule-activities.ts')).scheduleActivities(context),
    },
    {
      name: BATCHER_TASK_LIST,
      domain: BATCHER_DOMAIN,
      activities: async (context) => (await import('./batch/batch-activities.ts')).batchActivities(context),
    },
    {
      name: FAILOVER_TASK_LIST,
      domain: SYSTEM_DOMAIN,
      activities: async (context) => (await import('./failover/failover-activities.ts')).failoverActivities(context),
    },
    {
      name: DEPRECATION_TASK_LIST,
      domain: SYSTEM_DOMAIN,
      activities: async (context) => ({
        ...(await import('./deprecation/deprecation-activities.ts')).deprecationActivities(context),
        ...(await import('./batch/batch-activities.ts')).batchActivities(context),
      }),
    },
    {
      name: DIAGNOSTICS_TASK_LIST,
      domain: SYSTEM_DOMAIN,
      activities: async (context) =>
        (await import('./diagnostics/diagnostics-activities.ts')).diagnosticsActivities(context),
    },
  ];
}
