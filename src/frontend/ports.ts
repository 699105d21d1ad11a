// What the frontend needs of the rest of a host, and what it gives to the gRPC server. All of it is injected: the frontend imports no
// other service.
import type { Archiver } from '#archival';
import type { ClusterGroup, DomainView } from '#core';
import type { DomainCache } from '#domains';
import type { DynamicConfig } from '#dynamicconfig';
import type { Env } from '#env';
import type {
  CallContext,
  Handlers,
  HistoryClient,
  MatchingClient,
  RemoteFrontendClient,
  RequestOf,
  ResponseOf,
  SERVICE_DEFINITIONS,
  Services,
} from '#rpc';
import type { SearchAttributeRegistry, VisibilityStore } from '#visibility';

type DomainApi = (typeof SERVICE_DEFINITIONS)['domain'];
type Operation<M extends keyof DomainApi> = (request: RequestOf<DomainApi[M]>) => Promise<ResponseOf<DomainApi[M]>>;

/** The domain API's work; its own validation included. */
export interface DomainOperations {
  register: Operation<'registerDomain'>;
  describe: Operation<'describeDomain'>;
  list: Operation<'listDomains'>;
  update: Operation<'updateDomain'>;
  failover: Operation<'failoverDomain'>;
  deprecate: Operation<'deprecateDomain'>;
  delete: Operation<'deleteDomain'>;
  listFailoverHistory: Operation<'listFailoverHistory'>;
}

export type AdminHandlers = Handlers<(typeof SERVICE_DEFINITIONS)['admin']>;

/** What a caller must be allowed to do for an RPC (semantics §8.3). */
export type Permission = 'read' | 'write' | 'process' | 'admin' | 'none';

/** The seam for authentication and authorization: throws AccessDenied. Called for every RPC, before anything is forwarded or done. */
export type AccessControl = (attempt: {
  readonly operation: string;
  readonly permission: Permission;
  readonly domain: DomainView | undefined;
  readonly context: CallContext;
}) => Promise<void>;

export interface FrontendDeps {
  readonly env: Env;
  readonly history: HistoryClient;
  readonly matching: MatchingClient;
  readonly domains: DomainCache;
  readonly domainOperations: DomainOperations;
  readonly visibility: VisibilityStore;
  readonly archiver?: Archiver | undefined;
  readonly clusters: ClusterGroup;
  readonly config: DynamicConfig;
  /** Attributes that runs can be found by. Read at each use: operators add to them. */
  readonly searchAttributes: () => SearchAttributeRegistry;
  /** The frontend of another region; undefined when none is configured. */
  readonly remoteClusters?: ((cluster: string) => RemoteFrontendClient | undefined) | undefined;
  /** Replication and other admin RPCs that another module serves. */
  readonly adminHandlers?: AdminHandlers | undefined;
  readonly accessControl?: AccessControl | undefined;
}

export type ForwardingPolicy = 'noop' | 'selected-apis-forwarding' | 'selected-apis-forwarding-v2';

export interface FrontendOptions {
  /** Calls per second of this host; also of each domain, for each class (user, worker, visibility) on its own. */
  readonly rps: number;
  readonly domainRps: number;
  readonly forwarding: ForwardingPolicy;
  /** Refuses client libraries that are newer than this server's protocol (`frontend.enableClientVersionCheck`). */
  readonly checksClientVersion: boolean;
  readonly historyPageSizeMax: number;
  readonly visibilityPageSizeDefault: number;
  readonly visibilityPageSizeMax: number;
  /** A poll with less time than this is refused. */
  readonly pollTimeoutMsMin: number;
  /** Names this host in DescribeCluster and task list partitions. */
  readonly hostName: string;
  /** Kind of store, for DescribeCluster. */
  readonly storeName: string;
}

export const DEFAULT_FRONTEND_OPTIONS: FrontendOptions = {
  rps: 100_000,
  domainRps: 20_000,
  forwarding: 'selected-apis-forwarding',
  checksClientVersion: false,
  historyPageSizeMax: 1000,
  visibilityPageSizeDefault: 1000,
  visibilityPageSizeMax: 10_000,
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
