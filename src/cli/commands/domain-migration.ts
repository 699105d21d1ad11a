// domain migration: whether a domain of another cluster is ready to take over from one of this. It only looks.
import {
  CountWorkflowExecutionsRequest,
  type Domain,
  EncodingType,
  GetSearchAttributesRequest,
  IndexedValueType,
} from '@antiphon/proto';
import { GetDynamicConfigRequest } from '@antiphon/proto/admin';
import type { Command } from 'commander';
import type { Connection } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { CliError, EXIT, isServiceError, usageError } from '../failure.ts';
import { addCommand, PRINT_FLAGS } from '../spec/command.ts';
import { list, required, text } from '../spec/flags.ts';
import { enumValue } from '../ui/enum-name.ts';
import { plain } from '../ui/plain.ts';
import { describeDomain } from './domain.ts';

interface Check {
  readonly check: string;
  readonly ok: boolean;
  readonly details: string;
}

// What a long-running workflow is, as Cadence's CLI has it.
const LONG_RUNNING_MS = 120 * 86_400_000;

/** Keys of dynamic config that may be set for a domain, or for a task list of it, and that change what its users see. */
const DOMAIN_KEYS = [
  'frontend.domainrps',
  'frontend.domainworkerrps',
  'frontend.domainvisibilityrps',
  'limit.blobSize.error',
  'limit.historySize.error',
  'limit.historyCount.error',
  'history.maximumSignalsPerExecution',
  'history.EnableConsistentQueryByDomain',
] as const;
const TASK_LIST_KEYS = [
  'matching.numTasklistReadPartitions',
  'matching.numTasklistWritePartitions',
  'matching.rps',
] as const;

export function addMigrationCommand(domain: Command): void {
  addCommand(domain, {
    name: 'migration',
    aliases: ['mi'],
    summary: 'check that a domain of another cluster is ready to take over; changes nothing',
    examples: [
      '-d shop domain migration --destination-address new:7833 --destination-domain shop --search-attr OrderId:keyword',
    ],
    flags: {
      destinationAddress: required(text('destination-address', 'the other server', 'host:port')),
      destinationDomain: required(text('destination-domain', 'the domain there', 'name')),
      taskList: list('tasklist tl task-list', 'compare the dynamic config of these task lists, too', 'names'),
      searchAttr: list('search-attr', 'search attributes that both must have, as OrderId:keyword', 'name:type'),
      ...PRINT_FLAGS,
    },
    async run({ flags, context, connection }) {
      const checks = await context.connected(async (other) => {
        const here = { connection, domain: context.domain };
        const there = { connection: other, domain: flags.destinationDomain };
        return [
          await metadataCheck(here, there),
          await openRunsCheck(here),
          await dynamicConfigCheck(here, there, flags.taskList),
          await searchAttributesCheck(here, there, flags.searchAttr),
        ];
      }, flags.destinationAddress);
      report(context, checks);
    },
  });
}

function report(context: CliContext, checks: readonly Check[]): void {
  context.output.rows(
    ['check', 'ok', 'details'],
    checks.map((each) => ({ ...each, ok: each.ok ? 'yes' : 'NO' })),
    '',
  );
  const failed = checks.filter((each) => !each.ok);
  if (failed.length > 0) {
    const names = failed.map((each) => each.check).join(', ');
    throw new CliError(`not ready: ${names}`, { exitCode: EXIT.failed });
  }
}

interface Side {
  readonly connection: Connection;
  readonly domain: string;
}

