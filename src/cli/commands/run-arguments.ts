// The positional arguments that name a run: WORKFLOW_ID [...] [RUN_ID].
import type { Command } from 'commander';
import { usageError } from '../failure.ts';

export function runArguments(command: Command, between: readonly string[] = []): Command {
  command.argument('<workflowId>', 'workflow id');
  for (const name of between) command.argument(name);
  return command.argument('[runId]', 'run id; the current run when left out');
}

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

export function runOf(workflowId: string, runId: string | undefined): { workflowId: string; runId: string } {
  if (runId !== undefined && !UUID.test(runId)) throw usageError(`not a run id: "${runId}"; run ids are UUIDs`);
  return { workflowId, runId: runId ?? '' };
}
