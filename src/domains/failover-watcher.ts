// Ends graceful failovers whose time is over: one timer per pending domain, armed when the cache shows it, also after a restart. Work while
// nothing pends: none. Whoever knows earlier that the old side is drained calls `complete` on the service.
import type { DomainView } from '#core';
import type { Env, TimerHandle } from '#env';
import type { DomainCache } from './ports.ts';

const RETRY_MS = 1000;

export interface FailoverWatcherDeps {
  readonly env: Env;
  readonly cache: DomainCache;
  readonly currentCluster: string;
  readonly complete: (domainId: string, failoverVersion: number) => Promise<void>;
}

export class FailoverWatcher {
  readonly #deps: FailoverWatcherDeps;
  readonly #timers = new Map<string, TimerHandle>();
  #unsubscribe: (() => void) | undefined;

  constructor(deps: FailoverWatcherDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#unsubscribe ??= this.#deps.cache.onChange((_before, after) => this.#watch(after));
  }

  stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  #watch(view: DomainView): void {
    this.#timers.get(view.id)?.cancel();
    this.#timers.delete(view.id);
    const isPending = view.isGlobal && !view.isActiveHere && view.activeCluster === this.#deps.currentCluster;
    if (isPending) this.#arm(view, 0);
  }

  #arm(view: DomainView, afterMs: number): void {
    const timer = this.#deps.env.scheduler.after(afterMs, () => {
      this.#timers.delete(view.id);
      this.#check(view).catch((error: unknown) => {
        this.#deps.env.logger.warn('graceful failover could not be completed, retrying', {
          'wf-domain-name': view.name,
          error,
        });
        this.#arm(view, RETRY_MS);
      });
    });
    this.#timers.set(view.id, timer);
  }

  async #check(view: DomainView): Promise<void> {
    const record = await this.#deps.cache.record(view.id);
    if (record.failoverEndTimeMs === 0 || this.#unsubscribe === undefined) return;
    const remainingMs = record.failoverEndTimeMs - this.#deps.env.clock.nowMs();
    if (remainingMs > 0) this.#arm(view, remainingMs);
    else await this.#deps.complete(view.id, view.failoverVersion);
  }
}
