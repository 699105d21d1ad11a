// workflow describe, query, query-types, stack: the state of a run, as the server and as its worker know it.
import {
  DescribeWorkflowExecutionRequest,
  type DescribeWorkflowExecutionResponse,
  QueryRejectCondition,
  QueryWorkflowRequest,
  WorkflowExecutionCloseStatus,
  type WorkflowExecutionInfo,
} from '@antiphon/proto';
import type { Command } from 'commander';
import type { Connection } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { CliError, EXIT } from '../failure.ts';
import { inputOf } from '../payload.ts';
import { addCommand } from '../spec/command.ts';
import { on, oneOf, required, text, type ValuesOf } from '../spec/flags.ts';
import { enumName } from '../ui/enum-name.ts';
import { decodePayload, plain } from '../ui/plain.ts';
import { consistencyFlag, consistencyOf, INPUT_FLAGS, RUN_FLAGS, runOf } from './run-flags.ts';

const closeStatusName = (status: WorkflowExecutionCloseStatus): string =>
  enumName(WorkflowExecutionCloseStatus, status, 'WORKFLOW_EXECUTION_CLOSE_STATUS_');

export const statusName = (info: WorkflowExecutionInfo | undefined): string =>
  !info || info.closeStatus === 0 ? 'running' : closeStatusName(info.closeStatus);

export function addDescribeCommands(workflow: Command): void {
  addCommand(workflow, {
    name: 'describe',
    aliases: ['desc', 'describeid', 'descid'],
    summary: 'state of a run: what it waits for',
    examples: ['workflow describe order-1', 'workflow describe -w order-1 --reset-points-only'],
    flags: {
      ...RUN_FLAGS,
      printRaw: on('print-raw praw', 'every field, the empty ones too'),
      resetPointsOnly: on('reset-points-only', 'only the points that a bad binary is reset to'),
      queryConsistencyLevel: consistencyFlag,
    },
    positional: ['workflowId', 'runId'],
    async run({ flags, context, connection }) {
      const response = await connection.workflow.describeWorkflowExecution(
        DescribeWorkflowExecutionRequest.fromPartial({
          domain: context.domain,
          workflowExecution: runOf(flags),
          queryConsistencyLevel: consistencyOf(flags.queryConsistencyLevel),
        }),
      );
      if (flags.resetPointsOnly) printResetPoints(context, response);
      else {
        const value = plain(response, { keepDefaults: flags.printRaw }) as object;
        context.output.record({ status: statusName(response.workflowExecutionInfo), ...value });
      }
    },
  });
  addQueryCommands(workflow);
}

function printResetPoints(context: CliContext, { workflowExecutionInfo }: DescribeWorkflowExecutionResponse): void {
  context.output.rows(
    ['binaryChecksum', 'createTime', 'runId', 'eventId', 'resettable'],
    (workflowExecutionInfo?.autoResetPoints?.points ?? []).map((point) => ({
      binaryChecksum: point.binaryChecksum,
      createTime: point.createdTime,
      runId: point.runId,
      eventId: point.firstDecisionCompletedId,
      resettable: point.resettable,
    })),
    'No reset points: no worker has completed a decision with a binary checksum.',
  );
}

const QUERY_FLAGS = {
  ...RUN_FLAGS,
  ...INPUT_FLAGS,
  queryConsistencyLevel: consistencyFlag,
  queryRejectCondition: oneOf('query-reject-condition qrc', 'refuse when the run is closed, or has failed', [
    'not_open',
    'not_completed_cleanly',
  ]),
  rejectClosed: on('reject-closed', 'refuse when the run is closed'),
};

const REJECT_CONDITIONS = {
  not_open: QueryRejectCondition.QUERY_REJECT_CONDITION_NOT_OPEN,
  not_completed_cleanly: QueryRejectCondition.QUERY_REJECT_CONDITION_NOT_COMPLETED_CLEANLY,
} as const;

async function query(
  { context, connection }: { context: CliContext; connection: Connection },
  flags: ValuesOf<typeof QUERY_FLAGS>,
  queryType: string,
): Promise<void> {
  const queryArgs = inputOf(flags);
  const condition = flags.rejectClosed ? 'not_open' : flags.queryRejectCondition;
  const response = await connection.workflow.queryWorkflow(
    QueryWorkflowRequest.fromPartial({
      domain: context.domain,
      workflowExecution: runOf(flags),
      query: { queryType, ...(queryArgs ? { queryArgs } : {}) },
      queryConsistencyLevel: consistencyOf(flags.queryConsistencyLevel ?? 'eventual'),
      queryRejectCondition:
        condition === undefined ? QueryRejectCondition.QUERY_REJECT_CONDITION_INVALID : REJECT_CONDITIONS[condition],
    }),
    { timeoutMs: context.timeoutMs },
  );
  if (response.queryRejected) {
    const status = closeStatusName(response.queryRejected.closeStatus);
    throw new CliError(`the run is ${status}: not asked`, { exitCode: EXIT.refused });
  }
  const result = response.queryResult ? decodePayload(response.queryResult.data) : null;
  context.output.line(typeof result === 'string' ? result : JSON.stringify(result, undefined, 2), { result });
}

function addQueryCommands(workflow: Command): void {
  addCommand(workflow, {
    name: 'query',
    summary: 'ask a run',
    details: 'A worker that knows the workflow type must be running.',
    examples: ['workflow query order-1 status', `workflow query -w order-1 --query-type total -i '"EUR"'`],
    flags: { ...QUERY_FLAGS, queryType: required(text('query-type qt', 'name of the query', 'name')) },
    positional: ['workflowId', 'queryType', 'runId'],
    run: (call) => query(call, call.flags, call.flags.queryType),
  });
  addCommand(workflow, {
    name: 'query-types',
    summary: 'queries that a run answers',
    flags: QUERY_FLAGS,
    positional: ['workflowId', 'runId'],
    run: (call) => query(call, call.flags, '__query_types'),
  });
  addCommand(workflow, {
    name: 'stack',
    summary: 'where the workflow code waits',
    flags: QUERY_FLAGS,
    positional: ['workflowId', 'runId'],
    run: (call) => query(call, call.flags, '__stack_trace'),
  });
}
