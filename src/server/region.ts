// One region's services, wired: the only place where they meet. The caller brings the outside world (env, stores, ways to the other regions), so
// the same region runs behind gRPC on SQLite and inside the simulation on memory.
import { type Archiver, createArchiver } from '#archival';
import type { AccessControl, RegionTokens } from '#auth';
import type { BlobStores } from '#blob';
import type { ClusterGroup } from '#core';
import {
  createDomainCache,
  createDomainService,
  createIsolationGroups,
  createLiveDomainOptions,
  type DomainCache,
  type DomainOptions,
  type DomainService,
  ensureSystemDomains,
  requireAdminToken,
} from '#domains';
import { createDomainLimits, createDynamicConfig, type DynamicConfig } from '#dynamicconfig';
import { type Env, sleep } from '#env';
import { createFrontend, type Frontend, type FrontendOptions } from '#frontend';
import { createHistoryService, DEFAULT_HISTORY_OPTIONS, type HistoryOptions, type HistoryService } from '#history';
import { createListSettings, createMatchingService, type MatchingOptions, type MatchingService } from '#matching';
import type { HostRole } from '#membership';
import type { AuditStore, Store } from '#persistence';
import { reapplyEvents, replicateEvents, syncActivity } from '#replication';
import type { HistoryAdmin, MatchingClient, RemoteFrontendClient } from '#rpc';
import { compileRecordMatcher, SEARCH_ATTRIBUTES, type SearchAttributeSource, type VisibilityStore } from '#visibility';
import {
  type AsyncPlacement,
  createAsyncRequests,
  createSystemWorkers,
  createWorkerService,
  type SystemWorkers,
  type SystemWorkersOptions,
  systemTaskLists,
  type WorkerOptions,
  type WorkerService,
  watchTaskLists,
} from '#worker';
import { type Cluster, type ClusterMember, createCluster } from './cluster.ts';
import { createJobPlacement, seenVersion } from './job-placement.ts';
import { createWorkNotices, type WorkNotices } from './work-notices.ts';

export interface RegionDeps {
  readonly env: Env;
  readonly store: Store;
  readonly visibility: VisibilityStore;
  /** What the visibility store was given; undefined: the fixed ones, and none can be added. */
  readonly searchAttributes?: SearchAttributeSource | undefined;
  readonly blobs: BlobStores;
  readonly clusters: ClusterGroup;
  /** Limits and quotas; every key at its default when left out. Started and stopped by the region. */
  readonly config?: DynamicConfig | undefined;
  /** The frontend of another region. */
  readonly remoteCluster: (name: string) => RemoteFrontendClient | undefined;
  /** Undefined: changes are not kept in an audit. */
  readonly audit?: AuditStore | undefined;
  /** Undefined: calls are not authenticated. */
  readonly accessControl?: AccessControl | undefined;
  /** Tokens for calls that are forwarded to other regions. */
  readonly regionTokens?: RegionTokens | undefined;
  /** Undefined: this host is the region's only one, and does everything. */
  readonly member?: ClusterMember | undefined;
}

export interface RegionOptions {
  readonly host: string;
  readonly domains: Partial<DomainOptions>;
  readonly archivalDelayMs: number;
  readonly history: Partial<HistoryOptions>;
  readonly matching: Partial<MatchingOptions>;
  readonly frontend: Partial<FrontendOptions>;
  readonly worker: Partial<WorkerOptions>;
  /** The service's own workflows (schedules, batches, failover manager). Undefined: this region runs none. */
  readonly systemWorkflows?: Partial<SystemWorkersOptions> | undefined;
}

export interface Region {
  readonly frontend: Frontend;
  readonly history: HistoryService;
  readonly matching: MatchingService;
  readonly domains: DomainCache;
  readonly domainService: DomainService;
  readonly worker: WorkerService;
  readonly systemWorkers: SystemWorkers | undefined;
  readonly archiver: Archiver;
  /** Undefined: it is alone. */
  readonly cluster: Cluster | undefined;
  start(): Promise<void>;
  /** Answers waiting polls, lets running work finish, hands everything to the store. */
  stop(): Promise<void>;
}

