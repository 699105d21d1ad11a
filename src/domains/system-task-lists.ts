// Task lists that the service works itself, by name. A poller from outside on one of them would take tasks away from the service and answer
// them with something else, so it is refused; everybody may still start workflows there.
import { badRequest } from '#base';

/** Workflow type, task list and workflow id prefix of schedules, in every domain. */
export const SCHEDULER = 'cadence-scheduler';
/** Where Cadence's CLI starts the deprecation of a domain. */
export const DEPRECATION_TASK_LIST = 'domain-deprecation-tasklist';
/** Where DiagnoseWorkflowExecution starts its diagnosis. */
export const DIAGNOSTICS_TASK_LIST = 'diagnostics-wf-tasklist';
const SYSTEM_PREFIX = 'cadence-sys-';

export const isSystemTaskList = (name: string): boolean =>
  name.startsWith('cadence-s')
    ? name === SCHEDULER || name.startsWith(SYSTEM_PREFIX)
    : name === DEPRECATION_TASK_LIST || name === DIAGNOSTICS_TASK_LIST;

export function refuseSystemTaskList(name: string): void {
  if (isSystemTaskList(name)) {
    throw badRequest(`Task list ${name} is worked by the service itself: choose another name.`);
  }
}
