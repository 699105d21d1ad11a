// Token bucket of a task list's dispatch rate (`max_tasks_per_second` of activity polls): the last writer's rate holds for the whole list,
// 0 blocks it. No timer of its own: the list asks when the next token comes.

export class RateLimiter {
  #ratePerSecond: number;
  #tokens: number;
  #updatedMs: number;

  constructor(ratePerSecond: number, nowMs: number) {
    this.#ratePerSecond = Math.max(0, ratePerSecond);
    this.#tokens = Math.ceil(this.#ratePerSecond);
    this.#updatedMs = nowMs;
  }

  get ratePerSecond(): number {
    return this.#ratePerSecond;
  }

  /** True when the rate changed. */
  setRate(ratePerSecond: number, nowMs: number): boolean {
    const rate = Math.max(0, ratePerSecond);
    if (rate === this.#ratePerSecond) return false;
    this.#refill(nowMs);
    // A list that was blocked starts with a full bucket, as a new one does.
    if (this.#ratePerSecond === 0) this.#tokens = Math.ceil(rate);
    this.#ratePerSecond = rate;
    this.#tokens = Math.min(this.#tokens, Math.ceil(rate));
    return true;
  }

  take(nowMs: number): boolean {
    this.#refill(nowMs);
    if (this.#ratePerSecond === 0 || this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Milliseconds until a token is there; undefined when none will come. */
  waitMs(nowMs: number): number | undefined {
    if (this.#ratePerSecond === 0) return undefined;
    this.#refill(nowMs);
    if (this.#tokens >= 1) return 0;
    return Math.ceil(((1 - this.#tokens) / this.#ratePerSecond) * 1000);
  }

  #refill(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#updatedMs);
    this.#updatedMs = nowMs;
    this.#tokens = Math.min(
      Math.max(1, Math.ceil(this.#ratePerSecond)),
      this.#tokens + (elapsedMs * this.#ratePerSecond) / 1000,
    );
  }
}