export function createRegion(deps: RegionDeps, options: RegionOptions): Region {
  const { env, store, visibility, clusters } = deps;
  const config = deps.config ?? createDynamicConfig({ env });
  const domains = createDomainCache(
    { env, store: store.domains, clusters },
    { archivalDelayMs: options.archivalDelayMs },
  );
  const searchAttributes = () => deps.searchAttributes?.current() ?? SEARCH_ATTRIBUTES;
  const archiver = createArchiver(
    {
      env,
      blobs: deps.blobs,
      keyValues: store.keyValues,
      compileQuery: (query) => compileRecordMatcher(query, () => env.clock.nowMs(), searchAttributes()),
    },
    { cluster: clusters.currentCluster },
  );
  const isolationGroups = createIsolationGroups({ env, keyValues: store.keyValues, cache: domains, config });
  // History and matching call each other: each is given the other through a reference that is read at the call.
  const systemWorkers = systemWorkersOf(deps, options, domains, {
    frontend: () => frontend,
    isMine: (domainId, taskListName) => notices?.isMine(domainId, taskListName) ?? true,
  });
  const onOwnWork = (domainId: string, taskListName: string): void => {
    if (taskListName === '') asyncRequests.wake(domainId);
    else systemWorkers?.notice(domainId, taskListName);
  };
  const cluster = clusterOf(deps, options, { domains, onOwnWork, parts: () => ({ history, matching, worker }) });
  const notices = cluster && createWorkNotices(env, cluster, onOwnWork);
  const regionMatching = (): MatchingClient => cluster?.matching ?? matching;
  const matchingClient: MatchingClient =
    systemWorkers === undefined
      ? lateBound(regionMatching)
      : watchTaskLists(regionMatching, notices?.notice ?? systemWorkers.notice);
  const history = createHistoryService(
    {
      env,
      store,
      visibility,
      domains,
      clusters,
      limits: createDomainLimits(config),
      config: deps.config,
      searchAttributes,
      matching: matchingClient,
      archiver,
      host: options.host,
      replicate: { replicateEvents, syncActivity, reapplyEvents },
      remoteCluster: deps.remoteCluster,
      client: cluster && (() => cluster.history),
      placement: cluster?.shardPlacement,
    },
    options.history,
  );
  const matching = createMatchingService(
    {
      env,
      store: store.taskLists,
      keyValues: store.keyValues,
      history: () => cluster?.history ?? history,
      domains,
      isolationGroups,
      listSettings: createListSettings(config),
      placement: cluster?.listPlacement,
    },
    options.matching,
  );
  const domainService: DomainService = createDomainService(
    {
      env,
      store: store.domains,
      cache: domains,
      clusters,
      publish: (record, operation) => worker.publishDomain(record, operation),
      liveOptions: deps.config && createLiveDomainOptions(deps.config, options.domains),
      hasExecutions: async (domainId) => (await visibility.count(domainId, '')) > 0,
    },
    options.domains,
  );
  const worker = createWorkerService(
    {
      env,
      store,
      history:
        cluster === undefined
          ? history
          : { ...cluster.history, withWorkflow: history.withWorkflow, onShard: history.onShard },
      domains,
      domainService,
      clusters,
      archiver,
      remoteCluster: deps.remoteCluster,
      placement: cluster && createJobPlacement(env, cluster),
    },
    options.worker,
  );
  const asyncRequests = createAsyncRequests({
    env,
    log: store.log,
    services: () => frontend.services,
    listDomainIds: async () => (await store.domains.listDomains()).flatMap(({ domain }) => domain?.id ?? []),
    placement: cluster && notices && asyncPlacement(cluster, notices),
  });
  const frontend: Frontend = createFrontend(
    {
      env,
      history: cluster?.history ?? history,
      historyAdmin: cluster === undefined ? history.operator : regionAdmin(cluster, history),
      hosts: cluster?.hosts(),
      matching: regionMatching(),
      domains,
      domainOperations: domainOperations(domainService),
      visibility,
      archiver,
      clusters,
      config,
      searchAttributes,
      isolationGroups,
      addSearchAttributes: deps.searchAttributes && addSearchAttributes(deps.searchAttributes, options.domains),
      remoteClusters: deps.remoteCluster,
      adminHandlers: worker.adminHandlers,
      asyncRequests,
      audit: deps.audit,
      accessControl: deps.accessControl,
      regionTokens: deps.regionTokens,
    },
    options.frontend,
  );
  const runs = (role: HostRole): boolean => cluster?.runs(role) ?? true;
  return {
    frontend,
    history,
    matching,
    domains,
    domainService,
    worker,
    systemWorkers,
    archiver,
    cluster,
    async start() {
      await config.start();
      if (systemWorkers !== undefined) {
        await ensureSystemDomains({ store: store.domains, cache: domains, clusters, nowMs: env.clock.nowMs() });
      }
      domainService.start();
      await deps.searchAttributes?.start();
      domains.start();
      isolationGroups.start();
      archiver.start();
      await cluster?.start();
      if (runs('matching')) matching.start();
      if (runs('history')) await history.start();
      worker.start();
      await asyncRequests.start();
      if (!runs('worker')) return;
      await systemWorkers?.start();
      cluster?.onChange(() => {
        systemWorkers
          ?.look()
          .catch((error: unknown) => env.logger.warn('work of other hosts was not looked for', { error }));
      });
    },
    async stop() {
      await cluster?.leave();
      await systemWorkers?.stop();
      await asyncRequests.stop();
      frontend.stop();
      await worker.stop();
      await matching.stop();
      await history.stop();
      await cluster?.stop();
      await archiver.stop();
      isolationGroups.stop();
      deps.searchAttributes?.stop();
      domains.stop();
      domainService.stop();
      config.stop();
    },
  };
}

