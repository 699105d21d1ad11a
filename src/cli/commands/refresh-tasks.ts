// refresh-tasks, of `workflow` and of `admin workflow`: the same for whoever types it, by the API that he may call.
import type { Command } from 'commander';
import type { Connection } from '../connection.ts';
import { addCommand } from '../spec/command.ts';
import { RUN_FLAGS, runOf } from './run-flags.ts';

interface RefreshRequest {
  readonly domain: string;
  readonly workflowExecution: { readonly workflowId: string; readonly runId: string };
}

export function addRefreshTasks(
  workflow: Command,
  refresh: (connection: Connection, request: RefreshRequest) => Promise<unknown>,
): void {
  addCommand(workflow, {
    name: 'refresh-tasks',
    aliases: ['rt'],
    summary: 'make the tasks of a run again, when one seems lost',
    flags: RUN_FLAGS,
    positional: ['workflowId', 'runId'],
    async run({ flags, context, connection }) {
      await refresh(connection, { domain: context.domain, workflowExecution: runOf(flags) });
      context.output.done(`tasks made again: ${flags.workflowId}`, { workflowId: flags.workflowId });
    },
  });
}
