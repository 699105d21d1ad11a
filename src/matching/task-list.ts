// One task list: the rendezvous of arriving tasks and queries with waiting polls, over a durable backlog. Sticky lists keep nothing in the
// store: history's schedule-to-start timer of a sticky decision recovers what memory loses.
// Invariants: whenever a poller waits, there is nothing it could be given now (pump runs at every change); a pending task is in exactly one
// place (offers, backlog buffer, retries, or a delivery in flight) until it is finished; an idle list has no timer but its polls' own.
import { TaskListKind } from '@antiphon/proto';
import { deferred, ServiceBusyError, ServiceError, stickyWorkerUnavailable, unavailable } from '#base';
import type { Env, TimerHandle } from '#env';
import type { TaskListKey, TaskListStore } from '#persistence';
import { Backlog } from './backlog.ts';
import { LinkedQueue, type QueueNode } from './linked-queue.ts';
import type { MatchingMetrics } from './metrics.ts';
import { DEFAULT_TASKS_PER_SECOND, type MatchingOptions } from './options.ts';
import type { Match, NewTask, PendingQuery, PendingTask } from './pending-work.ts';
import { PollerHistory } from './poller-history.ts';
import { RateLimiter } from './rate-limiter.ts';
import { TaskCounter } from './task-counter.ts';

export interface TaskListDeps {
  readonly env: Env;
  readonly store: TaskListStore;
  readonly metrics: MatchingMetrics;
  /** False while the domain is active elsewhere: tasks wait in the backlog, polls serve queries only. */
  readonly isActive: () => boolean;
}

export interface PollWait {
  readonly untilMs: number;
  readonly signal: AbortSignal | undefined;
}

interface WaitingPoll {
  readonly settle: (match: Match | undefined) => void;
}

export class TaskList {
  readonly key: TaskListKey;
  readonly kind: TaskListKind;
  readonly pollers: PollerHistory;
  readonly newTasks = new TaskCounter();
  readonly #deps: TaskListDeps;
  readonly #options: MatchingOptions;
  readonly #backlog: Backlog | undefined;

