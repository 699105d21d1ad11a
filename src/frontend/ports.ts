// What the frontend needs of the rest of a host, and what it gives to the gRPC server. All of it is injected: the frontend imports no
// other service.
import type {
  AsyncWorkflowConfiguration,
  Domain,
  IndexedValueType,
  IsolationGroupConfiguration,
} from '@antiphon/proto';
import type { Archiver } from '#archival';
import type { AccessControl, RegionTokens } from '#auth';
import type { ClusterGroup } from '#core';
import type { DomainCache, IsolationGroups } from '#domains';
import type { DynamicConfig } from '#dynamicconfig';
import type { Env } from '#env';
import type { AuditStore } from '#persistence';
import type {
  AsyncRequestQueue,
  Handlers,
  HistoryAdmin,
  HistoryClient,
  HostDescription,
  MatchingClient,
  RemoteFrontendClient,
  RequestOf,
  ResponseOf,
  SERVICE_DEFINITIONS,
  Services,
} from '#rpc';
import type { SearchAttributeRegistry, VisibilityStore } from '#visibility';
import { type AuditOptions, DEFAULT_AUDIT_OPTIONS } from './audit-log.ts';

type DomainApi = (typeof SERVICE_DEFINITIONS)['domain'];
type Operation<M extends keyof DomainApi> = (request: RequestOf<DomainApi[M]>) => Promise<ResponseOf<DomainApi[M]>>;

/** The domain API's work; its own validation included. */
export interface DomainOperations {
  register: Operation<'registerDomain'>;
  describe: Operation<'describeDomain'>;
  /** Of the domains that `isShown` lets through; all without it. */
  list(
    request: RequestOf<DomainApi['listDomains']>,
    isShown?: (domain: Domain) => boolean,
  ): Promise<ResponseOf<DomainApi['listDomains']>>;
  update: Operation<'updateDomain'>;
  failover: Operation<'failoverDomain'>;
  deprecate: Operation<'deprecateDomain'>;
  delete: Operation<'deleteDomain'>;
  listFailoverHistory: Operation<'listFailoverHistory'>;
  updateIsolationGroups(name: string, configuration: IsolationGroupConfiguration | undefined): Promise<void>;
  updateAsyncWorkflow(name: string, configuration: AsyncWorkflowConfiguration | undefined): Promise<void>;
}

export type AdminHandlers = Handlers<(typeof SERVICE_DEFINITIONS)['admin']>;

/** A host of the region, as the others see it. */
export interface RegionHost {
  readonly id: string;
  readonly roles: readonly string[];
  readonly startedMs: number;
  readonly version: string;
  readonly frontendAddress: string;
  readonly isLeaving: boolean;
}

export interface RegionHosts {
  readonly self: string;
  list(): readonly RegionHost[];
  ownerOf(shardId: number): string | undefined;
  /** Where an operator put the shard. */
  pinOf(shardId: number): string | undefined;
  /** As the host says itself. */
  describe(hostId: string): Promise<HostDescription>;
  /** Undefined: wherever the ring puts it. */
  pin(shardId: number, hostId: string | undefined): Promise<void>;
}

export interface FrontendDeps {
  readonly env: Env;
  readonly history: HistoryClient;
  /** Undefined: no history service runs in this process. */
  readonly historyAdmin?: HistoryAdmin | undefined;
  /** The hosts of the region; undefined: this process is the only one. */
  readonly hosts?: RegionHosts | undefined;
  readonly matching: MatchingClient;
  readonly domains: DomainCache;
  readonly domainOperations: DomainOperations;
  /** Without it, no zone is ever drained. */
  readonly isolationGroups?: IsolationGroups | undefined;
  readonly visibility: VisibilityStore;
  readonly archiver?: Archiver | undefined;
  readonly clusters: ClusterGroup;
  readonly config: DynamicConfig;
  /** Attributes that runs can be found by. Read at each use: operators add to them. */
  readonly searchAttributes: () => SearchAttributeRegistry;
  /** Undefined: there are only those. The token is the operators', where one is configured. */
  readonly addSearchAttributes?:
    | ((types: Readonly<Record<string, IndexedValueType>>, securityToken: string) => Promise<void>)
    | undefined;
  /** The frontend of another region; undefined when none is configured. */
  readonly remoteClusters?: ((cluster: string) => RemoteFrontendClient | undefined) | undefined;
  /** Undefined: no domain takes async requests here. */
  readonly asyncRequests?: AsyncRequestQueue | undefined;
  /** Replication and other admin RPCs that another module serves. */
  readonly adminHandlers?: AdminHandlers | undefined;
  /** Undefined: changes are not kept in an audit. */
  readonly audit?: AuditStore | undefined;
  /** Undefined: calls are not authenticated, and everybody may do everything. */
  readonly accessControl?: AccessControl | undefined;
  /** Tokens for forwarded calls of callers who have none of their own. */
  readonly regionTokens?: RegionTokens | undefined;
}

export type ForwardingPolicy = 'noop' | 'selected-apis-forwarding' | 'selected-apis-forwarding-v2';

export interface FrontendOptions {
  readonly audit: AuditOptions;
  readonly forwarding: ForwardingPolicy;
  readonly visibilityPageSizeDefault: number;
  /** A poll with less time than this is refused. */
  readonly pollTimeoutMsMin: number;
  /** Names this host in DescribeCluster and task list partitions. */
  readonly hostName: string;
  /** Kind of store, for DescribeCluster. */
  readonly storeName: string;
}

export const DEFAULT_FRONTEND_OPTIONS: FrontendOptions = {
  audit: DEFAULT_AUDIT_OPTIONS,
  forwarding: 'selected-apis-forwarding',
  visibilityPageSizeDefault: 1000,
  pollTimeoutMsMin: 2000,
  hostName: 'antiphon',
  storeName: '',
};

export interface Frontend {
  /** For the gRPC server; callable in this process too (`createLocalFrontendClient`). */
  readonly services: Services;
  /** Ends all polls with an empty answer and refuses new calls. */
  stop(): void;
}
