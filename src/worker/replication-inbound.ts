// What a region takes from the others: per remote cluster a consumer of its log, and the way to apply one of its tasks by hand.
import type { ReplicationTask } from '@antiphon/proto/admin';
import { badRequest } from '#base';
import type { ClusterGroup } from '#core';
import type { DomainCache, DomainService } from '#domains';
import type { Env } from '#env';
import { createEmbeddedLogSource } from '#log/embedded';
import type { Store } from '#persistence';
import {
  createClusterConsumer,
  createTaskApplier,
  type DeadLetters,
  type DomainTaskApplier,
  type TaskApplier,
} from '#replication';
import type { HistoryClient, RemoteFrontendClient } from '#rpc';
import type { ConsumerSource } from './assigned-consumers.ts';

export interface InboundDeps {
  readonly env: Env;
  readonly store: Store;
  readonly history: HistoryClient;
  readonly domains: DomainCache;
  readonly domainService: Pick<DomainService, 'applyReplicated' | 'completeGracefulFailover'>;
  readonly clusters: ClusterGroup;
  readonly remoteCluster: (name: string) => RemoteFrontendClient | undefined;
  readonly deadLetters: DeadLetters;
}

export interface InboundOptions {
  readonly waitMs: number;
  readonly concurrency: number;
}

export interface Inbound {
  /** One for each remote cluster. */
  readonly consumers: readonly ConsumerSource[];
  /** Applies a task of that source once; undefined for a cluster that is not one. */
  applierOf(sourceCluster: string): ((task: ReplicationTask) => Promise<void>) | undefined;
  /** The frontend of a source; undefined for a cluster that is not one. */
  sourceOf(sourceCluster: string): RemoteFrontendClient['admin'] | undefined;
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

export function createInbound(deps: InboundDeps, remotes: readonly string[], options: InboundOptions): Inbound {
  const { env, store, history, deadLetters } = deps;
  const { currentCluster } = deps.clusters;
  const appliers = new Map<string, TaskApplier>();
  const sources = new Map<string, RemoteFrontendClient['admin']>();
  const consumers: ConsumerSource[] = [];
  for (const sourceCluster of remotes) {
    const remote = deps.remoteCluster(sourceCluster);
    if (remote === undefined) continue;
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
    sources.set(sourceCluster, remote.admin);
    const source = createEmbeddedLogSource(remote.admin, { sourceCluster, currentCluster });
    const onDrained = (...args: Parameters<DomainService['completeGracefulFailover']>) =>
      deps.domainService.completeGracefulFailover(...args);
    consumers.push({
      sourceCluster,
      open: () => createClusterConsumer({ env, source, offsets: store.log, applier, deadLetters, onDrained }, options),
    });
  }
  return {
    consumers,
    sourceOf: (sourceCluster) => sources.get(sourceCluster),
    applierOf(sourceCluster) {
      const applier = appliers.get(sourceCluster);
      return applier === undefined ? undefined : (task) => applier.applyOnce(task);
    },
  };
}
