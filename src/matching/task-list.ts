// One task list, or one partition of it: the rendezvous of arriving tasks and queries with waiting polls, over a durable backlog. Sticky lists
// keep nothing in the store: history's schedule-to-start timer of a sticky decision recovers what memory loses.
// Invariants: whenever a poller waits, there is nothing it could be given now (pump runs at every change); a pending task is in exactly one
// place (offers, backlog buffer, held for its zone, retries, or a delivery in flight) until it is finished; an idle list has no timer but its
// polls' own.
import { TaskListKind } from '@antiphon/proto';
import { deferred, ServiceBusyError, ServiceError, stickyWorkerUnavailable, unavailable } from '#base';
import type { Env, TimerHandle } from '#env';
import type { TaskListKey, TaskListStore } from '#persistence';
import { Backlog } from './backlog.ts';
import { FairQueue } from './fair-queue.ts';
import { Isolation } from './isolation.ts';
import { LinkedQueue, type QueueNode } from './linked-queue.ts';
import type { MatchingMetrics } from './metrics.ts';
import { DEFAULT_TASKS_PER_SECOND, type ListSettings, type MatchingOptions } from './options.ts';
import type { FamilyMember, PartitionFamily } from './partition-family.ts';
import type { Match, NewTask, PendingQuery, PendingTask, TaskOwner } from './pending-work.ts';
import { PollerHistory } from './poller-history.ts';
import { RateLimiter } from './rate-limiter.ts';
import { TaskCounter } from './task-counter.ts';
import { type WaitingPoll, WaitingPolls } from './waiting-polls.ts';

export interface TaskListDeps {
  readonly env: Env;
  readonly store: TaskListStore;
  readonly metrics: MatchingMetrics;
  /** False while the domain is active elsewhere: tasks wait in the backlog, polls serve queries only. */
  readonly isActive: () => boolean;
  readonly isDrained: (isolationGroup: string) => boolean;
  /** What dynamic config says of this list now. */
  readonly settings: () => ListSettings;
}

export interface PollWait {
  readonly untilMs: number;
  readonly signal: AbortSignal | undefined;
  /** Zone of the worker; empty: none, or isolation is off. */
  readonly isolationGroup: string;
}

const NO_PRIORITY = Number.POSITIVE_INFINITY;

export class TaskList implements TaskOwner, FamilyMember {
  readonly key: TaskListKey;
  readonly kind: TaskListKind;
  readonly pollers: PollerHistory;
  readonly newTasks = new TaskCounter();
  readonly isolation: Isolation;
  readonly waiting = new WaitingPolls();
  /** The partitions of this list, itself included; undefined while it is the only one. */
  family: PartitionFamily<TaskList> | undefined;
  readonly #deps: TaskListDeps;
  readonly #options: MatchingOptions;
  readonly #backlog: Backlog | undefined;

