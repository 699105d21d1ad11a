// What a change is about, before and after it: the domain, the dynamic config of a key, the drained zones. Calls without such a state of their own
// have only their request in the audit.
import { DescribeDomainRequest, Domain } from '@antiphon/proto';
import { EntityNotExistsError } from '#base';
import type { FrontendDeps } from './ports.ts';

/** The state that a call is about; undefined when there is none. Never throws: a state that cannot be read is not in the audit. */
export type Snapshot = (operation: string, domain: string, request: unknown) => Promise<unknown>;

const ABOUT_DOMAIN: ReadonlySet<string> = new Set([
  'RegisterDomain',
  'UpdateDomain',
  'FailoverDomain',
  'DeprecateDomain',
  'DeleteDomain',
  'UpdateDomainIsolationGroups',
  'UpdateDomainAsyncWorkflowConfiguraton',
]);

export function createSnapshot(
  deps: Pick<FrontendDeps, 'env' | 'domainOperations' | 'config' | 'isolationGroups'>,
): Snapshot {
  const read = async (operation: string, domain: string, request: unknown): Promise<unknown> => {
    if (ABOUT_DOMAIN.has(operation)) return describedDomain(deps, domain);
    if (operation.endsWith('DynamicConfig')) {
      const { configName } = request as { readonly configName: string };
      return configName === '' ? undefined : deps.config.admin.list(configName);
    }
    return operation === 'UpdateGlobalIsolationGroups' ? deps.isolationGroups?.global() : undefined;
  };
  return async (operation, domain, request) => {
    try {
      return await read(operation, domain, request);
    } catch (error) {
      deps.env.logger.debug('the audit has no state of a call', { operation, error });
      return undefined;
    }
  };
}

async function describedDomain({ domainOperations }: Pick<FrontendDeps, 'domainOperations'>, name: string) {
  if (name === '') return undefined;
  try {
    const request = DescribeDomainRequest.fromPartial({ describeBy: { $case: 'name', value: name } });
    const { domain } = await domainOperations.describe(request);
    return domain === undefined ? undefined : Domain.toJSON(domain);
  } catch (error) {
    if (error instanceof EntityNotExistsError) return undefined;
    throw error;
  }
}
