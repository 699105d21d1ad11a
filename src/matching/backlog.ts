// The durable part of a task list, written under the list's own lease and read back in id order; tasks with a priority or a fairness key lane
// by lane (lane-reader.ts). One writer and one reader loop, each with one store call in flight; both sleep while there is nothing to do.
// Invariants: a task's append resolves only after its row is durable; the read level never passes a row that may still become visible
// (an append with an unknown outcome forces a new lease, which fences it, before anything higher is written); the ack level never passes a
// task that is not done. Losing the lease drops what was read: the rows are still there for whoever owns the list now.
import { TaskListKind, type TaskListStatus } from '@antiphon/proto';
import { assert, type Deferred, deferred, isStoreError, ServiceBusyError, ServiceError, unavailable } from '#base';
import type { Env, TimerHandle } from '#env';
import { isInLane, type TaskLane, type TaskListKey, type TaskListStore } from '#persistence';
import { AckWindow } from './ack-window.ts';
import { FairQueue } from './fair-queue.ts';
import { LaneReader } from './lane-reader.ts';
import { LinkedQueue } from './linked-queue.ts';
import type { MatchingMetrics } from './metrics.ts';
import { type MatchingOptions, TASK_ID_BLOCK_SIZE } from './options.ts';
import type { BufferedTask, NewTask } from './pending-work.ts';

export interface BacklogDeps {
  readonly env: Env;
  readonly store: TaskListStore;
  readonly metrics: MatchingMetrics;
  /** Called when a task can be shifted. */
  readonly onReady: () => void;
}

interface Append {
  readonly task: NewTask;
  readonly written: Deferred<void>;
}

export class Backlog {
  readonly #deps: BacklogDeps;
  readonly #options: MatchingOptions;
  readonly #key: TaskListKey;
  readonly #kind: TaskListKind;

  #rangeId = 0;
  #isLeased = false;
  /** When a conditional write last succeeded. */
  #leaseProvenMs = 0;
  #leasing: Promise<void> | undefined;
  #nextId = 0;
  #blockEnd = 0;
  #lastAppendedId = 0;

  /** Undefined until the first lease, and after losing one. */
  #window: AckWindow | undefined;
  #savedAckLevel = 0;
  #generation = 0;
  readonly #ready = new FairQueue<BufferedTask>();
  readonly #lanes: LaneReader;
  /** True when rows beyond the read level may exist. */
  #hasMore = false;
  /** Tasks that are only in the store. */
  #unreadCount = 0;
  #isLoading = false;

  readonly #appends = new LinkedQueue<Append>();
  #isWriting = false;
  #doneSinceFlush = 0;
  #flushTimer: TimerHandle | undefined;
  #flushing: Promise<void> | undefined;
  #retryTimer: TimerHandle | undefined;
  #retryDelayMs = 0;
  #isClosed = false;

  constructor(deps: BacklogDeps, key: TaskListKey, kind: TaskListKind, options: MatchingOptions) {
    this.#deps = deps;
    this.#key = key;
    this.#kind = kind;
    this.#options = options;
    this.#lanes = new LaneReader({ store: deps.store, key, ready: this.#ready }, options);
  }

  get generation(): number {
    return this.#generation;
  }

  /** Tasks that `shift` can give now. */
  get bufferedCount(): number {
    return this.#ready.size;
  }

  /** Of the task that `shift` gives next. */
  get firstPriority(): number | undefined {
    return this.#ready.firstPriority;
  }

  /** Tasks known to wait here, those being handed out not included. */
  get waitingCount(): number {
    return this.#ready.size + this.#unreadCount;
  }

  /** True when a new task would not overtake a stored one. */
  get isDrained(): boolean {
    return this.#ready.size === 0 && !this.#hasMore && !this.#lanes.hasMore && this.#appends.size === 0;
  }

