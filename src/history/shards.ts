// All shards of this host and the way to them: workflow id → shard → open actor.

import { unavailable } from '#base';
import { isActiveHereForSome } from '#core';
import type { ShardMap } from '#persistence';
import type { ReplicationQueue } from '#replication';
import type { HistoryDeps, HistoryOptions } from './deps.ts';
import type { HistoryMetrics } from './metrics.ts';
import { ShardActor, type ShardExecutors } from './shard-actor.ts';
import { ShardHandle } from './shard-handle.ts';
import { createShardLookup, evenShardMap } from './shard-map.ts';

export type ShardListener = (queue: ReplicationQueue) => () => void;

export interface ShardStatus {
  readonly shardId: number;
  readonly isOpen: boolean;
  readonly rangeId: number;
  readonly workflowsInMemory: number;
  readonly cacheBytes: number;
  readonly unfinishedTransferTasks: number;
  readonly transferAckLevel: number;
  readonly timersInMemory: number;
  readonly heldTasks: number;
  readonly replicationAckLevel: number;
}

export class Shards {
  readonly #deps: HistoryDeps;
  readonly #options: HistoryOptions;
  readonly #executors: ShardExecutors;
  readonly #metrics: HistoryMetrics;
  readonly #handles = new Map<number, ShardHandle>();
  readonly #listeners = new Set<ShardListener>();
  /** What listeners returned, per open actor: called when it closes. */
  readonly #endings = new Map<ShardActor, (() => void)[]>();
  #lookup: ((workflowId: string) => number) | undefined;
  #map: ShardMap | undefined;
  #unsubscribe: (() => void) | undefined;
  #isStopping = false;

  constructor(deps: HistoryDeps, options: HistoryOptions, executors: ShardExecutors, metrics: HistoryMetrics) {
    this.#deps = deps;
    this.#options = options;
    this.#executors = executors;
    this.#metrics = metrics;
  }

  get map(): ShardMap | undefined {
    return this.#map;
  }

  async start(): Promise<void> {
    if (this.#map !== undefined) return;
    this.#map = await this.#deps.store.shards.loadShardMap(evenShardMap(this.#options.shardCount));
    this.#lookup = createShardLookup(this.#map);
    const shardCacheBytes = Math.floor(this.#options.cacheBytes / this.#map.shards.length);
    for (const { shardId } of this.#map.shards) {
      const handle = new ShardHandle(shardId, {
        deps: this.#deps,
        acquireWaitMs: this.#options.acquireWaitMs,
        createActor: (lease) =>
          new ShardActor(this.#deps, { ...this.#options, shardCacheBytes }, lease, this.#executors, this.#metrics),
        onOpen: (actor) => this.#onOpen(actor),
        onClose: (actor) => this.#onClose(actor),
      });
      this.#handles.set(shardId, handle);
      handle.start();
    }
    this.#unsubscribe = this.#deps.domains.onChange((_, after) => {
      if (!isActiveHereForSome(after)) return;
      for (const actor of this.actors()) actor.releaseDomain(after.id);
    });
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#unsubscribe?.();
    await Promise.all([...this.#handles.values()].map((handle) => handle.stop()));
  }

  shardOf(workflowId: string): number {
    if (this.#lookup === undefined) throw unavailable('The history service has not started yet');
    return this.#lookup(workflowId);
  }

  /** The open actor of the workflow's shard, at once if it is open. */
  of(workflowId: string): ShardActor | Promise<ShardActor> {
    const handle = this.#handles.get(this.shardOf(workflowId));
    if (handle === undefined) throw unavailable('The history service has not started yet');
    return handle.actor ?? handle.ready();
  }

  handle(shardId: number): ShardHandle | undefined {
    return this.#handles.get(shardId);
  }

  actors(): readonly ShardActor[] {
    return [...this.#handles.values()].flatMap(({ actor }) => (actor === undefined ? [] : [actor]));
  }

  onShard(listener: ShardListener): () => void {
    this.#listeners.add(listener);
    for (const actor of this.actors()) this.#announce(actor, listener);
    return () => this.#listeners.delete(listener);
  }

  status(): readonly ShardStatus[] {
    return [...this.#handles].map(([shardId, { actor }]) => ({
      shardId,
      isOpen: actor !== undefined,
      rangeId: actor?.rangeId ?? 0,
      workflowsInMemory: actor?.cache.size ?? 0,
      cacheBytes: actor?.cache.bytes ?? 0,
      unfinishedTransferTasks: actor?.transfers.unfinishedCount ?? 0,
      transferAckLevel: actor?.transfers.ackLevel ?? 0,
      timersInMemory: actor?.timers.inMemoryCount ?? 0,
      heldTasks: actor?.standby.count ?? 0,
      replicationAckLevel: actor?.feed.ackLevel ?? 0,
    }));
  }

  #onOpen(actor: ShardActor): void {
    this.#endings.set(actor, []);
    for (const listener of this.#listeners) this.#announce(actor, listener);
    this.#countOwned();
    this.#executors.onOpen(actor);
  }

  #onClose(actor: ShardActor): void {
    for (const end of this.#endings.get(actor) ?? []) end();
    this.#endings.delete(actor);
    if (!this.#isStopping) this.#metrics.shardsLost.inc();
    this.#countOwned();
  }

  #announce(actor: ShardActor, listener: ShardListener): void {
    this.#endings.get(actor)?.push(listener(actor.feed));
  }

  #countOwned(): void {
    this.#metrics.shardsOwned.set(this.actors().length);
  }
}
