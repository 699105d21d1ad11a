// The task lists of this process, each partition one: found or made on use, dropped when nobody used them for a while. One timer sweeps them,
// and only while there are some.
import { TaskListKind, TaskListType } from '@antiphon/proto';
import { ServiceBusyError } from '#base';
import { isActiveHereForSome } from '#core';
import type { DomainCache } from '#domains';
import type { Env, TimerHandle } from '#env';
import type { KeyValueStore, TaskListStore } from '#persistence';
import type { MatchingMetrics } from './metrics.ts';
import { DEFAULT_LIST_SETTINGS, type ListSettings, type ListSettingsLookup, type MatchingOptions } from './options.ts';
import { PartitionFamily } from './partition-family.ts';
import { baseNameOf, Partitions, partitionName } from './partitions.ts';
import { TaskList } from './task-list.ts';

export interface RegistryDeps {
  readonly env: Env;
  readonly store: TaskListStore;
  readonly keyValues: KeyValueStore;
  readonly domains: DomainCache;
  readonly metrics: MatchingMetrics;
  readonly isDrained: (domainId: string, isolationGroup: string) => boolean;
  readonly listSettings: ListSettingsLookup | undefined;
}

export class TaskListRegistry {
  readonly #deps: RegistryDeps;
  readonly #options: MatchingOptions;
  readonly #lists = new Map<string, TaskList>();
  /** By the key of partition 0; only lists that have or had further ones. */
  readonly #families = new Map<string, PartitionFamily<TaskList>>();
  readonly #partitions = new WeakMap<TaskList, Partitions>();
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
    const list = new TaskList(
      {
        env,
        store,
        metrics,
        isActive: () => {
          const domain = domains.peekById(domainId);
          return domain !== undefined && isActiveHereForSome(domain);
        },
        isDrained: (group) => this.#deps.isDrained(domainId, group),
        settings: () => this.#settings(domainId, name, type),
      },
      { domainId, name, type },
      storedKind(kind),
      this.#options,
    );
    this.#lists.set(key, list);
    if (kind === TaskListKind.TASK_LIST_KIND_NORMAL) this.#joinFamily(list);
    metrics.taskLists.set(this.#lists.size);
    this.#armSweep();
    return list;
  }

  /** Of a list of kind NORMAL by its own name. */
  partitionsOf(root: TaskList): Partitions {
    const found = this.#partitions.get(root);
    if (found !== undefined) return found;
    const { env, keyValues } = this.#deps;
    const partitions = new Partitions(
      {
        env,
        keyValues,
        settings: () => root.settings,
        isEmpty: (partition) => this.partition(root, partition).isEmpty,
      },
      root.key,
    );
    this.#partitions.set(root, partitions);
    return partitions;
  }

  partition(root: TaskList, partition: number): TaskList {
    if (partition === 0) return root;
    const { domainId, name, type } = root.key;
    return this.findOrCreate(
      domainId,
      partitionName(name, partition),
      type as TaskListType,
      TaskListKind.TASK_LIST_KIND_NORMAL,
    ); // as above
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

  /** In the background: nobody waits for lists that went. */
  closeAllBut(isKept: (list: TaskList) => boolean): void {
    for (const [key, list] of this.#lists) {
      if (isKept(list)) continue;
      this.#lists.delete(key);
      void list.close();
    }
    this.#deps.metrics.taskLists.set(this.#lists.size);
  }

  #joinFamily(list: TaskList): void {
    const { domainId, name, type } = list.key;
    const baseName = baseNameOf(name);
    const rootKey = mapKey(domainId, baseName, type as TaskListType, false); // the store's keys have plain numbers
    let family = this.#families.get(rootKey);
    if (family === undefined) {
      if (baseName === name) return;
      family = new PartitionFamily();
      this.#families.set(rootKey, family);
    }
    const root = this.#lists.get(rootKey);
    for (const member of root === undefined ? [list] : [root, list]) {
      family.members.add(member);
      member.family = family;
    }
  }

  #settings(domainId: string, name: string, type: number): ListSettings {
    const { listSettings, domains } = this.#deps;
    if (listSettings === undefined) return DEFAULT_LIST_SETTINGS;
    const settings = listSettings({
      domainName: domains.peekById(domainId)?.name ?? '',
      taskListName: baseNameOf(name),
      taskType: type === TaskListType.TASK_LIST_TYPE_ACTIVITY ? 'activity' : 'decision',
    });
    return { ...DEFAULT_LIST_SETTINGS, ...settings };
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
    for (const [key, { members }] of this.#families) if (members.size === 0) this.#families.delete(key);
    this.#deps.metrics.taskLists.set(this.#lists.size);
  }
}

const mapKey = (domainId: string, name: string, type: TaskListType, isSticky: boolean): string =>
  `${domainId}/${type}/${isSticky ? 's' : 'n'}/${name}`;

const storedKind = (kind: TaskListKind): TaskListKind =>
  kind === TaskListKind.TASK_LIST_KIND_STICKY || kind === TaskListKind.TASK_LIST_KIND_EPHEMERAL
    ? kind
    : TaskListKind.TASK_LIST_KIND_NORMAL;
