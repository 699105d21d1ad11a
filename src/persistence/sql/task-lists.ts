// The task list port on SQL. A list has a number, which a list of the same name that is made later does not have.
import { required, StoreError } from '#base';
import { DEFAULT_TASK_PRIORITY } from '#core';
import type { BacklogTask, TaskLane, TaskListKey, TaskListStore } from '../ports.ts';
import { isInLane } from '../task-lanes.ts';
import { boundedKey } from './bounded-key.ts';
import type { SqlDatabase } from './database.ts';
import { rowOf, rowsOf, type SqlResult, type SqlStatement, sql } from './statement.ts';

const LISTS = {
  name: 'task_lists',
  columns: {
    domain_id: 'text',
    name_key: 'text',
    type: 'integer',
    name: 'text',
    kind: 'integer',
    range_id: 'integer',
    ack_level: 'integer',
    updated_ms: 'integer',
  },
  key: ['domain_id', 'name_key', 'type'],
} as const;
const WORK_COLUMNS = {
  workflow_id: 'text',
  run_id: 'text',
  schedule_id: 'integer',
  attempt: 'integer',
  created_ms: 'integer',
  expires_ms: 'integer',
} as const;
const BACKLOG = {
  name: 'backlog_tasks',
  columns: { list_no: 'integer', task_id: 'integer', ...WORK_COLUMNS },
  key: ['list_no', 'task_id'],
} as const;
const LANES = {
  name: 'backlog_lane_tasks',
  columns: {
    list_no: 'integer',
    priority: 'integer',
    fairness_key: 'text',
    task_id: 'integer',
    fairness_weight: 'real',
    ...WORK_COLUMNS,
  },
  key: ['list_no', 'priority', 'fairness_key', 'task_id'],
} as const;

interface ListRow {
  readonly list_no: number;
  readonly range_id: number;
  readonly ack_level: number;
}

interface TaskRow {
  readonly task_id: number;
  readonly workflow_id: string;
  readonly run_id: string;
  readonly schedule_id: number;
  readonly attempt: number;
  readonly created_ms: number;
  readonly expires_ms: number;
}

const LIST = 'domain_id = ? AND name_key = ? AND type = ?';
const WORK = 'task_id, workflow_id, run_id, schedule_id, attempt, created_ms, expires_ms';

const listValues = (key: TaskListKey) => [key.domainId, boundedKey(key.name), key.type] as const;
const workValues = (task: BacklogTask) => [
  task.workflowId,
  task.runId,
  task.scheduleId,
  task.attempt,
  task.createdMs,
  task.expiresMs,
];
const taskOf = (row: TaskRow, place: TaskLane & { readonly fairnessWeight: number }): BacklogTask => ({
  taskId: row.task_id,
  workflowId: row.workflow_id,
  runId: row.run_id,
  scheduleId: row.schedule_id,
  attempt: row.attempt,
  createdMs: row.created_ms,
  expiresMs: row.expires_ms,
  priority: place.priority,
  fairnessKey: place.fairnessKey,
  fairnessWeight: place.fairnessWeight,
});
const NO_LANE = { priority: DEFAULT_TASK_PRIORITY.priority, fairnessKey: '', fairnessWeight: 1 };

