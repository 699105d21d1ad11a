// Looks at the runs of a domain after its active cluster changed: those that hold waiting events, or branches that lost, are settled
// (ndc/failover.ts). Per domain and shard the store remembers up to which level of its failover versions this was done, so a crash in between, or a
// change made while this process was down, is made up for when the shard opens. Runs at a bounded rate, one shard at a time.
import { ExecutionRecord } from '@antiphon/proto/internal';
import { EntityNotExistsError } from '#base';
import { type DomainView, failoverLevel } from '#core';
import { type Env, sleep } from '#env';
import type { KeyValueStore, RunKey, ShardStore } from '#persistence';
import { settleRunAfterFailover } from '../ndc/failover.ts';
import type { NdcHost } from '../ports.ts';
import { SweptVersions } from './swept-versions.ts';

const PAGE_SIZE = 200;
const PAGE_PAUSE_MS = 5;
const RETRY_MS_MIN = 200;
const RETRY_MS_MAX = 30_000;

export interface FailoverSweepDeps {
  readonly env: Env;
  readonly shards: ShardStore;
  readonly keyValues: KeyValueStore;
  readonly host: NdcHost;
  readonly domains: {
    byId(id: string): Promise<DomainView>;
    onChange(listener: (before: DomainView | undefined, after: DomainView) => void): () => void;
  };
  /** Every global domain, for those that changed before this process started. */
  readonly listDomainIds: () => Promise<readonly string[]>;
}

export interface FailoverSweep {
  start(): void;
  /** The shard is owned here. Returns the function that ends this. */
  addShard(shardId: number): () => void;
  stop(): Promise<void>;
}

const mayNeedSettling = (record: ExecutionRecord): boolean =>
  record.bufferedEvents.length > 0 || (record.versionHistories?.histories.length ?? 0) > 1;

class StoredSweep implements FailoverSweep {
  readonly #deps: FailoverSweepDeps;
  readonly #swept: SweptVersions;
  readonly #owned = new Map<number, AbortController>();
  #unsubscribe: (() => void) | undefined;
  #queue: Promise<void> = Promise.resolve();

  constructor(deps: FailoverSweepDeps) {
    this.#deps = deps;
    this.#swept = new SweptVersions(deps.keyValues);
  }

  start(): void {
    this.#unsubscribe ??= this.#deps.domains.onChange((before, after) => this.#onChange(before, after));
  }

  addShard(shardId: number): () => void {
    const lost = new AbortController();
    this.#owned.set(shardId, lost);
    this.#enqueue(lost.signal, async () => {
      for (const domainId of await this.#deps.listDomainIds()) this.#enqueueSweep(domainId, shardId);
    });
    return () => {
      lost.abort();
      if (this.#owned.get(shardId) === lost) this.#owned.delete(shardId);
    };
  }

  async stop(): Promise<void> {
    for (const lost of this.#owned.values()) lost.abort();
    this.#unsubscribe?.();
    await this.#queue;
  }

  #onChange(before: DomainView | undefined, after: DomainView): void {
    if (!after.isGlobal || (before !== undefined && failoverLevel(before) === failoverLevel(after))) return;
    for (const [shardId, { signal }] of this.#owned) {
      if (before !== undefined) this.#enqueueSweep(after.id, shardId);
      // A domain that has just been made has no runs.
      else this.#enqueue(signal, () => this.#swept.initialize(after.id, shardId, failoverLevel(after)));
    }
  }

  #enqueueSweep(domainId: string, shardId: number): void {
    const signal = this.#owned.get(shardId)?.signal;
    if (signal === undefined) return;
    this.#enqueue(signal, async () => {
      try {
        const domain = await this.#deps.domains.byId(domainId);
        if (domain.isGlobal) await this.#sweep(domain, shardId, signal);
      } catch (error) {
        if (!(error instanceof EntityNotExistsError)) throw error;
      }
    });
  }

  /** Runs the work after all before it, until it succeeds or the shard is lost. */
  #enqueue(signal: AbortSignal, work: () => Promise<void>): void {
    this.#queue = this.#queue.then(async () => {
      const { logger, scheduler } = this.#deps.env;
      for (let backoffMs = RETRY_MS_MIN; !signal.aborted; backoffMs = Math.min(RETRY_MS_MAX, backoffMs * 2)) {
        try {
          await work();
          return;
        } catch (error) {
          logger.warn('settling runs after a failover failed; trying again', { error });
          await sleep(scheduler, backoffMs, signal);
        }
      }
    });
  }

  async #sweep(domain: DomainView, shardId: number, signal: AbortSignal): Promise<void> {
    const { shards, env } = this.#deps;
    if ((await this.#swept.load(domain.id, shardId)) === failoverLevel(domain)) return;
    let token: Uint8Array | undefined;
    do {
      const page = await shards.listExecutions(shardId, token, PAGE_SIZE);
      for (const { record, domainId, workflowId, runId } of page.items) {
        if (domainId === domain.id) await this.#settle({ domainId, workflowId, runId }, record);
      }
      token = page.nextToken;
      await sleep(env.scheduler, PAGE_PAUSE_MS, signal);
    } while (token !== undefined && !signal.aborted);
    if (!signal.aborted) await this.#swept.save(domain.id, shardId, failoverLevel(domain));
  }

  async #settle(key: RunKey, record: Uint8Array): Promise<void> {
    if (mayNeedSettling(ExecutionRecord.decode(record))) await settleRunAfterFailover(this.#deps.host, key);
  }
}

export const createFailoverSweep = (deps: FailoverSweepDeps): FailoverSweep => new StoredSweep(deps);
