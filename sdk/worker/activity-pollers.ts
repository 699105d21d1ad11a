// Polls for activity tasks, as many at a time as there are pollers, and never more than can run.
import { type PollForActivityTaskResponse, TaskListKind, WorkerAPIService } from '@antiphon/proto';
import { type ActivityRunnerOptions, runActivityTask } from './activity-runner.ts';
import type { Permits } from './permits.ts';
import { runPollLoop } from './poll-loop.ts';

export interface ActivityPollersOptions extends ActivityRunnerOptions {
  readonly domain: string;
  readonly count: number;
  readonly permits: Permits;
  /** Rate that the service enforces for the whole task list. */
  readonly taskListRatePerSecond: number;
}

export async function runActivityPollers(options: ActivityPollersOptions, signal: AbortSignal): Promise<void> {
  const request = {
    domain: options.domain,
    taskList: { name: options.taskList, kind: TaskListKind.TASK_LIST_KIND_NORMAL, baseName: '' },
    identity: options.identity,
    taskListMetadata: { maxTasksPerSecond: options.taskListRatePerSecond },
  };
  const poll = async (pollSignal: AbortSignal): Promise<PollForActivityTaskResponse | undefined> => {
    const task = await options.calls.poll(WorkerAPIService.pollForActivityTask, request, pollSignal);
    return task.taskToken.length === 0 ? undefined : task;
  };
  const handle = (task: PollForActivityTaskResponse) => runActivityTask(options, task);
  const loop = { what: 'activity', permits: options.permits, poll, handle, log: options.log };
  await Promise.all(Array.from({ length: options.count }, () => runPollLoop(loop, signal)));
}
