// audit list: who changed what.
import { type AuditRecord, ListAuditRecordsRequest } from '@antiphon/proto/audit';
import type { Command } from 'commander';
import { addCommand, addGroup, PRINT_FLAGS } from '../spec/command.ts';
import { instant, on, or, text, whole } from '../spec/flags.ts';
import { wireTime } from '../wire-time.ts';

const COLUMNS = ['time', 'who', 'operation', 'domain', 'outcome', 'peer'];
const LIMIT = 100;
const PAGE = 200;

export function addAuditCommands(program: Command): void {
  const audit = addGroup(program, {
    name: 'audit',
    summary: 'who changed what: domains, dynamic config, shards, queues',
  });
  addCommand(audit, {
    name: 'list',
    aliases: ['l'],
    summary: 'the newest changes, and attempts that were refused',
    details: 'Needs an admin. A record of outcome "unknown" is of a call during which the server ended.',
    examples: [
      'audit list --domain-name payments',
      'audit list --operation UpdateDynamicConfig --since 7d --details',
      'audit list --all -o jsonl > audit.jsonl',
    ],
    flags: {
      operation: text('operation op', 'name of the RPC', 'name'),
      domainName: text('domain-name dn', 'changes of this domain', 'name'),
      who: text('who principal', 'whom the caller proved to be', 'name'),
      outcome: text('outcome', 'ok, unknown, or the kind of an error: AccessDenied', 'kind'),
      since: instant('since earliest-time', 'not before'),
      until: instant('until latest-time', 'not after'),
      limit: or(whole('limit', 'how many at most'), LIMIT),
      all: on('all', 'all that are kept'),
      details: on('details', 'with request, before and after'),
      ...PRINT_FLAGS,
    },
    async run({ flags, context, connection }) {
      const most = flags.all ? Number.MAX_SAFE_INTEGER : (flags.limit ?? LIMIT);
      const rows: AuditRow[] = [];
      let nextPageToken: Uint8Array = new Uint8Array();
      do {
        const page = await connection.audit.listAuditRecords(
          ListAuditRecordsRequest.fromPartial({
            pageSize: Math.min(PAGE, most - rows.length),
            nextPageToken,
            operation: flags.operation ?? '',
            domain: flags.domainName ?? '',
            principal: flags.who ?? '',
            outcome: flags.outcome ?? '',
            earliestTime: flags.since === undefined ? undefined : wireTime(flags.since),
            latestTime: flags.until === undefined ? undefined : wireTime(flags.until),
          }),
        );
        rows.push(...page.records.map(rowOf));
        nextPageToken = page.nextPageToken;
      } while (nextPageToken.length > 0 && rows.length < most);
      if (flags.details && context.output.format === 'table') for (const row of rows) context.output.record(row);
      else context.output.rows(COLUMNS, rows, 'Nothing was changed, as far as the audit goes back.');
    },
  });
}

type AuditRow = Readonly<Record<string, unknown>>;

const rowOf = ({ principal, before, after, request, ...record }: AuditRecord): AuditRow => ({
  ...record,
  who: principal === '' ? 'not authenticated' : principal,
  request: parsed(request),
  before: parsed(before),
  after: parsed(after),
});

/** JSON that was cut is shown as the text that it is. */
function parsed(json: string): unknown {
  if (json === '') return undefined;
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}
