// The answers of DescribeTaskList (semantics §3.5). A list that is not in memory is read without taking its lease: describing writes nothing.
import {
  DescribeTaskListResponse,
  type IsolationGroupMetrics,
  PollerInfo,
  type TaskListKind,
  TaskList as TaskListMessage,
  TaskListStatus,
} from '@antiphon/proto';
import type { Env } from '#env';
import type { TaskListKey, TaskListStore } from '#persistence';
import { DEFAULT_TASKS_PER_SECOND } from './options.ts';
import type { TaskList } from './task-list.ts';

const UNLOADED_COUNT_MAX = 100_000;

export function describeLoaded(env: Env, list: TaskList, includeStatus: boolean): DescribeTaskListResponse {
  const response = DescribeTaskListResponse.fromPartial({
    taskList: TaskListMessage.fromPartial({ name: list.key.name, kind: list.kind }),
  });
  response.pollers = list.pollers.recent(env.clock.nowMs()).map((poller) =>
    PollerInfo.fromPartial({
      identity: poller.identity,
      ratePerSecond: poller.ratePerSecond,
      lastAccessTime: timestampOf(poller.lastAccessMs),
    }),
  );
  if (!includeStatus) return response;
  const backlogCount = list.backlogCount;
  response.taskListStatus = TaskListStatus.fromPartial({
    ...list.backlog?.status,
    backlogCountHint: BigInt(backlogCount),
    ratePerSecond: list.ratePerSecond,
    newTasksPerSecond: list.newTasks.perSecond(env.clock.monotonicMs()),
    empty: backlogCount === 0,
    isolationGroupMetrics: groupMetrics(list, env.clock.nowMs()),
  });
  return response;
}

function groupMetrics(list: TaskList, nowMs: number): Record<string, IsolationGroupMetrics> {
  const metrics: Record<string, IsolationGroupMetrics> = {};
  for (const { group, newTasksPerSecond } of list.isolation.status) {
    metrics[group] = { newTasksPerSecond, pollerCount: 0n };
  }
  for (const { isolationGroup } of list.pollers.recent(nowMs)) {
    const group = metrics[isolationGroup];
    if (group !== undefined) group.pollerCount++;
  }
  return metrics;
}

export async function describeUnloaded(
  store: TaskListStore,
  key: TaskListKey,
  kind: TaskListKind,
  includeStatus: boolean,
): Promise<DescribeTaskListResponse> {
  const response = DescribeTaskListResponse.fromPartial({
    taskList: TaskListMessage.fromPartial({ name: key.name, kind }),
  });
  if (!includeStatus) return response;
  const count = await store.loadTaskCount(key, UNLOADED_COUNT_MAX);
  response.taskListStatus = TaskListStatus.fromPartial({
    backlogCountHint: BigInt(count),
    ratePerSecond: DEFAULT_TASKS_PER_SECOND,
    empty: count === 0,
  });
  return response;
}

const timestampOf = (ms: number): { seconds: bigint; nanos: number } => {
  const seconds = Math.floor(ms / 1000);
  return { seconds: BigInt(seconds), nanos: (ms - seconds * 1000) * 1_000_000 };
};
