// workflow list, listall, scan, listarchived, count: finding runs.
import { CountWorkflowExecutionsRequest, type WorkflowExecutionInfo } from '@antiphon/proto';
import type { Command } from 'commander';
import type { Connection } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { addCommand, PRINT_FLAGS } from '../spec/command.ts';
import { on, or, text, type ValuesOf, whole } from '../spec/flags.ts';
import { asks } from '../ui/prompt.ts';
import { createRowPrinter, type Row } from '../ui/row-printer.ts';
import { unixNanos, type WireTime } from '../wire-time.ts';
import { FILTER_FLAGS, type ListMethod, pagesOf, queryOf, runNameOf, workflowIdsOf } from './visibility-query.ts';
import { statusName } from './workflow-describe.ts';

export const COLUMN_FLAGS = {
  ...PRINT_FLAGS,
  printRawTime: on('print-raw-time prt', 'times in Unix nanoseconds'),
  printDatetime: on('print-datetime pdt', 'times as dates, as they are anyway'),
  printMemo: on('print-memo pme', 'the memo, too'),
  printSearchAttr: on('print-search-attr psa', 'the search attributes, too'),
  printCron: on('print-cron pcr', 'the cron schedule, too'),
  printFull: on('print-full pf', 'every column'),
};
type ColumnValues = ValuesOf<typeof COLUMN_FLAGS>;

const excludeFlag = text('exclude-query', 'leave out the workflow ids that this query finds', 'query');
const LIMIT = 50;
const PAGE_SIZE = 1000;

export function addListCommands(workflow: Command): void {
  addCommand(workflow, {
    name: 'list',
    aliases: ['l', 'ls'],
    summary: 'find runs',
    details: 'Newest first, unless the query has an ORDER BY. Open and closed ones, unless a flag says which.',
    examples: [
      'workflow list --open',
      `workflow list -q "WorkflowType = 'order' AND CloseStatus = 'failed'"`,
      'workflow list --status timed_out --earliest-time 3h',
    ],
    flags: {
      ...FILTER_FLAGS,
      archived: on('archived', 'runs in the archive'),
      limit: whole('limit n pagesize ps', `at most so many (default: ${LIMIT})`),
      more: on('more m', 'go on with the next page: asks in a terminal, else takes all'),
      excludeQuery: excludeFlag,
      ...COLUMN_FLAGS,
    },
    async run({ flags, context, connection }) {
      await printRuns(context, connection, flags, {
        method: flags.archived ? 'archived' : 'list',
        query: queryOf(flags),
        pageSize: Math.max(1, flags.limit ?? LIMIT),
        pages: flags.more ? 'asked' : 'one',
        excludeQuery: flags.excludeQuery,
      });
    },
  });
  addCommand(workflow, {
    name: 'listall',
    aliases: ['la'],
    summary: 'find runs: all of them',
    flags: { ...FILTER_FLAGS, excludeQuery: excludeFlag, ...COLUMN_FLAGS },
    async run({ flags, context, connection }) {
      const query = queryOf(flags);
      const how = { method: 'list', query, pageSize: PAGE_SIZE, pages: 'all' } as const;
      await printRuns(context, connection, flags, { ...how, excludeQuery: flags.excludeQuery });
    },
  });
  addCommand(workflow, {
    name: 'scan',
    aliases: ['sc', 'scanall'],
    summary: 'find runs: all of them, in no order, which is quicker',
    flags: { ...FILTER_FLAGS, pagesize: or(whole('pagesize ps', 'runs of one call'), 2000), ...COLUMN_FLAGS },
    async run({ flags, context, connection }) {
      const how = { method: 'scan', query: queryOf(flags), pageSize: flags.pagesize, pages: 'all' } as const;
      await printRuns(context, connection, flags, how);
    },
  });
  addCommand(workflow, {
    name: 'listarchived',
    aliases: ['list-archived'],
    summary: 'find runs in the archive',
    examples: [`workflow listarchived -q "WorkflowType = 'order' AND CloseTime > '2026-01-01T00:00:00Z'" --all`],
    flags: {
      query: FILTER_FLAGS.query,
      pagesize: or(whole('pagesize ps', 'runs of one call'), 100),
      all: on('all a', 'every page'),
      ...COLUMN_FLAGS,
    },
    async run({ flags, context, connection }) {
      await printRuns(context, connection, flags, {
        method: 'archived',
        query: flags.query ?? '',
        pageSize: flags.pagesize,
        pages: flags.all ? 'all' : 'asked',
      });
    },
  });
  addCommand(workflow, {
    name: 'count',
    aliases: ['cnt'],
    summary: 'count runs',
    examples: [`workflow count -q "CloseStatus = 'failed'"`, 'workflow count --open'],
    flags: FILTER_FLAGS,
    async run({ flags, context, connection }) {
      const response = await connection.visibility.countWorkflowExecutions(
        CountWorkflowExecutionsRequest.fromPartial({ domain: context.domain, query: queryOf(flags) }),
        { timeoutMs: Math.max(context.timeoutMs, 120_000) },
      );
      context.output.line(String(response.count), { count: Number(response.count) });
    },
  });
}

