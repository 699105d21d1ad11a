// The command tree.
import { Command } from 'commander';
import { addArchiveCommands } from './commands/archive.ts';
import { addDevCommand } from './commands/dev.ts';
import { addDomainCommands } from './commands/domain.ts';
import { addSchemaCommands } from './commands/schema.ts';
import { addServerCommands } from './commands/server.ts';
import { addTaskListCommands } from './commands/tasklist.ts';
import { addChangeCommands } from './commands/workflow-change.ts';
import { addReadCommands } from './commands/workflow-read.ts';
import { addStartCommands } from './commands/workflow-start.ts';
import { addGlobalOptions } from './context.ts';

declare const ANTIPHON_VERSION: string | undefined;

export function createProgram(): Command {
  const program = addGlobalOptions(new Command('antiphon'))
    .description('Antiphon: durable execution across regions, with an archive that proves itself.')
    .version(typeof ANTIPHON_VERSION === 'string' ? ANTIPHON_VERSION : 'development')
    .showHelpAfterError('(antiphon --help shows what there is)')
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .exitOverride()
    .addHelpText(
      'after',
      `
Start here:
  antiphon dev                                    a server in this terminal
  antiphon dev --regions 2 --data ./data          two regions that replicate
  antiphon workflow run --type hello --task-list hello -i '"world"'
  antiphon workflow list --open
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 no answer from the server, 5 refused by the server.`,
    );
  addDevCommand(program);
  addServerCommands(program);
  const workflow = program.command('workflow').alias('wf').description('runs: start, look at, act on');
  addStartCommands(workflow);
  addReadCommands(workflow);
  addChangeCommands(workflow);
  addDomainCommands(program);
  addTaskListCommands(program);
  addArchiveCommands(program);
  addSchemaCommands(program);
  for (const command of allCommands(program)) command.exitOverride().showHelpAfterError('(--help shows the options)');
  return program;
}

function allCommands(command: Command): readonly Command[] {
  return command.commands.flatMap((child) => [child, ...allCommands(child)]);
}
