// Domain RPCs: the pipeline's part here, the work in src/domains.
import { isAllowed } from '#auth';
import { badRequest } from '#base';
import type { Handlers, SERVICE_DEFINITIONS } from '#rpc';
import type { Call, Pipeline, Traits } from './pipeline.ts';
import type { FrontendDeps } from './ports.ts';
import { checkLength } from './request-checks.ts';

type DomainHandlers = Handlers<(typeof SERVICE_DEFINITIONS)['domain']>;

const DOMAIN: Traits = { class: 'user', forward: 'never' };

export function createDomainApi(deps: FrontendDeps, pipeline: Pipeline): DomainHandlers {
  const { serve, byNothing, byDomain, byDomainId } = pipeline;
  const { domainOperations: operations } = deps;
  const named = <Q extends { readonly name: string }>(request: Q, call: Call<undefined>): Q => {
    requireName(request.name, call);
    return request;
  };
  const requireName = (name: string, { limits }: Call<undefined>): void => {
    if (name === '') throw badRequest('Domain not set on request.');
    checkLength(name, limits, 'Domain');
  };
  return {
    registerDomain: serve('domain', 'registerDomain', DOMAIN, byNothing, async (request, call) =>
      operations.register(named(request, call)),
    ),
    describeDomain: serve(
      'domain',
      'describeDomain',
      DOMAIN,
      ({ describeBy }) =>
        describeBy?.$case === 'id' ? byDomainId(describeBy.value) : byDomain({ domain: describeBy?.value ?? '' }),
      (request) => operations.describe(request),
    ),
    listDomains: serve('domain', 'listDomains', DOMAIN, byNothing, (request, { principal }) =>
      // Everybody sees what he may read, and no name of another domain.
      operations.list(request, principal === undefined ? undefined : ({ data }) => isAllowed(principal, 'read', data)),
    ),
    updateDomain: serve('domain', 'updateDomain', DOMAIN, byNothing, async (request, call) =>
      operations.update(named(request, call)),
    ),
    failoverDomain: serve(
      'domain',
      'failoverDomain',
      DOMAIN,
      ({ domainName }) => byDomain({ domain: domainName }),
      (request) => operations.failover(request),
    ),
    deprecateDomain: serve('domain', 'deprecateDomain', DOMAIN, byNothing, async (request, call) =>
      operations.deprecate(named(request, call)),
    ),
    deleteDomain: serve('domain', 'deleteDomain', DOMAIN, byNothing, async (request, call) =>
      operations.delete(named(request, call)),
    ),
    listFailoverHistory: serve(
      'domain',
      'listFailoverHistory',
      DOMAIN,
      ({ filters }) => byDomainId(filters?.domainId ?? ''),
      (request) => operations.listFailoverHistory(request),
    ),
  };
}
