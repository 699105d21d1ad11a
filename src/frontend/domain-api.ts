// Domain RPCs: the pipeline's part here, the work in src/domains.
import { badRequest } from '#base';
import type { Handlers, SERVICE_DEFINITIONS } from '#rpc';
import type { Call, Pipeline, Traits } from './pipeline.ts';
import type { FrontendDeps } from './ports.ts';
import { checkLength } from './request-checks.ts';

type DomainHandlers = Handlers<(typeof SERVICE_DEFINITIONS)['domain']>;

const READ: Traits = { class: 'user', permission: 'read', forward: 'never' };
const ADMIN: Traits = { class: 'user', permission: 'admin', forward: 'never' };

export function createDomainApi(deps: FrontendDeps, { serve, byNothing }: Pipeline): DomainHandlers {
  const { domainOperations: operations } = deps;
  // Authorization is by the domain's data where there is a domain; which one a request names, its operation finds out.
  const named = <Q extends { readonly name: string }>(request: Q, call: Call<undefined>): Q => {
    requireName(request.name, call);
    return request;
  };
  const requireName = (name: string, { limits }: Call<undefined>): void => {
    if (name === '') throw badRequest('Domain not set on request.');
    checkLength(name, limits, 'Domain');
  };
  return {
    registerDomain: serve('domain', 'registerDomain', ADMIN, byNothing, async (request, call) =>
      operations.register(named(request, call)),
    ),
    describeDomain: serve('domain', 'describeDomain', READ, byNothing, async (request, call) => {
      requireName(request.describeBy?.value ?? '', call);
      return operations.describe(request);
    }),
    listDomains: serve('domain', 'listDomains', { ...READ, permission: 'none' }, byNothing, (request) =>
      operations.list(request),
    ),
    updateDomain: serve('domain', 'updateDomain', ADMIN, byNothing, async (request, call) =>
      operations.update(named(request, call)),
    ),
    failoverDomain: serve(
      'domain',
      'failoverDomain',
      { ...ADMIN, permission: 'write' },
      byNothing,
      async (request, call) => {
        requireName(request.domainName, call);
        return operations.failover(request);
      },
    ),
    deprecateDomain: serve('domain', 'deprecateDomain', ADMIN, byNothing, async (request, call) =>
      operations.deprecate(named(request, call)),
    ),
    deleteDomain: serve('domain', 'deleteDomain', ADMIN, byNothing, async (request, call) =>
      operations.delete(named(request, call)),
    ),
    listFailoverHistory: serve('domain', 'listFailoverHistory', READ, byNothing, (request) =>
      operations.listFailoverHistory(request),
    ),
  };
}
