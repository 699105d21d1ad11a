// Domains: the tenants of the service. Registration takes what most need; everything else goes through the messages.
import {
  ArchivalStatus,
  type DescribeDomainResponse,
  type Domain,
  DomainAPIService,
  RegisterDomainRequest,
} from '@antiphon/proto';
import { type Duration, durationToSeconds } from '../common/index.ts';
import { durationMessage, type ServiceCalls } from '../transport/index.ts';

export interface RegisterDomainOptions {
  readonly description?: string;
  readonly ownerEmail?: string;
  /** How long closed workflows stay readable. Default 3 days. */
  readonly retention?: Duration;
  /** Clusters that share the domain; makes it global. */
  readonly clusters?: readonly string[];
  readonly activeCluster?: string;
  readonly historyArchivalUri?: string;
  readonly visibilityArchivalUri?: string;
}

export interface DomainClient {
  /** Throws RpcError of kind DomainAlreadyExists. */
  register(name: string, options?: RegisterDomainOptions): Promise<void>;
  describe(name: string): Promise<DescribeDomainResponse>;
  list(): AsyncGenerator<Domain>;
}

const archival = (uri: string | undefined) =>
  uri ? ArchivalStatus.ARCHIVAL_STATUS_ENABLED : ArchivalStatus.ARCHIVAL_STATUS_INVALID;

async function* listDomains(calls: ServiceCalls): AsyncGenerator<Domain> {
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const response = await calls.call(DomainAPIService.listDomains, { pageSize: 100, nextPageToken });
    yield* response.domains;
    ({ nextPageToken } = response);
  } while (nextPageToken.length > 0);
}

export function createDomainClient(calls: ServiceCalls): DomainClient {
  return {
    register: async (name, options = {}) => {
      const request = RegisterDomainRequest.fromPartial({
        name,
        description: options.description ?? '',
        ownerEmail: options.ownerEmail ?? '',
        workflowExecutionRetentionPeriod: durationMessage(durationToSeconds(options.retention ?? '3d')),
        clusters: (options.clusters ?? []).map((clusterName) => ({ clusterName })),
        activeClusterName: options.activeCluster ?? '',
        isGlobalDomain: (options.clusters?.length ?? 0) > 0,
        historyArchivalStatus: archival(options.historyArchivalUri),
        historyArchivalUri: options.historyArchivalUri ?? '',
        visibilityArchivalStatus: archival(options.visibilityArchivalUri),
        visibilityArchivalUri: options.visibilityArchivalUri ?? '',
      });
      await calls.call(DomainAPIService.registerDomain, request);
    },
    describe: (name) => calls.call(DomainAPIService.describeDomain, { describeBy: { $case: 'name', value: name } }),
    list: () => listDomains(calls),
  };
}
