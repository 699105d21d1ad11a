// A token bucket that holds one second's worth. The rate is given at each use, so that a changed limit holds at once and nothing has to be told.
// A call may take a token that is still to come, and wait for it: then the bucket is in debt.

export class TokenBucket {
  #tokens: number;
  #updatedMs: number;

  constructor(ratePerSecond: number, nowMs: number) {
    this.#tokens = ratePerSecond;
    this.#updatedMs = nowMs;
  }

  take(nowMs: number, ratePerSecond: number): boolean {
    this.#refill(nowMs, ratePerSecond);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Milliseconds until the token that was taken is there; undefined, and none taken, when that is longer than `waitMsMax`. */
  reserve(nowMs: number, ratePerSecond: number, waitMsMax: number): number | undefined {
    this.#refill(nowMs, ratePerSecond);
    const waitMs = this.#tokens >= 1 ? 0 : ((1 - this.#tokens) / ratePerSecond) * 1000;
    if (!(waitMs <= waitMsMax)) return undefined;
    this.#tokens -= 1;
    return waitMs;
  }

  /** Nobody has used it for so long that a new one would be the same. */
  isFull(nowMs: number): boolean {
    return nowMs - this.#updatedMs >= 1000 && this.#tokens >= 0;
  }

  #refill(nowMs: number, ratePerSecond: number): void {
    const refill = ((nowMs - this.#updatedMs) / 1000) * ratePerSecond;
    this.#tokens = Math.min(ratePerSecond, this.#tokens + refill);
    this.#updatedMs = nowMs;
  }
}
