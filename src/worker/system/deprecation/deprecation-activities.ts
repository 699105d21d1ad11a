// What the deprecation of a domain does to it: turns its archival off, forbids new runs, and looks whether runs are open still.
import {
  ArchivalStatus,
  CountWorkflowExecutionsRequest,
  DeprecateDomainRequest,
  DescribeDomainRequest,
  UpdateDomainRequest,
} from '@antiphon/proto';
import { ApplicationFailure } from '@antiphon/sdk/activity';
import { ServiceError, type ServiceErrorKind } from '#base';
import type { SystemActivityContext } from '../system-workers.ts';

/** As Cadence's CLI writes it. */
export interface DeprecationParams {
  readonly domain_name: string;
  readonly security_token?: string;
}

export interface DeprecationActivities {
  disableArchival(params: DeprecationParams): Promise<void>;
  deprecateDomain(params: DeprecationParams): Promise<void>;
  countOpenRuns(params: DeprecationParams): Promise<number>;
}

// Cadence's reasons of failures that no retry heals.
const FINAL: Partial<Record<ServiceErrorKind, string>> = {
  EntityNotExists: 'domain does not exist',
  AccessDenied: 'access denied',
  BadRequest: 'bad request',
};

async function orFinal<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    const type = error instanceof ServiceError ? FINAL[error.kind] : undefined;
    throw type === undefined ? error : ApplicationFailure.nonRetryable((error as Error).message, type);
  }
}

export function deprecationActivities({ frontend }: SystemActivityContext): DeprecationActivities {
  return {
    async disableArchival({ domain_name: name, security_token: securityToken = '' }) {
      const { domain } = await orFinal(
        frontend.domain.describeDomain(
          DescribeDomainRequest.fromPartial({ describeBy: { $case: 'name', value: name } }),
        ),
      );
      const { ARCHIVAL_STATUS_ENABLED: enabled, ARCHIVAL_STATUS_DISABLED: disabled } = ArchivalStatus;
      if (domain?.historyArchivalStatus !== enabled && domain?.visibilityArchivalStatus !== enabled) return;
      await orFinal(
        frontend.domain.updateDomain(
          UpdateDomainRequest.fromPartial({
            name,
            securityToken,
            updateMask: ['history_archival_status', 'visibility_archival_status'],
            historyArchivalStatus: disabled,
            visibilityArchivalStatus: disabled,
          }),
        ),
      );
    },

    async deprecateDomain({ domain_name: name, security_token: securityToken = '' }) {
      await orFinal(frontend.domain.deprecateDomain(DeprecateDomainRequest.fromPartial({ name, securityToken })));
    },

    async countOpenRuns({ domain_name: domain }) {
      const { count } = await orFinal(
        frontend.visibility.countWorkflowExecutions(
          CountWorkflowExecutionsRequest.fromPartial({ domain, query: 'CloseTime = missing' }),
        ),
      );
      return Number(count);
    },
  };
}
