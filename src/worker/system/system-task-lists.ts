// The task lists that the service works itself, and what runs on each.
import { SYSTEM_DOMAIN } from '#domains';
import type { SystemTaskList } from './system-workers.ts';

export const PROBE_TASK_LIST = 'cadence-sys-probe-tasklist';

export function systemTaskLists(): readonly SystemTaskList[] {
  return [{ name: PROBE_TASK_LIST, domain: SYSTEM_DOMAIN, activities: () => ({}) }];
}