export interface ListPlan {
  readonly method: ListMethod;
  readonly query: string;
  readonly pageSize: number;
  readonly pages: 'one' | 'asked' | 'all';
  readonly excludeQuery?: string | undefined;
}

export async function printRuns(
  context: CliContext,
  connection: Connection,
  flags: ColumnValues,
  plan: ListPlan,
): Promise<void> {
  const { domain, output } = context;
  const { excludeQuery } = plan;
  const excluded = excludeQuery === undefined ? undefined : await workflowIdsOf(connection, domain, excludeQuery);
  const printer = createRowPrinter(output, columnsOf(flags));
  const pages = pagesOf(connection, plan.method, { domain, query: plan.query, pageSize: plan.pageSize });
  for (let page = await pages.next(); page.value; ) {
    const shown = page.value.filter((run) => excluded?.has(runNameOf(run).workflowId) !== true);
    printer.page(shown.map((run) => rowOf(run, flags)));
    if (plan.pages === 'one') {
      if (page.value.length >= plan.pageSize) output.note(`(first ${printer.count}; more with --limit or --more)`);
      break;
    }
    page = await pages.next();
    if (page.value && plan.pages === 'asked' && !(await asks('Next page? [Y/n] ', true))) break;
    if (page.value && plan.pages === 'all' && output.format !== 'table') output.note(`${printer.count} runs …`);
  }
  printer.end('No runs found.');
}

function columnsOf(flags: ColumnValues): readonly string[] {
  return [
    ...['status', 'workflowId', 'runId', 'type', 'started', 'closed'],
    ...(flags.printFull ? ['taskList', 'executionTime', 'updated', 'events', 'isCron'] : []),
    ...(flags.printCron || flags.printFull ? ['cronSchedule', 'scheduledFor'] : []),
    ...(flags.printMemo || flags.printFull ? ['memo'] : []),
    ...(flags.printSearchAttr || flags.printFull ? ['searchAttributes'] : []),
  ];
}

function rowOf(info: WorkflowExecutionInfo, flags: ColumnValues): Row {
  const time = (value: WireTime | undefined): unknown =>
    flags.printRawTime && value !== undefined ? unixNanos(value) : value;
  return {
    status: statusName(info),
    ...runNameOf(info),
    type: info.type?.name,
    started: time(info.startTime),
    closed: time(info.closeTime),
    taskList: info.taskList,
    executionTime: time(info.executionTime),
    updated: time(info.updateTime),
    events: info.historyLength,
    isCron: info.isCron,
    cronSchedule: info.cronSchedule,
    scheduledFor: time(info.scheduledExecutionTime),
    memo: info.memo?.fields,
    searchAttributes: info.searchAttributes?.indexedFields,
  };
}
