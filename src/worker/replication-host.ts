// Everything of cross-region replication that runs in a region, both directions, with the admin RPCs of both. A region without remote
// clusters gets none of it.
import type { DomainRecord } from '@antiphon/proto/internal';
import type { ClusterGroup } from '#core';
import type { DomainCache, DomainService } from '#domains';
import type { Env } from '#env';
import type { Store } from '#persistence';
import {
  createDeadLetterHandlers,
  createDeadLetters,
  createLogHandlers,
  createRawHistoryHandler,
  createResendHandler,
  type NdcHost,
  type PartitionStatus,
  type PublisherStatus,
  type ReplicationQueue,
} from '#replication';
import type { HistoryClient, RemoteFrontendClient } from '#rpc';
import { createAssignedConsumers } from './assigned-consumers.ts';
import type { JobPlacement } from './job-placement.ts';
import { createInbound } from './replication-inbound.ts';
import { createOutbound } from './replication-outbound.ts';

export interface ReplicatingHistory extends HistoryClient, NdcHost {
  /** Called for each shard now owned and later acquired; what the listener returns is called when the shard is lost. */
  onShard(listener: (queue: ReplicationQueue) => () => void): () => void;
}

export interface ReplicationHostDeps {
  readonly env: Env;
  readonly store: Store;
  readonly history: ReplicatingHistory;
  readonly domains: DomainCache;
  readonly domainService: Pick<DomainService, 'applyReplicated' | 'completeGracefulFailover'>;
  readonly clusters: ClusterGroup;
  readonly remoteCluster: (name: string) => RemoteFrontendClient | undefined;
  /** Undefined: this host is alone. */
  readonly placement?: JobPlacement | undefined;
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

export function remoteClusterNames(clusters: ClusterGroup): readonly string[] {
  return Object.entries(clusters.clusters)
    .filter(([name, cluster]) => name !== clusters.currentCluster && cluster.enabled)
    .map(([name]) => name);
}

export function createReplicationHost(deps: ReplicationHostDeps, options: ReplicationHostOptions) {
  const { env, store, history, clusters, domains } = deps;
  const remotes = remoteClusterNames(clusters);
  const deadLetters = createDeadLetters({ keyValues: store.keyValues });
  const outbound = createOutbound(
    { env, store, host: history, domains, clusters, placement: deps.placement },
    { consumers: remotes, historyPartitions: options.logPartitions, retentionMs: options.logRetentionMs },
  );
  const waiting = { waitMs: options.pullWaitMs };
  const inbound = createInbound({ ...deps, deadLetters }, remotes, {
    ...waiting,
    concurrency: options.applyConcurrency,
  });
  const consumers = createAssignedConsumers(inbound.consumers, deps.placement);
  let detach: (() => void) | undefined;

  return {
    adminHandlers: {
      ...createLogHandlers({ env, log: outbound.log }, waiting),
      ...createDeadLetterHandlers({ deadLetters, applierOf: inbound.applierOf }),
      ...createResendHandler({ history, domains, sourceOf: inbound.sourceOf }),
      getWorkflowExecutionRawHistoryV2: createRawHistoryHandler({ history, domains }),
    },
    async publishDomain(record: DomainRecord, operation: 'create' | 'update' | 'delete'): Promise<void> {
      if (remotes.length > 0) await outbound.domainPublisher.publish(record, operation);
    },
    async status(): Promise<ReplicationStatus> {
      const counts = await deadLetters.count();
      return {
        consumers: consumers.running().flatMap((consumer) => consumer.status()),
        publishers: outbound.status(),
        deadLetters: counts.reduce((sum, { count }) => sum + count, 0),
      };
    },
    /** All that the shards of this host decided before the call is in the log; resolves with them. */
    async drained(signal: AbortSignal): Promise<readonly number[]> {
      return outbound.drained(signal);
    },
    start(): void {
      if (remotes.length === 0 || detach !== undefined) return;
      outbound.start();
      detach = history.onShard((queue) => outbound.addShard(queue));
      consumers.start();
    },
    async stop(): Promise<void> {
      detach?.();
      await Promise.all([outbound.stop(), consumers.stop()]);
    },
  };
}

export type ReplicationHost = ReturnType<typeof createReplicationHost>;