export function createSqlTaskLists(database: SqlDatabase): TaskListStore {
  const { dialect } = database;
  const select = (key: TaskListKey, lock: '' | ' FOR UPDATE'): SqlStatement =>
    sql(`SELECT list_no, range_id, ack_level FROM task_lists WHERE ${LIST}${lock}`, ...listValues(key));

  const find = async (what: string, key: TaskListKey): Promise<ListRow | undefined> =>
    rowOf<ListRow>((await database.read(what, [select(key, '')]))[0]);

  /** Under the newest lease, or not at all. */
  const leased = (
    what: string,
    key: TaskListKey,
    rangeId: number,
    writes: (listNumber: number) => readonly SqlStatement[],
  ): Promise<void> =>
    database.transact(what, {
      first: [select(key, ' FOR UPDATE')],
      decide: ([found]: readonly SqlResult[]) => {
        const row = rowOf<ListRow>(found);
        if (row === undefined || row.range_id !== rangeId) {
          const held = row?.range_id ?? 0;
          throw new StoreError('ConditionFailed', `task list ${key.name} has range id ${held}, not ${rangeId}`);
        }
        return { writes: writes(row.list_no), value: undefined };
      },
    });

  return {
    leaseTaskList: (key, kind, nowMs) =>
      database.transact('leaseTaskList', {
        first: [
          ...dialect.insert(LISTS, [[...listValues(key), key.name, kind, 0, 0, nowMs]], 'keep'),
          select(key, ' FOR UPDATE'),
        ],
        decide: (results) => {
          const row = required(rowOf<ListRow>(results.at(-1)), 'a task list that was made is there');
          const rangeId = row.range_id + 1;
          const text = 'UPDATE task_lists SET range_id = ?, kind = ?, updated_ms = ? WHERE list_no = ?';
          return {
            writes: [sql(text, rangeId, kind, nowMs, row.list_no)],
            value: { rangeId, ackLevel: row.ack_level },
          };
        },
      }),
    appendTasks: (key, rangeId, tasks) =>
      leased('appendTasks', key, rangeId, (listNumber) => {
        const plain = tasks.filter((task) => !isInLane(task));
        const inLanes = tasks.filter(isInLane);
        const plainRows = plain.map((task) => [listNumber, task.taskId, ...workValues(task)]);
        const laneRows = inLanes.map((task) => {
          const { priority, fairnessKey, taskId, fairnessWeight } = task;
          return [listNumber, priority, fairnessKey, taskId, fairnessWeight, ...workValues(task)];
        });
        return [...dialect.insert(BACKLOG, plainRows, 'replace'), ...dialect.insert(LANES, laneRows, 'replace')];
      }),
    loadTasks: async (key, afterId, limit) => {
      const text = `SELECT ${WORK.replaceAll(/(\w+)/g, 't.$1')} FROM task_lists l JOIN backlog_tasks t ON t.list_no = l.list_no
        WHERE l.domain_id = ? AND l.name_key = ? AND l.type = ? AND t.task_id > ? ORDER BY t.task_id LIMIT ?`;
      const [result] = await database.read('loadTasks', [sql(text, ...listValues(key), afterId, limit)]);
      return rowsOf<TaskRow>(result).map((row) => taskOf(row, NO_LANE));
    },
    loadLanes: async (key, from, limit) => {
      const list = await find('loadLanes', key);
      if (list === undefined) return [];
      const statement = dialect.lanes(list.list_no, from.priority, from.fairnessKey, limit);
      const [result] = await database.read('loadLanes', [statement]);
      const rows = rowsOf<{ priority: number; fairness_key: string }>(result);
      return rows.map(({ priority, fairness_key }) => ({ priority, fairnessKey: fairness_key }));
    },
    loadLaneTasks: async (key, { priority, fairnessKey }, afterId, limit) => {
      const text = `SELECT ${WORK.replaceAll(/(\w+)/g, 't.$1')}, t.fairness_weight
        FROM task_lists l JOIN backlog_lane_tasks t ON t.list_no = l.list_no
        WHERE l.domain_id = ? AND l.name_key = ? AND l.type = ? AND t.priority = ? AND t.fairness_key = ? AND t.task_id > ?
        ORDER BY t.task_id LIMIT ?`;
      const values = [...listValues(key), priority, fairnessKey, afterId, limit];
      const [result] = await database.read('loadLaneTasks', [sql(text, ...values)]);
      const rows = rowsOf<TaskRow & { fairness_weight: number }>(result);
      return rows.map((row) => taskOf(row, { priority, fairnessKey, fairnessWeight: row.fairness_weight }));
    },
    deleteLaneTasks: (key, rangeId, tasks) =>
      leased('deleteLaneTasks', key, rangeId, (listNumber) => {
        if (tasks.length === 0) return [];
        const rows = tasks.map(({ priority, fairnessKey, taskId }) => [priority, fairnessKey, taskId]);
        const { text, values, isVariable } = dialect.isOneOf(LANES, ['priority', 'fairness_key', 'task_id'], rows);
        const deletion = `DELETE FROM backlog_lane_tasks WHERE list_no = ? AND ${text}`;
        return [{ text: deletion, values: [listNumber, ...values], isPrepared: !isVariable }];
      }),
    loadTaskCount: async (key, limit) => {
      const list = await find('loadTaskCount', key);
      if (list === undefined) return 0;
      const count = (rows: string): string => `SELECT count(*) AS tasks FROM (${rows}) AS counted`;
      const results = await database.read('loadTaskCount', [
        sql(
          count('SELECT 1 FROM backlog_tasks WHERE list_no = ? AND task_id > ? LIMIT ?'),
          list.list_no,
          list.ack_level,
          limit,
        ),
        sql(count('SELECT 1 FROM backlog_lane_tasks WHERE list_no = ? LIMIT ?'), list.list_no, limit),
      ]);
      const total = results.reduce((sum, result) => sum + (rowOf<{ tasks: number }>(result)?.tasks ?? 0), 0);
      return Math.min(limit, total);
    },
    completeTasks: (key, rangeId, ackLevel) =>
      leased('completeTasks', key, rangeId, (listNumber) => [
        sql('UPDATE task_lists SET ack_level = ? WHERE list_no = ?', ackLevel, listNumber),
        sql('DELETE FROM backlog_tasks WHERE list_no = ? AND task_id <= ?', listNumber, ackLevel),
      ]),
    deleteTaskList: (key, rangeId) =>
      leased('deleteTaskList', key, rangeId, (listNumber) =>
        ['backlog_tasks', 'backlog_lane_tasks', 'task_lists'].map((table) =>
          sql(`DELETE FROM ${table} WHERE list_no = ?`, listNumber),
        ),
      ),
    listTaskLists: async () => {
      const text = `SELECT domain_id, name, type, kind, ack_level, updated_ms FROM task_lists ORDER BY domain_id, name_key, type`;
      const [result] = await database.read('listTaskLists', [sql(text)]);
      const rows = rowsOf<{
        domain_id: string;
        name: string;
        type: number;
        kind: number;
        ack_level: number;
        updated_ms: number;
      }>(result);
      return rows.map(({ domain_id, ack_level, updated_ms, ...rest }) => ({
        domainId: domain_id,
        ...rest,
        ackLevel: ack_level,
        updatedMs: updated_ms,
      }));
    },
  };
}
