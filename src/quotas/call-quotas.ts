// How many calls a host takes: of a domain, of a caller, and altogether, in that order, each class on its own, so that a flood of starts does
// not stop workers from answering. A domain beyond its quota takes nothing from the host's. Rates come from dynamic config at each call; a
// rate without limit costs a comparison. Cadence: common/quotas, semantics §8.2
import * as keys from '#dynamicconfig';
import { type DynamicConfig, type Property, type QuotaClass, UNLIMITED } from '#dynamicconfig';
import { type Env, sleep } from '#env';
import { BucketTable } from './bucket-table.ts';
import { createLateRefusals, type LateRefusals } from './late-refusals.ts';
import { createRefusals, type Refuse } from './refusals.ts';
import { TokenBucket } from './token-bucket.ts';

/** `poll` counts as worker and may wait for its turn; `list` counts as visibility and has a limit beside. */
export type CallClass = QuotaClass | 'poll' | 'list' | 'none';

/** Who calls. */
export interface Caller {
  /** The service's own workflows: no quota is theirs. */
  readonly isSystem: boolean;
  /** What the application says it is. */
  readonly callerName: string;
  readonly callerType: string;
  readonly signal: AbortSignal;
}

export interface CallQuotas {
  /** Throws ServiceBusy. `domain` empty: only host and caller count. A promise only for a poll that has to wait, or for a late refusal. */
  take(
    domain: string,
    callClass: CallClass,
    caller: Caller,
    principal?: { readonly name: string } | undefined,
  ): void | Promise<void>;
}

// Beyond these the least needed buckets start anew.
const DOMAIN_BUCKETS_MAX = 30_000;
const CALLER_BUCKETS_MAX = 10_000;

interface ClassLimits {
  readonly name: QuotaClass;
  readonly host: Property<number>;
  readonly domain: Property<number>;
  readonly globalDomain: Property<number>;
  readonly hostBucket: TokenBucket;
  readonly domainBuckets: BucketTable;
}

export function createCallQuotas(env: Env, config: DynamicConfig): CallQuotas {
  return new ConfiguredQuotas(env, config);
}

const BASE_CLASS: Readonly<Record<Exclude<CallClass, 'none'>, QuotaClass>> = {
  user: 'user',
  worker: 'worker',
  poll: 'worker',
  visibility: 'visibility',
  list: 'visibility',
  async: 'async',
};

class ConfiguredQuotas implements CallQuotas {
  readonly #env: Env;
  readonly #refuse: Refuse;
  readonly #late: LateRefusals;
  readonly #classes: Readonly<Record<QuotaClass, ClassLimits>>;
  readonly #callerRps: Property<number>;
  readonly #listQps: Property<number>;
  readonly #pollDelay: Property<number>;
  readonly #bypass: Property<readonly string[]>;
  readonly #callers = new BucketTable(CALLER_BUCKETS_MAX);
  readonly #lists = new BucketTable(DOMAIN_BUCKETS_MAX);

  constructor(env: Env, config: DynamicConfig) {
    this.#env = env;
    this.#refuse = createRefusals(env.metrics);
    this.#late = createLateRefusals(env.scheduler, config.property(keys.REFUSAL_DELAY));
    this.#callerRps = config.property(keys.CALLER_RPS);
    this.#listQps = config.property(keys.VISIBILITY_LIST_QPS);
    this.#pollDelay = config.property(keys.WORKER_POLL_DELAY);
    this.#bypass = config.property(keys.BYPASS_CALLER_TYPES);
    const limitsOf = (name: QuotaClass): ClassLimits => {
      const { host, domain, globalDomain } = keys.QUOTA_KEYS[name];
      const hostRate = config.property(host);
      return {
        name,
        host: hostRate,
        domain: config.property(domain),
        globalDomain: config.property(globalDomain),
        hostBucket: new TokenBucket(hostRate.get(), env.clock.monotonicMs()),
        domainBuckets: new BucketTable(DOMAIN_BUCKETS_MAX),
      };
    };
    this.#classes = {
      user: limitsOf('user'),
      worker: limitsOf('worker'),
      visibility: limitsOf('visibility'),
      async: limitsOf('async'),
    };
  }

  take(
    domain: string,
    callClass: CallClass,
    caller: Caller,
    principal?: { readonly name: string } | undefined,
  ): void | Promise<void> {
    if (callClass === 'none' || caller.isSystem) return;
    const bypass = this.#bypass.get();
    if (bypass.length > 0 && bypass.includes(caller.callerType)) return;
    const limits = this.#classes[BASE_CLASS[callClass]];
    const nowMs = this.#env.clock.monotonicMs();
    const turn = domain === '' ? 0 : this.#turnOfDomain(domain, callClass, limits, nowMs);
    if (typeof turn !== 'number') return turn;
    const callerRps = this.#callerRps.ofDomain(domain);
    if (callerRps > 0) {
      const bucket = this.#callers.of(principal?.name ?? caller.callerName, callerRps, nowMs);
      if (!bucket.take(nowMs, callerRps)) {
        return this.#late.refuse(this.#refuse(domain, limits.name, 'caller-rate-limit'), bucket.excess(callerRps));
      }
    }
    const hostRate = limits.host.get();
    if (hostRate < UNLIMITED && !limits.hostBucket.take(nowMs, hostRate)) {
      throw this.#refuse(domain, limits.name, 'host-rate-limit');
    }
    return turn === 0 ? undefined : sleep(this.#env.scheduler, turn, caller.signal);
  }

  /** How long the call has to wait; or its refusal, late. */
  #turnOfDomain(domain: string, callClass: CallClass, limits: ClassLimits, nowMs: number): number | Promise<never> {
    // This host is the only one of its cluster: the global quota is all its own.
    const rate = Math.min(limits.domain.ofDomain(domain), limits.globalDomain.ofDomain(domain));
    let waitMs: number | undefined = 0;
    if (rate < UNLIMITED) {
      const bucket = limits.domainBuckets.of(domain, rate, nowMs);
      waitMs = bucket.reserve(nowMs, rate, callClass === 'poll' ? this.#pollDelay.ofDomain(domain) : 0);
      if (waitMs === undefined) {
        return this.#late.refuse(this.#refuse(domain, limits.name, 'domain-rate-limit'), bucket.excess(rate));
      }
    }
    if (callClass !== 'list') return waitMs;
    const qps = this.#listQps.ofDomain(domain);
    if (qps >= UNLIMITED) return waitMs;
    const bucket = this.#lists.of(domain, qps, nowMs);
    if (bucket.take(nowMs, qps)) return waitMs;
    return this.#late.refuse(this.#refuse(domain, 'list', 'list-rate-limit'), bucket.excess(qps));
  }
}
