// The task lists of this process: found or made on use, dropped when nobody used them for a while. One timer sweeps them, and only while
// there are some.
import { TaskListKind, type TaskListType } from '@antiphon/proto';
import { ServiceBusyError } from '#base';
import type { DomainCache } from '#domains';
import type { Env, TimerHandle } from '#env';
import type { TaskListStore } from '#persistence';
import type { MatchingMetrics } from './metrics.ts';
import type { MatchingOptions } from './options.ts';
import { TaskList } from './task-list.ts';

export interface RegistryDeps {
  readonly env: Env;
  readonly store: TaskListStore;
  readonly domains: DomainCache;
  readonly metrics: MatchingMetrics;
}

export class TaskListRegistry {
  readonly #deps: RegistryDeps;
  readonly #options: MatchingOptions;
  readonly #lists = new Map<string, TaskList>();
  #sweepTimer: TimerHandle | undefined;

  constructor(deps: RegistryDeps, options: MatchingOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  get size(): number {
    return this.#lists.size;
  }

  find(domainId: string, name: string, type: TaskListType, isSticky: boolean): TaskList | undefined {
    return this.#lists.get(mapKey(domainId, name, type, isSticky));
  }

  /** The caller knows that the domain is in the cache. */
  findOrCreate(domainId: string, name: string, type: TaskListType, kind: TaskListKind): TaskList {
    const isSticky = kind === TaskListKind.TASK_LIST_KIND_STICKY;
    const key = mapKey(domainId, name, type, isSticky);
    const found = this.#lists.get(key);
    if (found !== undefined) return found;
    if (this.#lists.size >= this.#options.taskListCountMax) throw new ServiceBusyError('Too many task lists');
    const { env, store, domains, metrics } = this.#deps;
    const isActive = (): boolean => domains.peekById(domainId)?.isActiveHere ?? false;
    const list = new TaskList(
      { env, store, metrics, isActive },
      { domainId, name, type },
      storedKind(kind),
      this.#options,
    );
    this.#lists.set(key, list);
    metrics.taskLists.set(this.#lists.size);
    this.#armSweep();
    return list;
  }

  ofDomain(domainId: string): readonly TaskList[] {
    return [...this.#lists.values()].filter((list) => list.key.domainId === domainId);
  }

  async closeAll(): Promise<void> {
    this.#sweepTimer?.cancel();
    this.#sweepTimer = undefined;
    const lists = [...this.#lists.values()];
    this.#lists.clear();
    await Promise.all(lists.map((list) => list.close()));
  }

  #armSweep(): void {
    this.#sweepTimer ??= this.#deps.env.scheduler.after(this.#options.idleUnloadMs / 5, () => {
      this.#sweepTimer = undefined;
      this.#sweep();
      if (this.#lists.size > 0) this.#armSweep();
    });
  }

  #sweep(): void {
    for (const [key, list] of this.#lists) {
      if (!list.isUnusedFor(this.#options.idleUnloadMs)) continue;
      this.#lists.delete(key);
      void list.close();
    }
    this.#deps.metrics.taskLists.set(this.#lists.size);
  }
}

const mapKey = (domainId: string, name: string, type: TaskListType, isSticky: boolean): string =>
  `${domainId}/${type}/${isSticky ? 's' : 'n'}/${name}`;

const storedKind = (kind: TaskListKind): TaskListKind =>
  kind === TaskListKind.TASK_LIST_KIND_STICKY || kind === TaskListKind.TASK_LIST_KIND_EPHEMERAL
    ? kind
    : TaskListKind.TASK_LIST_KIND_NORMAL;
