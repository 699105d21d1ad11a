// A token bucket that holds one second's worth. The rate is given at each use, so that a changed limit holds at once and nothing has to be told.
// A call may take a token that is still to come, and wait for it: then the bucket is in debt.

const WINDOW_MS = 1000;

export class TokenBucket {
  #tokens: number;
  #updatedMs: number;
  #windowMs: number;
  #refused = 0;
  #refusedBefore = 0;

  constructor(ratePerSecond: number, nowMs: number) {
    this.#tokens = ratePerSecond;
    this.#updatedMs = nowMs;
    this.#windowMs = nowMs;
  }

  take(nowMs: number, ratePerSecond: number): boolean {
    this.#refill(nowMs, ratePerSecond);
    if (this.#tokens < 1) {
      this.#countRefusal(nowMs);
      return false;
    }
    this.#tokens -= 1;
    return true;
  }

  /** Milliseconds until the token that was taken is there; undefined, and none taken, when that is longer than `waitMsMax`. */
  reserve(nowMs: number, ratePerSecond: number, waitMsMax: number): number | undefined {
    this.#refill(nowMs, ratePerSecond);
    const waitMs = this.#tokens >= 1 ? 0 : ((1 - this.#tokens) / ratePerSecond) * 1000;
    if (!(waitMs <= waitMsMax)) {
      this.#countRefusal(nowMs);
      return undefined;
    }
    this.#tokens -= 1;
    return waitMs;
  }

  /** How many times its rate was refused in this second or the one before: how far beyond its quota the caller is. */
  excess(ratePerSecond: number): number {
    return Math.max(this.#refused, this.#refusedBefore) / Math.max(1, ratePerSecond);
  }

  /** Nobody has used it for so long that a new one would be the same. */
  isFull(nowMs: number): boolean {
    return nowMs - this.#updatedMs >= 2 * WINDOW_MS && this.#tokens >= 0;
  }

  #countRefusal(nowMs: number): void {
    const age = nowMs - this.#windowMs;
    if (age >= WINDOW_MS) {
      this.#refusedBefore = age >= 2 * WINDOW_MS ? 0 : this.#refused;
      this.#refused = 0;
      this.#windowMs = nowMs;
    }
    this.#refused++;
  }

  #refill(nowMs: number, ratePerSecond: number): void {
    const refill = ((nowMs - this.#updatedMs) / 1000) * ratePerSecond;
    this.#tokens = Math.min(ratePerSecond, this.#tokens + refill);
    this.#updatedMs = nowMs;
  }
}