  readonly #queries = new LinkedQueue<PendingQuery>();
  /** Sync tasks whose callers wait, or a sticky list's tasks. */
  readonly #offers = new FairQueue<PendingTask>();
  /** Taken tasks that came back. */
  readonly #returned = new LinkedQueue<PendingTask>();
  readonly #delays = new Set<TimerHandle>();
  #inFlightCount = 0;
  #settings: ListSettings;
  #settingsReadMs: number;
  #limiter: RateLimiter | undefined;
  #polledRate: number | undefined;
  #limiterTimer: TimerHandle | undefined;
  #offerTimer: TimerHandle | undefined;
  #lastUseMs: number;
  #lastPollMs = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(deps: TaskListDeps, key: TaskListKey, kind: TaskListKind, options: MatchingOptions) {
    this.#deps = deps;
    this.key = key;
    this.kind = kind;
    this.#options = options;
    this.pollers = new PollerHistory(options.pollerHistoryCountMax, options.pollerHistoryTtlMs);
    this.#lastUseMs = deps.env.clock.monotonicMs();
    this.#settingsReadMs = this.#lastUseMs;
    this.#settings = deps.settings();
    this.#takeRateOverride();
    const { env, store, metrics } = deps;
    this.isolation = new Isolation(
      {
        env,
        settings: () => this.#settings,
        isDrained: deps.isDrained,
        onLeak: (tasks) => {
          for (const pending of tasks) this.#returned.push(pending);
          this.pump();
        },
      },
      options.isolatedTaskCountMax,
    );
    if (this.isSticky) return;
    this.#backlog = new Backlog({ env, store, metrics, onReady: () => this.pump() }, key, kind, options);
    this.#backlog.open();
  }

  /** Read again from time to time: lookups cost more than a list's use of them. */
  get settings(): ListSettings {
    const nowMs = this.#deps.env.clock.monotonicMs();
    if (nowMs - this.#settingsReadMs < this.#options.settingsRefreshMs) return this.#settings;
    this.#settingsReadMs = nowMs;
    this.#settings = this.#deps.settings();
    this.#takeRateOverride();
    return this.#settings;
  }

  get isSticky(): boolean {
    return this.kind === TaskListKind.TASK_LIST_KIND_STICKY;
  }

  get ratePerSecond(): number {
    return this.#limiter?.ratePerSecond ?? DEFAULT_TASKS_PER_SECOND;
  }

  /** What is left for the next poll at this moment; 0 once drained. */
  get backlogCount(): number {
    const inMemory = this.#offers.size + this.#returned.size + this.#delays.size + this.isolation.heldCount;
    return inMemory + (this.#backlog?.waitingCount ?? 0);
  }

  get lastPollMs(): number {
    return this.#lastPollMs;
  }

  get firstPriority(): number | undefined {
    if (this.#returned.size > 0) return 0;
    const first = Math.min(this.#offers.firstPriority ?? NO_PRIORITY, this.#backlog?.firstPriority ?? NO_PRIORITY);
    return first === NO_PRIORITY ? undefined : first;
  }

  /** Nothing is left, in memory or in the store. */
  get isEmpty(): boolean {
    return this.backlogCount + this.#inFlightCount === 0 && (this.#backlog?.isIdle ?? true);
  }

  get backlog(): Pick<Backlog, 'status'> | undefined {
    return this.#backlog;
  }

  /** True when a worker of this list is alive, as far as its polls tell. */
  hasPollerWithin(ms: number): boolean {
    if (this.#hasWaiting) return true;
    return this.#deps.env.clock.monotonicMs() - (this.family?.lastPollMs ?? this.#lastPollMs) <= ms;
  }

  isUnusedFor(ms: number): boolean {
    if (this.#deps.env.clock.monotonicMs() - this.#lastUseMs < ms) return false;
    const isQuiet = this.waiting.size + this.#queries.size + this.#inFlightCount === 0;
    const pendingCount = this.#offers.size + this.#returned.size + this.#delays.size + this.isolation.heldCount;
    return isQuiet && (this.isSticky || pendingCount === 0);
  }

  /** Resolves when history has started the task (or needs it no more) or it is durable; a sticky list only remembers it. */
  add(task: NewTask): Promise<void> {
    if (this.#isClosed) return Promise.reject(unavailable('task list is closed'));
    const { clock } = this.#deps.env;
    this.#lastUseMs = clock.monotonicMs();
    this.newTasks.add(this.#lastUseMs);
    if (task.isolationGroup) this.isolation.recordTask(task.isolationGroup);
    if (this.isSticky) return this.#addSticky(task);
    if (!this.#mayMatchAtOnce()) return this.#append(task);
    const caller = deferred<void>();
    this.#offers.push(this.#pending(task, 'sync', this.#lastUseMs, caller), task);
    this.pump();
    if (this.#offers.size + this.isolation.heldCount > 0) this.#armOfferTimer();
    return caller.promise;
  }

  /** The first match for this poll, or undefined when its wait is over or its caller is gone. */
  poll(wait: PollWait): Promise<Match | undefined> {
    const { env } = this.#deps;
    if (this.#isClosed || wait.signal?.aborted) return Promise.resolve(undefined);
    this.#touchPoll();
    const group = wait.isolationGroup;
    if (group !== '') this.isolation.recordPoll(group);
    const ready = this.family === undefined ? this.next(group) : this.family.next(this, group);
    if (ready !== undefined) return Promise.resolve(ready);
    const waitMs = wait.untilMs - env.clock.nowMs();
    if (waitMs <= 0) return Promise.resolve(undefined);
    if (this.waiting.size >= this.#options.pollerCountMax) {
      return Promise.reject(new ServiceBusyError('Too many outstanding polls of the TaskList'));
    }
    return new Promise((resolve) => {
      let node: QueueNode<WaitingPoll> | undefined;
      const settle = (match: Match | undefined): void => {
        timer.cancel();
        wait.signal?.removeEventListener('abort', onAbort);
        resolve(match);
      };
      const leave = (): void => {
        if (node !== undefined && this.waiting.remove(node)) settle(undefined);
      };
      const onAbort = (): void => {
        leave();
        this.#onPollerGone();
      };
      const timer = env.scheduler.after(waitMs, () => {
        this.#touchPoll();
        this.#backlog?.checkLease();
        leave();
      });
      wait.signal?.addEventListener('abort', onAbort, { once: true });
      node = this.waiting.add({ group, settle });
    });
  }

  /** The last writer's rate holds for the whole list, unless the operator set one. */
  limitRate(ratePerSecond: number): void {
    this.#polledRate = ratePerSecond;
    if (this.settings.tasksPerSecond === undefined) this.#setRate(ratePerSecond);
  }

  offerQuery(query: PendingQuery): void {
    this.#lastUseMs = this.#deps.env.clock.monotonicMs();
    if (this.#queries.size >= this.#options.queryCountMax) {
      throw new ServiceBusyError('Too many outstanding queries of the TaskList');
    }
    this.#queries.push(query);
    this.pump();
  }

  /** Its caller waits no longer. */
  withdrawQuery(query: PendingQuery): void {
    this.#queries.removeValue(query);
  }

  /** The poll that took the query is gone before it was handed over. */
  returnQuery(query: PendingQuery): void {
    this.#queries.unshift(query);
    this.pump();
  }

  finish(pending: PendingTask): void {
    this.#inFlightCount--;
    this.#settled(pending);
  }

  putBack(pending: PendingTask): void {
    this.#inFlightCount--;
    this.#returned.unshift(pending);
    this.pump();
    if (pending.source === 'sync') this.#armOfferTimer();
  }

  keep(pending: PendingTask, error: unknown): void {
    this.#inFlightCount--;
    if (pending.source !== 'sync') {
      this.#retryLater(pending);
      return;
    }
    const { caller } = pending;
    if (error instanceof ServiceError && error.kind === 'DomainNotActive') {
      this.#append(pending.task).then(caller?.resolve, caller?.reject);
      return;
    }
    caller?.reject(error);
  }

  /** Matches waiting polls with what is there. */
  pump(): void {
    while (this.#hasWaiting) {
      const match = this.next(undefined);
      if (match === undefined) return;
      this.#touchPoll();
      this.#pollFor(match)?.settle(match);
    }
  }

  takeQuery(): PendingQuery | undefined {
    return this.#queries.shift();
  }

  /** What a poll of this zone may have now; `undefined`: one of those that wait, whose zone is looked up. */
  next(group: string | undefined): Match | undefined {
    const query = this.#queries.shift();
    if (query !== undefined) return query;
    if (!this.#deps.isActive()) return undefined;
    for (;;) {
      if (!this.#hasTask(group) || !this.#hasToken()) return undefined;
      const pending = this.#shiftTask(group);
      if (pending === undefined) return undefined;
      const { expiresMs } = pending.task;
      if (expiresMs > 0 && expiresMs <= this.#deps.env.clock.nowMs()) {
        this.#deps.metrics.expiredTasks.inc();
        this.#settled(pending);
      } else if (this.#isForOthers(pending, group)) this.isolation.hold(pending);
      else {
        this.#limiter?.take(this.#deps.env.clock.monotonicMs());
        this.#inFlightCount++;
        return pending;
      }
    }
  }

  /** Ends all waits; sync tasks are refused, so that their callers keep them. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#limiterTimer?.cancel();
    this.#offerTimer?.cancel();
    for (const timer of this.#delays) timer.cancel();
    this.#delays.clear();
    this.family?.members.delete(this);
    const waiting = [...this.#offers.takeHeads(() => true), ...this.isolation.takeAll()];
    for (let task = this.#returned.shift(); task !== undefined; task = this.#returned.shift()) waiting.push(task);
    for (const task of waiting) task.caller?.reject(unavailable('task list is closed'));
    for (let query = this.#queries.shift(); query !== undefined; query = this.#queries.shift()) {
      query.answer.reject(unavailable('task list is closed'));
    }
    for (let poll = this.waiting.shift(); poll !== undefined; poll = this.waiting.shift()) poll.settle(undefined);
    await this.#backlog?.close();
  }

  #addSticky(task: NewTask): Promise<void> {
    if (!this.hasPollerWithin(this.#options.stickyPollerWindowMs)) return Promise.reject(stickyWorkerUnavailable());
    if (this.#offers.size + this.#returned.size >= this.#options.stickyTaskCountMax) {
      return Promise.reject(new ServiceBusyError('Too many outstanding tasks of the TaskList'));
    }
    this.#offers.push(this.#pending(task, 'memory', this.#lastUseMs, undefined), task);
    this.pump();
    return Promise.resolve();
  }

  /** A task may wait a moment for a poll, unless there clearly is none for it. */
  #mayMatchAtOnce(): boolean {
    if (!this.#deps.isActive() || this.#limiter?.ratePerSecond === 0) return false;
    if (this.#hasWaiting) return true;
    if (this.#offers.size >= this.#options.syncTaskCountMax || this.#returned.size > 0) return false;
    return this.#backlog?.isDrained === true && this.hasPollerWithin(this.#options.pollerExpectedMs);
  }

  #append(task: NewTask): Promise<void> {
    return this.#backlog?.append(task) ?? Promise.reject(stickyWorkerUnavailable());
  }

  get #hasWaiting(): boolean {
    return this.waiting.size > 0 || (this.family?.hasWaiting ?? false);
  }

  #hasTask(group: string | undefined): boolean {
    return (
      this.#returned.size > 0 ||
      this.#offers.size > 0 ||
      (this.#backlog?.bufferedCount ?? 0) > 0 ||
      (group !== undefined && group !== '' && this.isolation.firstPriority(group) !== undefined)
    );
  }

  /** What came back goes first, then by priority; stored tasks are older than offered ones. */
  #shiftTask(group: string | undefined): PendingTask | undefined {
    const returned = this.#returned.shift();
    if (returned !== undefined) return returned;
    const stored = this.#backlog?.firstPriority ?? NO_PRIORITY;
    const offered = this.#offers.firstPriority ?? NO_PRIORITY;
    if (group !== undefined && group !== '') {
      const held = this.isolation.firstPriority(group);
      if (held !== undefined && held <= stored && held <= offered) return this.isolation.shift(group);
    }
    if (offered < stored) return this.#offers.shift();
    const task = this.#backlog?.shift();
    if (task === undefined) return this.#offers.shift();
    const ageMs = task.isolationGroup ? Math.max(0, this.#deps.env.clock.nowMs() - task.createdMs) : 0;
    const pending = this.#pending(task, 'stored', this.#deps.env.clock.monotonicMs() - ageMs, undefined);
    pending.generation = this.#backlog?.generation ?? 0;
    pending.taskId = task.taskId;
    return pending;
  }

  /** The task waits for a worker of its zone, and this poll is not of it. */
  #isForOthers(pending: PendingTask, group: string | undefined): boolean {
    const own = pending.task.isolationGroup;
    if (own === undefined || own === '' || own === group) return false;
    if (group === undefined && this.#hasWaitingGroup(own)) return false;
    return this.isolation.isBound(pending, false);
  }

  #hasWaitingGroup(group: string): boolean {
    return this.family?.hasWaitingGroup(group) ?? this.waiting.hasGroup(group);
  }

  #pollFor(match: Match): WaitingPoll | undefined {
    const group = match.kind === 'task' ? match.task.isolationGroup : undefined;
    if (group && match.kind === 'task' && this.#hasWaitingGroup(group) && this.isolation.isBound(match, true)) {
      return this.waiting.shiftOfGroup(group) ?? this.family?.takePoll(group);
    }
    return this.waiting.shift() ?? this.family?.takePoll(undefined);
  }

  #takeRateOverride(): void {
    const { tasksPerSecond } = this.#settings;
    if (tasksPerSecond !== undefined) this.#setRate(tasksPerSecond);
    // Taken back: what polls said holds again.
    else if (this.#limiter !== undefined) this.#setRate(this.#polledRate ?? DEFAULT_TASKS_PER_SECOND);
  }

  #setRate(ratePerSecond: number): void {
    const nowMs = this.#deps.env.clock.monotonicMs();
    if (this.#limiter === undefined) this.#limiter = new RateLimiter(ratePerSecond, nowMs);
    else if (!this.#limiter.setRate(ratePerSecond, nowMs)) return;
    this.#limiterTimer?.cancel();
    this.#limiterTimer = undefined;
    this.pump();
  }

  /** A token is there; if not, the list is pumped when one comes. */
  #hasToken(): boolean {
    const limiter = this.#limiter;
    if (limiter === undefined) return true;
    const waitMs = limiter.waitMs(this.#deps.env.clock.monotonicMs());
    if (waitMs === 0) return true;
    if (waitMs !== undefined) {
      this.#limiterTimer ??= this.#deps.env.scheduler.after(Math.max(1, waitMs), () => {
        this.#limiterTimer = undefined;
        this.pump();
      });
    }
    return false;
  }

  #settled(pending: PendingTask): void {
    if (pending.source === 'stored') this.#backlog?.complete(pending.task, pending.taskId, pending.generation);
    pending.caller?.resolve();
  }

  #retryLater(pending: PendingTask): void {
    if (this.#isClosed) return;
    pending.failureCount++;
    const { retryDelayMsMin, retryDelayMsMax, failuresBeforeRequeue } = this.#options;
    const delayMs = Math.min(retryDelayMsMin * 2 ** pending.failureCount, retryDelayMsMax);
    const timer = this.#deps.env.scheduler.after(delayMs, () => {
      this.#delays.delete(timer);
      if (pending.source === 'stored' && pending.failureCount >= failuresBeforeRequeue) this.#moveToTail(pending);
      else {
        this.#returned.push(pending);
        this.pump();
      }
    });
    this.#delays.add(timer);
  }

  /** Written again with a new id, then the old row is done: one bad task cannot hold up the ack level for ever. */
  #moveToTail(pending: PendingTask): void {
    this.#append(pending.task).then(
      () => this.#settled(pending),
      () => this.#retryLater(pending),
    );
  }

  #armOfferTimer(): void {
    this.#offerTimer ??= this.#deps.env.scheduler.after(this.#options.syncMatchWaitMs, () => {
      this.#offerTimer = undefined;
      this.#flushOffers();
    });
  }

  /** Sync tasks that waited long enough are written; sticky lists wait for their poller or the task's expiry. */
  #flushOffers(): void {
    const dueMs = this.#deps.env.clock.monotonicMs() - this.#options.syncMatchWaitMs;
    const due = this.#offers.takeHeads(({ source, arrivedMs }) => source === 'sync' && arrivedMs <= dueMs);
    const kept: PendingTask[] = [];
    for (let pending = this.#returned.shift(); pending !== undefined; pending = this.#returned.shift()) {
      if (pending.source === 'sync' && pending.arrivedMs <= dueMs) due.push(pending);
      else kept.push(pending);
    }
    for (const pending of kept) this.#returned.push(pending);
    for (const { task, caller } of due) this.#append(task).then(caller?.resolve, caller?.reject);
    const isWaited = kept.some(({ source }) => source === 'sync') || (!this.isSticky && this.#offers.size > 0);
    if (isWaited || this.isolation.heldCount > 0) this.#armOfferTimer();
  }

  #touchPoll(): void {
    this.#lastPollMs = this.#deps.env.clock.monotonicMs();
    this.#lastUseMs = this.#lastPollMs;
  }

  /** A call that broke off while no other waits: the sticky worker has left, so its work should not wait out the window. */
  #onPollerGone(): void {
    if (!this.isSticky || this.waiting.size > 0) return;
    this.#lastPollMs = Number.NEGATIVE_INFINITY;
    for (let query = this.#queries.shift(); query !== undefined; query = this.#queries.shift()) {
      query.answer.reject(stickyWorkerUnavailable());
    }
  }

  #pending(
    task: NewTask,
    source: PendingTask['source'],
    arrivedMs: number,
    caller: PendingTask['caller'],
  ): PendingTask {
    return {
      kind: 'task',
      owner: this,
      source,
      task,
      taskId: 0,
      generation: 0,
      caller,
      arrivedMs,
      requestId: undefined,
      failureCount: 0,
    };
  }
}
