// schema setup|update|status|dry-run|print|create: the versions of a store's tables, for every store. The spellings of cadence-cassandra-tool and
// cadence-sql-tool work too: `schema --ep db -k antiphon setup-schema -v 0.0`, `update-schema -d schema/…`, `create-keyspace`, `create-database`.
import type { Command } from 'commander';
import { StoreError } from '#base';
import { createRealEnv } from '#env';
import {
  createSchemaTool,
  openSchemaTargets,
  type SchemaTarget,
  type SchemaTool,
  type SchemaVersion,
  schemaVersionsOf,
} from '#schema';
import { CliError, EXIT, usageError } from '../../failure.ts';
import { addCommand, addGroup, declareFlags, PRINT_FLAGS } from '../../spec/command.ts';
import { on, text } from '../../spec/flags.ts';
import type { Output } from '../../ui/output.ts';
import { CONNECTION_FLAGS, type ConnectionValues, schemaSettings } from './settings.ts';

const FILE = text('sqlite-file', 'SQLite file of a region, in place of --store and --path', 'file');
const FOLDER = text(
  'schema-dir d',
  'folder with a manifest.json; the versions of this release when left out',
  'folder',
);
const VERSION = text('version v', 'the last version to apply; the newest when left out', 'version');
const DRY_RUN = on('dry-run dryrun y', 'only say what would be applied');
const QUIET = on('quiet q', 'there for scripts written for Cadence');

/** `3`, `3.0` and `v3` are version 3; `0.0` is the empty store. */
function versionNumber(typed: string | undefined): number | undefined {
  if (typed === undefined) return undefined;
  const match = /^v?(\d{1,6})(?:\.0)?$/.exec(typed);
  if (match === null) throw usageError(`--version is "${typed}": expected a version such as 2 or 2.0`);
  return Number(match[1]);
}

interface Opened {
  readonly target: SchemaTarget;
  readonly tool: SchemaTool;
}

/** Each place of the store in turn; a refusal is said in one sentence. */
async function onEach(
  flags: ConnectionValues & { readonly file?: string | undefined; readonly folder?: string | undefined },
  use: (opened: Opened) => Promise<void>,
): Promise<void> {
  const env = createRealEnv();
  const targets = await openSchemaTargets(await schemaSettings(flags, flags.file), env);
  try {
    for (const target of targets) {
      await use({ target, tool: createSchemaTool(target, env, schemaVersionsOf(target, flags.folder)) });
    }
  } catch (error) {
    throw error instanceof StoreError ? failureOf(error) : error;
  } finally {
    for (const target of targets) await target.close();
  }
}

function failureOf(error: StoreError): CliError {
  if (error.kind === 'ConditionFailed') return new CliError(error.message, { exitCode: EXIT.refused, cause: error });
  const exitCode = error.kind === 'Unavailable' ? EXIT.unavailable : EXIT.failed;
  const hint =
    error.kind === 'Timeout' ? 'What was under way may have happened: antiphon schema status shows it.' : undefined;
  return new CliError(error.message, { exitCode, cause: error, ...(hint === undefined ? {} : { hint }) });
}

function tell(output: Output, target: SchemaTarget, versions: readonly SchemaVersion[], dryRun: boolean): void {
  const names = versions.map(({ version, description }) => `${version} (${description})`).join(', ');
  const verb = dryRun ? 'would apply' : 'applied';
  output.done(versions.length === 0 ? `${target.name} is up to date` : `${target.name}: ${verb} ${names}`, {
    store: target.name,
    schema: target.schema,
    dryRun,
    versions: versions.map(({ version }) => version),
  });
}

export function addSchemaCommands(program: Command): void {
  const schema = addGroup(program, {
    name: 'schema',
    summary: 'tables of a store; an embedded server brings its own SQLite file up to date',
  });
  // Cadence's tools take them before the command, too.
  declareFlags(schema, CONNECTION_FLAGS);
  addStatus(schema);
  addSetup(schema);
  addUpdate(schema);
  addApply(schema);
  addDryRun(schema);
  addPrint(schema);
  addCreate(schema);
}

function addStatus(schema: Command): void {
  addCommand(schema, {
    name: 'status',
    summary: 'versions applied and pending',
    examples: ['schema status data/antiphon.db', 'schema status -c config/base.yaml'],
    flags: { file: FILE, folder: FOLDER, ...CONNECTION_FLAGS, ...PRINT_FLAGS },
    positional: ['file'],
    async run({ flags, context: { output } }) {
      await onEach(flags, async ({ target, tool }) => {
        const status = await tool.status();
        if (output.format === 'table') output.note(`${target.name}${status.isSetUp ? '' : ' was never set up'}`);
        output.rows(
          ['version', 'state', 'description', 'applied'],
          status.versions.map((version) => ({
            ...version,
            schema: target.schema,
            applied: version.appliedMs === undefined ? undefined : new Date(version.appliedMs).toISOString(),
          })),
          'This release has no schema versions.',
        );
      });
    },
  });
}