  readonly #waiting = new LinkedQueue<WaitingPoll>();
  readonly #queries = new LinkedQueue<PendingQuery>();
  /** Sync tasks whose callers wait, or a sticky list's tasks. */
  readonly #offers = new LinkedQueue<PendingTask>();
  /** Taken tasks that came back. */
  readonly #returned = new LinkedQueue<PendingTask>();
  readonly #delays = new Set<TimerHandle>();
  #inFlightCount = 0;
  #limiter: RateLimiter | undefined;
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
    if (this.isSticky) return;
    const { env, store, metrics } = deps;
    this.#backlog = new Backlog({ env, store, metrics, onReady: () => this.pump() }, key, kind, options);
    this.#backlog.open();
  }

  get isSticky(): boolean {
    return this.kind === TaskListKind.TASK_LIST_KIND_STICKY;
  }

  get ratePerSecond(): number {
    return this.#limiter?.ratePerSecond ?? DEFAULT_TASKS_PER_SECOND;
  }

  get waitingPollCount(): number {
    return this.#waiting.size;
  }

  /** What is left for the next poll at this moment; 0 once drained. */
  get backlogCount(): number {
    return this.#offers.size + this.#returned.size + this.#delays.size + (this.#backlog?.waitingCount ?? 0);
  }

  get backlog(): Pick<Backlog, 'status'> | undefined {
    return this.#backlog;
  }

  /** True when a worker of this list is alive, as far as its polls tell. */
  hasPollerWithin(ms: number): boolean {
    return this.#waiting.size > 0 || this.#deps.env.clock.monotonicMs() - this.#lastPollMs <= ms;
  }

  isUnusedFor(ms: number): boolean {
    if (this.#deps.env.clock.monotonicMs() - this.#lastUseMs < ms) return false;
    const isQuiet = this.#waiting.size + this.#queries.size + this.#inFlightCount === 0;
    return isQuiet && (this.isSticky || this.#offers.size + this.#returned.size + this.#delays.size === 0);
  }

  /** Resolves when history has started the task (or needs it no more) or it is durable; a sticky list only remembers it. */
  add(task: NewTask): Promise<void> {
    if (this.#isClosed) return Promise.reject(unavailable('task list is closed'));
    const { clock } = this.#deps.env;
    this.#lastUseMs = clock.monotonicMs();
    this.newTasks.add(this.#lastUseMs);
    if (this.isSticky) return this.#addSticky(task);
    if (!this.#mayMatchAtOnce()) return this.#append(task);
    const caller = deferred<void>();
    this.#offers.push(pendingTask(task, 'sync', this.#lastUseMs, caller));
    this.pump();
    if (this.#offers.size > 0) this.#armOfferTimer();
    return caller.promise;
  }

  /** The first match for this poll, or undefined when its wait is over or its caller is gone. */
  poll(wait: PollWait): Promise<Match | undefined> {
    const { env } = this.#deps;
    if (this.#isClosed || wait.signal?.aborted) return Promise.resolve(undefined);
    this.#touchPoll();
    const ready = this.#next();
    if (ready !== undefined) return Promise.resolve(ready);
    const waitMs = wait.untilMs - env.clock.nowMs();
    if (waitMs <= 0) return Promise.resolve(undefined);
    if (this.#waiting.size >= this.#options.pollerCountMax) {
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
        if (node !== undefined && this.#waiting.remove(node)) settle(undefined);
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
      node = this.#waiting.push({ settle });
    });
  }

  /** The last writer's rate holds for the whole list. */
  limitRate(ratePerSecond: number): void {
    const nowMs = this.#deps.env.clock.monotonicMs();
    if (this.#limiter === undefined) this.#limiter = new RateLimiter(ratePerSecond, nowMs);
    else if (!this.#limiter.setRate(ratePerSecond, nowMs)) return;
    this.#limiterTimer?.cancel();
    this.#limiterTimer = undefined;
    this.pump();
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

  /** History has started the task, or says that it is no longer needed. */
  finish(pending: PendingTask): void {
    this.#inFlightCount--;
    this.#settled(pending);
  }

  /** The poll that took the task is gone before history was asked: the next one gets it. */
  putBack(pending: PendingTask): void {
    this.#inFlightCount--;
    this.#returned.unshift(pending);
    this.pump();
    if (pending.source === 'sync') this.#armOfferTimer();
  }

  /** History could not start the task. A caller that waits hears it, a kept task is tried again later. */
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
    while (this.#waiting.size > 0) {
      const match = this.#next();
      if (match === undefined) return;
      this.#touchPoll();
      this.#waiting.shift()?.settle(match);
    }
  }

  /** Ends all waits; sync tasks are refused, so that their callers keep them. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#limiterTimer?.cancel();
    this.#offerTimer?.cancel();
    for (const timer of this.#delays) timer.cancel();
    this.#delays.clear();
    for (const queue of [this.#offers, this.#returned]) {
      for (let task = queue.shift(); task !== undefined; task = queue.shift()) {
        task.caller?.reject(unavailable('task list is closed'));
      }
    }
    for (let query = this.#queries.shift(); query !== undefined; query = this.#queries.shift()) {
      query.answer.reject(unavailable('task list is closed'));
    }
    for (let poll = this.#waiting.shift(); poll !== undefined; poll = this.#waiting.shift()) poll.settle(undefined);
    await this.#backlog?.close();
  }

  #addSticky(task: NewTask): Promise<void> {
    if (!this.hasPollerWithin(this.#options.stickyPollerWindowMs)) return Promise.reject(stickyWorkerUnavailable());
    if (this.#offers.size + this.#returned.size >= this.#options.stickyTaskCountMax) {
      return Promise.reject(new ServiceBusyError('Too many outstanding tasks of the TaskList'));
    }
    this.#offers.push(pendingTask(task, 'memory', this.#lastUseMs, undefined));
    this.pump();
    return Promise.resolve();
  }

  /** A task may wait a moment for a poll, unless there clearly is none for it. */
  #mayMatchAtOnce(): boolean {
    if (!this.#deps.isActive() || this.#limiter?.ratePerSecond === 0) return false;
    if (this.#waiting.size > 0) return true;
    if (this.#offers.size >= this.#options.syncTaskCountMax || this.#returned.size > 0) return false;
    return this.#backlog?.isDrained === true && this.hasPollerWithin(this.#options.pollerExpectedMs);
  }

  #append(task: NewTask): Promise<void> {
    return this.#backlog?.append(task) ?? Promise.reject(stickyWorkerUnavailable());
  }

  #next(): Match | undefined {
    const query = this.#queries.shift();
    if (query !== undefined) return query;
    if (!this.#deps.isActive()) return undefined;
    for (;;) {
      if (!this.#hasTask()) return undefined;
      if (!this.#takeToken()) return undefined;
      const pending = this.#shiftTask();
      if (pending === undefined) return undefined;
      const { expiresMs } = pending.task;
      const isExpired = expiresMs > 0 && expiresMs <= this.#deps.env.clock.nowMs();
      if (!isExpired) {
        this.#inFlightCount++;
        return pending;
      }
      this.#deps.metrics.expiredTasks.inc();
      this.#settled(pending);
    }
  }

  #hasTask(): boolean {
    return this.#returned.size > 0 || this.#offers.size > 0 || (this.#backlog?.bufferedCount ?? 0) > 0;
  }

  #shiftTask(): PendingTask | undefined {
    const returned = this.#returned.shift();
    if (returned !== undefined) return returned;
    const task = this.#backlog?.shift();
    if (task === undefined) return this.#offers.shift();
    const { taskId, ...rest } = task;
    return {
      ...pendingTask(rest, 'stored', this.#deps.env.clock.monotonicMs(), undefined),
      taskId,
      generation: this.#backlog?.generation ?? 0,
    };
  }

  #takeToken(): boolean {
    const limiter = this.#limiter;
    if (limiter === undefined) return true;
    const nowMs = this.#deps.env.clock.monotonicMs();
    if (limiter.take(nowMs)) return true;
    const waitMs = limiter.waitMs(nowMs);
    if (waitMs !== undefined) {
      this.#limiterTimer ??= this.#deps.env.scheduler.after(Math.max(1, waitMs), () => {
        this.#limiterTimer = undefined;
        this.pump();
      });
    }
    return false;
  }

  #settled(pending: PendingTask): void {
    if (pending.source === 'stored') this.#backlog?.complete(pending.taskId, pending.generation);
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
    let rest = false;
    for (const queue of [this.#returned, this.#offers]) {
      const kept: PendingTask[] = [];
      for (let pending = queue.shift(); pending !== undefined; pending = queue.shift()) {
        if (pending.source !== 'sync') kept.push(pending);
        else if (pending.arrivedMs > dueMs) {
          kept.push(pending);
          rest = true;
        } else this.#append(pending.task).then(pending.caller?.resolve, pending.caller?.reject);
      }
      for (const pending of kept) queue.push(pending);
    }
    if (rest) this.#armOfferTimer();
  }

  #touchPoll(): void {
    this.#lastPollMs = this.#deps.env.clock.monotonicMs();
    this.#lastUseMs = this.#lastPollMs;
  }

  /** A call that broke off while no other waits: the sticky worker has left, so its work should not wait out the window. */
  #onPollerGone(): void {
    if (!this.isSticky || this.#waiting.size > 0) return;
    this.#lastPollMs = Number.NEGATIVE_INFINITY;
    for (let query = this.#queries.shift(); query !== undefined; query = this.#queries.shift()) {
      query.answer.reject(stickyWorkerUnavailable());
    }
  }
}

function pendingTask(
  task: NewTask,
  source: PendingTask['source'],
  arrivedMs: number,
  caller: PendingTask['caller'],
): PendingTask {
  return {
    kind: 'task',
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
