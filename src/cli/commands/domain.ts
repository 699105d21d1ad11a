// domain register, describe, list, update, deprecate, delete. They are in `admin domain` too, where Cadence's CLI has some of them.
import {
  CountWorkflowExecutionsRequest,
  DeleteDomainRequest,
  DeprecateDomainRequest,
  DescribeDomainRequest,
  type Domain,
  DomainStatus,
  ListDomainsRequest,
  RegisterDomainRequest,
  UpdateDomainRequest,
} from '@antiphon/proto';
import type { Command } from 'commander';
import type { Connection } from '../connection.ts';
import { CliError, EXIT, isServiceError, usageError } from '../failure.ts';
import { addCommand, PRINT_FLAGS } from '../spec/command.ts';
import { duration, on, oneOf, or, text, type ValuesOf, whole, yesOrNo } from '../spec/flags.ts';
import { confirm } from '../ui/prompt.ts';
import { wireDuration } from '../wire-time.ts';
import {
  activeClustersOf,
  archivalStatusOf,
  CHANGE_FLAGS,
  domainNameOf,
  domainRow,
  NAME_FLAG,
  placesOf,
  statusOf,
} from './domain-flags.ts';
import { operator } from './run-flags.ts';

const RETENTION_SECONDS = 7 * 86_400;

export function addDomainCommands(group: Command): void {
  addRegister(group);
  addUpdate(group);
  addDescribe(group);
  addList(group);
  addDeprecate(group);
  addDelete(group);
}

function addRegister(domain: Command): void {
  addCommand(domain, {
    name: 'register',
    aliases: ['re'],
    summary: 'make a domain',
    details: 'It is a global one, which can be in several regions, unless --global-domain false.',
    examples: [
      'domain register shop --retention 30',
      'domain register payments --clusters region-a,region-b --active-cluster region-a --archive',
      'domain register orders --clusters region-a,region-b --active-clusters region.us:region-a,region.eu:region-b',
    ],
    flags: {
      name: NAME_FLAG,
      ...CHANGE_FLAGS,
      retention: or(CHANGE_FLAGS.retention, RETENTION_SECONDS),
      globalDomain: or(yesOrNo('global-domain gd', 'whether it can be in several regions'), true),
      archive: on('archive', 'archive both histories and visibility records'),
    },
    positional: ['name'],
    async run({ flags, context, connection }) {
      const name = domainNameOf(context, flags.name);
      const activeClusters = activeClustersOf(flags.activeClusters);
      await connection.domain.registerDomain(
        RegisterDomainRequest.fromPartial({
          name,
          description: flags.description ?? '',
          ownerEmail: flags.owner ?? '',
          data: flags.domainData,
          workflowExecutionRetentionPeriod: wireDuration(flags.retention),
          isGlobalDomain: flags.globalDomain,
          clusters: flags.clusters.map((clusterName) => ({ clusterName })),
          activeClusterName: flags.activeCluster ?? flags.clusters[0] ?? '',
          ...(activeClusters ? { activeClusters } : {}),
          securityToken: flags.securityToken ?? '',
          historyArchivalStatus: archivalStatusOf(
            flags.historyArchivalStatus ?? (flags.archive ? 'enabled' : undefined),
          ),
          historyArchivalUri: flags.historyUri ?? '',
          visibilityArchivalStatus: archivalStatusOf(
            flags.visibilityArchivalStatus ?? (flags.archive ? 'enabled' : undefined),
          ),
          visibilityArchivalUri: flags.visibilityUri ?? '',
        }),
      );
      context.output.done(`registered ${name}`, { name });
    },
  });
}

const UPDATE_FLAGS = {
  name: NAME_FLAG,
  ...CHANGE_FLAGS,
  addBadBinary: text('add-bad-binary', 'refuse workers with this binary checksum, and reset what it did', 'checksum'),
  removeBadBinary: text('remove-bad-binary', 'take it back', 'checksum'),
  reason: text('reason re', 'why the binary is bad'),
  failoverType: oneOf('failover-type ft', 'with --active-cluster', ['force', 'grace']),
  failoverTimeoutSeconds: or(duration('failover-timeout-seconds fts', 'with grace: forced after this time'), 60),
};

