// workflow show, describe, list, count, query, stack: reading runs.
import {
  CountWorkflowExecutionsRequest,
  DescribeWorkflowExecutionRequest,
  ListWorkflowExecutionsRequest,
  QueryConsistencyLevel,
  QueryRejectCondition,
  QueryWorkflowRequest,
  WorkflowExecutionCloseStatus,
  type WorkflowExecutionInfo,
} from '@antiphon/proto';
import { type Command, Option } from 'commander';
import type { Connection } from '../connection.ts';
import { type CliContext, contextOf, count, payloadOf } from '../context.ts';
import { CliError, EXIT } from '../failure.ts';
import { eventLine, eventRecord, eventTimeMs } from '../ui/event-line.ts';
import { decodePayload, plain } from '../ui/plain.ts';
import { followHistory, historyEvents } from './follow.ts';
import { runArguments, runOf } from './run-arguments.ts';

const STATUS = Object.fromEntries(
  Object.entries(WorkflowExecutionCloseStatus).map(([name, value]) => [
    value,
    name.replace('WORKFLOW_EXECUTION_CLOSE_STATUS_', '').toLowerCase(),
  ]),
);

export const statusName = (info: WorkflowExecutionInfo | undefined): string =>
  !info || info.closeStatus === 0 ? 'running' : (STATUS[info.closeStatus] ?? String(info.closeStatus));

const row = (info: WorkflowExecutionInfo): Record<string, unknown> => ({
  status: statusName(info),
  workflowId: info.workflowExecution?.workflowId,
  runId: info.workflowExecution?.runId,
  type: info.type?.name,
  started: info.startTime,
  closed: info.closeTime,
  taskList: info.taskList,
});

export function addReadCommands(workflow: Command): void {
  addShow(workflow);
  addDescribe(workflow);
  addList(workflow);
  addQuery(workflow);
}

function addShow(workflow: Command): void {
  runArguments(workflow.command('show').alias('observe').description('print the history of a run'))
    .option('-f, --follow', 'go on until the run closes')
    .action(async (workflowId: string, runId: string | undefined, options: { follow?: boolean }, command: Command) => {
      const context = contextOf(command);
      await context.connected(async (connection) => {
        const run = runOf(workflowId, runId);
        if (options.follow) {
          await followHistory(context, connection, run);
          return;
        }
        await printHistory(context, connection, run);
      });
    });
}

async function printHistory(
  context: CliContext,
  connection: Connection,
  run: { workflowId: string; runId: string },
): Promise<void> {
  let startMs: number | undefined;
  let archived = false;
  const records: object[] = [];
  for await (const event of historyEvents(context, connection, run, false)) {
    startMs ??= eventTimeMs(event);
    archived ||= event.archived === true;
    if (context.output.format === 'json') records.push(eventRecord(event));
    else context.output.line(eventLine(event, startMs), eventRecord(event));
  }
  if (context.output.format === 'json') context.output.record(records);
  if (archived) context.output.note('(from the archive)');
}

function addDescribe(workflow: Command): void {
  runArguments(workflow.command('describe').description('state of a run: what it waits for')).action(
    async (workflowId: string, runId: string | undefined, _options: object, command: Command) => {
      const context = contextOf(command);
      await context.connected(async (connection) => {
        const response = await connection.workflow.describeWorkflowExecution(
          DescribeWorkflowExecutionRequest.fromPartial({
            domain: context.domain,
            workflowExecution: runOf(workflowId, runId),
          }),
        );
        context.output.record({ status: statusName(response.workflowExecutionInfo), ...(plain(response) as object) });
      });
    },
  );
}

