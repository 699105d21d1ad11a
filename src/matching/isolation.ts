// Isolation groups within one list (semantics §3.6): a task whose run was started in a zone prefers workers of that zone for a moment. It goes
// to any worker when the moment is over, when its zone is drained, or when no worker of its zone polled lately. Held tasks wait here, outside
// the list's order; the list is told when some may go.
import type { Env, TimerHandle } from '#env';
import { FairQueue } from './fair-queue.ts';
import type { ListSettings } from './options.ts';
import type { PendingTask } from './pending-work.ts';
import { TaskCounter } from './task-counter.ts';

/** Zones that a list remembers; more are treated as none. */
const GROUP_COUNT_MAX = 100;

interface Group {
  readonly held: FairQueue<PendingTask>;
  readonly newTasks: TaskCounter;
  lastPollMs: number;
}

export interface IsolationDeps {
  readonly env: Env;
  readonly settings: () => Pick<ListSettings, 'isolationMs' | 'isolationPollerWindowMs'>;
  readonly isDrained: (group: string) => boolean;
  readonly onLeak: (tasks: readonly PendingTask[]) => void;
}

export interface GroupStatus {
  readonly group: string;
  readonly newTasksPerSecond: number;
}

export class Isolation {
  readonly #deps: IsolationDeps;
  readonly #heldCountMax: number;
  readonly #groups = new Map<string, Group>();
  #heldCount = 0;
  #timer: TimerHandle | undefined;

  constructor(deps: IsolationDeps, heldCountMax: number) {
    this.#deps = deps;
    this.#heldCountMax = heldCountMax;
  }

  get heldCount(): number {
    return this.#heldCount;
  }

  get status(): readonly GroupStatus[] {
    const nowMs = this.#deps.env.clock.monotonicMs();
    return [...this.#groups].map(([group, { newTasks }]) => ({ group, newTasksPerSecond: newTasks.perSecond(nowMs) }));
  }

  recordTask(group: string): void {
    this.#group(group)?.newTasks.add(this.#deps.env.clock.monotonicMs());
  }

  recordPoll(group: string): void {
    const known = this.#group(group);
    if (known !== undefined) known.lastPollMs = this.#deps.env.clock.monotonicMs();
  }

  /** True while the task should wait for a worker of its zone. `isPolled`: one waits at this moment. */
  isBound({ task, arrivedMs }: PendingTask, isPolled: boolean): boolean {
    const { isolationGroup } = task;
    if (isolationGroup === undefined || isolationGroup === '') return false;
    const nowMs = this.#deps.env.clock.monotonicMs();
    if (nowMs - arrivedMs >= this.#deps.settings().isolationMs || this.#heldCount >= this.#heldCountMax) {
      return false;
    }
    const lastPollMs = this.#groups.get(isolationGroup)?.lastPollMs ?? Number.NEGATIVE_INFINITY;
    const isServed = isPolled || nowMs - lastPollMs <= this.#deps.settings().isolationPollerWindowMs;
    return isServed && !this.#deps.isDrained(isolationGroup);
  }

  hold(pending: PendingTask): void {
    const group = this.#group(pending.task.isolationGroup ?? '');
    if (group === undefined) {
      this.#deps.onLeak([pending]);
      return;
    }
    group.held.push(pending, pending.task);
    this.#heldCount++;
    this.#timer ??= this.#deps.env.scheduler.after(this.#deps.settings().isolationMs / 4, () => this.#release());
  }

  /** Priority of the first task held for the zone. */
  firstPriority(group: string): number | undefined {
    return this.#heldCount === 0 ? undefined : this.#groups.get(group)?.held.firstPriority;
  }

  shift(group: string): PendingTask | undefined {
    const pending = this.#groups.get(group)?.held.shift();
    if (pending !== undefined) this.#heldCount--;
    return pending;
  }

  /** Every held task, because the list closes. */
  takeAll(): PendingTask[] {
    this.#timer?.cancel();
    this.#timer = undefined;
    const tasks = [...this.#groups.values()].flatMap(({ held }) => held.takeHeads(() => true));
    this.#heldCount -= tasks.length;
    return tasks;
  }

  #release(): void {
    this.#timer = undefined;
    const free: PendingTask[] = [];
    for (const { held } of this.#groups.values()) free.push(...held.takeHeads((task) => !this.isBound(task, false)));
    this.#heldCount -= free.length;
    if (this.#heldCount > 0) {
      this.#timer = this.#deps.env.scheduler.after(this.#deps.settings().isolationMs / 4, () => this.#release());
    }
    if (free.length > 0) this.#deps.onLeak(free);
  }

  #group(name: string): Group | undefined {
    const found = this.#groups.get(name);
    if (found !== undefined || name === '' || this.#groups.size >= GROUP_COUNT_MAX) return found;
    const group: Group = {
      held: new FairQueue(),
      newTasks: new TaskCounter(),
      lastPollMs: Number.NEGATIVE_INFINITY,
    };
    this.#groups.set(name, group);
    return group;
  }
}
