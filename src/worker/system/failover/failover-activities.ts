// What the failover manager and the rebalancing do to domains: find those that a region's operators let the service move, and move them.

import { type Domain, FailoverDomainRequest, ListDomainsRequest } from '@antiphon/proto';
import { ApplicationFailure } from '@antiphon/sdk/activity';
import { ServiceError } from '#base';
import type { SystemActivityContext } from '../system-workers.ts';

/** Domain data: only domains that say so are moved. */
const MANAGED_KEY = 'IsManagedByCadence';
const PREFERRED_KEY = 'PreferredCluster';
const PAGE_SIZE = 200;
const INVALID_PARAMS = 'InvalidFailoverParams';

export interface GetDomainsParams {
  readonly TargetCluster: string;
  readonly SourceCluster: string;
  /** Only these of them; null: all. */
  readonly Domains?: readonly string[] | null;
}

export interface FailoverParams {
  readonly Domains: readonly string[];
  readonly TargetCluster: string;
  /** Given: a graceful failover within this time. */
  readonly GracefulFailoverTimeoutInSeconds?: number | null;
}

export interface FailoverResult {
  readonly SuccessDomains: readonly string[];
  readonly FailedDomains: readonly string[];
  /** Why, by domain. Ours: Cadence has it in its log alone. */
  readonly FailedReasons?: Readonly<Record<string, string>>;
}

export interface RebalanceDomain {
  readonly DomainName: string;
  readonly PreferredCluster: string;
}

export interface FailoverActivities {
  getDomains(params: GetDomainsParams): Promise<readonly string[]>;
  failover(params: FailoverParams): Promise<FailoverResult>;
  getRebalanceDomains(): Promise<readonly RebalanceDomain[]>;
}

export function failoverActivities({ env, frontend }: SystemActivityContext): FailoverActivities {
  const managed = async (): Promise<Domain[]> => {
    const found: Domain[] = [];
    let nextPageToken: Uint8Array = new Uint8Array();
    do {
      const page = await frontend.domain.listDomains(
        ListDomainsRequest.fromPartial({ pageSize: PAGE_SIZE, nextPageToken }),
      );
      found.push(...page.domains.filter((domain) => domain.isGlobalDomain && domain.data[MANAGED_KEY] === 'true'));
      nextPageToken = page.nextPageToken;
    } while (nextPageToken.length > 0);
    return found;
  };
  return {
    async getDomains({ TargetCluster: target, SourceCluster: source, Domains }) {
      if (!target) throw invalid('targetCluster is empty');
      if (!source) throw invalid('sourceCluster is empty');
      if (target === source) throw invalid('targetCluster is same as sourceCluster');
      // An empty list names none: the rollback of a failover that moved nothing.
      const named = Domains ? new Set(Domains) : undefined;
      return (await managed())
        .filter(({ name, activeClusterName }) => activeClusterName === source && (named?.has(name) ?? true))
        .map(({ name }) => name);
    },

    async failover({ Domains, TargetCluster, GracefulFailoverTimeoutInSeconds: graceSeconds }) {
      const succeeded: string[] = [];
      const failed: string[] = [];
      const reasons: Record<string, string> = {};
      for (const domainName of Domains) {
        const request = FailoverDomainRequest.fromPartial({
          domainName,
          domainActiveClusterName: TargetCluster,
          ...(graceSeconds ? { failoverTimeout: { seconds: BigInt(graceSeconds), nanos: 0 } } : {}),
        });
        try {
          await frontend.domain.failoverDomain(request);
          succeeded.push(domainName);
        } catch (error) {
          env.logger.error('failover of a domain failed', {
            'wf-domain-name': domainName,
            target: TargetCluster,
            error,
          });
          failed.push(domainName);
          reasons[domainName] = error instanceof ServiceError ? error.message : 'an unexpected error: see the log';
        }
      }
      return { SuccessDomains: succeeded, FailedDomains: failed, FailedReasons: reasons };
    },

    async getRebalanceDomains() {
      return (await managed())
        .filter(({ data, activeClusterName, clusters }) => {
          const preferred = data[PREFERRED_KEY];
          const isKnown = clusters.some(({ clusterName }) => clusterName === preferred);
          return isKnown && preferred !== activeClusterName;
        })
        .map(({ name, data }) => ({ DomainName: name, PreferredCluster: data[PREFERRED_KEY] ?? '' }));
    },
  };
}

const invalid = (message: string): ApplicationFailure => new ApplicationFailure(message, { type: INVALID_PARAMS });
