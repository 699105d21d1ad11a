// Notices work for system workflows on its way to matching, so that their workers start only where and when there is something to do:
// after a restart, after a failover and in a quiet region alike. It costs other task lists a look at the first letters of their name.
import { isSystemTaskList } from '#domains';
import type { MatchingClient } from '#rpc';

export type WorkListener = (domainId: string, taskListName: string) => void;

/** Matching as history sees it. `matching` is read at the call: the services refer to each other. */
export function watchTaskLists(matching: () => MatchingClient, onWork: WorkListener): MatchingClient {
  const notice = (domainId: string, taskListName: string): void => {
    if (isSystemTaskList(taskListName)) onWork(domainId, taskListName);
  };
  const watched: Partial<MatchingClient> = {
    addDecisionTask(task) {
      notice(task.domainId, task.taskList.name);
      return matching().addDecisionTask(task);
    },
    addActivityTask(task) {
      notice(task.domainId, task.taskList.name);
      return matching().addActivityTask(task);
    },
    queryWorkflow(request, options) {
      notice(request.run.domainId, request.taskList.name);
      return matching().queryWorkflow(request, options);
    },
  };
  const methods = new Map<PropertyKey, unknown>(Object.entries(watched));
  return new Proxy({} as MatchingClient, {
    get(_empty, property) {
      const known = methods.get(property);
      if (known !== undefined) return known;
      const target = matching();
      const value = target[property as keyof MatchingClient];
      const bound = typeof value === 'function' ? value.bind(target) : value;
      methods.set(property, bound);
      return bound;
    },
  });
}
