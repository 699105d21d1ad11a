// Workers of the service's own workflows, one for each (domain, task list) that has work. They start with the first task and stop when none
// came for a while or when the domain becomes active in another region; so a process without schedules and batches has none of this, not
// even the SDK in memory.
// Invariant: a task noticed while its worker stops starts a new one. A start that fails is repeated, with pauses, while tasks come.
import type { Worker } from '@antiphon/sdk/worker';
import { type DomainCache, isSystemTaskList } from '#domains';
import type { Env, TimerHandle } from '#env';
import type { TaskListStore } from '#persistence';
import { createLocalFrontendClient, type FrontendClient, type Services } from '#rpc';

/** What runs on a task list. The workflows are in one bundle for all; activities are made for each worker. */
export interface SystemTaskList {
  readonly name: string;
  /** Undefined: any domain. */
  readonly domain?: string | undefined;
  activities(context: SystemActivityContext): Promise<object>;
}

export interface SystemActivityContext {
  readonly env: Env;
  readonly domain: string;
  /** The frontend of this process; calls carry the mark of the service. */
  readonly frontend: FrontendClient;
  /** The frontend of a region, this one's or another's; undefined: there is none of that name. */
  readonly cluster: (name: string) => FrontendClient | undefined;
}

export interface SystemWorkersDeps {
  readonly env: Env;
  readonly domains: DomainCache;
  readonly taskLists: Pick<TaskListStore, 'listTaskLists' | 'loadTaskCount'>;
  /** Read when the first worker starts. */
  readonly services: () => Services;
  readonly currentCluster: string;
  readonly remoteCluster: (name: string) => FrontendClient | undefined;
  /** Whether this host runs the workers of a list; undefined: of every one. */
  readonly isMine?: ((domainId: string, taskListName: string) => boolean) | undefined;
}

export interface SystemWorkersOptions {
  /** A worker without a new task for this long stops. */
  readonly idleMs: number;
}

export const DEFAULT_SYSTEM_WORKERS_OPTIONS: SystemWorkersOptions = { idleMs: 600_000 };

export interface SystemWorkers {
  /** There is work on this list of this domain. Returns at once. */
  readonly notice: (domainId: string, taskListName: string) => void;
  /** Looks for work that was left in task lists by an earlier process. */
  start(): Promise<void>;
  /** The same again: another host may have left some. */
  look(): Promise<void>;
  stop(): Promise<void>;
  /** For tests and diagnosis: `domain/task list` of the running workers. */
  running(): readonly string[];
}

const RETRY_PAUSE_MS = 5_000;
// Most of them wait for a run to close, which is a promise each.
const ACTIVITIES_MAX = 10_000;
// A domain has few schedules that are due in the same second; two pollers on each of the lists keep up with hundreds.
const POLLERS = 2;
const CACHED_RUNS_MAX = 500;

interface Slot {
  readonly domainId: string;
  readonly list: SystemTaskList;
  lastWorkMs: number;
  runningActivities: number;
  /** Undefined while it failed to start and waits. */
  worker: Promise<Worker | undefined> | undefined;
  notBeforeMs: number;
}

class LazySystemWorkers implements SystemWorkers {
  readonly #deps: SystemWorkersDeps;
  readonly #options: SystemWorkersOptions;
  readonly #lists: ReadonlyMap<string, SystemTaskList>;
  readonly #slots = new Map<string, Slot>();
  readonly #stopping = new Set<Promise<void>>();
  #shared: Promise<SharedParts> | undefined;
  #sweep: TimerHandle | undefined;
  #unsubscribe: (() => void) | undefined;
  #isStopped = true;

  constructor(deps: SystemWorkersDeps, lists: readonly SystemTaskList[], options: SystemWorkersOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#lists = new Map(lists.map((list) => [list.name, list]));
  }