async function metadataCheck(here: Side, there: Side): Promise<Check> {
  const [ours, theirs] = await Promise.all([here, there].map((side) => describeDomain(side.connection, side.domain)));
  const compared = (domain: Domain | undefined): Record<string, unknown> => ({
    owner: domain?.ownerEmail,
    retention: plain(domain?.workflowExecutionRetentionPeriod, {}, 'retention'),
    historyArchivalStatus: domain?.historyArchivalStatus,
    historyArchivalUri: domain?.historyArchivalUri,
    visibilityArchivalStatus: domain?.visibilityArchivalStatus,
    visibilityArchivalUri: domain?.visibilityArchivalUri,
    badBinaries: Object.keys(domain?.badBinaries?.binaries ?? {})
      .sort()
      .join(','),
    isolationGroups: plain(domain?.isolationGroups),
    asyncWorkflowConfig: plain(domain?.asyncWorkflowConfig),
  });
  const [a, b] = [compared(ours), compared(theirs)];
  const different = Object.keys(a).filter((key) => JSON.stringify(a[key]) !== JSON.stringify(b[key]));
  return {
    check: 'settings of the domain',
    ok: different.length === 0,
    details: different
      .map((key) => `${key}: ${JSON.stringify(a[key])} here, ${JSON.stringify(b[key])} there`)
      .join('; '),
  };
}

async function openRunsCheck({ connection, domain }: Side): Promise<Check> {
  const before = BigInt(Date.now() - LONG_RUNNING_MS) * 1_000_000n;
  const { count } = await connection.visibility.countWorkflowExecutions(
    CountWorkflowExecutionsRequest.fromPartial({ domain, query: `CloseTime = missing AND StartTime < ${before}` }),
  );
  const what = count === 0n ? 'no' : String(count);
  return { check: 'long-running workflows', ok: count === 0n, details: `${what} open runs older than 120 days` };
}

/** The effective value as JSON; undefined where the server has no such key. */
async function configValue(side: Side, configName: string, taskList?: string): Promise<string | undefined> {
  const filter = (name: string, value: string) => ({
    name,
    value: { encodingType: EncodingType.ENCODING_TYPE_JSON, data: Buffer.from(JSON.stringify(value)) },
  });
  try {
    const { value } = await side.connection.admin.getDynamicConfig(
      GetDynamicConfigRequest.fromPartial({
        configName,
        filters: [
          filter('domainName', side.domain),
          ...(taskList === undefined ? [] : [filter('taskListName', taskList)]),
        ],
      }),
    );
    return Buffer.from(value?.data ?? []).toString();
  } catch (error) {
    if (!isServiceError(error) || error.kind === 'Unavailable') throw error;
    return undefined;
  }
}

async function dynamicConfigCheck(here: Side, there: Side, taskLists: readonly string[]): Promise<Check> {
  const different: string[] = [];
  const compare = async (key: string, taskList?: string): Promise<void> => {
    const [a, b] = await Promise.all([configValue(here, key, taskList), configValue(there, key, taskList)]);
    const where = taskList === undefined ? key : `${key} of ${taskList}`;
    if (a !== b) different.push(`${where}: ${a ?? 'unknown'} here, ${b ?? 'unknown'} there`);
  };
  for (const key of DOMAIN_KEYS) await compare(key);
  for (const taskList of taskLists) for (const key of TASK_LIST_KEYS) await compare(key, taskList);
  return { check: 'dynamic config', ok: different.length === 0, details: different.join('; ') };
}

async function searchAttributesCheck(here: Side, there: Side, wanted: readonly string[]): Promise<Check> {
  const missing: string[] = [];
  for (const [where, side] of [
    ['here', here],
    ['there', there],
  ] as const) {
    const { keys } = await side.connection.visibility.getSearchAttributes(GetSearchAttributesRequest.fromPartial({}));
    for (const each of wanted) {
      const [name = '', typed = ''] = each.split(':');
      const type = enumValue<IndexedValueType>(IndexedValueType, typed, 'INDEXED_VALUE_TYPE_');
      if (type === undefined)
        throw usageError(`--search-attr: expected name:type, as OrderId:keyword, and got "${each}"`);
      if (keys[name] !== type) missing.push(`${each} ${where}`);
    }
  }
  const details = missing.length === 0 ? '' : `missing: ${missing.join(', ')}`;
  return { check: 'search attributes', ok: missing.length === 0, details };
}
