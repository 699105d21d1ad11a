// The tasks of a backlog that have a priority or a fairness key: each such lane is read on its own, some tasks ahead, so that 10,000 tasks of
// one key hide no task of another. Of one priority, `laneCountMax` lanes are looked at; further ones wait in the store until one of these is
// empty. Like the plain backlog it is read under the list's lease, and starts over when the lease was lost.
// Invariants: a lane in memory stays there while one of its tasks is in memory, handed out, or done but not yet deleted, so no task is read
// twice under one lease; a task goes to memory past the store only when all older ones of its lane were read.
import type { TaskLane, TaskListKey, TaskListStore } from '#persistence';
import type { FairQueue } from './fair-queue.ts';
import type { BufferedTask } from './pending-work.ts';

export interface LaneReaderDeps {
  readonly store: TaskListStore;
  readonly key: TaskListKey;
  /** Where read tasks go. */
  readonly ready: FairQueue<BufferedTask>;
}

export interface LaneBounds {
  readonly laneCountMax: number;
  readonly laneBufferMax: number;
}

interface Lane extends TaskLane {
  readonly id: string;
  /** In `ready`. */
  bufferedCount: number;
  /** In `ready`, handed out, or done and not deleted. */
  heldCount: number;
  readId: number;
  /** Rows above `readId` may exist. */
  hasMore: boolean;
  /** One was written while a page was being read. */
  wasAppended: boolean;
}

export type DoneTask = TaskLane & { readonly taskId: number };

const PRIORITIES = [1, 2, 3, 4, 5];
const idOf = ({ priority, fairnessKey }: TaskLane): string => `${priority}${fairnessKey}`;

export class LaneReader {
  readonly #deps: LaneReaderDeps;
  readonly #bounds: LaneBounds;
  readonly #lanes = new Map<string, Lane>();
  /** Lanes in memory, by priority. */
  readonly #counts = new Map<number, number>();
  /** Priorities whose lanes in the store are perhaps not all in memory. */
  readonly #undiscovered = new Set<number>();
  /** Of these a lane was found, or written, that has no room. */
  readonly #overfull = new Set<number>();
  #lanesWithMore = 0;
  readonly #wanting = new Set<Lane>();
  #done: DoneTask[] = [];
  #generation = 0;

  constructor(deps: LaneReaderDeps, bounds: LaneBounds) {
    this.#deps = deps;
    this.#bounds = bounds;
  }

  /** Tasks done and to be deleted. */
  get doneCount(): number {
    return this.#done.length;
  }

  /** Something may be in the store that is not in memory. */
  get hasMore(): boolean {
    return this.#undiscovered.size > 0 || this.#lanesWithMore > 0;
  }

  get isIdle(): boolean {
    return this.#lanes.size === 0 && this.#undiscovered.size === 0;
  }

  /** True when done tasks keep out lanes that wait in the store. */
  get isCrowded(): boolean {
    return this.#undiscovered.size > 0 && this.#done.length > 0;
  }

