// The command tree.
import { Command, type Option } from 'commander';
import { addAdminCommands } from './commands/admin/index.ts';
import { addAdminConfigCommands } from './commands/admin-config.ts';
import { addArchiveCommands } from './commands/archive.ts';
import { addAuditCommands } from './commands/audit.ts';
import { addAuthCommands } from './commands/auth.ts';
import { addClusterCommands } from './commands/cluster.ts';
import { addCompletionCommand } from './commands/completion.ts';
import { addDevCommand } from './commands/dev.ts';
import { addDomainCommands } from './commands/domain.ts';
import { addFailoverCommands } from './commands/domain-failover.ts';
import { addMigrationCommand } from './commands/domain-migration.ts';
import { addScheduleCommands } from './commands/schedule.ts';
import { addSchemaCommands } from './commands/schema/index.ts';
import { addServerCommands } from './commands/server.ts';
import { addTaskListCommands } from './commands/tasklist.ts';
import { addActivityCommands } from './commands/workflow-activity.ts';
import { addBatchCommands } from './commands/workflow-batch.ts';
import { addChangeCommands } from './commands/workflow-change.ts';
import { addDescribeCommands } from './commands/workflow-describe.ts';
import { addHistoryCommands } from './commands/workflow-history.ts';
import { addListCommands } from './commands/workflow-list.ts';
import { addResetCommands } from './commands/workflow-reset.ts';
import { addStartCommands } from './commands/workflow-start.ts';
import { addGlobalOptions } from './context.ts';
import { addGroup } from './spec/command.ts';
import { aliasesOf } from './spec/command-line.ts';

declare const ANTIPHON_VERSION: string | undefined;

export function createProgram(): Command {
  const program = addGlobalOptions(new Command('antiphon'))
    .description('Antiphon: durable execution across regions, with an archive that proves itself.')
    .version(typeof ANTIPHON_VERSION === 'string' ? ANTIPHON_VERSION : 'development')
    .showHelpAfterError('(antiphon --help shows what there is)')
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false, optionTerm, visibleGlobalOptions })
    .enablePositionalOptions()
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
  addWorkflowGroup(program);
  const domain = addGroup(program, { name: 'domain', aliases: ['d'], summary: 'domains: the tenants of a server' });
  addDomainCommands(domain);
  addFailoverCommands(program, domain);
  addMigrationCommand(domain);
  addTaskListCommands(
    addGroup(program, { name: 'tasklist', aliases: ['tl'], summary: 'task lists: where workers meet their work' }),
  );
  addScheduleCommands(
    addGroup(program, { name: 'schedule', aliases: ['sch'], summary: 'workflows that start at given times' }),
  );
  addClusterCommands(addGroup(program, { name: 'cluster', aliases: ['cl'], summary: 'what a cluster offers' }));
  addAdminCommands(program);
  addArchiveCommands(program);
  addSchemaCommands(program);
  addAuthCommands(program);
  addAuditCommands(program);
  addAdminConfigCommands(program);
  addCompletionCommand(program);
  for (const command of allCommands(program)) {
    command
      .exitOverride()
      .showHelpAfterError('(--help shows the options)')
      .addHelpText('after', '\nMore global options, of security and time: antiphon --help');
  }
  return program;
}

function addWorkflowGroup(program: Command): void {
  const workflow = addGroup(program, { name: 'workflow', aliases: ['wf'], summary: 'runs: start, look at, act on' });
  addStartCommands(workflow);
  addHistoryCommands(workflow);
  addDescribeCommands(workflow);
  addListCommands(workflow);
  addChangeCommands(workflow);
  addResetCommands(workflow);
  addActivityCommands(workflow);
  addBatchCommands(workflow);
}

/** The three that everybody needs; a line below says where the others are. */
function visibleGlobalOptions(command: Command): Option[] {
  if (command.parent === null) return [];
  let root = command;
  while (root.parent) root = root.parent;
  return root.options.filter(({ long }) => ['--address', '--domain', '--output'].includes(long ?? ''));
}

/** `-w, --workflow-id, --wid <text>`: with the aliases, except those that differ only in their dashes. */
function optionTerm(option: Option): string {
  const [names = '', value = ''] = option.flags.split(/(?= <)/);
  const aliases = aliasesOf(option).map((name) => (name.length > 1 ? `--${name}` : `-${name}`));
  return [names, ...aliases].join(', ') + value;
}

function allCommands(command: Command): readonly Command[] {
  return command.commands.flatMap((child) => [child, ...allCommands(child)]);
}
