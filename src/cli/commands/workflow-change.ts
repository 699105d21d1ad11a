// workflow signal, cancel, terminate, restart, refresh-tasks, diagnose, delete: acting on a run.
import { randomUUID } from 'node:crypto';
import {
  DescribeWorkflowExecutionRequest,
  DiagnoseWorkflowExecutionRequest,
  RefreshWorkflowTasksRequest,
  RequestCancelWorkflowExecutionRequest,
  RestartWorkflowExecutionRequest,
  SignalWorkflowExecutionRequest,
  TerminateWorkflowExecutionRequest,
} from '@antiphon/proto';
import type { Command } from 'commander';
import type { Connection } from '../connection.ts';
import { inputOf } from '../payload.ts';
import { addCommand } from '../spec/command.ts';
import { or, required, text } from '../spec/flags.ts';
import { addRefreshTasks } from './refresh-tasks.ts';
import { INPUT_FLAGS, identity, RUN_FLAGS, runOf } from './run-flags.ts';

export function addChangeCommands(workflow: Command): void {
  addSignal(workflow);
  addCancelAndTerminate(workflow);
  addCare(workflow);
}

function addSignal(workflow: Command): void {
  addCommand(workflow, {
    name: 'signal',
    aliases: ['s'],
    summary: 'send a signal',
    examples: [`workflow signal order-1 approve -i '{"by": "kim"}'`, `workflow signal -w order-1 --name approve`],
    flags: { ...RUN_FLAGS, name: required(text('name n', 'name of the signal')), ...INPUT_FLAGS },
    positional: ['workflowId', 'name', 'runId'],
    async run({ flags, context, connection }) {
      const signalInput = inputOf(flags);
      await connection.workflow.signalWorkflowExecution(
        SignalWorkflowExecutionRequest.fromPartial({
          domain: context.domain,
          workflowExecution: runOf(flags),
          signalName: flags.name,
          identity,
          requestId: randomUUID(),
          ...(signalInput ? { signalInput } : {}),
        }),
      );
      const { workflowId, name: signalName } = flags;
      context.output.done(`signalled ${workflowId}: ${signalName}`, { workflowId, signalName });
    },
  });
}

function addCancelAndTerminate(workflow: Command): void {
  addCommand(workflow, {
    name: 'cancel',
    aliases: ['c'],
    summary: 'ask the workflow to cancel itself; its code may clean up',
    examples: ['workflow cancel order-1 --reason "changed my mind"'],
    flags: { ...RUN_FLAGS, reason: or(text('reason re', 'why'), '') },
    positional: ['workflowId', 'runId'],
    async run({ flags, context, connection }) {
      await connection.workflow.requestCancelWorkflowExecution(
        RequestCancelWorkflowExecutionRequest.fromPartial({
          domain: context.domain,
          workflowExecution: runOf(flags),
          identity,
          requestId: randomUUID(),
          cause: flags.reason,
        }),
      );
      context.output.done(`cancel requested: ${flags.workflowId}`, { workflowId: flags.workflowId });
    },
  });
  addCommand(workflow, {
    name: 'terminate',
    aliases: ['term'],
    summary: 'end the run at once; its code gets no say',
    examples: ['workflow terminate order-1 --reason "stuck since Monday"'],
    flags: { ...RUN_FLAGS, reason: or(text('reason re', 'why'), 'terminated from the command line') },
    positional: ['workflowId', 'runId'],
    async run({ flags, context, connection }) {
      await connection.workflow.terminateWorkflowExecution(
        TerminateWorkflowExecutionRequest.fromPartial({
          domain: context.domain,
          workflowExecution: runOf(flags),
          identity,
          reason: flags.reason,
        }),
      );
      context.output.done(`terminated: ${flags.workflowId}`, { workflowId: flags.workflowId });
    },
  });
}

function addCare(workflow: Command): void {
  addCommand(workflow, {
    name: 'restart',
    aliases: ['res'],
    summary: 'start the same again: a new run with the input of this one, which is terminated if it is open',
    flags: { ...RUN_FLAGS, reason: or(text('reason re', 'why'), '') },
    positional: ['workflowId', 'runId'],
    async run({ flags, context, connection }) {
      const { runId } = await connection.workflow.restartWorkflowExecution(
        RestartWorkflowExecutionRequest.fromPartial({
          domain: context.domain,
          workflowExecution: runOf(flags),
          identity,
          reason: flags.reason,
        }),
      );
      const { workflowId } = flags;
      context.output.done(`restarted ${workflowId}, run ${runId}`, { workflowId, runId });
    },
  });
  addRefreshTasks(workflow, (connection, request) =>
    connection.workflow.refreshWorkflowTasks(RefreshWorkflowTasksRequest.fromPartial(request)),
  );
  addCommand(workflow, {
    name: 'diagnose',
    aliases: ['diag'],
    summary: 'start a diagnosis of a run; ask the diagnosing run for its report',
    flags: RUN_FLAGS,
    positional: ['workflowId', 'runId'],
    async run({ flags, context, connection }) {
      const response = await connection.workflow.diagnoseWorkflowExecution(
        DiagnoseWorkflowExecutionRequest.fromPartial({
          domain: context.domain,
          workflowExecution: await namedRun(connection, context.domain, flags),
          identity,
        }),
      );
      const { workflowId, runId } = response.diagnosticWorkflowExecution ?? { workflowId: '', runId: '' };
      context.output.done(
        `diagnosis started: antiphon workflow query -d ${response.domain} ${workflowId} query-diagnostics-report ${runId}`,
        {
          domain: response.domain,
          workflowId,
          runId,
        },
      );
    },
  });
}

/** The run that is meant, with its id: the current one when none is named. */
async function namedRun(
  connection: Connection,
  domain: string,
  flags: { workflowId: string; runId?: string | undefined },
): Promise<{ workflowId: string; runId: string }> {
  const run = runOf(flags);
  if (run.runId !== '') return run;
  const { workflowExecutionInfo } = await connection.workflow.describeWorkflowExecution(
    DescribeWorkflowExecutionRequest.fromPartial({ domain, workflowExecution: run }),
  );
  return { ...run, runId: workflowExecutionInfo?.workflowExecution?.runId ?? '' };
}
