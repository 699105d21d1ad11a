// Everything of cross-region replication that runs in a region: what it publishes, what it consumes from each remote cluster, and the admin
// RPCs of both. A region without remote clusters gets none of it.
import type { ReplicationTask } from '@antiphon/proto/admin';
import type { DomainRecord } from '@antiphon/proto/internal';
import { badRequest } from '#base';
import type { ClusterGroup } from '#core';
import type { DomainCache, DomainService } from '#domains';
import { type Env, sleep } from '#env';
import { createEmbeddedLog, createEmbeddedLogSource } from '#log/embedded';
import type { Store } from '#persistence';
import {
  type ClusterConsumer,
  createClusterConsumer,
  createDeadLetterHandlers,
  createDeadLetters,
  createDomainPublisher,
  createFailoverSweep,
  createHistoryPublisher,
  createLogHandlers,
  createRawHistoryHandler,
  createTaskApplier,
  type DomainTaskApplier,
  type NdcHost,
  type PartitionStatus,
  type PublisherStatus,
  type ReplicationQueue,
  type TaskApplier,
} from '#replication';
import type { HistoryClient, RemoteFrontendClient } from '#rpc';

export interface ReplicatingHistory extends HistoryClient, NdcHost {
  /** Called for each shard now owned and later acquired; what the listener returns is called when the shard is lost. */
  onShard(listener: (queue: ReplicationQueue) => () => void): () => void;
}

export interface ReplicationHostDeps {
  readonly env: Env;
  readonly store: Store;
  readonly history: ReplicatingHistory;
  readonly domains: DomainCache;
  readonly domainService: Pick<DomainService, 'applyReplicated'>;
  readonly clusters: ClusterGroup;
  readonly remoteCluster: (name: string) => RemoteFrontendClient | undefined;
}

export interface ReplicationHostOptions {
  /** Partitions of the history log; fixed once there are entries. */
  readonly logPartitions: number;
  /** How long a pull waits at the source for a first message. */
  readonly pullWaitMs: number;
  /** Entries that a dead region does not fetch are dropped after this time; 0: never. */
  readonly logRetentionMs: number;
  readonly applyConcurrency: number;
}

export interface ReplicationStatus {
  readonly consumers: readonly PartitionStatus[];
  readonly publishers: readonly PublisherStatus[];
  readonly deadLetters: number;
}

const OPERATIONS = { 0: 'update', 1: 'create', 2: 'update', 3: 'delete' } as const;

function domainTasks(domainService: Pick<DomainService, 'applyReplicated'>): DomainTaskApplier {
  return {
    async applyDomainTask(task) {
      const operation = OPERATIONS[task.domainOperation as keyof typeof OPERATIONS];
      if (operation === undefined) throw badRequest('Domain task has an unknown operation.');
      if (task.domain === undefined) throw badRequest('Domain task has no domain.');
      await domainService.applyReplicated(operation, {
        domain: task.domain,
        configVersion: Number(task.configVersion),
        failoverVersion: Number(task.failoverVersion),
        previousFailoverVersion: Number(task.previousFailoverVersion),
      });
    },
  };
}

export function remoteClusterNames(clusters: ClusterGroup): readonly string[] {
  return Object.entries(clusters.clusters)
    .filter(([name, cluster]) => name !== clusters.currentCluster && cluster.enabled)
    .map(([name]) => name);
}

export function createReplicationHost(deps: ReplicationHostDeps, options: ReplicationHostOptions) {
  const { env, store, history, clusters } = deps;
  const remotes = remoteClusterNames(clusters);
  const log = createEmbeddedLog(
    { env, log: store.log },
    { consumers: remotes, historyPartitions: options.logPartitions, retentionMs: options.logRetentionMs },
  );
  const publisher = createHistoryPublisher({ env, log });
  const domainPublisher = createDomainPublisher({ env, log, domains: store.domains });
  const failoverSweep = createFailoverSweep({
    env,
    shards: store.shards,
    keyValues: store.keyValues,
    host: history,
    domains: deps.domains,
    listDomainIds: async () =>
      (await store.domains.listDomains()).flatMap(({ domain }) => (domain?.isGlobalDomain ? [domain.id] : [])),
  });
  const deadLetters = createDeadLetters({ keyValues: store.keyValues });
  const appliers = new Map<string, TaskApplier>();
  const consumers: ClusterConsumer[] = [];
  const stopping = new AbortController();
  let detach: (() => void) | undefined;
  let announcing: Promise<void> | undefined;

  for (const sourceCluster of remotes) {
    const remote = deps.remoteCluster(sourceCluster);
    if (remote === undefined) continue;
    const { currentCluster } = clusters;
    const applier = createTaskApplier({
      env,
      history,
      domains: deps.domains,
      domainTasks: domainTasks(deps.domainService),
      source: remote.admin,
      sourceCluster,
      currentCluster,
    });
    appliers.set(sourceCluster, applier);
    const source = createEmbeddedLogSource(remote.admin, { sourceCluster, currentCluster });
    consumers.push(
      createClusterConsumer(
        { env, source, offsets: store.log, applier, deadLetters },
        { waitMs: options.pullWaitMs, concurrency: options.applyConcurrency },
      ),
    );
  }

  /** Repairs domain changes that a crash kept from being published. */
  const announceDomains = async (): Promise<void> => {
    for (let backoffMs = 1_000; !stopping.signal.aborted; backoffMs = Math.min(60_000, backoffMs * 2)) {
      try {
        await domainPublisher.publishAll();
        return;
      } catch (error) {
        env.logger.warn('publishing the domains failed; trying again', { error });
        await sleep(env.scheduler, backoffMs, stopping.signal);
      }
    }
  };

  return {
    adminHandlers: {
      ...createLogHandlers({ env, log }, { waitMs: options.pullWaitMs }),
      ...createDeadLetterHandlers({
        deadLetters,
        applierOf: (sourceCluster) => {
          const applier = appliers.get(sourceCluster);
          return applier === undefined ? undefined : (task: ReplicationTask) => applier.applyOnce(task);
        },
      }),
      getWorkflowExecutionRawHistoryV2: createRawHistoryHandler(deps),
    },
    async publishDomain(record: DomainRecord, operation: 'create' | 'update' | 'delete'): Promise<void> {
      if (remotes.length > 0) await domainPublisher.publish(record, operation);
    },
    async status(): Promise<ReplicationStatus> {
      const counts = await deadLetters.count();
      return {
        consumers: consumers.flatMap((consumer) => consumer.status()),
        publishers: publisher.status(),
        deadLetters: counts.reduce((sum, { count }) => sum + count, 0),
      };
    },
    start(): void {
      if (remotes.length === 0 || detach !== undefined) return;
      failoverSweep.start();
      detach = history.onShard((queue) => {
        const endings = [publisher.attach(queue), failoverSweep.addShard(queue.shardId)];
        return () => {
          for (const end of endings) end();
        };
      });
      announcing = announceDomains();
      for (const consumer of consumers) consumer.start();
    },
    async stop(): Promise<void> {
      stopping.abort();
      detach?.();
      await Promise.all([
        announcing,
        publisher.stop(),
        failoverSweep.stop(),
        ...consumers.map((consumer) => consumer.stop()),
      ]);
    },
  };
}

export type ReplicationHost = ReturnType<typeof createReplicationHost>;
