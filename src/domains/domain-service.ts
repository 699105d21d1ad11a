// The domain API's work behind the frontend, which authenticates and forwards. Each change is one conditional write on the record's
// notification version: rules compute the next record from the stored one, a lost race starts over. A committed change of a global domain is
// published for the other regions; publishing again is harmless, because they compare versions.
// Cadence: common/domain/handler.go
import type {
  AsyncWorkflowConfiguration,
  DeleteDomainRequest,
  DeprecateDomainRequest,
  DescribeDomainRequest,
  Domain,
  FailoverDomainRequest,
  IsolationGroupConfiguration,
  ListDomainsRequest,
  ListFailoverHistoryRequest,
  RegisterDomainRequest,
} from '@antiphon/proto';
import {
  DescribeDomainResponse,
  DomainStatus,
  FailoverDomainResponse,
  FailoverInfo,
  ListDomainsResponse,
  ListFailoverHistoryResponse,
  UpdateDomainRequest,
  UpdateDomainResponse,
} from '@antiphon/proto';
import type { DomainRecord } from '@antiphon/proto/internal';
import { badRequest, domainAlreadyExists, EntityNotExistsError, isStoreError, required, ServiceBusyError } from '#base';
import type { ClusterGroup } from '#core';
import { timestampOf } from '#core';
import { type Env, uuidV7 } from '#env';
import type { DomainStore } from '#persistence';
import type { DomainChange } from './domain-change.ts';
import { failoverEvents, failoverPage } from './failover-history.ts';
import { completedFailover } from './failover-rules.ts';
import { FailoverWatcher } from './failover-watcher.ts';
import { checkedIsolationGroups } from './isolation-groups.ts';
import { DEFAULT_DOMAIN_OPTIONS, type DomainOptions, type RuleContext } from './options.ts';
import type { DomainCache } from './ports.ts';
import { newDomainRecord } from './register-rules.ts';
import {
  NameUuidCollision,
  type ReplicatedDomain,
  replicatedNewRecord,
  withReplicatedChange,
} from './replication-rules.ts';
import { isSystemDomain, refuseSystemDomain } from './system-domains.ts';
import { updatedDomainRecord } from './update-rules.ts';
import { requireAdminToken, requirePrimary } from './validation.ts';

const CONFLICT_ATTEMPTS_MAX = 5;

export type DomainOperation = 'create' | 'update' | 'delete';

export interface DomainServiceDeps {
  readonly env: Env;
  readonly store: DomainStore;
  readonly cache: DomainCache;
  readonly clusters: ClusterGroup;
  /** After the commit of a change to a global domain, for the other regions. A failure reaches the caller, who may repeat the call. */
  readonly publish: (record: DomainRecord, operation: DomainOperation) => Promise<void> | void;
  /** Options that change while the server runs, for the domain of a name; they go before the fixed ones. */
  readonly liveOptions?: ((domainName: string) => Partial<DomainOptions>) | undefined;
  /** Whether visibility still knows runs of the domain; needed to delete one. */
  readonly hasExecutions?: (domainId: string) => Promise<boolean>;
}

export interface DomainService {
  register(request: RegisterDomainRequest): Promise<{ domainId: string }>;
  describe(request: DescribeDomainRequest): Promise<DescribeDomainResponse>;
  /** Of the domains that `isShown` lets through: the others are not in the pages, nor in their tokens. */
  list(request: ListDomainsRequest, isShown?: (domain: Domain) => boolean): Promise<ListDomainsResponse>;
  update(request: UpdateDomainRequest): Promise<UpdateDomainResponse>;
  failover(request: FailoverDomainRequest): Promise<FailoverDomainResponse>;
  deprecate(request: DeprecateDomainRequest): Promise<void>;
  /** Which zones are drained for this domain. */
  updateIsolationGroups(name: string, configuration: IsolationGroupConfiguration | undefined): Promise<void>;
  /** Whether the domain takes requests that are accepted now and made later. */
  updateAsyncWorkflow(name: string, configuration: AsyncWorkflowConfiguration | undefined): Promise<void>;
  delete(request: DeleteDomainRequest): Promise<void>;
  listFailoverHistory(request: ListFailoverHistoryRequest): Promise<ListFailoverHistoryResponse>;
  /** Replication: takes another region's change, at least once, in any order. NameUuidCollision: for the DLQ. */
  applyReplicated(operation: DomainOperation, change: ReplicatedDomain): Promise<void>;
  /** Ends a pending graceful failover to this cluster: the old side is drained, or its time is over. */
  completeGracefulFailover(domainId: string, failoverVersion: number): Promise<void>;
  start(): void;
  stop(): void;
}

