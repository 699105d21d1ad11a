// Polls for decision tasks on two lists: the normal one, and the worker's own sticky list, where the service puts tasks of
// runs that this worker has in memory. Pollers are balanced so that neither list starves.
import { type PollForDecisionTaskResponse, TaskListKind, WorkerAPIService } from '@antiphon/proto';
import type { ServiceCalls } from '../transport/index.ts';
import type { DecisionTaskHandler } from './decision-task-handler.ts';
import type { Logger } from './logger.ts';
import type { Permits } from './permits.ts';
import { runPollLoop } from './poll-loop.ts';

export interface DecisionPollersOptions {
  readonly calls: ServiceCalls;
  readonly handler: DecisionTaskHandler;
  readonly domain: string;
  readonly taskList: string;
  readonly stickyTaskList: string | undefined;
  readonly identity: string;
  readonly checksum: string;
  readonly count: number;
  readonly permits: Permits;
  readonly log: Logger;
}

export async function runDecisionPollers(options: DecisionPollersOptions, signal: AbortSignal): Promise<void> {
  const pending = { sticky: 0, normal: 0 };
  let stickyBacklog = 0;

  const poll = async (pollSignal: AbortSignal): Promise<PollForDecisionTaskResponse | undefined> => {
    const { stickyTaskList } = options;
    const isSticky = stickyTaskList !== undefined && (stickyBacklog > 0 || pending.sticky <= pending.normal);
    const kind = isSticky ? 'sticky' : 'normal';
    const taskList = isSticky
      ? { name: stickyTaskList, kind: TaskListKind.TASK_LIST_KIND_STICKY, baseName: options.taskList }
      : { name: options.taskList, kind: TaskListKind.TASK_LIST_KIND_NORMAL, baseName: '' };
    const { domain, identity, checksum } = options;
    const request = { domain, taskList, identity, binaryChecksum: checksum };
    pending[kind]++;
    let backlog = 0;
    try {
      const task = await options.calls.poll(WorkerAPIService.pollForDecisionTask, request, pollSignal);
      if (task.taskToken.length === 0) return undefined;
      backlog = Number(task.backlogCountHint);
      return task;
    } finally {
      pending[kind]--;
      if (isSticky) stickyBacklog = backlog;
    }
  };
  const { permits, log, handler } = options;
  const loop = { what: 'decision', permits, poll, handle: handler.handle, log };
  await Promise.all(Array.from({ length: options.count }, () => runPollLoop(loop, signal)));
}