  /** Nothing is stored, in memory or on its way: the list may be dropped from memory. */
  get isIdle(): boolean {
    if (this.#window === undefined) return false;
    return this.isDrained && !this.#isWriting && this.#window.outstandingCount === 0 && this.#lanes.isIdle;
  }

  get status(): Pick<TaskListStatus, 'readLevel' | 'ackLevel' | 'taskIdBlock'> {
    const blockStart = this.#rangeId === 0 ? 0 : (this.#rangeId - 1) * TASK_ID_BLOCK_SIZE + 1;
    return {
      readLevel: BigInt(this.#window?.readLevel ?? 0),
      ackLevel: BigInt(this.#window?.ackLevel ?? 0),
      taskIdBlock: { startId: BigInt(blockStart), endId: BigInt(this.#blockEnd) },
    };
  }

  /** Takes the lease and starts reading, in the background; keeps trying until closed. */
  open(): void {
    if (this.#isClosed || this.#retryTimer !== undefined) return;
    this.#ensureLease().then(
      () => this.#load(),
      (error: unknown) => this.#openLater(error),
    );
  }

  /** Resolves when the task is durable. */
  append(task: NewTask): Promise<void> {
    if (this.#isClosed) return Promise.reject(unavailable('task list is closed'));
    if (this.#appends.size >= this.#options.pendingAppendCountMax) {
      return Promise.reject(new ServiceBusyError('Too many outstanding appends to the TaskList'));
    }
    const written = deferred<void>();
    this.#appends.push({ task, written });
    if (!this.#isWriting) void this.#write();
    return written.promise;
  }

  /** The next task in memory, now the caller's to complete. */
  shift(): BufferedTask | undefined {
    const task = this.#ready.shift();
    if (task !== undefined && isInLane(task)) this.#lanes.shifted(task);
    if (this.#wantsMore) this.#load();
    return task;
  }

  complete(task: TaskLane, taskId: number, generation: number): void {
    if (generation !== this.#generation || this.#window === undefined) return;
    const { priority, fairnessKey } = task;
    if (isInLane(task)) this.#lanes.complete({ priority, fairnessKey, taskId });
    else this.#window.done(taskId);
    this.#doneSinceFlush++;
    const isUrgent = this.#doneSinceFlush >= this.#options.ackFlushCount || this.#lanes.isCrowded;
    if (isUrgent) void this.#flush();
    else this.#armFlush();
  }

  /**
   * Called when a poll ended empty: makes sure, at most once per interval, that the list is still ours. An owner that lost the lease without
   * writing since would otherwise never see what the other one wrote.
   */
  checkLease(): void {
    const nowMs = this.#deps.env.clock.monotonicMs();
    if (!this.#isLeased || this.#isClosed || nowMs - this.#leaseProvenMs < this.#options.leaseCheckMs) return;
    this.#leaseProvenMs = nowMs;
    void this.#flush('even without progress');
  }

  /** Stops at once; what was not written is refused, the ack level is stored. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#flushTimer?.cancel();
    this.#retryTimer?.cancel();
    for (let append = this.#appends.shift(); append !== undefined; append = this.#appends.shift()) {
      append.written.reject(unavailable('task list is closed'));
    }
    await this.#flushing;
    await this.#flush();
    const isLeftover = this.#kind === TaskListKind.TASK_LIST_KIND_EPHEMERAL && this.#isLeased && this.isIdle;
    if (!isLeftover) return;
    try {
      await this.#deps.store.deleteTaskList(this.#key, this.#rangeId);
    } catch (error) {
      this.#log('the row of an unused task list stays', error);
    }
  }

  #ensureLease(): Promise<void> {
    if (this.#isLeased) return Promise.resolve();
    this.#leasing ??= this.#lease().finally(() => {
      this.#leasing = undefined;
    });
    return this.#leasing;
  }

  async #lease(): Promise<void> {
    const { env, store } = this.#deps;
    const lease = await store.leaseTaskList(this.#key, this.#kind, env.clock.nowMs());
    assert(lease.rangeId > this.#rangeId, 'a lease has a new range id', { rangeId: lease.rangeId });
    this.#rangeId = lease.rangeId;
    this.#nextId = (lease.rangeId - 1) * TASK_ID_BLOCK_SIZE + 1;
    this.#blockEnd = lease.rangeId * TASK_ID_BLOCK_SIZE;
    this.#lastAppendedId = this.#nextId - 1;
    if (this.#window === undefined) {
      // Before anything is appended under this lease, so that nothing is counted twice.
      this.#unreadCount = await store.loadTaskCount(this.#key, this.#options.countedTaskMax);
      this.#window = new AckWindow(lease.ackLevel);
      this.#savedAckLevel = lease.ackLevel;
      this.#lanes.reread('nothing is kept');
    } else this.#lanes.reread('what is in memory stays');
    this.#hasMore = true;
    this.#isLeased = true;
    this.#leaseProvenMs = env.clock.monotonicMs();
    this.#load();
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    // Tasks that arrive in this turn share the first batch.
    await Promise.resolve();
    while (this.#appends.size > 0) await this.#writeBatch();
    this.#isWriting = false;
  }

  async #writeBatch(): Promise<void> {
    const batch: Append[] = [];
    while (batch.length < this.#options.appendBatchSize) {
      const append = this.#appends.shift();
      if (append === undefined) break;
      batch.push(append);
    }
    try {
      const tasks = await this.#store(batch.map((append) => append.task));
      this.#deps.metrics.backlogWrites.inc(tasks.length);
      this.#accept(tasks);
      for (const append of batch) append.written.resolve();
    } catch (error) {
      const refusal =
        error instanceof ServiceError ? error : unavailable('task list is not writable', { cause: error });
      for (const append of batch) append.written.reject(refusal);
    }
  }

  /** Writes one batch; takes the lease again, once, when another owner had it. */
  async #store(tasks: readonly NewTask[]): Promise<readonly BufferedTask[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#ensureLease();
        if (this.#nextId + tasks.length - 1 > this.#blockEnd) {
          this.#isLeased = false;
          await this.#ensureLease();
        }
        const rows = tasks.map((task) => ({ ...task, taskId: this.#nextId++ }));
        await this.#deps.store.appendTasks(this.#key, this.#rangeId, rows);
        this.#leaseProvenMs = this.#deps.env.clock.monotonicMs();
        return rows;
      } catch (error) {
        this.#onStoreError(error);
        if (!isLeaseLost(error) || attempt === 2 || this.#isClosed) throw error;
      }
    }
  }

  /** Tasks that are durable now: straight to memory when nothing older is still unread. */
  #accept(tasks: readonly BufferedTask[]): void {
    const window = this.#window;
    // The lease may have been lost by another call meanwhile; then the next lease reads these rows.
    if (window === undefined || !this.#isLeased) {
      this.#hasMore = true;
      return;
    }
    const isBehind = this.#hasMore || this.#isLoading;
    for (const task of tasks) {
      if (isInLane(task)) {
        if (!this.#lanes.accept(task)) this.#unreadCount++;
        continue;
      }
      this.#lastAppendedId = Math.max(this.#lastAppendedId, task.taskId);
      if (task.taskId <= window.readLevel) continue;
      if (isBehind || this.#hasMore || this.#ready.plainCount >= this.#options.bufferedTaskCountMax) {
        this.#hasMore = true;
        this.#unreadCount++;
      } else this.#take(task, window);
    }
    if (this.#wantsMore) this.#load();
    if (this.#ready.size > 0) this.#deps.onReady();
  }

  #take(task: BufferedTask, window: AckWindow): void {
    window.add(task.taskId);
    this.#ready.push(task, task);
  }

  get #wantsPlain(): boolean {
    return this.#hasMore && this.#ready.plainCount < this.#options.bufferedTaskCountMax / 2;
  }

  get #wantsMore(): boolean {
    return this.#wantsPlain || this.#lanes.canLoad;
  }

  /** Reads pages while there is room; one read at a time. */
  #load(): void {
    if (!this.#wantsMore || this.#isLoading || this.#isClosed || this.#window === undefined) return;
    if (!this.#isLeased) {
      if (this.#leasing === undefined) this.open();
      return;
    }
    this.#isLoading = true;
    this.#loadPages(this.#window, this.#generation).then(
      () => {
        this.#retryDelayMs = 0;
        this.#isLoading = false;
        this.#load();
      },
      (error: unknown) => {
        this.#isLoading = false;
        this.#openLater(error);
      },
    );
  }

  /** A page of the plain tasks, and one of a lane. */
  async #loadPages(window: AckWindow, generation: number): Promise<void> {
    if (this.#wantsPlain) await this.#loadPage(window, generation);
    if (generation !== this.#generation) return;
    const count = await this.#lanes.load();
    if (generation !== this.#generation || count === undefined) return;
    this.#unreadCount = this.#hasMore || this.#lanes.hasMore ? Math.max(0, this.#unreadCount - count) : 0;
    if (count > 0) this.#deps.onReady();
  }

  async #loadPage(window: AckWindow, generation: number): Promise<void> {
    // Everything up to here was durable before the read began, so a short page proves that there is no more of it.
    const appendedBefore = this.#lastAppendedId;
    const limit = this.#options.loadPageSize;
    const tasks = await this.#deps.store.loadTasks(this.#key, window.readLevel, limit);
    if (generation !== this.#generation) return;
    for (const task of tasks) this.#take(task, window);
    this.#unreadCount = Math.max(0, this.#unreadCount - tasks.length);
    if (tasks.length < limit) {
      window.readTo(appendedBefore);
      this.#hasMore = this.#lastAppendedId > window.readLevel || !this.#isLeased;
      if (!this.#hasMore && !this.#lanes.hasMore) this.#unreadCount = 0;
    }
    if (tasks.length > 0) this.#deps.onReady();
  }

  #openLater(error: unknown): void {
    if (this.#isClosed || this.#retryTimer !== undefined) return;
    this.#log('task list store fails, retrying', error);
    this.#retryDelayMs = Math.min(
      Math.max(this.#retryDelayMs * 2, this.#options.retryDelayMsMin),
      this.#options.retryDelayMsMax,
    );
    this.#retryTimer = this.#deps.env.scheduler.after(this.#retryDelayMs, () => {
      this.#retryTimer = undefined;
      this.open();
    });
  }

  async #flush(when: 'with progress' | 'even without progress' = 'with progress'): Promise<void> {
    this.#flushTimer?.cancel();
    this.#flushTimer = undefined;
    this.#doneSinceFlush = 0;
    const isNeeded = this.#hasProgress || when === 'even without progress';
    if (!this.#isLeased || !isNeeded || this.#flushing !== undefined) return;
    this.#flushing = this.#saveProgress(when);
    await this.#flushing;
    this.#flushing = undefined;
    if (this.#hasProgress) this.#armFlush();
    this.#load();
  }

  get #hasProgress(): boolean {
    return (this.#window?.ackLevel ?? 0) > this.#savedAckLevel || this.#lanes.doneCount > 0;
  }

  /** Stores the ack level and deletes done tasks of lanes; what fails is tried again with the next progress. */
  async #saveProgress(when: 'with progress' | 'even without progress'): Promise<void> {
    const { store } = this.#deps;
    const generation = this.#generation;
    const ackLevel = this.#window?.ackLevel ?? 0;
    const done = this.#lanes.takeDone();
    try {
      if (done.tasks.length > 0) await store.deleteLaneTasks(this.#key, this.#rangeId, done.tasks);
      done.deleted();
    } catch (error) {
      done.restore();
      this.#onStoreError(error);
      this.#log('done tasks of a task list were not deleted', error);
    }
    if (generation !== this.#generation) return;
    if (ackLevel <= this.#savedAckLevel && when === 'with progress') return;
    try {
      await store.completeTasks(this.#key, this.#rangeId, ackLevel);
      if (generation === this.#generation) this.#savedAckLevel = ackLevel;
    } catch (error) {
      this.#onStoreError(error);
      this.#log('ack level of a task list was not stored', error);
    }
  }

  #armFlush(): void {
    if (this.#isClosed) return;
    this.#flushTimer ??= this.#deps.env.scheduler.after(this.#options.ackFlushMs, () => void this.#flush());
  }

  #onStoreError(error: unknown): void {
    if (isLeaseLost(error)) {
      this.#deps.metrics.lostLeases.inc();
      this.#generation++;
      this.#isLeased = false;
      this.#window = undefined;
      this.#ready.clear();
      this.#lanes.reread('nothing is kept');
      this.#unreadCount = 0;
      this.#hasMore = false;
      this.open();
      return;
    }
    // The write may still happen: only a new lease makes sure that it happened or never will.
    if (isStoreError(error, 'Timeout')) {
      this.#isLeased = false;
      this.open();
    }
  }

  #log(message: string, error: unknown): void {
    this.#deps.env.logger.warn(message, {
      'wf-domain-id': this.#key.domainId,
      'wf-task-list-name': this.#key.name,
      error,
    });
  }
}

const isLeaseLost = (error: unknown): boolean =>
  isStoreError(error, 'ConditionFailed') || isStoreError(error, 'ShardOwnershipLost');
