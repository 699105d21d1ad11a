// Domains in memory: read through on a miss, refreshed when the store's notification version moves. All domains fit (Cadence holds them all
// too). A record never goes back to an older notification version, so each domain's listeners see its changes in order; a refresh announces
// the changes it found in the order they were made.
import type { DomainRecord } from '@antiphon/proto/internal';
import { EntityNotExistsError, required } from '#base';
import type { ClusterGroup, DomainView } from '#core';
import type { Env, TimerHandle } from '#env';
import type { DomainStore } from '#persistence';
import { type DomainViewOptions, viewOf } from './domain-view.ts';
import type { DomainCache } from './ports.ts';

export interface DomainCacheDeps {
  readonly env: Env;
  readonly store: DomainStore;
  readonly clusters: ClusterGroup;
}

export interface DomainCacheOptions extends DomainViewOptions {
  readonly pollMs: number;
}

interface Cached {
  readonly record: DomainRecord;
  readonly view: DomainView;
}

type Listener = (before: DomainView | undefined, after: DomainView) => void;

class StoreDomainCache implements DomainCache {
  readonly #deps: DomainCacheDeps;
  readonly #options: DomainCacheOptions;
  readonly #byId = new Map<string, Cached>();
  readonly #idByName = new Map<string, string>();
  readonly #loading = new Map<string, Promise<Cached>>();
  readonly #listeners = new Set<Listener>();
  #seenVersion = -1;
  #isStarted = false;
  #timer: TimerHandle | undefined;

  constructor(deps: DomainCacheDeps, options: DomainCacheOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  async byName(name: string): Promise<DomainView> {
    return this.peekByName(name) ?? (await this.#load(`name:${name}`, { name }, name)).view;
  }

  async byId(id: string): Promise<DomainView> {
    return this.peekById(id) ?? (await this.#load(`id:${id}`, { id }, id)).view;
  }

  peekByName(name: string): DomainView | undefined {
    const id = this.#idByName.get(name);
    return id === undefined ? undefined : this.peekById(id);
  }

  peekById(id: string): DomainView | undefined {
    return this.#byId.get(id)?.view;
  }

  async record(id: string): Promise<DomainRecord> {
    return (this.#byId.get(id) ?? (await this.#load(`id:${id}`, { id }, id))).record;
  }

  size(): number {
    return this.#byId.size;
  }

  put(record: DomainRecord): void {
    this.#take(record);
  }

  forget(id: string): void {
    const cached = this.#byId.get(id);
    if (cached === undefined) return;
    this.#byId.delete(id);
    if (this.#idByName.get(cached.view.name) === id) this.#idByName.delete(cached.view.name);
  }

  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    void this.#poll();
  }

  stop(): void {
    this.#isStarted = false;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Calls for one missing domain share one read. */
  #load(key: string, by: { id: string } | { name: string }, asked: string): Promise<Cached> {
    const running = this.#loading.get(key);
    if (running !== undefined) return running;
    const loading = this.#deps.store
      .findDomain(by)
      .then((record) => {
        if (record === undefined) throw new EntityNotExistsError(`Domain ${asked} does not exist.`);
        return this.#take(record);
      })
      .finally(() => this.#loading.delete(key));
    this.#loading.set(key, loading);
    return loading;
  }

  #take(record: DomainRecord): Cached {
    const view = viewOf(record, this.#deps.clusters, this.#options);
    const before = this.#byId.get(view.id);
    if (before !== undefined && before.record.notificationVersion >= record.notificationVersion) return before;
    const cached = { record, view };
    this.#byId.set(view.id, cached);
    this.#idByName.set(view.name, view.id);
    for (const listener of this.#listeners) this.#tell(listener, before?.view, view);
    return cached;
  }

  #tell(listener: Listener, before: DomainView | undefined, after: DomainView): void {
    try {
      listener(before, after);
    } catch (error) {
      // One listener's defect must not keep the others from hearing of a failover.
      this.#deps.env.logger.error('domain change listener failed', { 'wf-domain-name': after.name, error });
    }
  }

  async #poll(): Promise<void> {
    const { env, store } = this.#deps;
    try {
      const version = await store.notificationVersion();
      if (version !== this.#seenVersion) {
        this.#refresh(await store.listDomains(), version);
        this.#seenVersion = version;
      }
    } catch (error) {
      env.logger.warn('domain refresh failed, retrying', { error });
    }
    if (!this.#isStarted) return;
    const jitter = 0.8 + 0.4 * env.random.next();
    this.#timer = env.scheduler.after(this.#options.pollMs * jitter, () => void this.#poll());
  }

  /** `version` was read before the records: what is newer than it and not among them was put here meanwhile. */
  #refresh(records: readonly DomainRecord[], version: number): void {
    const ids = new Set(records.map((record) => required(record.domain, 'a domain record has a domain').id));
    for (const [id, cached] of this.#byId) {
      if (!ids.has(id) && cached.record.notificationVersion <= version) this.forget(id);
    }
    const inOrder = [...records].sort((a, b) => a.notificationVersion - b.notificationVersion);
    for (const record of inOrder) this.#take(record);
  }
}

export function createDomainCache(deps: DomainCacheDeps, options: Partial<DomainCacheOptions> = {}): DomainCache {
  return new StoreDomainCache(deps, { pollMs: 1000, archivalDelayMs: 0, ...options });
}
