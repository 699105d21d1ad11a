// The task list port on SQLite.
import { StoreError } from '#base';
import type { BacklogTask, TaskListKey, TaskListLease, TaskListStore } from '../ports.ts';
import type { SqliteDatabase } from './database.ts';

interface ListRow {
  readonly list_no: number;
  readonly range_id: number;
  readonly ack_level: number;
}

function prepareStatements({ connection }: SqliteDatabase) {
  return {
    lease: connection.prepare<[string, string, number, number, number], ListRow>(
      `INSERT INTO task_lists (domain_id, name, type, kind, range_id, ack_level, updated_ms) VALUES (?, ?, ?, ?, 1, 0, ?)
       ON CONFLICT (domain_id, name, type) DO UPDATE
       SET range_id = range_id + 1, kind = excluded.kind, updated_ms = excluded.updated_ms
       RETURNING list_no, range_id, ack_level`,
    ),
    find: connection.prepare<[string, string, number], ListRow>(
      'SELECT list_no, range_id, ack_level FROM task_lists WHERE domain_id = ? AND name = ? AND type = ?',
    ),
    append: connection.prepare<[number, number, string, string, number, number, number, number, number, string]>(
      'INSERT OR REPLACE INTO backlog_tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    load: connection.prepare<[string, string, number, number, number], BacklogTask>(
      `SELECT t.task_id AS taskId, t.workflow_id AS workflowId, t.run_id AS runId, t.schedule_id AS scheduleId, t.attempt,
         t.created_ms AS createdMs, t.expires_ms AS expiresMs, t.priority, t.fairness_key AS fairnessKey
       FROM task_lists l JOIN backlog_tasks t ON t.list_no = l.list_no
       WHERE l.domain_id = ? AND l.name = ? AND l.type = ? AND t.task_id > ? ORDER BY t.task_id LIMIT ?`,
    ),
    saveAckLevel: connection.prepare<[number, number]>('UPDATE task_lists SET ack_level = ? WHERE list_no = ?'),
    deleteTasks: connection.prepare<[number, number]>('DELETE FROM backlog_tasks WHERE list_no = ? AND task_id <= ?'),
    deleteList: connection.prepare<[number]>('DELETE FROM task_lists WHERE list_no = ?'),
    list: connection.prepare<[], TaskListKey & { kind: number; ackLevel: number; updatedMs: number }>(
      `SELECT domain_id AS domainId, name, type, kind, ack_level AS ackLevel, updated_ms AS updatedMs
       FROM task_lists ORDER BY domain_id, name, type`,
    ),
  };
}

export function createSqliteTaskLists(database: SqliteDatabase): TaskListStore {
  const sql = prepareStatements(database);
  const requireLease = (key: TaskListKey, rangeId: number): ListRow => {
    const row = sql.find.get(key.domainId, key.name, key.type);
    if (row === undefined || row.range_id !== rangeId) {
      const held = row?.range_id ?? 0;
      throw new StoreError('ConditionFailed', `task list ${key.name} has range id ${held}, not ${rangeId}`);
    }
    return row;
  };
  const appendTask = (listNumber: number, task: BacklogTask): void => {
    const { taskId, workflowId, runId, scheduleId, attempt, createdMs, expiresMs, priority, fairnessKey } = task;
    sql.append.run(
      listNumber,
      taskId,
      workflowId,
      runId,
      scheduleId,
      attempt,
      createdMs,
      expiresMs,
      priority,
      fairnessKey,
    );
  };
  return {
    leaseTaskList: (key, kind, nowMs) =>
      database.write('leaseTaskList', (): TaskListLease => {
        const row = sql.lease.get(key.domainId, key.name, key.type, kind, nowMs) as ListRow; // an upsert returns its row
        return { rangeId: row.range_id, ackLevel: row.ack_level };
      }),
    appendTasks: (key, rangeId, tasks) =>
      database.write('appendTasks', () => {
        const { list_no } = requireLease(key, rangeId);
        for (const task of tasks) appendTask(list_no, task);
      }),
    loadTasks: (key, afterId, limit) =>
      database.read('loadTasks', () => sql.load.all(key.domainId, key.name, key.type, afterId, limit)),
    completeTasks: (key, rangeId, ackLevel) =>
      database.write('completeTasks', () => {
        const { list_no } = requireLease(key, rangeId);
        sql.saveAckLevel.run(ackLevel, list_no);
        sql.deleteTasks.run(list_no, ackLevel);
      }),
    deleteTaskList: (key, rangeId) =>
      database.write('deleteTaskList', () => {
        const { list_no } = requireLease(key, rangeId);
        sql.deleteTasks.run(list_no, Number.MAX_SAFE_INTEGER);
        sql.deleteList.run(list_no);
      }),
    listTaskLists: () => database.read('listTaskLists', () => sql.list.all()),
  };
}
