// tasklist describe, list, list-partition: who polls, and what waits.
import {
  DescribeTaskListRequest,
  type DescribeTaskListResponse,
  GetTaskListsByDomainRequest,
  ListTaskListPartitionsRequest,
  TaskListType,
} from '@antiphon/proto';
import type { Command } from 'commander';
import type { Connection } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { addCommand, PRINT_FLAGS } from '../spec/command.ts';
import { oneOf, or, required, text } from '../spec/flags.ts';

export const TASK_LIST_FLAGS = {
  name: required(text('task-list tl tasklist name', 'name of the task list', 'name')),
  type: or(oneOf('type tlt tasklisttype', 'kind of tasks', ['decision', 'activity', 'both']), 'both'),
};

export type TaskListKindName = 'decision' | 'activity';

export const typesOf = (type: TaskListKindName | 'both'): readonly TaskListKindName[] =>
  type === 'both' ? ['decision', 'activity'] : [type];

export const taskListTypeOf = (type: TaskListKindName): TaskListType =>
  type === 'decision' ? TaskListType.TASK_LIST_TYPE_DECISION : TaskListType.TASK_LIST_TYPE_ACTIVITY;

export async function describeTaskList(
  connection: Connection,
  context: CliContext,
  name: string,
  type: TaskListKindName,
): Promise<DescribeTaskListResponse> {
  return await connection.workflow.describeTaskList(
    DescribeTaskListRequest.fromPartial({
      domain: context.domain,
      taskList: { name },
      taskListType: taskListTypeOf(type),
      includeTaskListStatus: true,
    }),
  );
}

export function addTaskListCommands(taskList: Command): void {
  addCommand(taskList, {
    name: 'describe',
    aliases: ['desc'],
    summary: 'pollers of the last five minutes, and the backlog',
    examples: ['tasklist describe orders', 'tasklist describe --tl orders --tlt activity'],
    flags: { ...TASK_LIST_FLAGS, ...PRINT_FLAGS },
    positional: ['name'],
    async run({ flags, context, connection }) {
      const rows: Record<string, unknown>[] = [];
      for (const type of typesOf(flags.type)) {
        const response = await describeTaskList(connection, context, flags.name, type);
        for (const { identity: poller, lastAccessTime: lastAccess, ratePerSecond } of response.pollers) {
          rows.push({ type, poller, lastAccess, ratePerSecond });
        }
        context.output.note(`${type} backlog: ${response.taskListStatus?.backlogCountHint ?? 0}`);
      }
      context.output.rows(
        ['type', 'poller', 'lastAccess', 'ratePerSecond'],
        rows,
        `Nobody polls ${flags.name} in domain ${context.domain}. Is a worker running on that task list?`,
      );
    },
  });
  addTaskListList(taskList);
  addCommand(taskList, {
    name: 'list-partition',
    aliases: ['lp'],
    summary: 'partitions of a task list, and where they are',
    flags: { ...TASK_LIST_FLAGS, ...PRINT_FLAGS },
    positional: ['name'],
    async run({ flags, context, connection }) {
      const response = await connection.workflow.listTaskListPartitions(
        ListTaskListPartitionsRequest.fromPartial({ domain: context.domain, taskList: { name: flags.name } }),
      );
      const partitions = {
        decision: response.decisionTaskListPartitions,
        activity: response.activityTaskListPartitions,
      };
      const rows = typesOf(flags.type).flatMap((type) =>
        partitions[type].map((each) => ({ type, partition: each.key, host: each.ownerHostName })),
      );
      context.output.rows(['type', 'partition', 'host'], rows, `No partitions of ${flags.name}.`);
    },
  });
}

/** Also `admin tasklist list`. */
export function addTaskListList(taskList: Command): void {
  addCommand(taskList, {
    name: 'list',
    aliases: ['l', 'ls'],
    summary: 'task lists of the domain that are in memory',
    flags: PRINT_FLAGS,
    async run({ context, connection }) {
      const response = await connection.workflow.getTaskListsByDomain(
        GetTaskListsByDomainRequest.fromPartial({ domain: context.domain }),
      );
      const lists = { decision: response.decisionTaskListMap, activity: response.activityTaskListMap };
      const rows = typesOf('both').flatMap((type) =>
        Object.entries(lists[type]).map(([name, list]) => ({
          name,
          type,
          pollers: list.pollers.length,
          backlog: list.taskListStatus?.backlogCountHint,
        })),
      );
      context.output.rows(['name', 'type', 'pollers', 'backlog'], rows, 'No task list is in use.');
    },
  });
}