function addSetup(schema: Command): void {
  addCommand(schema, {
    name: 'setup',
    aliases: ['setup-schema'],
    summary: 'tables of an empty store, at the newest version',
    details: 'With --version 0.0 only the table of versions, as with Cadence: schema update then makes the others.',
    examples: [
      'schema setup --store postgres --ep db1 --user antiphon --db antiphon',
      'schema --ep 127.0.0.1 -k antiphon setup-schema -v 0.0',
    ],
    flags: { version: VERSION, folder: FOLDER, dryRun: DRY_RUN, quiet: QUIET, ...CONNECTION_FLAGS, ...PRINT_FLAGS },
    async run({ flags, context: { output } }) {
      const toVersion = versionNumber(flags.version);
      await onEach(flags, async ({ target, tool }) => {
        const applied = await tool.setup({ toVersion, dryRun: flags.dryRun });
        if (applied.length > 0 || flags.dryRun) tell(output, target, applied, flags.dryRun);
        else output.done(`${target.name} is set up at version 0`, { store: target.name, versions: [] });
      });
    },
  });
}

function addUpdate(schema: Command): void {
  addCommand(schema, {
    name: 'update',
    aliases: ['update-schema'],
    summary: 'apply what is pending',
    details: 'Servers may run meanwhile, except on SQLite. A version is never taken back.',
    examples: [
      'schema update -c config/base.yaml',
      'schema --plugin mysql --db antiphon update-schema -d schema/mysql',
    ],
    flags: {
      file: FILE,
      version: VERSION,
      folder: FOLDER,
      dryRun: DRY_RUN,
      quiet: QUIET,
      ...CONNECTION_FLAGS,
      ...PRINT_FLAGS,
    },
    positional: ['file'],
    async run({ flags, context: { output } }) {
      const toVersion = versionNumber(flags.version);
      await onEach(flags, async ({ target, tool }) =>
        tell(output, target, await tool.update({ toVersion, dryRun: flags.dryRun }), flags.dryRun),
      );
    },
  });
}

function addApply(schema: Command): void {
  addCommand(schema, {
    name: 'apply',
    summary: 'setup or update, whichever it takes',
    flags: { file: FILE, dryRun: DRY_RUN, ...CONNECTION_FLAGS, ...PRINT_FLAGS },
    positional: ['file'],
    async run({ flags, context: { output } }) {
      await onEach(flags, async ({ target, tool }) =>
        tell(output, target, await tool.apply({ dryRun: flags.dryRun }), flags.dryRun),
      );
    },
  });
}

function addDryRun(schema: Command): void {
  addCommand(schema, {
    name: 'dry-run',
    summary: 'what setup or update would apply',
    flags: { file: FILE, folder: FOLDER, ...CONNECTION_FLAGS, ...PRINT_FLAGS },
    positional: ['file'],
    async run({ flags, context: { output } }) {
      await onEach(flags, async ({ target, tool }) => tell(output, target, await tool.apply({ dryRun: true }), true));
    },
  });
}

function addPrint(schema: Command): void {
  addCommand(schema, {
    name: 'print',
    summary: 'the statements',
    flags: { version: text('version v', 'one version; all when left out', 'version'), ...CONNECTION_FLAGS },
    positional: ['version'],
    async run({ flags }) {
      const version = versionNumber(flags.version);
      await onEach(flags, async ({ tool }) => {
        process.stdout.write(`${tool.print(version)}\n`);
      });
    },
  });
}

function addCreate(schema: Command): void {
  addCommand(schema, {
    name: 'create',
    aliases: ['create-keyspace', 'create-database', 'create-Keyspace'],
    summary: 'make the database or keyspace itself',
    examples: ['schema --ep 127.0.0.1 create -k antiphon --rf 3', 'schema create --store mysql --db antiphon'],
    flags: { quiet: QUIET, ...CONNECTION_FLAGS, ...PRINT_FLAGS },
    async run({ flags, context: { output } }) {
      await onEach(flags, async ({ target }) => {
        if (target.create === undefined) throw new CliError(`${target.name} is made by its first server`);
        const isNew = await target.create();
        output.done(`${target.name} ${isNew ? 'was made' : 'was there already'}`, { store: target.name, isNew });
      });
    },
  });
}
