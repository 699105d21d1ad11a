// Who polled a list lately: by identity, bounded in age and count (semantics §3.5). Kept in order of last access, so that the oldest leave
// first without a timer.

interface Entry {
  lastAccessMs: number;
  ratePerSecond: number;
  isolationGroup: string;
}

export interface RecentPoller {
  readonly identity: string;
  /** Zone; empty: none. */
  readonly isolationGroup: string;
  readonly lastAccessMs: number;
  readonly ratePerSecond: number;
}

export class PollerHistory {
  readonly #entries = new Map<string, Entry>();
  readonly #countMax: number;
  readonly #ttlMs: number;

  constructor(countMax: number, ttlMs: number) {
    this.#countMax = countMax;
    this.#ttlMs = ttlMs;
  }

  record(identity: string, ratePerSecond: number, nowMs: number, isolationGroup = ''): void {
    const entry = this.#entries.get(identity);
    if (entry !== undefined) this.#entries.delete(identity);
    this.#entries.set(identity, { lastAccessMs: nowMs, ratePerSecond, isolationGroup });
    if (this.#entries.size > this.#countMax) {
      const oldest = this.#entries.keys().next();
      if (!oldest.done) this.#entries.delete(oldest.value);
    }
  }

  /** Most recent first. */
  recent(nowMs: number): readonly RecentPoller[] {
    for (const [identity, entry] of this.#entries) {
      if (entry.lastAccessMs > nowMs - this.#ttlMs) break;
      this.#entries.delete(identity);
    }
    return [...this.#entries].map(([identity, entry]) => ({ identity, ...entry })).reverse();
  }
}
