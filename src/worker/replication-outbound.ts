// What a region gives to the others: its log, the publishers that fill it from shards and domains, and the look at runs after a failover.
import type { ClusterGroup } from '#core';
import type { DomainCache } from '#domains';
import { type Env, sleep } from '#env';
import { createEmbeddedLog, type EmbeddedLog } from '#log/embedded';
import type { Store } from '#persistence';
import {
  createDomainPublisher,
  createFailoverSweep,
  createHistoryPublisher,
  type DomainPublisher,
  type NdcHost,
  type PublisherStatus,
  type ReplicationQueue,
} from '#replication';

export interface OutboundDeps {
  readonly env: Env;
  readonly store: Store;
  readonly host: NdcHost;
  readonly domains: DomainCache;
  readonly clusters: ClusterGroup;
}

export interface Outbound {
  readonly log: EmbeddedLog;
  readonly domainPublisher: DomainPublisher;
  status(): readonly PublisherStatus[];
  /** A shard is owned here. Returns the function to call when it is lost. */
  addShard(queue: ReplicationQueue): () => void;
  start(): void;
  stop(): Promise<void>;
}

const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 60_000;

export function createOutbound(
  deps: OutboundDeps,
  options: { consumers: readonly string[]; historyPartitions: number; retentionMs: number },
): Outbound {
  const { env, store } = deps;
  const log = createEmbeddedLog({ env, log: store.log }, options);
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
  const stopping = new AbortController();
  let announcing: Promise<void> | undefined;

  /** Repairs domain changes that a crash kept from being published. */
  const announceDomains = async (): Promise<void> => {
    const { signal } = stopping;
    for (let backoffMs = RETRY_MS_MIN; !signal.aborted; backoffMs = Math.min(RETRY_MS_MAX, backoffMs * 2)) {
      try {
        await domainPublisher.publishAll();
        return;
      } catch (error) {
        env.logger.warn('publishing the domains failed; trying again', { error });
        await sleep(env.scheduler, backoffMs, signal);
      }
    }
  };

  return {
    log,
    domainPublisher,
    status: () => publisher.status(),
    addShard(queue) {
      const endings = [publisher.attach(queue), sweep.addShard(queue.shardId)];
      return () => {
        for (const end of endings) end();
      };
    },
    start() {
      sweep.start();
      announcing ??= announceDomains();
    },
    async stop() {
      stopping.abort();
      await Promise.all([announcing, publisher.stop(), sweep.stop()]);
    },
  };
}