/** The changed fields, each with the name of its path in the update mask. */
function changesOf(flags: ValuesOf<typeof UPDATE_FLAGS>): readonly (readonly [path: string, fields: object])[] {
  const changes: [string, object | undefined][] = [
    ['description', flags.description === undefined ? undefined : { description: flags.description }],
    ['owner_email', flags.owner === undefined ? undefined : { ownerEmail: flags.owner }],
    ['data', Object.keys(flags.domainData).length === 0 ? undefined : { data: flags.domainData }],
    [
      'workflow_execution_retention_period',
      flags.retention === undefined ? undefined : { workflowExecutionRetentionPeriod: wireDuration(flags.retention) },
    ],
    [
      'clusters',
      flags.clusters.length === 0 ? undefined : { clusters: flags.clusters.map((clusterName) => ({ clusterName })) },
    ],
    [
      'history_archival_status',
      flags.historyArchivalStatus && { historyArchivalStatus: archivalStatusOf(flags.historyArchivalStatus) },
    ],
    ['history_archival_uri', flags.historyUri === undefined ? undefined : { historyArchivalUri: flags.historyUri }],
    [
      'visibility_archival_status',
      flags.visibilityArchivalStatus && { visibilityArchivalStatus: archivalStatusOf(flags.visibilityArchivalStatus) },
    ],
    [
      'visibility_archival_uri',
      flags.visibilityUri === undefined ? undefined : { visibilityArchivalUri: flags.visibilityUri },
    ],
    ['bad_binaries', badBinaryOf(flags)],
    ['delete_bad_binary', flags.removeBadBinary === undefined ? undefined : { deleteBadBinary: flags.removeBadBinary }],
  ];
  return changes.filter((change): change is [string, object] => change[1] !== undefined);
}

function badBinaryOf({ addBadBinary, reason }: { addBadBinary: string | undefined; reason: string | undefined }) {
  if (addBadBinary === undefined) return undefined;
  if (!reason) throw usageError('--add-bad-binary needs --reason');
  return { badBinaries: { binaries: { [addBadBinary]: { reason, operator: operator() } } } };
}

/** A failover is a change of its own, as the server wants it. */
function failoverOf(flags: ValuesOf<typeof UPDATE_FLAGS>): readonly (readonly [path: string, fields: object])[] {
  const activeClusters = activeClustersOf(flags.activeClusters);
  return [
    ...(flags.activeCluster === undefined
      ? []
      : [['active_cluster_name', { activeClusterName: flags.activeCluster }] as const]),
    ...(activeClusters ? [['active_clusters', { activeClusters }] as const] : []),
    ...(flags.failoverType === 'grace'
      ? [['failover_timeout', { failoverTimeout: wireDuration(flags.failoverTimeoutSeconds) }] as const]
      : []),
  ];
}

function addUpdate(domain: Command): void {
  addCommand(domain, {
    name: 'update',
    aliases: ['up', 'u'],
    summary: 'change what is given; or, with --active-cluster or --active-clusters, fail it over',
    examples: [
      'domain update shop --retention 90 --domain-data tier=1',
      'domain update shop --add-bad-binary 3f2a --reason "double payments"',
      'domain update payments --active-cluster region-b --failover-type grace',
      'domain update orders --active-clusters region.asia:region-b',
    ],
    flags: UPDATE_FLAGS,
    positional: ['name'],
    async run({ flags, context, connection }) {
      const name = domainNameOf(context, flags.name);
      const failover = failoverOf(flags);
      const changes = changesOf(flags);
      if (failover.length > 0 && changes.length > 0) {
        throw usageError('a failover is a change of its own: give --active-cluster without other changes');
      }
      const all = [...failover, ...changes];
      if (all.length === 0) throw usageError('nothing to change: give one of the flags, as --description');
      const { domain: changed } = await connection.domain.updateDomain(
        UpdateDomainRequest.fromPartial({
          name,
          securityToken: flags.securityToken ?? '',
          updateMask: all.map(([path]) => path),
          ...Object.assign({}, ...all.map(([, fields]) => fields)),
        }),
      );
      const what = failover.length > 0 ? `${name} is active in ${placesOf(changed)}` : `updated ${name}`;
      context.output.done(what, { name, activeCluster: changed?.activeClusterName });
    },
  });
}

export async function describeDomain(connection: Connection, name: string): Promise<Domain | undefined> {
  const request = DescribeDomainRequest.fromPartial({ describeBy: { $case: 'name', value: name } });
  return (await connection.domain.describeDomain(request)).domain;
}

function addDescribe(domain: Command): void {
  addCommand(domain, {
    name: 'describe',
    aliases: ['desc'],
    summary: 'all there is to know of a domain',
    examples: ['domain describe shop', 'domain describe --domain-id 3b9f0a52-7b1c-4f0e-9c4e-0a4a4f7f2a11'],
    flags: { name: NAME_FLAG, domainId: text('domain-id', 'its id, instead of the name', 'id'), ...PRINT_FLAGS },
    positional: ['name'],
    async run({ flags, context, connection }) {
      const described =
        flags.domainId === undefined
          ? await describeDomain(connection, flags.name ?? context.domain)
          : (
              await connection.domain.describeDomain(
                DescribeDomainRequest.fromPartial({ describeBy: { $case: 'id', value: flags.domainId } }),
              )
            ).domain;
      context.output.record({ ...described, status: statusOf(described) });
    },
  });
}

