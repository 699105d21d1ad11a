// workflow signal, cancel, terminate, reset: acting on runs.
import { randomUUID } from 'node:crypto';
import {
  RequestCancelWorkflowExecutionRequest,
  ResetWorkflowExecutionRequest,
  SignalWorkflowExecutionRequest,
  TerminateWorkflowExecutionRequest,
} from '@antiphon/proto';
import { type Command, Option } from 'commander';
import type { Connection } from '../connection.ts';
import { type CliContext, contextOf, count, payloadOf } from '../context.ts';
import { CliError, EXIT } from '../failure.ts';
import { eventType } from '../ui/event-line.ts';
import { historyEvents } from './follow.ts';
import { runArguments, runOf } from './run-arguments.ts';

const identity = `antiphon-cli@${process.pid}`;

export function addChangeCommands(workflow: Command): void {
  addSignal(workflow);
  addCancelAndTerminate(workflow);
  addReset(workflow);
}

function addSignal(workflow: Command): void {
  runArguments(workflow.command('signal').description('send a signal'), ['<signalName>'])
    .option('-i, --input <json>', 'the value')
    .addHelpText('after', `\nExample:\n  antiphon workflow signal order-1 approve -i '{"by": "kim"}'`)
    .action(
      async (
        workflowId: string,
        signalName: string,
        runId: string | undefined,
        options: { input?: string },
        command: Command,
      ) => {
        const context = contextOf(command);
        await context.connected(async (connection) => {
          const signalInput = payloadOf(options.input);
          await connection.workflow.signalWorkflowExecution(
            SignalWorkflowExecutionRequest.fromPartial({
              domain: context.domain,
              workflowExecution: runOf(workflowId, runId),
              signalName,
              identity,
              requestId: randomUUID(),
              ...(signalInput ? { signalInput } : {}),
            }),
          );
          context.output.done(`signalled ${workflowId}: ${signalName}`, { workflowId, signalName });
        });
      },
    );
}

function addCancelAndTerminate(workflow: Command): void {
  runArguments(workflow.command('cancel').description('ask the workflow to cancel itself; its code may clean up'))
    .option('--reason <text>', 'why', '')
    .action(async (workflowId: string, runId: string | undefined, options: { reason: string }, command: Command) => {
      const context = contextOf(command);
      await context.connected(async (connection) => {
        await connection.workflow.requestCancelWorkflowExecution(
          RequestCancelWorkflowExecutionRequest.fromPartial({
            domain: context.domain,
            workflowExecution: runOf(workflowId, runId),
            identity,
            requestId: randomUUID(),
            cause: options.reason,
          }),
        );
        context.output.done(`cancel requested: ${workflowId}`, { workflowId });
      });
    });
  runArguments(workflow.command('terminate').description('end the run at once; its code gets no say'))
    .option('--reason <text>', 'why', 'terminated from the command line')
    .action(async (workflowId: string, runId: string | undefined, options: { reason: string }, command: Command) => {
      const context = contextOf(command);
      await context.connected(async (connection) => {
        await connection.workflow.terminateWorkflowExecution(
          TerminateWorkflowExecutionRequest.fromPartial({
            domain: context.domain,
            workflowExecution: runOf(workflowId, runId),
            identity,
            reason: options.reason,
          }),
        );
        context.output.done(`terminated: ${workflowId}`, { workflowId });
      });
    });
}

type ResetPoint = 'first-decision' | 'last-decision';

/** The event id of the first or last completed decision. */
async function resetEventId(
  context: CliContext,
  connection: Connection,
  run: { workflowId: string; runId: string },
  point: ResetPoint,
): Promise<number> {
  let found: number | undefined;
  for await (const event of historyEvents(context, connection, run, false)) {
    if (eventType(event) !== 'DecisionTaskCompleted') continue;
    found = Number(event.eventId);
    if (point === 'first-decision') break;
  }
  if (found === undefined) {
    throw new CliError(`${run.workflowId} has no completed decision to reset to`, { exitCode: EXIT.refused });
  }
  return found;
}

function addReset(workflow: Command): void {
  runArguments(workflow.command('reset').description('start a new run from a point of an old one'))
    .option('--event-id <id>', 'a DecisionTaskCompleted, Failed, TimedOut or Started event', count)
    .addOption(new Option('--to <point>', 'instead of an event id').choices(['first-decision', 'last-decision']))
    .requiredOption('--reason <text>', 'why')
    .option('--skip-signals', 'do not apply the signals after that point again')
    .action(
      async (
        workflowId: string,
        runId: string | undefined,
        options: { eventId?: number; to?: ResetPoint; reason: string; skipSignals?: boolean },
        command: Command,
      ) => {
        const context = contextOf(command);
        await context.connected(async (connection) => {
          const run = runOf(workflowId, runId);
          const eventId =
            options.eventId ?? (await resetEventId(context, connection, run, options.to ?? 'last-decision'));
          const response = await connection.workflow.resetWorkflowExecution(
            ResetWorkflowExecutionRequest.fromPartial({
              domain: context.domain,
              workflowExecution: run,
              reason: options.reason,
              decisionFinishEventId: BigInt(eventId),
              requestId: randomUUID(),
              skipSignalReapply: options.skipSignals ?? false,
            }),
          );
          context.output.done(`reset ${workflowId} to event ${eventId}: new run ${response.runId}`, {
            workflowId,
            runId: response.runId,
          });
        });
      },
    );
}
