// schema status|apply|print: the versions of a store's tables.

import type { Command } from 'commander';
import { required } from '#base';
import { createRealEnv } from '#env';
import { createSchemaTool, openSchemaTargets, type SchemaTool } from '#schema';
import { contextOf, count } from '../context.ts';

async function tool(path: string): Promise<SchemaTool> {
  const env = createRealEnv();
  const [target] = await openSchemaTargets({ store: 'sqlite', path }, env);
  return createSchemaTool(required(target, 'a store has a schema'), env);
}

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
      const status = await (await tool(file)).status();
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
      const applied = await (await tool(file)).apply({ dryRun: options.dryRun ?? false });
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
    .action(async (version: number | undefined) => {
      process.stdout.write(`${(await tool(':memory:')).print(version)}\n`);
    });
}
