// The shards of this host and the way to them: workflow id → shard → open actor. Alone, a host has all of them. With others it has those that the
// placement gives it: on a change it claims what it gains, and goes on with what it loses until the new owner asks for it (or for a while, if
// nobody does), so that a shard is without owner only for the length of one hand-over.
// Invariant: what is not here is answered with ShardOwnershipLost, and nothing was done.
import { setMaxListeners } from 'node:events';
import { type ServiceError, ShardOwnershipLostError, unavailable } from '#base';
import { isActiveHereForSome } from '#core';
import { sleep } from '#env';
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

/**
 * How long after the beginning of a commit that proved it an owner answers reads from memory. Whoever takes a shard that was not handed over
 * acknowledges nothing before the last such read of the owner before him is over.
 */
const READ_LEASE_MS = 500;
/** A shard that was given away on request: taken back only if the ring still says so after this time. */
const YIELD_MS = 3_000;
/** A shard that the ring gives to another host is let go after this time though that one did not ask. */
const UNASKED_MS = 3_000;

export class Shards {
  readonly #deps: HistoryDeps;
  readonly #options: HistoryOptions;
  readonly #executors: ShardExecutors;
  readonly #metrics: HistoryMetrics;
  readonly #handles = new Map<number, ShardHandle>();
  readonly #listeners = new Set<ShardListener>();
  /** What listeners returned, per open actor: called when it closes. */
  readonly #endings = new Map<ShardActor, (() => void)[]>();
  /** Shards that another host asked for, and which one. */
  readonly #yielded = new Map<number, string>();
  /** Shards of other hosts that are still open here. */
  readonly #leaving = new Set<number>();
  readonly #unsubscribes: (() => void)[] = [];
  #lookup: ((workflowId: string) => number) | undefined;
  #map: ShardMap | undefined;
  readonly #stopping = new AbortController();

