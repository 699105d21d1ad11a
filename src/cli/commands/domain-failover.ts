// domain failover and list-failover-history; `failover` for short.
import { FailoverDomainRequest, FailoverType, ListFailoverHistoryRequest } from '@antiphon/proto';
import type { Command } from 'commander';
import { usageError } from '../failure.ts';
import { addCommand, PRINT_FLAGS } from '../spec/command.ts';
import { duration, on, or, text } from '../spec/flags.ts';
import { enumName } from '../ui/enum-name.ts';
import type { Row } from '../ui/row-printer.ts';
import { wireDuration } from '../wire-time.ts';
import { describeDomain } from './domain.ts';
import { activeClustersOf, CHANGE_FLAGS, domainNameOf, NAME_FLAG, placesOf } from './domain-flags.ts';

const FLAGS = {
  name: NAME_FLAG,
  activeCluster: text('to ac active-cluster', 'the region that becomes active', 'name'),
  activeClusters: CHANGE_FLAGS.activeClusters,
  activeClustersJson: text('active-clusters-json acs-json', 'the same as JSON: {"scope": {"name": "cluster"}}', 'json'),
  reason: or(text('reason re', 'for the failover history'), ''),
  failoverTimeout: duration('failover-timeout fts', 'a graceful failover: forced after this time'),
};

/** JSON of `{scope: {name: cluster}}` as the values of --active-clusters. */
function fromJson(text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw usageError(`--active-clusters-json is not JSON: ${(cause as Error).message}`);
  }
  const entries = (each: unknown): [string, unknown][] =>
    typeof each === 'object' && each !== null && !Array.isArray(each) ? Object.entries(each) : fail();
  const fail = (): never => {
    throw usageError('--active-clusters-json: expected {"scope": {"name": "cluster"}}');
  };
  return entries(value).flatMap(([scope, names]) =>
    entries(names).map(([name, cluster]) => `${scope}.${name}:${typeof cluster === 'string' ? cluster : fail()}`),
  );
}

function addFailover(parent: Command, aliases: readonly string[]): void {
  addCommand(parent, {
    name: 'failover',
    aliases,
    summary: 'move the writes of a domain to another region, at once',
    details: 'Send it to a region that is up: with the old region lost, to the new one.',
    examples: [
      'failover payments --to region-b --address 127.0.0.1:7834',
      '--do payments domain failover --active_cluster region-b',
      'failover orders --active-clusters region.eu:region-a',
    ],
    flags: FLAGS,
    positional: ['name'],
    async run({ flags, context, connection }) {
      const name = domainNameOf(context, flags.name);
      if (flags.activeClusters.length > 0 && flags.activeClustersJson !== undefined) {
        throw usageError('give one of --active-clusters and --active-clusters-json, not both');
      }
      const activeClusters = activeClustersOf([...flags.activeClusters, ...fromJson(flags.activeClustersJson)]);
      if (!flags.activeCluster && !activeClusters)
        throw usageError('say where to: --to region-b, or --active-clusters region.eu:region-b');
      const { domain } = await connection.domain.failoverDomain(
        FailoverDomainRequest.fromPartial({
          domainName: name,
          reason: flags.reason,
          ...(flags.activeCluster ? { domainActiveClusterName: flags.activeCluster } : {}),
          ...(activeClusters ? { activeClusters } : {}),
          ...(flags.failoverTimeout === undefined ? {} : { failoverTimeout: wireDuration(flags.failoverTimeout) }),
        }),
      );
      context.output.done(`${name} is active in ${placesOf(domain)}, failover version ${domain?.failoverVersion}`, {
        name,
        activeCluster: domain?.activeClusterName,
        failoverVersion: domain?.failoverVersion,
      });
    },
  });
}

export function addFailoverCommands(program: Command, domain: Command): void {
  addFailover(program, []);
  addFailover(domain, ['fo']);
  addCommand(domain, {
    name: 'list-failover-history',
    aliases: ['lfh'],
    summary: 'when a domain was moved, from where and to where',
    flags: { name: NAME_FLAG, all: on('all a', 'every page'), ...PRINT_FLAGS },
    positional: ['name'],
    async run({ flags, context, connection }) {
      const name = flags.name ?? context.domain;
      const described = await describeDomain(connection, name);
      const rows: Row[] = [];
      let nextPageToken: Uint8Array = new Uint8Array();
      do {
        const page = await connection.domain.listFailoverHistory(
          ListFailoverHistoryRequest.fromPartial({
            filters: { domainId: described?.id ?? '' },
            pagination: { pageSize: 100, nextPageToken },
          }),
        );
        for (const event of page.failoverEvents) {
          for (const failover of event.clusterFailovers) {
            rows.push({
              time: event.createdTime,
              type: enumName(FailoverType, event.failoverType, 'FAILOVER_TYPE_'),
              from: failover.fromCluster?.activeClusterName,
              to: failover.toCluster?.activeClusterName,
              version: failover.toCluster?.failoverVersion,
              attribute:
                failover.clusterAttribute && `${failover.clusterAttribute.scope}.${failover.clusterAttribute.name}`,
              eventId: event.id,
            });
          }
        }
        nextPageToken = page.nextPageToken;
      } while (flags.all && nextPageToken.length > 0);
      const columns = ['time', 'type', 'from', 'to', 'version', 'attribute', 'eventId'];
      context.output.rows(columns, rows, `No failover of domain ${name} is known.`);
      if (nextPageToken.length > 0) context.output.note('(there are more: --all)');
    },
  });
}
