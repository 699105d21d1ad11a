// tasklist describe, list: who polls, and what waits.
import { DescribeTaskListRequest, GetTaskListsByDomainRequest, type PollerInfo, TaskListType } from '@antiphon/proto';
import { type Command, Option } from 'commander';
import { contextOf } from '../context.ts';

const pollerRow = (type: string) => (poller: PollerInfo) => ({
  type,
  poller: poller.identity,
  lastAccess: poller.lastAccessTime,
  ratePerSecond: poller.ratePerSecond,
});

export function addTaskListCommands(program: Command): void {
  const taskList = program.command('tasklist').description('task lists: where workers meet their work');
  taskList
    .command('describe')
    .argument('<name>')
    .description('pollers of the last five minutes, and the backlog')
    .addOption(new Option('--type <type>', 'kind of tasks').choices(['decision', 'activity', 'both']).default('both'))
    .action(async (name: string, options: { type: string }, command: Command) => {
      const context = contextOf(command);
      await context.connected(async (connection) => {
        const rows: Record<string, unknown>[] = [];
        const types = options.type === 'both' ? ['decision', 'activity'] : [options.type];
        for (const type of types) {
          const response = await connection.workflow.describeTaskList(
            DescribeTaskListRequest.fromPartial({
              domain: context.domain,
              taskList: { name },
              taskListType:
                type === 'decision' ? TaskListType.TASK_LIST_TYPE_DECISION : TaskListType.TASK_LIST_TYPE_ACTIVITY,
              includeTaskListStatus: true,
            }),
          );
          rows.push(...response.pollers.map(pollerRow(type)));
          context.output.note(`${type} backlog: ${response.taskListStatus?.backlogCountHint ?? 0}`);
        }
        context.output.rows(
          ['type', 'poller', 'lastAccess', 'ratePerSecond'],
          rows,
          `Nobody polls ${name} in domain ${context.domain}. Is a worker running on that task list?`,
        );
      });
    });
  taskList
    .command('list')
    .description('task lists of the domain that are in memory')
    .action(async (_options: object, command: Command) => {
      const context = contextOf(command);
      await context.connected(async (connection) => {
        const response = await connection.workflow.getTaskListsByDomain(
          GetTaskListsByDomainRequest.fromPartial({ domain: context.domain }),
        );
        const rows = (['decision', 'activity'] as const).flatMap((type) =>
          Object.entries(type === 'decision' ? response.decisionTaskListMap : response.activityTaskListMap).map(
            ([name, list]) => ({
              name,
              type,
              pollers: list.pollers.length,
              backlog: list.taskListStatus?.backlogCountHint,
            }),
          ),
        );
        context.output.rows(['name', 'type', 'pollers', 'backlog'], rows, 'No task list is in use.');
      });
    });
}
