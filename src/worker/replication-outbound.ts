// What a region gives to the others: its log, the publishers that fill it from shards and domains, and the look at runs after a failover.
import type { ClusterGroup } from '#core';
import { type DomainCache, NO_PREVIOUS_FAILOVER_VERSION } from '#domains';
import type { Env } from '#env';
import { createEmbeddedLog, type EmbeddedLog } from '#log/embedded';
import type { Store } from '#persistence';
import {
  createDomainAnnouncer,
  createDomainPublisher,
  createFailoverMarkers,
  createFailoverSweep,
  createHistoryPublisher,
  type DomainPublisher,
  type NdcHost,
  type PublisherStatus,
  type ReplicationQueue,
} from '#replication';
import type { JobPlacement } from './job-placement.ts';

export interface OutboundDeps {
  readonly env: Env;
  readonly store: Store;
  readonly host: NdcHost;
  readonly domains: DomainCache;
  readonly clusters: ClusterGroup;
  readonly placement: JobPlacement | undefined;
}

export interface Outbound {
  readonly log: EmbeddedLog;
  readonly domainPublisher: DomainPublisher;
  status(): readonly PublisherStatus[];
  drained(signal: AbortSignal): Promise<readonly number[]>;
  /** A shard is owned here. Returns the function to call when it is lost. */
  addShard(queue: ReplicationQueue): () => void;
  start(): void;
  stop(): Promise<void>;
}

export function createOutbound(
  deps: OutboundDeps,
  options: { consumers: readonly string[]; historyPartitions: number; retentionMs: number },
): Outbound {
  const { env, store } = deps;
  const isServedByMany = deps.placement !== undefined;
  const log = createEmbeddedLog({ env, log: store.log }, { ...options, isServedByMany });
  const publisher = createHistoryPublisher({ env, log });
  const domainPublisher = createDomainPublisher({ env, log, domains: store.domains });
  const sweep = createFailoverSweep({
    env,
    shards: store.shards,
    keyValues: store.keyValues,
    host: deps.host,
    domains: deps.domains,
    listDomainIds: async () =>
      (await store.domains.listDomains()).flatMap(({ domain }) => (domain?.isGlobalDomain ? [domain.id] : [])),
  });
  const { placement } = deps;
  const announcer = createDomainAnnouncer({
    env,
    publisher: {
      publishMissing: async () => {
        if (placement?.isMine('domain-announcer') ?? true) await domainPublisher.publishMissing();
      },
    },
    onDomainChange: (listener) => {
      const unsubscribes = [
        deps.domains.onChange((_before, after) => {
          if (after.isGlobal) listener();
        }),
        // Another host may have been about to.
        placement?.onChange(listener),
      ];
      return () => {
        for (const unsubscribe of unsubscribes) unsubscribe?.();
      };
    },
  });

  const markers = createFailoverMarkers({
    env,
    log,
    drained: ({ id, failoverVersion }, signal) =>
      placement === undefined
        ? publisher.drained(signal).then(() => {})
        : placement.drainReplication(id, failoverVersion, signal),
    isMine: () => placement?.isMine('failover-markers') ?? true,
    currentCluster: deps.clusters.currentCluster,
    isGraceful: async (domainId) =>
      (await deps.domains.record(domainId)).previousFailoverVersion !== NO_PREVIOUS_FAILOVER_VERSION,
    onDomainChange: (listener) => deps.domains.onChange(listener),
  });

  return {
    log,
    domainPublisher,
    status: () => publisher.status(),
    drained: (signal) => publisher.drained(signal),
    addShard(queue) {
      const endings = [publisher.attach(queue), sweep.addShard(queue.shardId)];
      return () => {
        for (const end of endings) end();
      };
    },
    start() {
      sweep.start();
      announcer.start();
      markers.start();
    },
    async stop() {
      await Promise.all([markers.stop(), announcer.stop(), publisher.stop(), sweep.stop()]);
    },
  };
}
