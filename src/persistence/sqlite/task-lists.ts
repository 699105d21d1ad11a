// The task list port on SQLite.
import { StoreError } from '#base';
import type { BacklogTask, TaskLane, TaskListKey, TaskListLease, TaskListStore } from '../ports.ts';
import { isInLane } from '../task-lanes.ts';
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
         t.created_ms AS createdMs, t.expires_ms AS expiresMs, 3 AS priority, '' AS fairnessKey, 1 AS fairnessWeight
       FROM task_lists l JOIN backlog_tasks t ON t.list_no = l.list_no
       WHERE l.domain_id = ? AND l.name = ? AND l.type = ? AND t.task_id > ? ORDER BY t.task_id LIMIT ?`,
    ),
    appendToLane: connection.prepare<
      [number, number, string, number, number, string, string, number, number, number, number]
    >('INSERT OR REPLACE INTO backlog_lane_tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    nextLane: connection.prepare<[number, number, string], TaskLane>(
      `SELECT priority, fairness_key AS fairnessKey FROM backlog_lane_tasks
       WHERE list_no = ? AND (priority, fairness_key) >= (?, ?) ORDER BY priority, fairness_key LIMIT 1`,
    ),
    loadLane: connection.prepare<[number, number, string, number, number], BacklogTask>(
      `SELECT task_id AS taskId, workflow_id AS workflowId, run_id AS runId, schedule_id AS scheduleId, attempt,
         created_ms AS createdMs, expires_ms AS expiresMs, priority, fairness_key AS fairnessKey,
         fairness_weight AS fairnessWeight
       FROM backlog_lane_tasks WHERE list_no = ? AND priority = ? AND fairness_key = ? AND task_id > ?
       ORDER BY task_id LIMIT ?`,
    ),
    deleteLaneTask: connection.prepare<[number, number, string, number]>(
      'DELETE FROM backlog_lane_tasks WHERE list_no = ? AND priority = ? AND fairness_key = ? AND task_id = ?',
    ),
    deleteLanes: connection.prepare<[number]>('DELETE FROM backlog_lane_tasks WHERE list_no = ?'),
    count: connection
      .prepare<[number, number, number], number>(
        'SELECT count(*) FROM (SELECT 1 FROM backlog_tasks WHERE list_no = ? AND task_id > ? LIMIT ?)',
      )
      .pluck(),
    countLanes: connection
      .prepare<[number, number], number>(
        'SELECT count(*) FROM (SELECT 1 FROM backlog_lane_tasks WHERE list_no = ? LIMIT ?)',
      )
      .pluck(),
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
  const find = (key: TaskListKey): ListRow | undefined => sql.find.get(key.domainId, key.name, key.type);
  const appendTask = (listNumber: number, task: BacklogTask): void => {
    const { taskId, workflowId, runId, scheduleId, attempt, createdMs, expiresMs, priority, fairnessKey } = task;
    if (isInLane(task)) {
      const place = [listNumber, priority, fairnessKey, taskId, task.fairnessWeight] as const;
      sql.appendToLane.run(...place, workflowId, runId, scheduleId, attempt, createdMs, expiresMs);
      return;
    }
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
    loadLanes: (key, from, limit) =>
      database.read('loadLanes', () => {
        const list = find(key);
        const lanes: TaskLane[] = [];
        if (list === undefined) return lanes;
        // From lane to lane by the primary key: the rows within a lane are not read.
        let lane = sql.nextLane.get(list.list_no, from.priority, from.fairnessKey);
        while (lane !== undefined && lanes.length < limit) {
          lanes.push(lane);
          lane = sql.nextLane.get(list.list_no, lane.priority, `${lane.fairnessKey}\u0000`);
        }
        return lanes;
      }),
    loadLaneTasks: (key, { priority, fairnessKey }, afterId, limit) =>
      database.read('loadLaneTasks', () => {
        const list = find(key);
        return list === undefined ? [] : sql.loadLane.all(list.list_no, priority, fairnessKey, afterId, limit);
      }),
    deleteLaneTasks: (key, rangeId, tasks) =>
      database.write('deleteLaneTasks', () => {
        const { list_no } = requireLease(key, rangeId);
        for (const task of tasks) sql.deleteLaneTask.run(list_no, task.priority, task.fairnessKey, task.taskId);
      }),
    loadTaskCount: (key, limit) =>
      database.read('loadTaskCount', () => {
        const list = find(key);
        if (list === undefined) return 0;
        const plain = sql.count.get(list.list_no, list.ack_level, limit) ?? 0;
        return plain >= limit ? limit : plain + (sql.countLanes.get(list.list_no, limit - plain) ?? 0);
      }),
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
        sql.deleteLanes.run(list_no);
        sql.deleteList.run(list_no);
      }),
    listTaskLists: () => database.read('listTaskLists', () => sql.list.all()),
  };
}
