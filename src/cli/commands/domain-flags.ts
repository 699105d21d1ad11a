// Which domain a domain command means, and flags that make or change one.
import { ArchivalStatus, type Domain, DomainStatus } from '@antiphon/proto';
import type { CliContext } from '../context.ts';
import { usageError } from '../failure.ts';
import { days, list, oneOf, pairs, text } from '../spec/flags.ts';
import { enumName } from '../ui/enum-name.ts';
import type { Row } from '../ui/row-printer.ts';
import { durationText } from '../wire-time.ts';

/** `domain describe shop`, as well as Cadence's `--do shop domain describe`. */
export const NAME_FLAG = text('name', 'name of the domain; --domain says it, too', 'name');

export function domainNameOf(context: CliContext, name: string | undefined): string {
  const given = name ?? context.givenDomain;
  if (!given) throw usageError('say which domain: give its name, or --domain');
  return given;
}

export const CHANGE_FLAGS = {
  description: text('description desc', 'what it is for'),
  owner: text('owner oe owner-email', 'who answers for it', 'email'),
  retention: days('retention rd', 'how long closed runs are kept: days, or a duration such as 12h'),
  activeCluster: text('active-cluster ac', 'the region that takes the writes', 'name'),
  activeClusters: list(
    'active-clusters acs',
    'active-active: the active region of each attribute, as region.manila:region-a',
    'scope.name:cluster',
  ),
  clusters: list('clusters cl', 'the regions that it is in, as region-a,region-b', 'names'),
  domainData: pairs('domain-data dmd', 'further facts, as team=blue,tier=1'),
  securityToken: text('security-token st', 'where the server asks for one', 'token'),
  historyArchivalStatus: oneOf('history-archival-status has', 'archive closed histories', ['disabled', 'enabled']),
  historyUri: text('history-uri huri', 'where to', 'uri'),
  visibilityArchivalStatus: oneOf('visibility-archival-status vas', 'archive visibility records', [
    'disabled',
    'enabled',
  ]),
  visibilityUri: text('visibility-uri vuri', 'where to', 'uri'),
};

export const archivalStatusOf = (status: 'disabled' | 'enabled' | undefined): ArchivalStatus =>
  status === 'enabled'
    ? ArchivalStatus.ARCHIVAL_STATUS_ENABLED
    : status === 'disabled'
      ? ArchivalStatus.ARCHIVAL_STATUS_DISABLED
      : ArchivalStatus.ARCHIVAL_STATUS_INVALID;

type Attributes = Record<string, { clusterAttributes: Record<string, { activeClusterName: string }> }>;

/** `scope.name:cluster` each, to the message. */
export function activeClustersOf(
  typed: readonly string[],
): { activeClustersByClusterAttribute: Attributes } | undefined {
  if (typed.length === 0) return undefined;
  const scopes: Attributes = {};
  for (const each of typed) {
    const match = /^([^.:]+)\.([^:]+):(.+)$/.exec(each);
    if (!match) throw usageError(`--active-clusters: expected scope.name:cluster, and got "${each}"`);
    const [, scope = '', name = '', activeClusterName = ''] = match;
    scopes[scope] ??= { clusterAttributes: {} };
    const { clusterAttributes } = scopes[scope];
    if (clusterAttributes[name]) throw usageError(`--active-clusters names ${scope}.${name} twice`);
    clusterAttributes[name] = { activeClusterName };
  }
  return { activeClustersByClusterAttribute: scopes };
}

/** `region.eu:region-b` each, as --active-clusters takes them; undefined for a domain that is active in one region. */
function attributesOf(domain: Domain): readonly string[] | undefined {
  const scopes = Object.entries(domain.activeClusters?.activeClustersByClusterAttribute ?? {});
  if (scopes.length === 0) return undefined;
  const typed = scopes.flatMap(([scope, { clusterAttributes }]) =>
    Object.entries(clusterAttributes).map(([name, { activeClusterName }]) => `${scope}.${name}:${activeClusterName}`),
  );
  return typed.sort();
}

/** Where it is active, in words. */
export function placesOf(domain: Domain | undefined): string {
  const attributes = domain && attributesOf(domain);
  return [domain?.activeClusterName, ...(attributes ?? [])].join(', ');
}

export const statusOf = (domain: Domain | undefined): string =>
  enumName(DomainStatus, domain?.status ?? -1, 'DOMAIN_STATUS_');

/** A domain that was never told to archive does not. */
const archivalOf = (status: ArchivalStatus): string =>
  enumName(ArchivalStatus, status || ArchivalStatus.ARCHIVAL_STATUS_DISABLED, 'ARCHIVAL_STATUS_');

export const domainRow = (domain: Domain): Row => ({
  name: domain.name,
  status: statusOf(domain),
  global: domain.isGlobalDomain,
  active: domain.activeClusterName,
  activeClusters: attributesOf(domain)?.join(','),
  clusters: domain.clusters.map((cluster) => cluster.clusterName).join(','),
  version: domain.isGlobalDomain ? domain.failoverVersion : undefined,
  retention: domain.workflowExecutionRetentionPeriod && durationText(domain.workflowExecutionRetentionPeriod),
  id: domain.id,
  historyArchival: archivalOf(domain.historyArchivalStatus),
  historyUri: domain.historyArchivalUri,
  visibilityArchival: archivalOf(domain.visibilityArchivalStatus),
  visibilityUri: domain.visibilityArchivalUri,
  owner: domain.ownerEmail,
  data: domain.data,
});
