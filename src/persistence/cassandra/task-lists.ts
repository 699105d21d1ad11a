// The task list port on Cassandra. A list is a partition; its first row is the lease, whose range id is the condition of every write to it.
import { StoreError } from '#base';
import { DEFAULT_TASK_PRIORITY } from '#core';
import type { BacklogTask, TaskLane, TaskListKey, TaskListStore } from '../ports.ts';
import { isInLane } from '../task-lanes.ts';
import { type CassandraSession, type Statement, toNumber, type Value } from './session.ts';

type Long = { toNumber(): number };

interface ListRow {
  readonly range_id: Long | null;
  readonly ack_level: Long | null;
}

interface TaskRow {
  readonly priority: number;
  readonly fairness_key: string;
  readonly task_id: Long;
  readonly fairness_weight: number | null;
  readonly workflow_id: string;
  readonly run_id: string;
  readonly schedule_id: Long;
  readonly attempt: number;
  readonly created_ms: Long;
  readonly expires_ms: Long;
}

/** Of tasks in no lane: below every priority, and above the lease. */
const NO_LANE = { priority: 0, fairnessKey: '' };
const LEASE_TRIES = 10;
const LISTS_PER_PAGE = 500;

const LIST = 'domain_id = ? AND name = ? AND type = ?';
const LEASE_ROW = `${LIST} AND priority = -1 AND fairness_key = '' AND task_id = 0`;
const LEASE = `SELECT range_id, ack_level FROM task_lists WHERE ${LEASE_ROW}`;
const TAKE = `UPDATE task_lists SET range_id = ?, ack_level = ?, list_kind = ?, updated_ms = ? WHERE ${LEASE_ROW} IF range_id = ?`;
const FENCE = `UPDATE task_lists SET range_id = ? WHERE ${LEASE_ROW} IF range_id = ?`;
const ACKNOWLEDGE = `UPDATE task_lists SET ack_level = ? WHERE ${LEASE_ROW} IF range_id = ?`;
const FORGET = `DELETE FROM task_lists WHERE ${LEASE_ROW} IF range_id = ?`;
const APPEND = `INSERT INTO task_lists (domain_id, name, type, priority, fairness_key, task_id, fairness_weight, workflow_id, run_id,
  schedule_id, attempt, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const LANE = `${LIST} AND priority = ? AND fairness_key = ?`;
const LOAD = `SELECT priority, fairness_key, task_id, fairness_weight, workflow_id, run_id, schedule_id, attempt, created_ms, expires_ms
  FROM task_lists WHERE ${LANE} AND task_id > ? LIMIT ?`;
const NEXT_LANE = `SELECT priority, fairness_key FROM task_lists WHERE ${LIST} AND (priority, fairness_key) >= (?, ?) LIMIT 1`;
const AFTER_LANE = `SELECT priority, fairness_key FROM task_lists WHERE ${LIST} AND (priority, fairness_key) > (?, ?) LIMIT 1`;
const COUNT = `SELECT task_id FROM task_lists WHERE ${LANE} AND task_id > ? LIMIT ?`;
const COUNT_LANES = `SELECT task_id FROM task_lists WHERE ${LIST} AND priority > 0 LIMIT ?`;
const DELETE_TASK = `DELETE FROM task_lists WHERE ${LANE} AND task_id = ?`;
const DELETE_TASKS = `DELETE FROM task_lists WHERE ${LANE} AND task_id <= ?`;
const DELETE_LIST = `DELETE FROM task_lists WHERE ${LIST}`;
// The first row of each list is its lease.
const ALL =
  'SELECT domain_id, name, type, list_kind, range_id, ack_level, updated_ms FROM task_lists PER PARTITION LIMIT 1';

const listParameters = (key: TaskListKey): Value[] => [key.domainId, key.name, key.type];

function appendStatement(key: TaskListKey, task: BacklogTask): Statement {
  const { priority, fairnessKey } = isInLane(task) ? task : NO_LANE;
  const { taskId, fairnessWeight, workflowId, runId, scheduleId, attempt, createdMs, expiresMs } = task;
  const place = [...listParameters(key), priority, fairnessKey, taskId];
  return {
    query: APPEND,
    params: [...place, fairnessWeight, workflowId, runId, scheduleId, attempt, createdMs, expiresMs],
  };
}

function taskOf(row: TaskRow): BacklogTask {
  const isPlain = row.priority === NO_LANE.priority;
  return {
    taskId: toNumber(row.task_id),
    workflowId: row.workflow_id,
    runId: row.run_id,
    scheduleId: toNumber(row.schedule_id),
    attempt: row.attempt,
    createdMs: toNumber(row.created_ms),
    expiresMs: toNumber(row.expires_ms),
    priority: isPlain ? DEFAULT_TASK_PRIORITY.priority : row.priority,
    fairnessKey: row.fairness_key,
    fairnessWeight: row.fairness_weight ?? 1,
  };
}

export function createCassandraTaskLists(session: CassandraSession): TaskListStore {
  const change = async (
    what: string,
    key: TaskListKey,
    rangeId: number,
    statements: readonly Statement[],
  ): Promise<void> => {
    const { isApplied, rows } = await session.compareAndSet(what, statements);
    if (isApplied) return;
    const held = toNumber(rows[0]?.range_id);
    throw new StoreError('ConditionFailed', `task list ${key.name} has range id ${held}, not ${rangeId}`);
  };
  const fence = (key: TaskListKey, rangeId: number): Statement => ({
    query: FENCE,
    params: [rangeId, ...listParameters(key), rangeId],
  });
  const loadLease = async (key: TaskListKey, serial: boolean): Promise<ListRow | undefined> => {
    const [row] = await session.read<ListRow>('leaseTaskList', LEASE, listParameters(key), { serial });
    return row;
  };
  const loadLane = async (
    what: string,
    key: TaskListKey,
    { priority, fairnessKey }: TaskLane,
    afterId: number,
    limit: number,
  ): Promise<readonly BacklogTask[]> => {
    const params = [...listParameters(key), priority, fairnessKey, afterId, limit];
    return (await session.read<TaskRow>(what, LOAD, params)).map(taskOf);
  };

  return {
    leaseTaskList: async (key, kind, nowMs) => {
      for (let attempt = 0; attempt < LEASE_TRIES; attempt++) {
        const row = await loadLease(key, true);
        const before = row?.range_id?.toNumber() ?? null;
        const lease = { rangeId: (before ?? 0) + 1, ackLevel: toNumber(row?.ack_level) };
        const params = [lease.rangeId, lease.ackLevel, kind, nowMs, ...listParameters(key), before];
        const { isApplied } = await session.compareAndSet('leaseTaskList', [{ query: TAKE, params }]);
        if (isApplied) return lease;
      }
      throw new StoreError('Unavailable', `task list ${key.name} changed its owner ${LEASE_TRIES} times`);
    },
    appendTasks: (key, rangeId, tasks) =>
      change('appendTasks', key, rangeId, [fence(key, rangeId), ...tasks.map((task) => appendStatement(key, task))]),
    loadTasks: (key, afterId, limit) => loadLane('loadTasks', key, NO_LANE, afterId, limit),
    loadLanes: async (key, from, limit) => {
      const lanes: TaskLane[] = [];
      const next = async (query: string, { priority, fairnessKey }: TaskLane): Promise<TaskLane | undefined> => {
        type Row = Pick<TaskRow, 'priority' | 'fairness_key'>;
        const [row] = await session.read<Row>('loadLanes', query, [...listParameters(key), priority, fairnessKey]);
        return row && { priority: row.priority, fairnessKey: row.fairness_key };
      };
      // From lane to lane: the rows within a lane are not read.
      let lane = await next(NEXT_LANE, from.priority < 1 ? { priority: 1, fairnessKey: '' } : from);
      while (lane !== undefined && lanes.length < limit) {
        lanes.push(lane);
        lane = lanes.length < limit ? await next(AFTER_LANE, lane) : undefined;
      }
      return lanes;
    },
    loadLaneTasks: (key, lane, afterId, limit) => loadLane('loadLaneTasks', key, lane, afterId, limit),
    deleteLaneTasks: (key, rangeId, tasks) =>
      change('deleteLaneTasks', key, rangeId, [
        fence(key, rangeId),
        ...tasks.map(({ priority, fairnessKey, taskId }) => ({
          query: DELETE_TASK,
          params: [...listParameters(key), priority, fairnessKey, taskId],
        })),
      ]),
    loadTaskCount: async (key, limit) => {
      const row = await loadLease(key, false);
      if (row?.range_id == null) return 0;
      const plain = [...listParameters(key), NO_LANE.priority, NO_LANE.fairnessKey, toNumber(row.ack_level), limit];
      const count = (await session.read('loadTaskCount', COUNT, plain)).length;
      if (count >= limit) return limit;
      const inLanes = [...listParameters(key), limit - count];
      return count + (await session.read('loadTaskCount', COUNT_LANES, inLanes)).length;
    },
    completeTasks: (key, rangeId, ackLevel) => {
      const place = [...listParameters(key), NO_LANE.priority, NO_LANE.fairnessKey, ackLevel];
      return change('completeTasks', key, rangeId, [
        { query: ACKNOWLEDGE, params: [ackLevel, ...listParameters(key), rangeId] },
        { query: DELETE_TASKS, params: place },
      ]);
    },
    deleteTaskList: (key, rangeId) =>
      change('deleteTaskList', key, rangeId, [
        { query: FORGET, params: [...listParameters(key), rangeId] },
        { query: DELETE_LIST, params: listParameters(key) },
      ]),
    listTaskLists: async () => {
      type Row = { domain_id: string; name: string; type: number; list_kind: number; updated_ms: Long } & ListRow;
      const found: (TaskListKey & { kind: number; ackLevel: number; updatedMs: number })[] = [];
      for await (const page of session.pages<Row>('listTaskLists', ALL, [], LISTS_PER_PAGE)) {
        for (const row of page) {
          if (row.range_id === null) continue;
          const key = { domainId: row.domain_id, name: row.name, type: row.type };
          const updatedMs = toNumber(row.updated_ms);
          found.push({ ...key, kind: row.list_kind, ackLevel: toNumber(row.ack_level), updatedMs });
        }
      }
      return found;
    },
  };
}