export async function allDomains(connection: Connection): Promise<readonly Domain[]> {
  const domains: Domain[] = [];
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const page = await connection.domain.listDomains(ListDomainsRequest.fromPartial({ pageSize: 200, nextPageToken }));
    domains.push(...page.domains);
    nextPageToken = page.nextPageToken;
  } while (nextPageToken.length > 0);
  return domains;
}

const COLUMNS = ['name', 'status', 'global', 'active', 'clusters', 'version', 'retention', 'id'];
const MORE_COLUMNS = [
  'activeClusters',
  'historyArchival',
  'historyUri',
  'visibilityArchival',
  'visibilityUri',
  'owner',
  'data',
];

function addList(domain: Command): void {
  addCommand(domain, {
    name: 'list',
    aliases: ['l', 'ls'],
    summary: 'every domain that is not deprecated',
    flags: {
      all: on('all a', 'the deprecated ones, too'),
      deprecated: on('deprecated dep', 'only the deprecated ones'),
      prefix: or(text('prefix', 'only names that begin so'), ''),
      pagesize: whole('pagesize ps', 'at most so many'),
      printFull: on('print-full pf', 'every column'),
      ...PRINT_FLAGS,
    },
    async run({ flags, context, connection }) {
      if (flags.all && flags.deprecated) throw usageError('give one of --all and --deprecated, not both');
      const isWanted = ({ status }: Domain): boolean =>
        flags.all || (status === DomainStatus.DOMAIN_STATUS_REGISTERED) !== flags.deprecated;
      const rows = (await allDomains(connection))
        .filter((each) => isWanted(each) && each.name.startsWith(flags.prefix))
        .slice(0, flags.pagesize)
        .map(domainRow);
      const columns = flags.printFull ? [...COLUMNS, ...MORE_COLUMNS] : COLUMNS;
      context.output.rows(columns, rows, 'No domains. Make one: antiphon domain register NAME');
    },
  });
}

function addDeprecate(domain: Command): void {
  addCommand(domain, {
    name: 'deprecate',
    aliases: ['dep'],
    summary: 'allow no new runs; running ones go on',
    flags: {
      name: NAME_FLAG,
      securityToken: CHANGE_FLAGS.securityToken,
      force: on('force f', 'even when runs are open'),
      yes: on('yes y', 'do not ask'),
    },
    positional: ['name'],
    async run({ flags, context, connection }) {
      const name = domainNameOf(context, flags.name);
      const open = flags.force ? 0 : await openRuns(connection, name);
      if (open > 0) {
        throw new CliError(`domain ${name} has ${open} open runs`, {
          exitCode: EXIT.refused,
          hint:
            'They would go on. Give --force, or end them: ' +
            `antiphon workflow batch start -d ${name} -q 'CloseTime = missing' --batch-type terminate --reason …`,
        });
      }
      await confirm(`Deprecate domain ${name}?`, { yes: flags.yes, inScripts: 'go-on' });
      await connection.domain.deprecateDomain(
        DeprecateDomainRequest.fromPartial({ name, securityToken: flags.securityToken ?? '' }),
      );
      context.output.done(`deprecated ${name}`, { name });
    },
  });
}

async function openRuns(connection: Connection, domain: string): Promise<number> {
  const request = CountWorkflowExecutionsRequest.fromPartial({ domain, query: 'CloseTime = missing' });
  return Number((await connection.visibility.countWorkflowExecutions(request)).count);
}

function addDelete(domain: Command): void {
  addCommand(domain, {
    name: 'delete',
    aliases: ['del'],
    summary: 'delete a deprecated domain that has no runs any more',
    flags: { name: NAME_FLAG, securityToken: CHANGE_FLAGS.securityToken, yes: on('yes y', 'do not ask') },
    positional: ['name'],
    async run({ flags, context, connection }) {
      const name = domainNameOf(context, flags.name);
      const described = await describeDomain(connection, name);
      await confirm(`Delete domain ${name} (${statusOf(described)}, id ${described?.id})?`, {
        yes: flags.yes,
        inScripts: 'ask',
      });
      try {
        await connection.domain.deleteDomain(
          DeleteDomainRequest.fromPartial({ name, securityToken: flags.securityToken ?? '' }),
        );
      } catch (error) {
        if (!isServiceError(error) || error.kind !== 'BadRequest') throw error;
        const hint = `First: antiphon domain deprecate ${name}; then wait until retention has taken its runs.`;
        throw new CliError(error.message, { exitCode: EXIT.refused, hint, cause: error });
      }
      context.output.done(`deleted ${name}`, { name });
    },
  });
}
