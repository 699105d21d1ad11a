// workflow start, workflow run: open a run, and for `run` follow it to its end.
import { randomUUID } from 'node:crypto';
import { StartWorkflowExecutionRequest, WorkflowIdReusePolicy } from '@antiphon/proto';
import { type Command, Option } from 'commander';
import { type CliContext, contextOf, count, duration, payloadOf, seconds } from '../context.ts';
import { followHistory } from './follow.ts';

interface StartOptions {
  type: string;
  taskList: string;
  workflowId?: string;
  input?: string;
  executionTimeout: number;
  decisionTimeout: number;
  reusePolicy: string;
  cron?: string;
  delay?: number;
  memo?: string[];
  searchAttribute?: string[];
  retryAttempts?: number;
  retryInterval?: number;
}

const REUSE_POLICIES: Record<string, WorkflowIdReusePolicy> = {
  'allow-duplicate-failed-only': WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
  'allow-duplicate': WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
  'reject-duplicate': WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
  'terminate-if-running': WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING,
};

function startOptions(command: Command): Command {
  return command
    .requiredOption('-t, --type <name>', 'workflow type')
    .requiredOption('--task-list <name>', 'task list its workers poll')
    .option('-w, --workflow-id <id>', 'workflow id; made up when left out')
    .option('-i, --input <json…>', 'arguments: JSON values one after another')
    .option('--execution-timeout <duration>', 'longest life of the run', seconds, 86_400)
    .option('--decision-timeout <duration>', 'longest time of one decision', seconds, 10)
    .addOption(
      new Option('--reuse-policy <policy>', 'when the workflow id was used before')
        .choices(Object.keys(REUSE_POLICIES))
        .default('allow-duplicate-failed-only'),
    )
    .option('--cron <expression>', 'run again on this schedule, as "*/5 * * * *" or "@every 10s"')
    .option('--delay <duration>', 'wait before the first decision', seconds)
    .option('--retry-attempts <n>', 'retry the run when it fails: how often at most', count)
    .option('--retry-interval <duration>', 'first wait between two attempts', seconds)
    .option('--memo <key=json…>', 'memo fields', collect, [])
    .option('--search-attribute <key=json…>', 'search attributes', collect, []);
}

const collect = (value: string, previous: string[]): string[] => [...previous, value];

function fields(pairs: readonly string[] | undefined): Record<string, { data: Uint8Array }> {
  return Object.fromEntries(
    (pairs ?? []).map((pair) => {
      const separator = pair.indexOf('=');
      const value = pair.slice(separator + 1);
      return [pair.slice(0, separator), payloadOf(value) as { data: Uint8Array }];
    }),
  );
}

function requestOf(context: CliContext, options: StartOptions): StartWorkflowExecutionRequest {
  const memo = fields(options.memo);
  const searchAttributes = fields(options.searchAttribute);
  const input = payloadOf(options.input);
  return StartWorkflowExecutionRequest.fromPartial({
    domain: context.domain,
    workflowId: options.workflowId ?? randomUUID(),
    workflowType: { name: options.type },
    taskList: { name: options.taskList },
    ...(input ? { input } : {}),
    executionStartToCloseTimeout: duration(options.executionTimeout),
    taskStartToCloseTimeout: duration(options.decisionTimeout),
    identity: `antiphon-cli@${process.pid}`,
    requestId: randomUUID(),
    workflowIdReusePolicy: REUSE_POLICIES[options.reusePolicy] as WorkflowIdReusePolicy,
    cronSchedule: options.cron ?? '',
    ...(options.delay === undefined ? {} : { delayStart: duration(options.delay) }),
    ...(options.retryAttempts === undefined
      ? {}
      : {
          retryPolicy: {
            initialInterval: duration(options.retryInterval ?? 1),
            backoffCoefficient: 2,
            maximumAttempts: options.retryAttempts,
          },
        }),
    ...(Object.keys(memo).length ? { memo: { fields: memo } } : {}),
    ...(Object.keys(searchAttributes).length ? { searchAttributes: { indexedFields: searchAttributes } } : {}),
  });
}

export function addStartCommands(workflow: Command): void {
  startOptions(workflow.command('start').description('start a run and print its ids'))
    .addHelpText(
      'after',
      `\nExample:\n  antiphon workflow start --type order --task-list orders -w order-1 -i '{"amount": 12}'`,
    )
    .action(async (options: StartOptions, command: Command) => {
      const context = contextOf(command);
      await context.connected(async (connection) => {
        const request = requestOf(context, options);
        const { runId } = await connection.workflow.startWorkflowExecution(request);
        context.output.done(`started ${request.workflowId}, run ${runId}`, { workflowId: request.workflowId, runId });
      });
    });
  startOptions(workflow.command('run').description('start a run and follow it until it closes'))
    .addHelpText('after', `\nExits with 1 when the run does not complete.`)
    .action(async (options: StartOptions, command: Command) => {
      const context = contextOf(command);
      await context.connected(async (connection) => {
        const request = requestOf(context, options);
        const { runId } = await connection.workflow.startWorkflowExecution(request);
        context.output.note(`started ${request.workflowId}, run ${runId}`);
        await followHistory(context, connection, { workflowId: request.workflowId, runId });
      });
    });
}
