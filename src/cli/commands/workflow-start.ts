// workflow start, run, signalwithstart: open a run, and for `run` follow it to its end.
import { SignalWithStartWorkflowExecutionRequest } from '@antiphon/proto';
import type { Command } from 'commander';
import { payloadOf, textOrFile } from '../payload.ts';
import { addCommand } from '../spec/command.ts';
import { on, required, text, whole } from '../spec/flags.ts';
import { followHistory } from './follow.ts';
import { START_FLAGS, startRequestOf } from './start-flags.ts';

export function addStartCommands(workflow: Command): void {
  addCommand(workflow, {
    name: 'start',
    summary: 'start a run and print its ids',
    examples: [
      `workflow start --type order --task-list orders -w order-1 -i '{"amount": 12}'`,
      `workflow start --tl orders --wt order --et 60 -i '"as Cadence writes it" 2'`,
      `workflow start --type order --task-list orders --cluster-attribute-scope region --cluster-attribute-name eu`,
      `workflow start --type report --task-list reports --cron '0 6 * * *' --memo owner='"kim"'`,
    ],
    flags: START_FLAGS,
    async run({ flags, context, connection }) {
      const request = startRequestOf(context, flags);
      const { runId } = await connection.workflow.startWorkflowExecution(request);
      context.output.done(`started ${request.workflowId}, run ${runId}`, { workflowId: request.workflowId, runId });
    },
  });
  addCommand(workflow, {
    name: 'run',
    summary: 'start a run and follow it until it closes',
    details: 'Exits with 1 when the run does not complete.',
    examples: [`workflow run --type hello --task-list hello -i '"world"'`],
    flags: {
      ...START_FLAGS,
      showDetail: on('show-detail sd', 'print events in full'),
      maxFieldLength: whole('max-field-length maxl', 'cut the details of an event after so many characters'),
    },
    async run({ flags, context, connection }) {
      const request = startRequestOf(context, flags);
      const { runId } = await connection.workflow.startWorkflowExecution(request);
      context.output.note(`started ${request.workflowId}, run ${runId}`);
      await followHistory(context, connection, { workflowId: request.workflowId, runId }, flags);
    },
  });
  addCommand(workflow, {
    name: 'signalwithstart',
    aliases: ['signal-with-start'],
    summary: 'send a signal, and start the run when none is open',
    examples: [
      `workflow signalwithstart --type cart --task-list carts -w cart-7 --name add --signal-input '{"item": "tea"}'`,
    ],
    flags: {
      ...START_FLAGS,
      name: required(text('name n', 'name of the signal')),
      signalInput: text('signal-input si', 'JSON values of the signal', 'json'),
      signalInputFile: text('signal-input-file sif', 'the same from a file', 'file'),
    },
    async run({ flags, context, connection }) {
      const startRequest = startRequestOf(context, flags);
      const signalInput = payloadOf(
        textOrFile(flags.signalInput, flags.signalInputFile, '--signal-input and --signal-input-file'),
      );
      const { runId } = await connection.workflow.signalWithStartWorkflowExecution(
        SignalWithStartWorkflowExecutionRequest.fromPartial({
          startRequest,
          signalName: flags.name,
          ...(signalInput ? { signalInput } : {}),
        }),
      );
      const { workflowId } = startRequest;
      context.output.done(`signalled ${workflowId}: ${flags.name}, run ${runId}`, { workflowId, runId });
    },
  });
}
