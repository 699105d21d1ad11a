// schema status|apply|print: the versions of a store's tables.

import type { Command } from 'commander';
import { createRealEnv } from '#env';
import { createSchemaTool, type SchemaTool } from '#schema';
import { contextOf, count } from '../context.ts';

const tool = (path: string): SchemaTool => createSchemaTool({ driver: 'sqlite', path }, createRealEnv());

export function addSchemaCommands(program: Command): void {
  const schema = program
    .command('schema')
    .description('tables of a store; an embedded server brings its own up to date');
  schema
    .command('status')
    .argument('<file>', 'SQLite file of a region')
    .description('versions applied and pending')
    .action(async (file: string, _options: object, command: Command) => {
      const { output } = contextOf(command);
      const status = await tool(file).status();
      output.rows(
        ['version', 'state', 'description', 'applied'],
        status.versions.map((version) => ({
          ...version,
          applied: version.appliedMs === undefined ? undefined : new Date(version.appliedMs).toISOString(),
        })),
        'This release has no schema versions.',
      );
    });
  schema
    .command('apply')
    .argument('<file>', 'SQLite file of a region; its server must be stopped')
    .description('apply what is pending')
    .option('--dry-run', 'only say what would be applied')
    .action(async (file: string, options: { dryRun?: boolean }, command: Command) => {
      const { output } = contextOf(command);
      const applied = await tool(file).apply({ dryRun: options.dryRun ?? false });
      const names = applied.map(({ version, description }) => `${version} (${description})`).join(', ');
      const verb = options.dryRun ? 'would apply' : 'applied';
      output.done(applied.length === 0 ? `${file} is up to date` : `${verb} ${names}`, {
        file,
        dryRun: options.dryRun ?? false,
        versions: applied.map(({ version }) => version),
      });
    });
  schema
    .command('print')
    .argument('[version]', 'one version; all when left out', count)
    .description('the statements')
    .action((version: number | undefined) => {
      process.stdout.write(`${tool(':memory:').print(version)}\n`);
    });
}
