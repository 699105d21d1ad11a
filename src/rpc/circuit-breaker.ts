// Calls to a host that does not answer fail at once for a while, instead of each waiting out its deadline. After the pause one call goes
// through; its outcome decides whether the pause is over or doubled.
import type { Env } from '#env';

export interface CircuitBreakerOptions {
  /** Failures in a row that open the circuit. */
  readonly failuresMax: number;
  readonly pauseMsMin: number;
  readonly pauseMsMax: number;
}

export const DEFAULT_BREAKER_OPTIONS: CircuitBreakerOptions = { failuresMax: 5, pauseMsMin: 200, pauseMsMax: 5_000 };

export class CircuitBreaker {
  readonly #env: Env;
  readonly #options: CircuitBreakerOptions;
  #failures = 0;
  #pauseMs = 0;
  #openUntilMs = 0;
  #isProbing = false;

  constructor(env: Env, options: CircuitBreakerOptions = DEFAULT_BREAKER_OPTIONS) {
    this.#env = env;
    this.#options = options;
  }

  /** False: the call must not be made now. */
  tryPass(): boolean {
    if (this.#pauseMs === 0) return true;
    if (this.#isProbing || this.#env.clock.monotonicMs() < this.#openUntilMs) return false;
    this.#isProbing = true;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#pauseMs = 0;
    this.#isProbing = false;
  }

  failed(): void {
    // A call from before the pause: many are lost with one connection, and that is one failure of the host.
    if (this.#pauseMs > 0 && !this.#isProbing) return;
    this.#isProbing = false;
    if (++this.#failures < this.#options.failuresMax && this.#pauseMs === 0) return;
    const { pauseMsMin, pauseMsMax } = this.#options;
    this.#pauseMs = Math.min(pauseMsMax, Math.max(pauseMsMin, this.#pauseMs * 2));
    const jitter = 0.75 + this.#env.random.next() / 2;
    this.#openUntilMs = this.#env.clock.monotonicMs() + this.#pauseMs * jitter;
  }

  /** Neither: the caller gave up. */
  abandoned(): void {
    this.#isProbing = false;
  }
}
