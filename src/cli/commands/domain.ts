// domain register|describe|list|update|deprecate, and failover.
import {
  ArchivalStatus,
  DeprecateDomainRequest,
  DescribeDomainRequest,
  type Domain,
  DomainStatus,
  FailoverDomainRequest,
  ListDomainsRequest,
  RegisterDomainRequest,
  UpdateDomainRequest,
} from '@antiphon/proto';
import type { Command } from 'commander';
import { contextOf, duration, seconds } from '../context.ts';
import { usageError } from '../failure.ts';

interface RegisterOptions {
  description: string;
  owner: string;
  retention: number;
  clusters?: string;
  activeCluster?: string;
  archive?: boolean;
}

const statusOf = (domain: Domain | undefined): string =>
  Object.entries(DomainStatus)
    .find(([, value]) => value === domain?.status)?.[0]
    .replace('DOMAIN_STATUS_', '')
    .toLowerCase() ?? 'unknown';

const row = (domain: Domain): Record<string, unknown> => ({
  name: domain.name,
  status: statusOf(domain),
  global: domain.isGlobalDomain,
  active: domain.activeClusterName,
  clusters: domain.clusters.map((cluster) => cluster.clusterName).join(','),
  version: domain.isGlobalDomain ? domain.failoverVersion : undefined,
  retention: domain.workflowExecutionRetentionPeriod,
  id: domain.id,
});

export function addDomainCommands(program: Command): void {
  const domain = program.command('domain').description('domains: the tenants of a server');
  addRegister(domain);
  addUpdate(domain);
  domain
    .command('describe')
    .argument('<name>')
    .description('all there is to know of a domain')
    .action(async (name: string, _options: object, command: Command) => {
      const context = contextOf(command);
      await context.connected(async (connection) => {
        const response = await connection.domain.describeDomain(
          DescribeDomainRequest.fromPartial({ describeBy: { $case: 'name', value: name } }),
        );
        context.output.record({ ...response.domain, status: statusOf(response.domain) });
      });
    });
  domain
    .command('list')
    .description('every domain')
    .action(async (_options: object, command: Command) => {
      const context = contextOf(command);
      await context.connected(async (connection) => {
        const domains: Domain[] = [];
        let nextPageToken: Uint8Array = new Uint8Array();
        do {
          const page = await connection.domain.listDomains(
            ListDomainsRequest.fromPartial({ pageSize: 200, nextPageToken }),
          );
          domains.push(...page.domains);
          nextPageToken = page.nextPageToken;
        } while (nextPageToken.length > 0);
        context.output.rows(
          ['name', 'status', 'global', 'active', 'clusters', 'version', 'retention', 'id'],
          domains.map(row),
          'No domains yet. Make one: antiphon domain register NAME',
        );
      });
    });
  domain
    .command('deprecate')
    .argument('<name>')
    .description('allow no new runs; running ones go on')
    .action(async (name: string, _options: object, command: Command) => {
      const context = contextOf(command);
      await context.connected(async (connection) => {
        await connection.domain.deprecateDomain(DeprecateDomainRequest.fromPartial({ name }));
        context.output.done(`deprecated ${name}`, { name });
      });
    });
  addFailover(program);
}

function addRegister(domain: Command): void {
  domain
    .command('register')
    .argument('<name>')
    .description('make a domain')
    .option('--description <text>', '', '')
    .option('--owner <email>', '', '')
    .option('--retention <duration>', 'how long closed runs are kept', seconds, 7 * 86_400)
    .option('--clusters <names>', 'replicate to these regions, as region-a,region-b')
    .option('--active-cluster <name>', 'region that takes the writes; the first of --clusters by default')
    .option('--archive', 'archive closed histories before retention deletes them')
    .action(async (name: string, options: RegisterOptions, command: Command) => {
      const context = contextOf(command);
      const clusters = options.clusters?.split(',').map((cluster) => cluster.trim()) ?? [];
      await context.connected(async (connection) => {
        const archival = options.archive
          ? ArchivalStatus.ARCHIVAL_STATUS_ENABLED
          : ArchivalStatus.ARCHIVAL_STATUS_INVALID;
        await connection.domain.registerDomain(
          RegisterDomainRequest.fromPartial({
            name,
            description: options.description,
            ownerEmail: options.owner,
            workflowExecutionRetentionPeriod: duration(options.retention),
            isGlobalDomain: clusters.length > 0,
            clusters: clusters.map((clusterName) => ({ clusterName })),
            activeClusterName: options.activeCluster ?? clusters[0] ?? '',
            historyArchivalStatus: archival,
            visibilityArchivalStatus: archival,
          }),
        );
        context.output.done(`registered ${name}`, { name });
      });
    });
}

function addUpdate(domain: Command): void {
  domain
    .command('update')
    .argument('<name>')
    .description('change what is given')
    .option('--description <text>')
    .option('--owner <email>')
    .option('--retention <duration>', 'how long closed runs are kept', seconds)
    .action(
      async (name: string, options: { description?: string; owner?: string; retention?: number }, command: Command) => {
        const context = contextOf(command);
        const changes = {
          ...(options.description === undefined ? {} : { description: options.description }),
          ...(options.owner === undefined ? {} : { ownerEmail: options.owner }),
          ...(options.retention === undefined ? {} : { workflowExecutionRetentionPeriod: duration(options.retention) }),
        };
        const masks: Record<string, string> = {
          description: 'description',
          ownerEmail: 'owner_email',
          workflowExecutionRetentionPeriod: 'workflow_execution_retention_period',
        };
        const updateMask = Object.keys(changes).map((key) => masks[key] as string);
        if (updateMask.length === 0) throw usageError('nothing to change: give --description, --owner or --retention');
        await context.connected(async (connection) => {
          await connection.domain.updateDomain(UpdateDomainRequest.fromPartial({ name, updateMask, ...changes }));
          context.output.done(`updated ${name}`, { name });
        });
      },
    );
}

function addFailover(program: Command): void {
  program
    .command('failover')
    .argument('<domain>')
    .description('move the writes of a domain to another region, at once')
    .requiredOption('--to <cluster>', 'the region that becomes active')
    .option('--reason <text>', 'for the failover history', '')
    .addHelpText(
      'after',
      `\nSend it to a region that is up: with the old region lost, to the new one.
Example:
  antiphon failover payments --to region-b --address 127.0.0.1:7834`,
    )
    .action(async (name: string, options: { to: string; reason: string }, command: Command) => {
      const context = contextOf(command);
      await context.connected(async (connection) => {
        const { domain } = await connection.domain.failoverDomain(
          FailoverDomainRequest.fromPartial({
            domainName: name,
            domainActiveClusterName: options.to,
            reason: options.reason,
          }),
        );
        context.output.done(
          `${name} is active in ${domain?.activeClusterName}, failover version ${domain?.failoverVersion}`,
          {
            name,
            activeCluster: domain?.activeClusterName,
            failoverVersion: domain?.failoverVersion,
          },
        );
      });
    });
}