function addList(workflow: Command): void {
  workflow
    .command('list')
    .description('find runs')
    .option('-q, --query <query>', `as "WorkflowType = 'order' AND CloseStatus = 'failed' ORDER BY StartTime DESC"`, '')
    .option('--open', 'only open runs')
    .option('--closed', 'only closed runs')
    .option('--archived', 'runs in the archive')
    .option('-n, --limit <n>', 'at most so many', count, 50)
    .action(
      async (
        options: { query: string; open?: boolean; closed?: boolean; archived?: boolean; limit: number },
        command: Command,
      ) => {
        const context = contextOf(command);
        await context.connected(async (connection) => {
          const state = options.open ? 'CloseTime = missing' : options.closed ? 'CloseTime != missing' : '';
          const query = [options.query, state].filter(Boolean).join(' AND ');
          const rows: Record<string, unknown>[] = [];
          let nextPageToken: Uint8Array = new Uint8Array();
          let more = false;
          do {
            const request = ListWorkflowExecutionsRequest.fromPartial({
              domain: context.domain,
              pageSize: Math.min(1000, options.limit - rows.length),
              nextPageToken,
              query,
            });
            const page = options.archived
              ? await connection.visibility.listArchivedWorkflowExecutions(request)
              : await connection.visibility.listWorkflowExecutions(request);
            rows.push(...page.executions.map(row));
            nextPageToken = page.nextPageToken;
            more = nextPageToken.length > 0;
          } while (more && rows.length < options.limit);
          context.output.rows(['status', 'workflowId', 'runId', 'type', 'started', 'closed'], rows, 'No runs found.');
          if (more) context.output.note(`(first ${rows.length}; more with --limit)`);
        });
      },
    );
  workflow
    .command('count')
    .description('count runs')
    .option('-q, --query <query>', 'as in list', '')
    .action(async (options: { query: string }, command: Command) => {
      const context = contextOf(command);
      await context.connected(async (connection) => {
        const response = await connection.visibility.countWorkflowExecutions(
          CountWorkflowExecutionsRequest.fromPartial({ domain: context.domain, query: options.query }),
        );
        context.output.line(String(response.count), { count: Number(response.count) });
      });
    });
}

interface QueryOptions {
  input?: string;
  consistency: 'eventual' | 'strong';
  rejectClosed?: boolean;
}

async function query(
  context: CliContext,
  workflowId: string,
  runId: string | undefined,
  queryType: string,
  options: QueryOptions,
) {
  await context.connected(async (connection) => {
    const queryArgs = payloadOf(options.input);
    const response = await connection.workflow.queryWorkflow(
      QueryWorkflowRequest.fromPartial({
        domain: context.domain,
        workflowExecution: runOf(workflowId, runId),
        query: { queryType, ...(queryArgs ? { queryArgs } : {}) },
        queryConsistencyLevel:
          options.consistency === 'strong'
            ? QueryConsistencyLevel.QUERY_CONSISTENCY_LEVEL_STRONG
            : QueryConsistencyLevel.QUERY_CONSISTENCY_LEVEL_EVENTUAL,
        queryRejectCondition: options.rejectClosed
          ? QueryRejectCondition.QUERY_REJECT_CONDITION_NOT_OPEN
          : QueryRejectCondition.QUERY_REJECT_CONDITION_INVALID,
      }),
      { timeoutMs: 20_000 },
    );
    if (response.queryRejected) {
      throw new CliError(`the run is ${STATUS[response.queryRejected.closeStatus]}: not asked`, {
        exitCode: EXIT.refused,
      });
    }
    const result = response.queryResult ? decodePayload(response.queryResult.data) : null;
    context.output.line(typeof result === 'string' ? result : JSON.stringify(result, undefined, 2), { result });
  });
}

function addQuery(workflow: Command): void {
  runArguments(workflow.command('query').description('ask a run'), ['<queryType>'])
    .option('-i, --input <json…>', 'arguments: JSON values one after another')
    .addOption(
      new Option('--consistency <level>', 'strong: sees every acknowledged event')
        .choices(['eventual', 'strong'])
        .default('eventual'),
    )
    .option('--reject-closed', 'refuse when the run is closed')
    .action(
      async (
        workflowId: string,
        queryType: string,
        runId: string | undefined,
        options: QueryOptions,
        command: Command,
      ) => {
        await query(contextOf(command), workflowId, runId, queryType, options);
      },
    );
  runArguments(workflow.command('stack').description('where the workflow code waits')).action(
    async (workflowId: string, runId: string | undefined, _options: object, command: Command) => {
      await query(contextOf(command), workflowId, runId, '__stack_trace', { consistency: 'eventual' });
    },
  );
}
