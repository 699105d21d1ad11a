// Keeps one shard served: acquires it, lets an actor work until it is closed for whatever reason, acquires it again. Acquiring raises the
// range id, which is what makes an unknown outcome known: after it nothing of the old lease can land.
import { type Deferred, deferred, isStoreError, type ServiceError, unavailable } from '#base';
import { sleep } from '#env';
import type { ShardLease } from '#persistence';
import type { HistoryDeps } from './deps.ts';
import type { ShardActor } from './shard-actor.ts';

export interface ShardHandleHost {
  readonly deps: HistoryDeps;
  readonly acquireWaitMs: number;
  /** Resolves with whether the shard may be acquired now. `isLost`: another host has just taken it. */
  readonly mayAcquire?: ((isLost: boolean) => Promise<boolean>) | undefined;
  createActor(lease: ShardLease): ShardActor;
  onOpen(actor: ShardActor): void;
  onClose(actor: ShardActor, reason: unknown): void;
}

const BACKOFF_MS_MIN = 50;
const BACKOFF_MS_MAX = 5_000;
// A lease that lived so long was healthy: the next acquisition does not wait.
const HEALTHY_MS = 10_000;
const LOOP_END_MS_MAX = 1_000;
const ASK_AGAIN_MS = 100;

export class ShardHandle {
  readonly shardId: number;
  readonly #host: ShardHandleHost;
  readonly #stopping = new AbortController();
  #actor: ShardActor | undefined;
  #waiting = new Set<Deferred<ShardActor>>();
  #lastError: unknown;
  #loop: Promise<void> | undefined;
  #stopReason: ServiceError | undefined;

  constructor(shardId: number, host: ShardHandleHost) {
    this.shardId = shardId;
    this.#host = host;
  }

  /** The actor if the shard is open now. */
  get actor(): ShardActor | undefined {
    return this.#actor?.isClosed === false ? this.#actor : undefined;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** Waits for the shard to be open, for a bounded time. */
  async ready(): Promise<ShardActor> {
    const { actor } = this;
    if (actor !== undefined) return actor;
    if (this.#stopReason !== undefined) throw this.#stopReason;
    const waiting = deferred<ShardActor>();
    this.#waiting.add(waiting);
    const timer = this.#host.deps.env.scheduler.after(this.#host.acquireWaitMs, () => {
      this.#waiting.delete(waiting);
      const cause = this.#lastError instanceof Error ? `: ${this.#lastError.message}` : '';
      waiting.reject(unavailable(`Shard ${this.shardId} is not open yet, please retry${cause}`));
    });
    try {
      return await waiting.promise;
    } finally {
      timer.cancel();
    }
  }

  /** Lets go of the shard, all that was accepted durable. Whoever waits for it, or asks from now on, gets the reason. */
  async stop(reason: ServiceError): Promise<void> {
    this.#stopReason ??= reason;
    this.#stopping.abort();
    await this.#actor?.stop(reason);
    for (const waiting of this.#waiting) waiting.reject(reason);
    this.#waiting.clear();
    // An acquisition that hangs must not keep the process: the loop ends with it, or the process does.
    await Promise.race([this.#loop, sleep(this.#host.deps.env.scheduler, LOOP_END_MS_MAX)]);
  }

  async #run(): Promise<void> {
    const { env } = this.#host.deps;
    const { signal } = this.#stopping;
    let failures = 0;
    let isLost = false;
    while (!signal.aborted) {
      const startMs = env.clock.monotonicMs();
      const mayAcquire: boolean = (await this.#host.mayAcquire?.(isLost)) ?? true;
      if (signal.aborted) return;
      if (!mayAcquire) {
        isLost = false;
        await sleep(env.scheduler, ASK_AGAIN_MS, signal);
        continue;
      }
      isLost = await this.#serveOnce();
      if (signal.aborted) return;
      failures = env.clock.monotonicMs() - startMs > HEALTHY_MS ? 0 : failures + 1;
      // The first loss is followed at once; repeated ones, and another owner, get room.
      if (failures <= 1 && !isLost) continue;
      const limitMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** failures);
      await sleep(env.scheduler, Math.round(limitMs * (0.5 + env.random.next() / 2)), signal);
    }
  }

  /** One lease from acquisition to close. True when another owner took the shard. */
  async #serveOnce(): Promise<boolean> {
    const { deps, createActor, onOpen, onClose } = this.#host;
    const { env, store, host } = deps;
    let lease: ShardLease;
    try {
      lease = await store.shards.acquireShard(this.shardId, host, env.clock.nowMs());
    } catch (error) {
      this.#lastError = error;
      env.logger.warn('the shard could not be acquired', { 'shard-id': this.shardId, error });
      return false;
    }
    if (this.#stopping.signal.aborted) return false;
    const actor = createActor(lease);
    this.#actor = actor;
    env.logger.info('the shard is open', { 'shard-id': this.shardId, 'range-id': lease.rangeId });
    onOpen(actor);
    actor.start();
    for (const waiting of this.#waiting) waiting.resolve(actor);
    this.#waiting.clear();
    const reason = await actor.closed.promise;
    this.#actor = undefined;
    this.#lastError = reason;
    onClose(actor, reason);
    if (!this.#stopping.signal.aborted) {
      env.logger.warn('the shard was closed', { 'shard-id': this.shardId, error: reason });
    }
    return isStoreError(reason, 'ShardOwnershipLost');
  }
}