  constructor(deps: HistoryDeps, options: HistoryOptions, executors: ShardExecutors, metrics: HistoryMetrics) {
    this.#deps = deps;
    this.#options = options;
    this.#executors = executors;
    this.#metrics = metrics;
    // Every shard that goes to another host waits on it.
    setMaxListeners(0, this.#stopping.signal);
  }

  get map(): ShardMap | undefined {
    return this.#map;
  }

  async start(): Promise<void> {
    if (this.#map !== undefined) return;
    this.#map = await this.#deps.store.shards.loadShardMap(evenShardMap(this.#options.shardCount));
    this.#lookup = createShardLookup(this.#map);
    this.#sync();
    const { domains, placement } = this.#deps;
    if (placement !== undefined) this.#unsubscribes.push(placement.onChange(() => this.#sync()));
    this.#unsubscribes.push(
      domains.onChange((_, after) => {
        if (!isActiveHereForSome(after)) return;
        for (const actor of this.actors()) actor.releaseDomain(after.id);
      }),
    );
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const unsubscribe of this.#unsubscribes) unsubscribe();
    await Promise.all([...this.#handles.values()].map((handle) => handle.stop(this.#stopReason(handle.shardId))));
  }

  /** Every shard of the map, in order. */
  ids(): readonly number[] {
    return (this.#map?.shards ?? []).map(({ shardId }) => shardId);
  }

  shardOf(workflowId: string): number {
    if (this.#lookup === undefined) throw unavailable('The history service has not started yet');
    return this.#lookup(workflowId);
  }

  isHere(workflowId: string): boolean {
    return this.#handles.has(this.shardOf(workflowId));
  }

  /** The open actor of the workflow's shard, at once if it is open. */
  of(workflowId: string): ShardActor | Promise<ShardActor> {
    const shardId = this.shardOf(workflowId);
    const handle = this.#handles.get(shardId);
    if (handle === undefined) throw this.elsewhere(shardId);
    return handle.actor ?? handle.ready();
  }

  handle(shardId: number): ShardHandle | undefined {
    return this.#handles.get(shardId);
  }

  /** The answer to whoever asks for a shard that is not here. */
  elsewhere(shardId: number): ServiceError {
    return new ShardOwnershipLostError(shardId, {
      owner: this.#yielded.get(shardId) ?? this.#deps.placement?.ownerOf(shardId),
    });
  }

  actors(): readonly ShardActor[] {
    return [...this.#handles.values()].flatMap(({ actor }) => (actor === undefined ? [] : [actor]));
  }

  /** Lets go of those that are here; `hostId` will own them. Resolves with those that nobody answers reads of any more. */
  async release(shardIds: readonly number[], hostId: string): Promise<readonly number[]> {
    const here = shardIds.filter((shardId) => this.#handles.has(shardId));
    const released = here.filter((shardId) => this.#handles.get(shardId)?.actor?.hasNoReadersBefore);
    await Promise.all(
      here.map((shardId) => {
        if (this.#isMine(shardId)) this.#yield(shardId, hostId);
        return this.#letGo(shardId);
      }),
    );
    return released;
  }

  /** The ring has not followed yet, or never will. */
  #yield(shardId: number, hostId: string): void {
    this.#yielded.set(shardId, hostId);
    this.#deps.env.scheduler.after(YIELD_MS, () => {
      if (this.#yielded.get(shardId) === hostId) this.#yielded.delete(shardId);
      this.#sync();
    });
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

  /** Makes what is here what the placement says. */
  #sync(): void {
    if (this.#stopping.signal.aborted) return;
    const gained: number[] = [];
    for (const shardId of this.ids()) {
      const isMine = this.#isMine(shardId);
      const isHere = this.#handles.has(shardId);
      // The ring has followed: from now on it says where the shard is.
      if (!isMine) this.#yielded.delete(shardId);
      if (isMine && !isHere && !this.#yielded.has(shardId)) gained.push(shardId);
      else if (!isMine && isHere) void this.#letGoUnasked(shardId);
    }
    if (gained.length === 0) return;
    const claimed = this.#deps.placement?.claim(gained);
    for (const shardId of gained) this.#open(shardId, claimed);
    this.#shareCache();
  }

  #isMine(shardId: number): boolean {
    return this.#deps.placement?.isMine(shardId) ?? true;
  }

  #open(shardId: number, claimed: Promise<ReadonlySet<number>> | undefined): void {
    const { placement } = this.#deps;
    let firstClaim = claimed;
    let isHandedOver = placement === undefined;
    const mayAcquire = async (isLost: boolean): Promise<boolean> => {
      if (placement === undefined) return true;
      if (isLost) await placement.lookNow();
      if (!placement.isMine(shardId) || !placement.isCurrent()) return false;
      const claim = firstClaim ?? (isLost ? placement.claim([shardId]) : undefined);
      firstClaim = undefined;
      isHandedOver = (await claim)?.has(shardId) ?? false;
      return placement.isMine(shardId) && placement.isCurrent();
    };
    const handle = new ShardHandle(shardId, {
      deps: this.#deps,
      acquireWaitMs: this.#options.acquireWaitMs,
      ...(placement === undefined ? {} : { mayAcquire }),
      createActor: (lease) =>
        new ShardActor(
          this.#deps,
          {
            ...this.#options,
            shardCacheBytes: this.#shardCacheBytes,
            readLeaseMs: placement && READ_LEASE_MS,
            isHandedOver,
          },
          lease,
          this.#executors,
          this.#metrics,
        ),
      onOpen: (actor) => this.#onOpen(actor),
      onClose: (actor) => this.#onClose(actor),
    });
    this.#handles.set(shardId, handle);
    handle.start();
  }

  /** The new owner asks for it as a rule; if it cannot, it has to be free some time. */
  async #letGoUnasked(shardId: number): Promise<void> {
    if (this.#leaving.has(shardId)) return;
    this.#leaving.add(shardId);
    await sleep(this.#deps.env.scheduler, UNASKED_MS, this.#stopping.signal);
    this.#leaving.delete(shardId);
    if (!this.#stopping.signal.aborted && !this.#isMine(shardId)) await this.#letGo(shardId);
  }

  async #letGo(shardId: number): Promise<void> {
    const handle = this.#handles.get(shardId);
    if (handle === undefined) return;
    // First, so that no new command comes: what is accepted is made durable.
    this.#handles.delete(shardId);
    await handle.stop(this.elsewhere(shardId));
    this.#countOwned();
  }

  #stopReason(shardId: number): ServiceError {
    return this.#deps.placement === undefined ? unavailable('Shutting down') : this.elsewhere(shardId);
  }

  get #shardCacheBytes(): number {
    const share = this.#deps.placement?.evenShare() ?? this.ids().length;
    return Math.floor(this.#options.cacheBytes / Math.max(1, share, this.#handles.size));
  }

  #shareCache(): void {
    for (const actor of this.actors()) actor.cache.limit(this.#shardCacheBytes);
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
    // Handed over is not lost.
    if (this.#handles.has(actor.shardId) && !this.#stopping.signal.aborted) this.#metrics.shardsLost.inc();
    this.#countOwned();
  }

  #announce(actor: ShardActor, listener: ShardListener): void {
    this.#endings.get(actor)?.push(listener(actor.feed));
  }

  #countOwned(): void {
    this.#metrics.shardsOwned.set(this.actors().length);
  }
}
