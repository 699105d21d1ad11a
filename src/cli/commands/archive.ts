// archive list|show|verify: reads archives where they are, with no server. With --store the proof also covers what the region remembers as the
// newest manifest, so that a cut-off chain is noticed.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import type { Finding } from '#archival';
import { contextOf } from '../context.ts';
import { CliError, usageError } from '../failure.ts';
import { addCommand } from '../spec/command.ts';
import { or, required, text, whole } from '../spec/flags.ts';
import { eventLine, eventRecord, eventTimeMs } from '../ui/event-line.ts';
import { historyEvents } from './follow.ts';
import { RUN_FLAGS, runOf } from './run-flags.ts';
import { COLUMN_FLAGS, printRuns } from './workflow-list.ts';

interface PlaceOptions {
  uri: string;
  cluster: string;
  store?: string;
}

const placeOptions = (command: Command): Command =>
  command
    .requiredOption('--uri <uri>', 'the archive, as file:///var/lib/antiphon/archive, or a folder')
    .option('--cluster <name>', 'the region that wrote it', 'region-a')
    .option('--store <file>', "that region's antiphon.db, to compare with what it remembers");

const uriOf = (text: string): string =>
  /^[a-z0-9+-]+:\/\//i.test(text) ? text : pathToFileURL(path.resolve(text)).href;

export function addArchiveCommands(program: Command): void {
  const archive = program.command('archive').description('closed histories in long-term storage');
  addList(archive);
  addShow(archive);
  addVerify(archive);
}

function addList(archive: Command): void {
  addCommand(archive, {
    name: 'list',
    summary: 'archived runs of the domain (of a running server)',
    flags: {
      query: or(text('query q', `as "WorkflowType = 'order' AND CloseTime > '2026-01-01T00:00:00Z'"`, 'query'), ''),
      limit: or(whole('limit n', 'at most so many'), 50),
      ...COLUMN_FLAGS,
    },
    async run({ flags, context, connection }) {
      const how = { method: 'archived', query: flags.query, pageSize: flags.limit, pages: 'one' } as const;
      await printRuns(context, connection, flags, how);
    },
  });
}

function addShow(archive: Command): void {
  addCommand(archive, {
    name: 'show',
    summary: 'the history of an archived run (of a running server)',
    flags: { workflowId: RUN_FLAGS.workflowId, runId: required(RUN_FLAGS.runId) },
    positional: ['workflowId', 'runId'],
    async run({ flags, context, connection }) {
      let startMs: number | undefined;
      let archived = false;
      for await (const event of historyEvents(context, connection, runOf(flags), false)) {
        startMs ??= eventTimeMs(event);
        archived ||= event.archived === true;
        context.output.line(eventLine(event, startMs), eventRecord(event));
      }
      context.output.note(
        archived ? '(from the archive)' : '(still in the store of the region; retention has not deleted it yet)',
      );
    },
  });
}

function addVerify(archive: Command): void {
  placeOptions(archive.command('verify').argument('<domain>', 'domain name or id'))
    .description("prove that nothing of a domain's archive was changed, removed or reordered")
    .option('--from <day>', 'check contents from this close day on, as 2026-11-21')
    .option('--to <day>', 'up to this day')
    .addHelpText('after', '\nExits with 1 when the proof fails; each finding names its object.')
    .action(async (domain: string, options: PlaceOptions & { from?: string; to?: string }, command: Command) => {
      const { output } = contextOf(command);
      const day = (text: string | undefined): string | undefined => text?.replaceAll('-', '/');
      if (options.store !== undefined && !fs.existsSync(options.store))
        throw usageError(`there is no store ${options.store}`);
      const { openOfflineArchive } = await import('#server');
      const archive = await openOfflineArchive({
        uri: uriOf(options.uri),
        domain,
        cluster: options.cluster,
        storeFile: options.store,
      });
      const report = await archive.inspector
        .verify(archive.name, { fromDay: day(options.from), toDay: day(options.to) })
        .finally(archive.close);
      const { findings, ...figures } = report;
      if (output.format === 'table') {
        for (const finding of findings)
          output.line(`${finding.kind}  ${finding.key}\n    ${finding.detail}`, finding satisfies Finding);
      }
      if (!report.isIntact) {
        if (output.format !== 'table') output.record(report);
        throw new CliError(`the archive of ${report.domain} is NOT intact: ${findings.length} findings`);
      }
      output.done(
        `the archive of ${report.domain} is intact: ${counted(figures.manifests, 'manifest')}, ` +
          `${counted(figures.partsChecked, 'object')}, ${counted(figures.runsChecked, 'run')}, ` +
          `${counted(figures.eventsChecked, 'event')}\n  head ${figures.headSha256}`,
        report,
      );
    });
}

const counted = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;
