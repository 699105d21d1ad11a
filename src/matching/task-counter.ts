// New tasks per second over the last ten seconds, counted in one-second buckets; work only when a task arrives or somebody asks.

const BUCKET_COUNT = 10;

export class TaskCounter {
  readonly #counts: number[] = new Array<number>(BUCKET_COUNT).fill(0);
  #second = 0;

  add(nowMs: number): void {
    this.#advance(nowMs);
    const index = this.#second % BUCKET_COUNT;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
  }

  perSecond(nowMs: number): number {
    this.#advance(nowMs);
    return this.#counts.reduce((sum, count) => sum + count, 0) / BUCKET_COUNT;
  }

  #advance(nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    if (second <= this.#second) return;
    const steps = Math.min(BUCKET_COUNT, second - this.#second);
    for (let step = 0; step < steps; step++) this.#counts[(second - step) % BUCKET_COUNT] = 0;
    this.#second = second;
  }
}
