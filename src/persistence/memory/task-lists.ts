// The task list port in memory.
import { StoreError } from '#base';
import type { BacklogTask, TaskLane, TaskListKey, TaskListStore } from '../ports.ts';
import { isInLane } from '../task-lanes.ts';
import type { MemoryAccess } from './access.ts';
import { keyOf, type MemoryImage, type TaskListRows } from './image.ts';
import { compareBytes, SortedRows } from './sorted-rows.ts';

const idOf = (key: TaskListKey): string => keyOf(key.domainId, key.name, key.type);

const compareLanes = (a: TaskLane, b: TaskLane): number =>
  a.priority - b.priority || compareBytes(a.fairnessKey, b.fairnessKey);

export function createMemoryTaskLists(image: MemoryImage, access: MemoryAccess): TaskListStore {
  const requireLease = (key: TaskListKey, rangeId: number): TaskListRows => {
    const list = image.taskLists.get(idOf(key));
    if (list === undefined || list.rangeId !== rangeId) {
      const held = list?.rangeId ?? 0;
      throw new StoreError('ConditionFailed', `task list ${key.name} has range id ${held}, not ${rangeId}`);
    }
    return list;
  };
  return {
    leaseTaskList: (key, kind, nowMs) =>
      access.write(() => {
        const list = image.taskLists.get(idOf(key)) ?? {
          domainId: key.domainId,
          name: key.name,
          type: key.type,
          kind,
          rangeId: 0,
          ackLevel: 0,
          updatedMs: nowMs,
          tasks: new SortedRows<BacklogTask>((a, b) => a.taskId - b.taskId),
          laneTasks: new SortedRows<BacklogTask>((a, b) => compareLanes(a, b) || a.taskId - b.taskId),
        };
        image.taskLists.set(idOf(key), list);
        list.rangeId++;
        list.kind = kind;
        list.updatedMs = nowMs;
        return { rangeId: list.rangeId, ackLevel: list.ackLevel };
      }),
    appendTasks: (key, rangeId, tasks) =>
      access.write(() => {
        const list = requireLease(key, rangeId);
        for (const task of tasks) (isInLane(task) ? list.laneTasks : list.tasks).put({ ...task });
      }),
    loadTasks: (key, afterId, limit) =>
      access.read(
        () =>
          image.taskLists.get(idOf(key))?.tasks.read(
            (task) => task.taskId - afterId - 1,
            () => true,
            limit,
          ) ?? [],
      ),
    loadLanes: (key, from, limit) =>
      access.read(() => {
        const rows = image.taskLists.get(idOf(key))?.laneTasks;
        const lanes: TaskLane[] = [];
        for (let next = { ...from, taskId: 0 }; rows !== undefined && lanes.length < limit; ) {
          const [row] = rows.read(
            (task) => compareLanes(task, next) || task.taskId - next.taskId,
            () => true,
            1,
          );
          if (row === undefined) break;
          lanes.push({ priority: row.priority, fairnessKey: row.fairnessKey });
          next = { ...row, taskId: Number.MAX_SAFE_INTEGER };
        }
        return lanes;
      }),
    loadLaneTasks: (key, lane, afterId, limit) =>
      access.read(
        () =>
          image.taskLists.get(idOf(key))?.laneTasks.read(
            (task) => compareLanes(task, lane) || task.taskId - afterId - 1,
            (task) => compareLanes(task, lane) === 0,
            limit,
          ) ?? [],
      ),
    deleteLaneTasks: (key, rangeId, tasks) =>
      access.write(() => {
        const list = requireLease(key, rangeId);
        for (const done of tasks) {
          list.laneTasks.deleteAt((task) => compareLanes(task, done) || task.taskId - done.taskId);
        }
      }),
    loadTaskCount: (key, limit) =>
      access.read(() => {
        const list = image.taskLists.get(idOf(key));
        if (list === undefined) return 0;
        const { ackLevel } = list;
        const plain = list.tasks.read(
          (task) => task.taskId - ackLevel - 1,
          () => true,
          limit,
        ).length;
        return Math.min(limit, plain + list.laneTasks.size);
      }),
    completeTasks: (key, rangeId, ackLevel) =>
      access.write(() => {
        const list = requireLease(key, rangeId);
        list.ackLevel = ackLevel;
        list.tasks.deleteBefore((task) => task.taskId - ackLevel - 1);
      }),
    deleteTaskList: (key, rangeId) =>
      access.write(() => {
        requireLease(key, rangeId);
        image.taskLists.delete(idOf(key));
      }),
    listTaskLists: () =>
      access.read(() =>
        [...image.taskLists.values()].map(({ domainId, name, type, kind, ackLevel, updatedMs }) => ({
          domainId,
          name,
          type,
          kind,
          ackLevel,
          updatedMs,
        })),
      ),
  };
}