  readonly notice = (domainId: string, taskListName: string): void => {
    if (this.#isStopped) return;
    const key = `${domainId}/${taskListName}`;
    const nowMs = this.#deps.env.clock.monotonicMs();
    const slot = this.#slots.get(key);
    if (slot !== undefined) {
      slot.lastWorkMs = nowMs;
      if (slot.worker === undefined && nowMs >= slot.notBeforeMs) this.#launch(key, slot);
      return;
    }
    const list = this.#lists.get(taskListName);
    if (list === undefined) return;
    const fresh: Slot = { domainId, list, lastWorkMs: nowMs, runningActivities: 0, worker: undefined, notBeforeMs: 0 };
    this.#slots.set(key, fresh);
    this.#launch(key, fresh);
    this.#armSweep();
  };

  async start(): Promise<void> {
    this.#isStopped = false;
    this.#unsubscribe ??= this.#deps.domains.onChange((_before, after) => {
      if (!after.isActiveHere) this.#drop((slot) => slot.domainId === after.id);
    });
    await this.look();
  }

  async look(): Promise<void> {
    const { taskLists, isMine } = this.#deps;
    for (const row of await taskLists.listTaskLists()) {
      if (!isSystemTaskList(row.name) || isMine?.(row.domainId, row.name) === false) continue;
      if ((await taskLists.loadTaskCount(row, 1)) > 0) this.notice(row.domainId, row.name);
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#sweep?.cancel();
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    this.#drop(() => true);
    await Promise.all(this.#stopping);
    const shared = await this.#shared?.catch(() => undefined); // A failed start was logged where it failed.
    shared?.close();
  }

  running(): readonly string[] {
    return [...this.#slots].filter(([, slot]) => slot.worker !== undefined).map(([key]) => key);
  }

  #launch(key: string, slot: Slot): void {
    const { env } = this.#deps;
    slot.worker = this.#open(slot).catch((error: unknown) => {
      env.logger.error('system worker did not start', { taskList: slot.list.name, error, retryInMs: RETRY_PAUSE_MS });
      slot.worker = undefined;
      slot.notBeforeMs = env.clock.monotonicMs() + RETRY_PAUSE_MS;
      env.scheduler.after(RETRY_PAUSE_MS, () => {
        if (!this.#isStopped && slot.worker === undefined && this.#slots.get(key) === slot) this.#launch(key, slot);
      });
      return undefined;
    });
  }

  /** Undefined when the domain is not one for this list, or not active here: a query of the passive side, or a stray name. */
  async #open(slot: Slot): Promise<Worker | undefined> {
    const { domainId, list } = slot;
    const domain = await this.#deps.domains.byId(domainId);
    if (list.domain !== undefined && list.domain !== domain.name) return undefined;
    this.#shared ??= loadSharedParts(this.#deps);
    this.#shared.catch(() => {
      this.#shared = undefined;
    });
    const { sdk, bundle, transport, frontend } = await this.#shared;
    const { env, currentCluster, remoteCluster } = this.#deps;
    const cluster = (name: string) => (name === currentCluster ? frontend : remoteCluster(name));
    const activities = await list.activities({ env, domain: domain.name, frontend, cluster });
    const log = env.logger.child({ component: 'system-worker', 'wf-domain-name': domain.name });
    const worker = await sdk.createWorker({
      connection: sdk.connect({ transport }),
      domain: domain.name,
      taskList: list.name,
      workflowBundle: bundle,
      activities: this.#counted(slot, activities),
      decisionPollers: POLLERS,
      activityPollers: POLLERS,
      maxConcurrentActivities: ACTIVITIES_MAX,
      maxCachedWorkflows: CACHED_RUNS_MAX,
      autoHeartbeat: true,
      shutdownGrace: '2s',
      log,
    });
    if (!this.#isStopped) worker.start();
    return worker;
  }

  /** The same activities; while one runs its worker is not idle. */
  #counted(slot: Slot, activities: object): object {
    const count =
      (body: (...args: unknown[]) => Promise<unknown>) =>
      async (...args: unknown[]): Promise<unknown> => {
        slot.runningActivities++;
        try {
          return await body(...args);
        } finally {
          slot.runningActivities--;
          slot.lastWorkMs = this.#deps.env.clock.monotonicMs();
        }
      };
    return Object.fromEntries(Object.entries(activities).map(([name, body]) => [name, count(body)]));
  }

  #drop(applies: (slot: Slot) => boolean): void {
    for (const [key, slot] of this.#slots) {
      if (!applies(slot)) continue;
      this.#slots.delete(key);
      if (slot.worker === undefined) continue;
      const stopped = slot.worker
        .then((worker) => worker?.shutdown())
        .catch((error: unknown) => this.#deps.env.logger.warn('system worker did not stop cleanly', { error }));
      const tracked = stopped.finally(() => this.#stopping.delete(tracked));
      this.#stopping.add(tracked);
    }
  }

  #armSweep(): void {
    if (this.#sweep !== undefined || this.#isStopped) return;
    this.#sweep = this.#deps.env.scheduler.after(this.#options.idleMs / 2, () => {
      this.#sweep = undefined;
      const idleSinceMs = this.#deps.env.clock.monotonicMs() - this.#options.idleMs;
      this.#drop((slot) => slot.runningActivities === 0 && slot.lastWorkMs <= idleSinceMs);
      if (this.#slots.size > 0) this.#armSweep();
    });
  }
}

interface SharedParts {
  readonly sdk: typeof import('@antiphon/sdk/worker');
  readonly bundle: import('@antiphon/sdk/worker').WorkflowBundle;
  readonly transport: import('@antiphon/sdk/worker').Transport;
  readonly frontend: FrontendClient;
  close(): void;
}

/** What all workers share, loaded when the first one is wanted: the SDK brings a bundler, a sandbox and a gRPC client with it. */
async function loadSharedParts({ env, services }: SystemWorkersDeps): Promise<SharedParts> {
  const [sdk, { loadSystemBundle }, { createInProcessTransport }] = await Promise.all([
    import('@antiphon/sdk/worker'),
    import('./system-bundle.ts'),
    import('./in-process-transport.ts'),
  ]);
  const transport = createInProcessTransport({ env, services: services() });
  const context = { callerName: 'cadence-worker', callerType: 'internal', isSystem: true };
  const frontend = createLocalFrontendClient(services(), { context, nowMs: () => env.clock.nowMs() });
  return { sdk, bundle: await loadSystemBundle(), transport, frontend, close: () => transport.close() };
}

export function createSystemWorkers(
  deps: SystemWorkersDeps,
  lists: readonly SystemTaskList[],
  options: Partial<SystemWorkersOptions> = {},
): SystemWorkers {
  return new LazySystemWorkers(deps, lists, { ...DEFAULT_SYSTEM_WORKERS_OPTIONS, ...options });
}
