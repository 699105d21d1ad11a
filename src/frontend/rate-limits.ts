// How many calls a host takes, and how many of one domain: token buckets that hold one second's worth. Classes have buckets of their own,
// so that a flood of starts does not stop workers from answering. Cadence: common/quotas, semantics §8.2
import { ServiceBusyError } from '#base';
import type { Clock } from '#env';

export type CallClass = 'user' | 'worker' | 'visibility' | 'none';

class TokenBucket {
  readonly #ratePerSecond: number;
  #tokens: number;
  #updatedMs: number;

  constructor(ratePerSecond: number, nowMs: number) {
    this.#ratePerSecond = ratePerSecond;
    this.#tokens = ratePerSecond;
    this.#updatedMs = nowMs;
  }

  take(nowMs: number): boolean {
    const refill = ((nowMs - this.#updatedMs) / 1000) * this.#ratePerSecond;
    this.#tokens = Math.min(this.#ratePerSecond, this.#tokens + refill);
    this.#updatedMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

export interface RateLimits {
  /** Throws ServiceBusy. `domain` empty: only the host's own limit counts. */
  take(domain: string, callClass: CallClass): void;
}

// Names are of existing domains; beyond this many the buckets start anew, which lets at most one more second's worth through.
const BUCKET_COUNT_MAX = 30_000;

export function createRateLimits(clock: Clock, limits: { rps: number; domainRps: number }): RateLimits {
  const host = new TokenBucket(limits.rps, clock.monotonicMs());
  const byClass: Readonly<Record<Exclude<CallClass, 'none'>, Map<string, TokenBucket>>> = {
    user: new Map(),
    worker: new Map(),
    visibility: new Map(),
  };
  return {
    take(domain, callClass) {
      if (callClass === 'none') return;
      const nowMs = clock.monotonicMs();
      if (!host.take(nowMs)) throw tooMany('host');
      if (domain === '') return;
      const buckets = byClass[callClass];
      let bucket = buckets.get(domain);
      if (bucket === undefined) {
        if (buckets.size >= BUCKET_COUNT_MAX) buckets.clear();
        bucket = new TokenBucket(limits.domainRps, nowMs);
        buckets.set(domain, bucket);
      }
      if (!bucket.take(nowMs)) throw tooMany('domain');
    },
  };
}

const tooMany = (whose: string): ServiceBusyError =>
  new ServiceBusyError('Too many outstanding requests to the cadence service', `${whose} rate limit`);
