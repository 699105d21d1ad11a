// Domain RPCs: the pipeline's part here, the work in src/domains.
import { badRequest } from '#base';
import type { Handlers, SERVICE_DEFINITIONS } from '#rpc';
import type { Pipeline, Traits } from './pipeline.ts';
import type { FrontendDeps } from './ports.ts';
import { checkLength } from './request-checks.ts';

type DomainHandlers = Handlers<(typeof SERVICE_DEFINITIONS)['domain']>;

const READ: Traits = { class: 'user', permission: 'read', forward: 'never' };
const ADMIN: Traits = { class: 'user', permission: 'admin', forward: 'never' };

export function createDomainApi(deps: FrontendDeps, { serve, byNothing }: Pipeline): DomainHandlers {
  const { domainOperations: operations, limits } = deps;
  // Authorization is by the domain's data where there is a domain; which one a request names, its operation finds out.
  const named = <Q extends { readonly name: string }>(request: Q): Q => {
    requireName(request.name);
    return request;
  };
  const requireName = (name: string): void => {
    if (name === '') throw badRequest('Domain not set on request.');
    checkLength(name, limits, 'Domain');
  };
  return {
    registerDomain: serve('domain', 'registerDomain', ADMIN, byNothing, async (request) =>
      operations.register(named(request)),
    ),
    describeDomain: serve('domain', 'describeDomain', READ, byNothing, async (request) => {
      requireName(request.describeBy?.value ?? '');
      return operations.describe(request);
    }),
    listDomains: serve('domain', 'listDomains', { ...READ, permission: 'none' }, byNothing, (request) =>
      operations.list(request),
    ),
    updateDomain: serve('domain', 'updateDomain', ADMIN, byNothing, async (request) =>
      operations.update(named(request)),
    ),
    failoverDomain: serve('domain', 'failoverDomain', { ...ADMIN, permission: 'write' }, byNothing, async (request) => {
      requireName(request.domainName);
      return operations.failover(request);
    }),
    deprecateDomain: serve('domain', 'deprecateDomain', ADMIN, byNothing, async (request) =>
      operations.deprecate(named(request)),
    ),
    deleteDomain: serve('domain', 'deleteDomain', ADMIN, byNothing, async (request) =>
      operations.delete(named(request)),
    ),
    listFailoverHistory: serve('domain', 'listFailoverHistory', READ, byNothing, (request) =>
      operations.listFailoverHistory(request),
    ),
  };
}
