// The task list port in memory.
import { StoreError } from '#base';
import type { BacklogTask, TaskListKey, TaskListStore } from '../ports.ts';
import type { MemoryAccess } from './access.ts';
import { keyOf, type MemoryImage, type TaskListRows } from './image.ts';
import { SortedRows } from './sorted-rows.ts';

const idOf = (key: TaskListKey): string => keyOf(key.domainId, key.name, key.type);

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
        for (const task of tasks) list.tasks.put({ ...task });
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
