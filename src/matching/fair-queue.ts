// Tasks in the order in which a list gives them: lower priorities first; within one, fairness keys take turns in proportion to their weights
// (start-time fair queuing: each key's next task has a virtual start time, the smallest goes first); within a key, in order of arrival.
// Tasks of the default priority without a key are one key of weight 1, and while no other task is there they cost no more than a plain queue.
// Invariants: a key with tasks is in its level's heap once (the default key is beside it); virtual time of a level never goes back while the
// level has tasks; a key that comes back does not start before the time at which it last had its share.
import { TimerHeap } from '#base';
import { DEFAULT_TASK_PRIORITY } from '#core';
import { LinkedQueue } from './linked-queue.ts';

/** Where a task belongs. */
export interface QueuePlace {
  readonly priority: number;
  readonly fairnessKey: string;
  readonly fairnessWeight: number;
}

interface Flow<T> {
  readonly items: LinkedQueue<T>;
  weight: number;
  /** Virtual start time of its next item. */
  startTime: number;
}

interface Level<T> {
  readonly flows: Map<string, Flow<T>>;
  readonly waiting: TimerHeap<Flow<T>>;
  virtualTime: number;
  idleCount: number;
}

const LEVEL_COUNT = 5;
const DEFAULT_LEVEL = DEFAULT_TASK_PRIORITY.priority;
/** Keys without tasks that a level remembers at most, so that one that comes back soon does not get a second turn at once. */
const IDLE_FLOWS_MAX = 1000;

export class FairQueue<T> {
  readonly #plain = new LinkedQueue<T>();
  #plainStart = 0;
  readonly #levels: readonly Level<T>[] = Array.from({ length: LEVEL_COUNT }, () => ({
    flows: new Map(),
    waiting: new TimerHeap(),
    virtualTime: 0,
    idleCount: 0,
  }));
  /** Items that are not in the plain queue. */
  #placedCount = 0;

  get size(): number {
    return this.#plain.size + this.#placedCount;
  }

  /** Items of the default priority without a key. */
  get plainCount(): number {
    return this.#plain.size;
  }

  /** Priority of the item that `shift` would give. */
  get firstPriority(): number | undefined {
    if (this.#placedCount === 0) return this.#plain.size === 0 ? undefined : DEFAULT_LEVEL;
    const index = this.#levels.findIndex((level) => level.waiting.size > 0);
    return this.#plain.size > 0 ? Math.min(index + 1, DEFAULT_LEVEL) : index + 1;
  }

  push(item: T, { priority, fairnessKey, fairnessWeight }: QueuePlace): void {
    if (fairnessKey === '' && (priority === DEFAULT_LEVEL || priority === 0)) {
      this.#plain.push(item);
      return;
    }
    const level = this.#levels[Math.min(Math.max(priority, 1), LEVEL_COUNT) - 1] as Level<T>;
    let flow = level.flows.get(fairnessKey);
    if (flow === undefined) {
      flow = { items: new LinkedQueue(), weight: fairnessWeight, startTime: 0 };
      level.flows.set(fairnessKey, flow);
      level.idleCount++;
    }
    flow.weight = fairnessWeight;
    flow.items.push(item);
    this.#placedCount++;
    if (flow.items.size > 1) return;
    level.idleCount--;
    flow.startTime = Math.max(flow.startTime, level.virtualTime);
    level.waiting.push(flow.startTime, flow);
  }

  shift(): T | undefined {
    if (this.#placedCount === 0) return this.#plain.shift();
    const priority = this.firstPriority;
    if (priority === undefined) return undefined;
    const level = this.#levels[priority - 1] as Level<T>;
    return priority === DEFAULT_LEVEL && this.#isPlainNext(level) ? this.#shiftPlain(level) : this.#shiftFlow(level);
  }

  /** Takes out, from the front of each key, what `isWanted`. */
  takeHeads(isWanted: (item: T) => boolean): T[] {
    const taken: T[] = [];
    const takeFrom = (items: LinkedQueue<T>): void => {
      for (let head = items.peek(); head !== undefined && isWanted(head); head = items.peek()) {
        items.shift();
        taken.push(head);
      }
    };
    takeFrom(this.#plain);
    if (this.#placedCount === 0) return taken;
    const plainTaken = taken.length;
    for (const level of this.#levels) {
      if (level.waiting.size === 0) continue;
      level.waiting.clear();
      for (const flow of level.flows.values()) {
        const wasIdle = flow.items.size === 0;
        takeFrom(flow.items);
        if (flow.items.size > 0) level.waiting.push(flow.startTime, flow);
        else if (!wasIdle) level.idleCount++;
      }
    }
    this.#placedCount -= taken.length - plainTaken;
    return taken;
  }

  clear(): void {
    this.#plain.clear();
    for (const level of this.#levels) reset(level);
    this.#plainStart = 0;
    this.#placedCount = 0;
  }

  #isPlainNext(level: Level<T>): boolean {
    if (this.#plain.size === 0) return false;
    const rival = level.waiting.peek();
    return rival === undefined || Math.max(this.#plainStart, level.virtualTime) <= rival.timeMs;
  }

  #shiftPlain(level: Level<T>): T | undefined {
    level.virtualTime = Math.max(this.#plainStart, level.virtualTime);
    this.#plainStart = level.virtualTime + 1;
    return this.#plain.shift();
  }

  #shiftFlow(level: Level<T>): T | undefined {
    const flow = level.waiting.pop()?.value;
    const item = flow?.items.shift();
    if (flow === undefined || item === undefined) return undefined;
    this.#placedCount--;
    level.virtualTime = Math.max(level.virtualTime, flow.startTime);
    flow.startTime += 1 / flow.weight;
    if (flow.items.size > 0) level.waiting.push(flow.startTime, flow);
    else if (++level.idleCount > IDLE_FLOWS_MAX) this.#forgetIdle(level);
    return item;
  }

  /** Keys whose turn has come round without a task start like new ones; when there are none such, those that have waited longest go. */
  #forgetIdle(level: Level<T>): void {
    const forget = (isForgotten: (flow: Flow<T>) => boolean): void => {
      for (const [key, flow] of level.flows) {
        if (flow.items.size > 0 || !isForgotten(flow)) continue;
        level.flows.delete(key);
        level.idleCount--;
      }
    };
    forget((flow) => flow.startTime <= level.virtualTime);
    if (level.idleCount > IDLE_FLOWS_MAX / 2) forget(() => level.idleCount > IDLE_FLOWS_MAX / 2);
  }
}

function reset<T>(level: Level<T>): void {
  level.flows.clear();
  level.waiting.clear();
  level.virtualTime = 0;
  level.idleCount = 0;
}