  /** Everything of the store is unknown: after a lease whose predecessor was lost, or left a write with an unknown outcome. */
  reread(when: 'nothing is kept' | 'what is in memory stays'): void {
    for (const priority of PRIORITIES) this.#undiscovered.add(priority);
    if (when === 'nothing is kept') {
      this.#generation++;
      this.#lanes.clear();
      this.#counts.clear();
      this.#wanting.clear();
      this.#lanesWithMore = 0;
      this.#done = [];
      return;
    }
    for (const lane of this.#lanes.values()) this.#expectMore(lane);
  }

  /** A task that is durable now. True when it went to memory. */
  accept(task: BufferedTask): boolean {
    const lane = this.#lanes.get(idOf(task)) ?? this.#open(task, false);
    if (lane === undefined) {
      this.#undiscovered.add(task.priority);
      this.#overfull.add(task.priority);
      return false;
    }
    if (lane.hasMore || lane.bufferedCount >= this.#bounds.laneBufferMax || task.taskId <= lane.readId) {
      this.#expectMore(lane);
      return false;
    }
    this.#take(lane, task);
    return true;
  }

  /** It left `ready`. */
  shifted(task: BufferedTask): void {
    const lane = this.#lanes.get(idOf(task));
    if (lane === undefined) return;
    lane.bufferedCount--;
    this.#want(lane);
  }

  complete(task: DoneTask): void {
    if (this.#lanes.has(idOf(task))) this.#done.push(task);
  }

  /** Tasks to delete; `deleted` when they are, else give them back. */
  takeDone(): { readonly tasks: readonly DoneTask[]; deleted(): void; restore(): void } {
    const tasks = this.#done;
    const generation = this.#generation;
    this.#done = [];
    return {
      tasks,
      deleted: () => {
        if (generation === this.#generation) for (const task of tasks) this.#release(task);
      },
      restore: () => {
        if (generation === this.#generation) this.#done = [...tasks, ...this.#done];
      },
    };
  }

  /** Reads one page of a lane, or finds further lanes. How many tasks came to memory; undefined: nothing to read now. */
  async load(): Promise<number | undefined> {
    const [lane] = this.#wanting;
    if (lane !== undefined) return this.#loadLane(lane);
    for (const priority of this.#undiscovered) {
      if (this.#roomOf(priority) > 0) return this.#discover(priority);
    }
    return undefined;
  }

  get canLoad(): boolean {
    if (this.#wanting.size > 0) return true;
    if (this.#undiscovered.size === 0) return false;
    for (const priority of this.#undiscovered) if (this.#roomOf(priority) > 0) return true;
    return false;
  }

  async #loadLane(lane: Lane): Promise<number> {
    const { store, key } = this.#deps;
    const generation = this.#generation;
    lane.wasAppended = false;
    const limit = this.#bounds.laneBufferMax;
    const tasks = await store.loadLaneTasks(key, lane, lane.readId, limit);
    if (generation !== this.#generation) return 0;
    for (const task of tasks) this.#take(lane, task);
    if (tasks.length < limit && !lane.wasAppended) {
      lane.hasMore = false;
      this.#lanesWithMore--;
    }
    this.#wanting.delete(lane);
    this.#want(lane);
    this.#closeIfEmpty(lane);
    return tasks.length;
  }

  /** One read for all priorities tells that a list has no lanes, or few. */
  async #discover(first: number): Promise<number> {
    const { store, key } = this.#deps;
    const generation = this.#generation;
    const limit = this.#bounds.laneCountMax;
    const asked = PRIORITIES.filter((priority) => priority >= first && this.#undiscovered.has(priority));
    this.#overfull.clear();
    for (let from: TaskLane | undefined = { priority: first, fairnessKey: '' }; from !== undefined; ) {
      const lanes: readonly TaskLane[] = await store.loadLanes(key, from, limit);
      if (generation !== this.#generation) return 0;
      for (const lane of lanes) if (!this.#hasOpened(lane)) this.#overfull.add(lane.priority);
      from = lanes.length < limit ? undefined : this.#after(lanes.at(-1));
    }
    for (const priority of asked) if (!this.#overfull.has(priority)) this.#undiscovered.delete(priority);
    return 0;
  }

  /** Where discovery goes on: past the rest of a priority that has no room. */
  #after(lane: TaskLane | undefined): TaskLane | undefined {
    if (lane === undefined) return undefined;
    const { priority, fairnessKey } = lane;
    if (this.#roomOf(priority) > 0) return { priority, fairnessKey: `${fairnessKey}\u0000` };
    this.#overfull.add(priority);
    return { priority: priority + 1, fairnessKey: '' };
  }

  #hasOpened(place: TaskLane): boolean {
    return this.#lanes.has(idOf(place)) || this.#open(place, true) !== undefined;
  }

  #roomOf(priority: number): number {
    return this.#bounds.laneCountMax - (this.#counts.get(priority) ?? 0);
  }

  /** A lane that was not in memory: of one whose priority was not fully discovered, older tasks may be in the store. */
  #open({ priority, fairnessKey }: TaskLane, isStored: boolean): Lane | undefined {
    if (this.#roomOf(priority) <= 0) return undefined;
    const hasMore = isStored || this.#undiscovered.has(priority);
    const id = idOf({ priority, fairnessKey });
    const lane: Lane = {
      id,
      priority,
      fairnessKey,
      bufferedCount: 0,
      heldCount: 0,
      readId: 0,
      hasMore,
      wasAppended: false,
    };
    if (hasMore) this.#lanesWithMore++;
    this.#lanes.set(id, lane);
    this.#counts.set(priority, (this.#counts.get(priority) ?? 0) + 1);
    this.#want(lane);
    return lane;
  }

  #take(lane: Lane, task: BufferedTask): void {
    lane.readId = Math.max(lane.readId, task.taskId);
    lane.bufferedCount++;
    lane.heldCount++;
    this.#deps.ready.push(task, task);
  }

  /** A row was written, or may have been, that is only in the store. */
  #expectMore(lane: Lane): void {
    if (!lane.hasMore) this.#lanesWithMore++;
    lane.hasMore = true;
    lane.wasAppended = true;
    this.#want(lane);
  }

  #want(lane: Lane): void {
    if (lane.hasMore && lane.bufferedCount < this.#bounds.laneBufferMax / 2) this.#wanting.add(lane);
    else this.#wanting.delete(lane);
  }

  #release(task: TaskLane): void {
    const lane = this.#lanes.get(idOf(task));
    if (lane === undefined) return;
    lane.heldCount--;
    this.#closeIfEmpty(lane);
  }

  #closeIfEmpty(lane: Lane): void {
    if (lane.heldCount > 0 || lane.hasMore) return;
    this.#lanes.delete(lane.id);
    this.#wanting.delete(lane);
    this.#counts.set(lane.priority, (this.#counts.get(lane.priority) ?? 1) - 1);
  }
}