const SETTLE_MS = 500;

function clusterOf(
  { env, store, member }: RegionDeps,
  { history: { shardCount = DEFAULT_HISTORY_OPTIONS.shardCount } }: RegionOptions,
  own: {
    readonly domains: DomainCache;
    readonly onOwnWork: (domainId: string, taskListName: string) => void;
    readonly parts: () => Pick<Region, 'history' | 'matching' | 'worker'>;
  },
): Cluster | undefined {
  if (member === undefined) return undefined;
  const { domains, onOwnWork, parts } = own;
  return createCluster({
    ...member,
    env,
    shards: store.shards,
    shardCount,
    history: () => parts().history,
    matching: () => parts().matching,
    cachedDomains: () => domains.size(),
    onWork: onOwnWork,
    drainReplication: async (domainId, failoverVersion) => {
      await seenVersion(env, domains, domainId, failoverVersion);
      // What began before has decided by then.
      await sleep(env.scheduler, SETTLE_MS);
      return parts().worker.replicationDrained(new AbortController().signal);
    },
  });
}

const asyncPlacement = (cluster: Cluster, notices: WorkNotices): AsyncPlacement => ({
  isMine: (domainId) => notices.isMine(domainId, ''),
  notice: (domainId) => notices.notice(domainId, ''),
  onChange: (listener) => cluster.onChange(listener),
});

/** Of every shard, wherever it is. */
const regionAdmin = (cluster: Cluster, { operator }: HistoryService): HistoryAdmin => ({
  ...cluster.historyAdmin,
  shardIds: () => cluster.shardIds(),
  openShardIds: () => operator.openShardIds(),
  shardOf: (workflowId) => cluster.shardOf(workflowId),
});

function systemWorkersOf(
  { env, store, clusters, remoteCluster }: RegionDeps,
  { systemWorkflows }: RegionOptions,
  domains: DomainCache,
  late: { readonly frontend: () => Frontend; readonly isMine: (domainId: string, taskListName: string) => boolean },
): SystemWorkers | undefined {
  if (systemWorkflows === undefined) return undefined;
  const services = () => late.frontend().services;
  const { isMine } = late;
  return createSystemWorkers(
    {
      env,
      domains,
      taskLists: store.taskLists,
      services,
      currentCluster: clusters.currentCluster,
      remoteCluster,
      isMine,
    },
    systemTaskLists(),
    systemWorkflows,
  );
}

const addSearchAttributes =
  (source: SearchAttributeSource, domains: Partial<DomainOptions>) =>
  async (types: Parameters<SearchAttributeSource['add']>[0], securityToken: string): Promise<void> => {
    requireAdminToken(securityToken, domains);
    await source.add(types);
  };

function domainOperations(service: DomainService) {
  return {
    describe: (request: Parameters<DomainService['describe']>[0]) => service.describe(request),
    list: (...args: Parameters<DomainService['list']>) => service.list(...args),
    update: (request: Parameters<DomainService['update']>[0]) => service.update(request),
    failover: (request: Parameters<DomainService['failover']>[0]) => service.failover(request),
    listFailoverHistory: (request: Parameters<DomainService['listFailoverHistory']>[0]) =>
      service.listFailoverHistory(request),
    updateIsolationGroups: (...args: Parameters<DomainService['updateIsolationGroups']>) =>
      service.updateIsolationGroups(...args),
    updateAsyncWorkflow: (...args: Parameters<DomainService['updateAsyncWorkflow']>) =>
      service.updateAsyncWorkflow(...args),
    async register(request: Parameters<DomainService['register']>[0]) {
      await service.register(request);
      return {};
    },
    async deprecate(request: Parameters<DomainService['deprecate']>[0]) {
      await service.deprecate(request);
      return {};
    },
    async delete(request: Parameters<DomainService['delete']>[0]) {
      await service.delete(request);
      return {};
    },
  };
}

/** An object whose methods are those that `target` has at the time of the call. */
function lateBound<T extends object>(target: () => T): T {
  return new Proxy({} as T, {
    get: (_empty, property) => {
      const value = target()[property as keyof T];
      return typeof value === 'function' ? value.bind(target()) : value;
    },
  });
}