type By = { readonly id: string } | { readonly name: string };

class StoreDomainService implements DomainService {
  readonly #deps: DomainServiceDeps;
  readonly #options: DomainOptions;
  readonly #watcher: FailoverWatcher;

  constructor(deps: DomainServiceDeps, options: DomainOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#watcher = new FailoverWatcher({
      env: deps.env,
      cache: deps.cache,
      currentCluster: deps.clusters.currentCluster,
      complete: (domainId, version) => this.completeGracefulFailover(domainId, version),
    });
  }

  start(): void {
    this.#watcher.start();
  }

  stop(): void {
    this.#watcher.stop();
  }

  async register(request: RegisterDomainRequest): Promise<{ domainId: string }> {
    if (isSystemDomain(request.name)) throw domainAlreadyExists('Domain already exists.');
    const { env, store } = this.#deps;
    const record = newDomainRecord(request, uuidV7(env), this.#context(request.name));
    let saved: DomainRecord;
    try {
      saved = await store.createDomain(record);
    } catch (error) {
      if (isStoreError(error, 'ConditionFailed')) throw domainAlreadyExists('Domain already exists.');
      throw error;
    }
    this.#deps.cache.put(saved);
    await this.#publish(saved, 'create');
    return { domainId: domainOf(record).id };
  }

  async describe(request: DescribeDomainRequest): Promise<DescribeDomainResponse> {
    const { describeBy } = request;
    if (describeBy === undefined || describeBy.value === '') throw badRequest('Domain not set on request.');
    const record = await this.#find(describeBy.$case === 'id' ? { id: describeBy.value } : { name: describeBy.value });
    return DescribeDomainResponse.fromPartial({ domain: described(record) });
  }

  async list(
    request: ListDomainsRequest,
    isShown: (domain: Domain) => boolean = () => true,
  ): Promise<ListDomainsResponse> {
    const { pageSizeDefault, pageSizeMax } = this.#options;
    const pageSize = request.pageSize <= 0 ? pageSizeDefault : Math.min(request.pageSize, pageSizeMax);
    const all = await this.#deps.store.listDomains();
    const records = all.filter((record) => isShown(domainOf(record)));
    const lastName = Buffer.from(request.nextPageToken).toString('utf8');
    const from = lastName === '' ? 0 : records.findIndex((record) => isAfter(domainOf(record).name, lastName));
    const page = from < 0 ? [] : records.slice(from, from + pageSize);
    const hasMore = from >= 0 && from + pageSize < records.length;
    const last = page.at(-1);
    return ListDomainsResponse.fromPartial({
      domains: page.map(described),
      nextPageToken: Buffer.from(hasMore && last !== undefined ? domainOf(last).name : '', 'utf8'),
    });
  }

  async update(request: UpdateDomainRequest): Promise<UpdateDomainResponse> {
    refuseSystemDomain(request.name);
    const record = await this.#change(byName(request.name), (stored, context) =>
      updatedDomainRecord(stored, request, context),
    );
    return UpdateDomainResponse.fromPartial({ domain: described(record) });
  }

  async failover(request: FailoverDomainRequest): Promise<FailoverDomainResponse> {
    const { domainActiveClusterName, activeClusters, failoverTimeout } = request;
    if (domainActiveClusterName === '' && activeClusters === undefined) {
      throw badRequest('DomainActiveClusterName or ActiveClusters must be provided to failover the domain');
    }
    const updateMask = ['active_cluster_name'];
    if (activeClusters !== undefined) updateMask.push('active_clusters');
    if (failoverTimeout !== undefined) updateMask.push('failover_timeout');
    const response = await this.update(
      UpdateDomainRequest.fromPartial({
        name: request.domainName,
        updateMask,
        activeClusterName: domainActiveClusterName,
        activeClusters,
        failoverTimeout,
      }),
    );
    return FailoverDomainResponse.fromPartial({ domain: response.domain });
  }

  async updateIsolationGroups(name: string, configuration: IsolationGroupConfiguration | undefined): Promise<void> {
    await this.#configure(name, { isolationGroups: checkedIsolationGroups(configuration) });
  }

  async updateAsyncWorkflow(name: string, configuration: AsyncWorkflowConfiguration | undefined): Promise<void> {
    await this.#configure(name, { asyncWorkflowConfig: configuration });
  }

  async #configure(name: string, fields: Partial<Domain>): Promise<void> {
    refuseSystemDomain(name);
    await this.#change(byName(name), (stored, context) => {
      const domain = domainOf(stored);
      if (domain.isGlobalDomain) requirePrimary(context.clusters);
      const record = {
        ...stored,
        domain: { ...domain, ...fields },
        configVersion: stored.configVersion + 1,
        lastUpdatedMs: context.nowMs,
      };
      return { record, hasChanged: true };
    });
  }

  async deprecate(request: DeprecateDomainRequest): Promise<void> {
    requireAdminToken(request.securityToken, this.#options);
    refuseSystemDomain(request.name);
    await this.#change(byName(request.name), (stored, context) => {
      const domain = domainOf(stored);
      if (domain.isGlobalDomain) requirePrimary(context.clusters);
      if (domain.status !== DomainStatus.DOMAIN_STATUS_REGISTERED) return { record: stored, hasChanged: false };
      const record = {
        ...stored,
        domain: { ...domain, status: DomainStatus.DOMAIN_STATUS_DEPRECATED },
        configVersion: stored.configVersion + 1,
        lastUpdatedMs: context.nowMs,
      };
      return { record, hasChanged: true };
    });
  }

  async delete(request: DeleteDomainRequest): Promise<void> {
    requireAdminToken(request.securityToken, this.#options);
    refuseSystemDomain(request.name);
    const record = await this.#find(byName(request.name));
    const domain = domainOf(record);
    if (domain.isGlobalDomain) requirePrimary(this.#deps.clusters);
    if (domain.status === DomainStatus.DOMAIN_STATUS_REGISTERED) {
      throw badRequest('Domain is not in a deprecated state.');
    }
    if (await this.#deps.hasExecutions?.(domain.id)) {
      throw badRequest('Workflow executions still exist in the domain.');
    }
    await this.#deps.store.deleteDomain(domain.id);
    this.#deps.cache.forget(domain.id);
    await this.#publish(record, 'delete');
  }

  async listFailoverHistory(request: ListFailoverHistoryRequest): Promise<ListFailoverHistoryResponse> {
    const domainId = request.filters?.domainId ?? '';
    if (domainId === '') throw badRequest('DomainID is required in filters');
    const record = await this.#find({ id: domainId });
    const { events, nextPageToken } = failoverPage(failoverEvents(domainOf(record)), request.pagination);
    return ListFailoverHistoryResponse.fromPartial({ failoverEvents: [...events], nextPageToken });
  }

  async applyReplicated(operation: DomainOperation, change: ReplicatedDomain): Promise<void> {
    const { cache, env, store } = this.#deps;
    const { id, name } = change.domain;
    if (operation === 'delete') {
      await store.deleteDomain(id);
      cache.forget(id);
      return;
    }
    for (let attempt = 1; ; attempt++) {
      const stored = await store.findDomain({ id });
      try {
        if (stored === undefined) {
          const namesake = await store.findDomain({ name });
          if (namesake !== undefined) throw new NameUuidCollision(name, domainOf(namesake).id, id);
          cache.put(await store.createDomain(replicatedNewRecord(change, env.clock.nowMs())));
        } else {
          const next = withReplicatedChange(stored, change, env.clock.nowMs());
          if (next.hasChanged) cache.put(await store.updateDomain(next.record, stored.notificationVersion));
        }
        return;
      } catch (error) {
        if (!isStoreError(error, 'ConditionFailed') || attempt >= CONFLICT_ATTEMPTS_MAX) throw error;
      }
    }
  }

  async completeGracefulFailover(domainId: string, failoverVersion: number): Promise<void> {
    await this.#change({ id: domainId }, (stored, context) => {
      const record = completedFailover(stored, failoverVersion, context);
      return record === undefined ? { record: stored, hasChanged: false } : { record, hasChanged: true };
    });
  }

  async #change(by: By, rule: (stored: DomainRecord, context: RuleContext) => DomainChange): Promise<DomainRecord> {
    for (let attempt = 1; attempt <= CONFLICT_ATTEMPTS_MAX; attempt++) {
      const stored = await this.#find(by);
      const change = rule(stored, this.#context(domainOf(stored).name));
      let saved = stored;
      if (change.hasChanged) {
        try {
          saved = await this.#deps.store.updateDomain(change.record, stored.notificationVersion);
        } catch (error) {
          if (isStoreError(error, 'ConditionFailed')) continue;
          throw error;
        }
        this.#deps.cache.put(saved);
      }
      // Also when nothing changed: a repeated call repairs what an earlier one could not publish.
      await this.#publish(saved, 'update');
      return saved;
    }
    throw new ServiceBusyError('Domain is changed by many callers at once, try again.');
  }

  async #find(by: By): Promise<DomainRecord> {
    const record = await this.#deps.store.findDomain(by);
    if (record !== undefined) return record;
    throw new EntityNotExistsError(`Domain ${'id' in by ? by.id : by.name} does not exist.`);
  }

  async #publish(record: DomainRecord, operation: DomainOperation): Promise<void> {
    if (record.domain?.isGlobalDomain) await this.#deps.publish(record, operation);
  }

  #context(domainName: string): RuleContext {
    const { env, clusters, liveOptions } = this.#deps;
    const options = liveOptions === undefined ? this.#options : { ...this.#options, ...liveOptions(domainName) };
    return { nowMs: env.clock.nowMs(), clusters, options };
  }
}

const domainOf = (record: DomainRecord): Domain => required(record.domain, 'a domain record has a domain');

function byName(name: string): By {
  if (name === '') throw badRequest('Domain not set on request.');
  return { name };
}

/** The stores order names by their bytes. */
const isAfter = (name: string, last: string): boolean => Buffer.compare(Buffer.from(name), Buffer.from(last)) > 0;

/** What clients see; a pending graceful failover shows its window. */
function described(record: DomainRecord): Domain {
  const domain = domainOf(record);
  if (record.failoverEndTimeMs === 0) return { ...domain, failoverInfo: undefined };
  const failoverInfo = FailoverInfo.fromPartial({
    failoverVersion: domain.failoverVersion,
    failoverStartTimestamp: timestampOf(record.lastUpdatedMs),
    failoverExpireTimestamp: timestampOf(record.failoverEndTimeMs),
  });
  return { ...domain, failoverInfo };
}

export function createDomainService(deps: DomainServiceDeps, options: Partial<DomainOptions> = {}): DomainService {
  return new StoreDomainService(deps, { ...DEFAULT_DOMAIN_OPTIONS, ...options });
}
