// Timer tasks of a shard. In memory: those due before `loadedUntilMs`, in a heap; the store has the rest, which one read per window brings
// in. Committed timers inside the window go to the heap directly. A timer's row is deleted, lazily, after its work is durable; until then a
// new owner finds it again, and an executor that meets it twice sees that it is stale. Nothing relies on an ack time: a task may be
// committed with a fire time in the past.
import type { TimerTask } from '@antiphon/proto/internal';
import { TimerHeap } from '#base';
import type { Env } from '#env';
import type { ShardStore } from '#persistence';
import type { Alarm, Alarms } from './alarms.ts';

export interface TimerQueueHost {
  readonly env: Env;
  readonly alarms: Alarms;
  readonly store: ShardStore;
  readonly shardId: number;
  submit(task: TimerTask): void;
  /** A read failed: it is tried again; the host only needs to know. */
  onReadError(error: unknown): void;
}

type DoneTimer = Pick<TimerTask, 'taskId' | 'fireTimeMs'>;

const PAGE = 1_000;
const READ_RETRY_MS = 1_000;
const TRUNCATED_LEAD_MS = 1_000;

export class TimerQueue {
  readonly #host: TimerQueueHost;
  readonly #windowMs: number;
  readonly #inMemoryMax: number;
  readonly #heap = new TimerHeap<TimerTask>();
  /** Fire times by task id of all that is in memory: in the heap, running, waiting; or done with its row still there, which is infinity. */
  readonly #known = new Map<number, number>();
  #loadedUntilMs = 0;
  /** Every row before it has been read; `#loadedUntilMs` runs ahead of it while a read is under way. */
  #readUntilMs = 0;
  #isLoading = false;
  /** The last read stopped at the memory bound: the next one comes just before its end, not a quarter window. */
  #isTruncated = false;
  #done: DoneTimer[] = [];
  #alarm: Alarm | undefined;
  #alarmMs = Number.POSITIVE_INFINITY;
  #isStopped = false;

  constructor(host: TimerQueueHost, options: { windowMs: number; inMemoryMax: number }) {
    this.#host = host;
    this.#windowMs = options.windowMs;
    this.#inMemoryMax = options.inMemoryMax;
  }

  get inMemoryCount(): number {
    return this.#known.size;
  }

  get doneCount(): number {
    return this.#done.length;
  }

  /** Every durable timer that fires before it is done: stores may forget them by range. */
  get ackMs(): number {
    let leastMs = Math.min(this.#readUntilMs, this.#host.env.clock.nowMs());
    for (const fireTimeMs of this.#known.values()) if (fireTimeMs < leastMs) leastMs = fireTimeMs;
    return leastMs;
  }

  /** For people. */
  describe(): readonly string[] {
    const iso = (ms: number): string => new Date(ms).toISOString();
    const next = this.#heap.peek();
    return [
      `ack level ${iso(this.ackMs)}, loaded until ${iso(this.#loadedUntilMs)}, in memory ${this.inMemoryCount}`,
      ...(next === undefined ? [] : [`next timer ${next.value.taskId} at ${iso(next.timeMs)}`]),
    ];
  }

  /** Reads the first window. */
  async start(): Promise<void> {
    await this.#load(-1);
  }

  stop(): void {
    this.#isStopped = true;
    this.#alarm?.cancel();
    this.#heap.clear();
  }

  /** Tasks of a group that is durable now. */
  add(tasks: readonly TimerTask[]): void {
    for (const task of tasks) if (task.fireTimeMs < this.#loadedUntilMs) this.#push(task);
    this.#arm();
  }

  finish(task: DoneTimer): void {
    this.#known.set(task.taskId, Number.POSITIVE_INFINITY);
    this.#done.push(task);
  }

  /** Finished tasks whose rows the next group deletes. */
  takeDone(countMax: number): readonly DoneTimer[] {
    return this.#done.splice(0, countMax);
  }

  /** The rows are gone. */
  forget(tasks: readonly DoneTimer[]): void {
    for (const { taskId } of tasks) this.#known.delete(taskId);
  }

  #push(task: TimerTask): void {
    if (this.#known.has(task.taskId)) return;
    this.#known.set(task.taskId, task.fireTimeMs);
    this.#heap.push(task.fireTimeMs, task);
  }

  #arm(): void {
    if (this.#isStopped) return;
    const nextLoadMs = this.#isLoading ? Number.POSITIVE_INFINITY : this.#nextLoadMs;
    const dueMs = Math.min(this.#heap.peek()?.timeMs ?? Number.POSITIVE_INFINITY, nextLoadMs);
    if (dueMs === Number.POSITIVE_INFINITY || (this.#alarm !== undefined && dueMs >= this.#alarmMs)) return;
    this.#alarm?.cancel();
    this.#alarmMs = dueMs;
    this.#alarm = this.#host.alarms.at(dueMs, () => this.#onAlarm());
  }

  get #nextLoadMs(): number {
    return this.#loadedUntilMs - (this.#isTruncated ? TRUNCATED_LEAD_MS : this.#windowMs / 4);
  }

  #onAlarm(): void {
    this.#alarm = undefined;
    this.#alarmMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#host.env.clock.nowMs();
    for (let first = this.#heap.peek(); first !== undefined && first.timeMs <= nowMs; first = this.#heap.peek()) {
      this.#heap.pop();
      this.#host.submit(first.value);
    }
    if (!this.#isLoading && nowMs >= this.#nextLoadMs) void this.#loadNext();
    this.#arm();
  }

  async #loadNext(): Promise<void> {
    try {
      // Rows at the old bound may have been cut off by the page limit: read from just before it, `known` drops the doubles.
      await this.#load(this.#loadedUntilMs - 1);
    } catch (error) {
      if (this.#isStopped) return;
      this.#host.onReadError(error);
      this.#host.alarms.at(this.#host.env.clock.nowMs() + READ_RETRY_MS, () => void this.#loadNext());
    }
  }

  async #load(afterMs: number): Promise<void> {
    const { env, store, shardId } = this.#host;
    const beforeMs = Math.max(env.clock.nowMs() + this.#windowMs, this.#loadedUntilMs);
    const previousMs = this.#loadedUntilMs;
    this.#isLoading = true;
    // Set before the read: what commits while it runs goes to the heap, so nothing falls between.
    this.#loadedUntilMs = beforeMs;
    this.#isTruncated = false;
    try {
      let position = { fireTimeMs: afterMs, taskId: Number.MAX_SAFE_INTEGER };
      for (;;) {
        const page = await store.loadTimerTasks(shardId, position, beforeMs, PAGE);
        if (this.#isStopped) return;
        for (const task of page) this.#push(task);
        const last = page.at(-1);
        if (last === undefined || page.length < PAGE) break;
        position = { fireTimeMs: last.fireTimeMs, taskId: last.taskId };
        const isFar = last.fireTimeMs > env.clock.nowMs() + 2 * TRUNCATED_LEAD_MS;
        if (this.#heap.size >= this.#inMemoryMax && isFar) {
          this.#loadedUntilMs = last.fireTimeMs;
          this.#isTruncated = true;
          break;
        }
      }
    } catch (error) {
      this.#loadedUntilMs = previousMs;
      throw error;
    } finally {
      this.#isLoading = false;
    }
    this.#readUntilMs = this.#loadedUntilMs;
    this.#arm();
  }
}
