// The one writer of a shard, for the length of one lease. It holds the shard's workflows in memory, takes commands one after another per
// workflow id, decides each at once against the newest state, and lets the group commit make them durable. Whoever saw a workflow's state
// gets an answer, good or bad, only after what he saw is durable.
// Invariants: nothing is written after `close`; a closed actor never opens again (its successor has a larger range id).
import type { TimerTask, TransferTask } from '@antiphon/proto/internal';
import {
  type Deferred,
  deferred,
  InvariantViolation,
  internalService,
  ServiceBusyError,
  ServiceError,
  StoreError,
  unavailable,
} from '#base';
import type { RunTransition, Transition, WorkflowState } from '#core';
import { decodeState, domainOfRun, isActiveHereForSome } from '#core';
import { sleep } from '#env';
import type { CurrentRun, RunKey, ShardLease } from '#persistence';
import type { QueueTaskRef } from '#rpc';
import { type Alarms, createAlarms } from './alarms.ts';
import type { CommitGroup } from './commit-group.ts';
import type { HistoryDeps, HistoryOptions } from './deps.ts';
import { GroupCommit } from './group-commit.ts';
import type { HistoryMetrics } from './metrics.ts';
import { workflowNotFound } from './not-found.ts';
import { ReplicationFeed } from './replication-feed.ts';
import { createShardWriter, type ShardWriter } from './shard-writer.ts';
import { type HeldTask, StandbyTasks } from './standby-tasks.ts';
import { answerForFailure, answerForRead, isRefusal } from './store-answers.ts';
import { IDS_PER_RANGE, TaskIds } from './task-ids.ts';
import { type TaskOutcome, TaskRunner } from './task-runner.ts';
import { TimerQueue } from './timer-queue.ts';
import { TransferQueue } from './transfer-queue.ts';
import { RunEntry as Entry, type RunEntry, type Slot, WorkflowCache } from './workflow-cache.ts';

export interface ActorOptions {
  readonly shardCacheBytes: number;
  /** How long a proof of ownership is good for reads; undefined: for ever, because there is no other host. */
  readonly readLeaseMs?: number | undefined;
  /** The owner before has let go by itself: it answers nothing any more. */
  readonly isHandedOver?: boolean | undefined;
}

export interface ShardExecutors {
  executeTransfer(actor: ShardActor, task: TransferTask): Promise<TaskOutcome>;
  executeTimer(actor: ShardActor, task: TimerTask): Promise<TaskOutcome>;
  /** The shard has just opened. */
  onOpen(actor: ShardActor): void;
  /** A command of this workflow broke an invariant: is it worth loading the shard again? */
  isReloadWorthwhile(slotId: string): boolean;
  /** A held task that the state shows done. */
  isReleased(actor: ShardActor, held: HeldTask, state: WorkflowState): boolean;
}

const DONE_TIMERS_PER_GROUP = 1_000;
const WAITING_PER_WORKFLOW_MAX = 5_000;
const STOP_MS_MAX = 10_000;
const STANDBY_RETRY_MS = 200;

export class ShardActor {
  readonly shardId: number;
  readonly alarms: Alarms;
  readonly cache: WorkflowCache;
  readonly taskIds: TaskIds;
  readonly transfers: TransferQueue;
  readonly timers: TimerQueue;
  readonly standby = new StandbyTasks();
  readonly feed: ReplicationFeed;
  /** Resolves with the reason when the actor is closed. */
  readonly closed: Deferred<unknown> = deferred();
  readonly deps: HistoryDeps;
  readonly #options: HistoryOptions;
  readonly #metrics: HistoryMetrics;
  readonly #writer: ShardWriter;
  readonly #commits: GroupCommit;
  readonly #watchers = new Map<string, Set<() => void>>();
  readonly #executors: ShardExecutors;
  readonly #transferRunner: TaskRunner<TransferTask>;
  readonly #timerRunner: TaskRunner<TimerTask>;
  readonly #readLeaseMs: number | undefined;
  /** Undefined: at once. Monotonic. */
  readonly #acknowledgesFromMs: number | undefined;
  #failure: ServiceError | undefined;
  #savedTransferAck: number;
  #savedTimerAckMs: number;
  #savedReplicationAck: number;
  #savedAtMs: number;
  #reportedCacheBytes = 0;

  constructor(
    deps: HistoryDeps,
    options: HistoryOptions & ActorOptions,
    lease: ShardLease,
    executors: ShardExecutors,
    metrics: HistoryMetrics,
  ) {
    const { env, store } = deps;
    const { shardId, rangeId, info } = lease;
    this.deps = deps;
    this.#options = options;
    this.#metrics = metrics;
    this.#executors = executors;
    this.#readLeaseMs = options.readLeaseMs;
    const isAfterOther = options.readLeaseMs !== undefined && !options.isHandedOver;
    this.#acknowledgesFromMs = isAfterOther ? env.clock.monotonicMs() + (options.readLeaseMs ?? 0) : undefined;
    this.shardId = shardId;
    this.alarms = createAlarms(env);
    this.cache = new WorkflowCache(options.shardCacheBytes);
    this.taskIds = new TaskIds(rangeId);
    this.#writer = createShardWriter(this.taskIds, options);
    this.#savedTransferAck = info.transferAckLevel;
    this.#savedTimerAckMs = info.timerAckMs;
    this.#savedReplicationAck = info.replicationAckLevel;
    this.#savedAtMs = env.clock.nowMs();
    this.feed = new ReplicationFeed(this, info.replicationAckLevel);
    const runnerHost = { env, alarms: this.alarms, isStopped: () => this.isClosed };
    this.#transferRunner = new TaskRunner<TransferTask>({
      ...runnerHost,
      name: 'transfer',
      concurrency: options.transferConcurrency,
      depth: metrics.transferDepth,
      execute: (task) => executors.executeTransfer(this, task),
      onOutcome: (task, outcome) => this.#settleTask({ queue: 'transfer', task }, outcome),
    });
    this.#timerRunner = new TaskRunner<TimerTask>({
      ...runnerHost,
      name: 'timer',
      concurrency: options.timerConcurrency,
      depth: metrics.timerDepth,
      execute: (task) => executors.executeTimer(this, task),
      onOutcome: (task, outcome) => this.#settleTask({ queue: 'timer', task }, outcome),
    });
    this.transfers = new TransferQueue(
      {
        store: store.shards,
        shardId,
        submit: (task) => this.#transferRunner.submit(task),
        isStopped: () => this.isClosed,
        fail: (error) => {
          if (!this.isClosed) this.close(error);
        },
      },
      info.transferAckLevel,
      rangeId * IDS_PER_RANGE,
    );
    this.timers = new TimerQueue(
      {
        env,
        alarms: this.alarms,
        store: store.shards,
        shardId,
        submit: (task) => this.#timerRunner.submit(task),
        onReadError: (error) => env.logger.warn('timer tasks could not be read', { 'shard-id': shardId, error }),
      },
      { windowMs: options.timerWindowMs, inMemoryMax: options.timersInMemoryMax },
    );
    this.#commits = new GroupCommit(
      {
        env,
        store: store.shards,
        shardId,
        host: deps.host,
        taskIds: this.taskIds,
        addPassengers: (group) => this.#addPassengers(group),
        onDurable: (group) => this.#onDurable(group),
        mayAcknowledge: this.#acknowledgesFromMs === undefined ? undefined : () => this.#waitForReaders(),
        onFailure: (error) => this.close(error),
      },
      rangeId,
      options,
      metrics.commits,
    );
  }

  get rangeId(): number {
    return this.#commits.rangeId;
  }

  get isClosed(): boolean {
    return this.#failure !== undefined;
  }

  /** Loads what earlier owners left: their undone tasks run again. Commands are served meanwhile. */
  start(): void {
    void this.#recover();
    this.#saveLater();
  }

  /** Everything in memory is dropped and every waiting caller fails. Idempotent. */
  close(reason: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = answerForFailure(reason, this.shardId);
    this.alarms.stop();
    this.timers.stop();
    this.#commits.close(this.#failure);
    this.feed.close();
    for (const watchers of this.#watchers.values()) for (const wake of watchers) wake();
    this.#watchers.clear();
    this.cache.failQueries(this.#failure);
    this.#reportCacheBytes(0);
    this.closed.resolve(reason);
  }

  /** Makes what was accepted durable, with the ack levels, and closes. */
  async stop(reason: ServiceError): Promise<void> {
    if (this.isClosed) return;
    this.#savedAtMs = Number.NEGATIVE_INFINITY;
    if (this.#isSaveNeeded()) this.#commits.open();
    const { scheduler } = this.deps.env;
    const drained = new AbortController();
    const isDrained = this.#commits.drain().finally(() => drained.abort());
    // A store that hangs must not keep the process: what is not durable was not acknowledged.
    await Promise.race([isDrained, sleep(scheduler, STOP_MS_MAX, drained.signal)]);
    const isKnown = drained.signal.aborted;
    this.close(
      isKnown ? reason : unavailable('The outcome of the write is unknown, please retry with the same request id'),
    );
  }

  /**
   * Runs `work` while nothing else works on this workflow id. The result, or the error, is given out when everything that `work` may have
   * seen of the workflow is durable; if that fails, the failure is the answer.
   */
  async exclusive<T>(domainId: string, workflowId: string, work: (slot: Slot) => T | Promise<T>): Promise<T> {
    this.assertOpen();
    const slot = this.cache.slot(domainId, workflowId);
    if (slot.waitingCount >= WAITING_PER_WORKFLOW_MAX) {
      throw new ServiceBusyError('Too many requests wait for this workflow, please retry later.', 'workflow-busy');
    }
    const waiting = slot.lock();
    if (waiting !== undefined) await waiting;
    let outcome: { readonly value: T } | { readonly error: unknown };
    let uncommitted: CommitGroup | undefined;
    try {
      this.assertOpen();
      const value = work(slot);
      outcome = { value: value instanceof Promise ? await value : value };
    } catch (error) {
      outcome = { error: this.#answerForError(error, slot) };
    } finally {
      uncommitted = slot.uncommitted;
      slot.unlock();
    }
    if ('error' in outcome && isRefusal(outcome.error)) await this.proveOwned();
    else if (uncommitted !== undefined) await uncommitted.durable.promise;
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  /**
   * Resolves when a commit that began after this call has shown that the shard is still ours, so that what the memory did not have at the
   * call did not exist. Others drop work because of a refusal: one of an owner that was replaced and does not know it must not go out.
   */
  async proveOwned(): Promise<void> {
    await this.#openGroup().durable.promise;
  }

  /**
   * Resolves when what was read of the memory before the call is what every acknowledged write has left: no other owner can have acknowledged
   * one; undefined: it is. Costs a commit when the last one is too long ago.
   */
  proveRead(): Promise<void> | undefined {
    if (this.#readLeaseMs === undefined) return undefined;
    if (this.deps.env.clock.monotonicMs() - this.#commits.provenMs <= this.#readLeaseMs) return undefined;
    return this.proveOwned();
  }

  /** No owner before this one answers reads any more: the next one need not wait for any. */
  get hasNoReadersBefore(): boolean {
    return this.deps.env.clock.monotonicMs() > (this.#acknowledgesFromMs ?? Number.NEGATIVE_INFINITY);
  }

  /** Reads of an owner that was replaced without its knowledge end with its lease. */
  async #waitForReaders(): Promise<void> {
    if (this.hasNoReadersBefore || this.#acknowledgesFromMs === undefined) return;
    const { clock, scheduler } = this.deps.env;
    await sleep(scheduler, this.#acknowledgesFromMs - clock.monotonicMs() + 1);
  }

  assertOpen(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Refuses new work when too much waits for the store. */
  requireRoom(): void {
    this.#commits.requireRoom();
  }

  // The methods below are for use inside `exclusive`.

  /** The run if it is in memory; runId empty: the current one. */
  peekRun(slot: Slot, runId: string): RunEntry | undefined {
    const id = runId === '' ? slot.current?.runId : runId;
    return id === undefined ? undefined : slot.runs.get(id);
  }

  async currentRun(slot: Slot): Promise<CurrentRun | undefined> {
    if (slot.current === undefined) {
      this.#metrics.cacheMisses.inc();
      const { domainId, workflowId } = slot;
      const loaded = await this.deps.store.shards.loadCurrentRun(this.shardId, domainId, workflowId);
      this.assertOpen();
      // A new run may have become current only through this slot, which is ours.
      slot.current ??= loaded ?? null;
    }
    return slot.current ?? undefined;
  }

  /** EntityNotExists when there is none. */
  async loadRun(slot: Slot, runId: string): Promise<RunEntry> {
    const entry = await this.findRun(slot, runId);
    if (entry === undefined) throw workflowNotFound(this.deps, slot.domainId, slot.workflowId, runId);
    return entry;
  }

  async findRun(slot: Slot, runId: string): Promise<RunEntry | undefined> {
    const id = runId === '' ? (await this.currentRun(slot))?.runId : runId;
    if (id === undefined) return undefined;
    const known = slot.runs.get(id);
    if (known !== undefined) {
      this.#metrics.cacheHits.inc();
      return known;
    }
    if (slot.deletedRuns?.has(id)) return undefined;
    this.#metrics.cacheMisses.inc();
    const key: RunKey = { domainId: slot.domainId, workflowId: slot.workflowId, runId: id };
    const loaded = await this.deps.store.shards.loadExecution(this.shardId, key);
    this.assertOpen();
    if (loaded === undefined) return undefined;
    const entry = new Entry(key, decodeState(loaded.record, loaded.signalRequestIds), loaded.record.length);
    slot.runs.set(id, entry);
    this.cache.charge(slot);
    return entry;
  }

  /** Applies a command's outcome. One that changes nothing writes nothing. */
  apply(slot: Slot, entry: RunEntry, transition: Transition<unknown>): RunEntry | undefined {
    const { run, newRun } = transition;
    const isUnchanged = run.state === entry.state && run.batches.length === 0 && newRun === undefined;
    const { transfer, timer, replication } = run.tasks;
    if (isUnchanged && transfer.length + timer.length + replication.length === 0) return undefined;
    const creates = newRun === undefined ? [] : [newRun];
    return this.write(slot, { updates: [{ entry, transition: run }], creates })[0];
  }

  /** Several runs of one workflow id in one group: the runs to update, in order, then the one to create. */
  write(
    slot: Slot,
    writes: {
      readonly updates?: readonly { readonly entry: RunEntry; readonly transition: RunTransition }[];
      readonly creates?: readonly RunTransition[];
      readonly current?: CurrentRun | undefined;
    },
  ): readonly RunEntry[] {
    const group = this.#openGroup();
    const taskCount = group.transferTasks.length;
    try {
      for (const { entry, transition } of writes.updates ?? []) {
        this.#writer.updateRun(group, slot, entry, transition);
      }
      const created = (writes.creates ?? []).map((transition) => this.#writer.createRun(group, slot, transition));
      if (writes.current !== undefined) this.#writer.setCurrent(group, slot, writes.current);
      this.#finish(slot);
      if (group.transferTasks.length > taskCount) this.transfers.announce(group.transferTasks.slice(taskCount));
      return created;
    } catch (error) {
      // Half a command is in the group: it must not be committed.
      this.close(error);
      throw error;
    }
  }

  /** Nodes of a batch that is kept beside the runs' own writes (a fork inside a batch). Same group as the next write of this turn. */
  addNode(node: { treeId: string; branchId: string; nodeId: number; blob: Uint8Array; eventCount: number }): void {
    this.#openGroup().addNode({ ...node, txnId: this.taskIds.next() });
  }

  deleteRun(slot: Slot, key: RunKey): void {
    const group = this.#openGroup();
    group.deleteRun(slot, key);
    slot.runs.delete(key.runId);
    if (slot.current?.runId === key.runId) slot.current = null;
    this.#finish(slot);
  }

  /** Wakes when a commit has changed the run, or when the shard closes. */
  watch(runId: string, wake: () => void): () => void {
    let watchers = this.#watchers.get(runId);
    if (watchers === undefined) {
      watchers = new Set();
      this.#watchers.set(runId, watchers);
    }
    watchers.add(wake);
    return () => {
      watchers.delete(wake);
      if (watchers.size === 0 && this.#watchers.get(runId) === watchers) this.#watchers.delete(runId);
    };
  }

  /** The domain changed sides: what was held for it runs now. */
  releaseDomain(domainId: string): void {
    for (const held of this.standby.takeDomain(domainId)) this.#resubmit(held);
  }

  /** Takes held tasks of a run that are done. */
  finishHeld(runId: string, isDone: (held: HeldTask) => boolean): void {
    for (const held of this.standby.take(runId, isDone)) this.#finishTask(held);
  }

  /** Gives a task up; resolves when that is durable. */
  async removeTask({ queue, taskId, fireTimeMs }: QueueTaskRef): Promise<void> {
    const isMeant = (held: HeldTask): boolean => held.queue === queue && held.task.taskId === taskId;
    for (const runId of this.standby.runIds()) this.standby.take(runId, isMeant);
    if (queue === 'transfer') {
      this.#transferRunner.remove(taskId);
      this.transfers.finish({ taskId });
    } else {
      this.#timerRunner.remove(taskId);
      this.timers.finish({ taskId, fireTimeMs });
    }
    this.#savedAtMs = Number.NEGATIVE_INFINITY;
    await this.proveOwned();
  }

  #openGroup(): CommitGroup {
    this.assertOpen();
    return this.#commits.open();
  }

  #finish(slot: Slot): void {
    this.#commits.finishCommand();
    this.cache.charge(slot);
    this.#reportCacheBytes(this.cache.bytes);
  }

  #reportCacheBytes(bytes: number): void {
    this.#metrics.addCacheBytes(bytes - this.#reportedCacheBytes);
    this.#reportedCacheBytes = bytes;
  }

  #answerForError(error: unknown, slot: Slot): unknown {
    if (error instanceof ServiceError) return error;
    const { env } = this.deps;
    const fields = { 'shard-id': this.shardId, 'wf-domain-id': slot.domainId, 'wf-id': slot.workflowId, error };
    if (error instanceof StoreError) {
      if (error.kind === 'Corrupt') env.logger.error('stored bytes of a workflow are damaged', fields);
      return answerForRead(error, `workflow ${slot.workflowId}`);
    }
    if (!(error instanceof InvariantViolation)) {
      env.logger.error('a command failed unexpectedly', fields);
      return internalService(`Internal error: ${String(error)}`, { cause: error });
    }
    // A refused command leaves no trace, so loading again helps only if the memory is wrong; once must do.
    const reloads = this.#executors.isReloadWorthwhile(slot.id);
    env.logger.error('an invariant does not hold', { ...error.fields, ...fields, reloads });
    if (reloads) this.close(error);
    return internalService(`Internal error: ${error.message}`, { cause: error });
  }

  async #recover(): Promise<void> {
    try {
      await this.timers.start();
      const count = await this.transfers.recover(() => this.isClosed);
      if (count > 0) this.deps.env.logger.info('undone tasks run again', { 'shard-id': this.shardId, count });
    } catch (error) {
      if (!this.isClosed) this.close(error);
    }
  }

  #onDurable(group: CommitGroup): void {
    for (const slot of group.slots) {
      if (slot.uncommitted !== group) continue;
      slot.uncommitted = undefined;
      slot.deletedRuns = undefined;
      slot.dropClosedRuns();
    }
    if (group.shardInfo !== undefined) {
      this.#savedTransferAck = group.shardInfo.transferAckLevel;
      this.#savedReplicationAck = group.shardInfo.replicationAckLevel;
    }
    this.timers.forget(group.deletedTimers);
    this.transfers.commit(group.transferTasks);
    if (group.timerTasks.length > 0) this.timers.add(group.timerTasks);
    if (group.replicationTasks.length > 0) this.feed.announce();
    if (this.timers.doneCount >= DONE_TIMERS_PER_GROUP) this.#commits.open();
    for (const entry of group.runs.keys()) this.#onRunDurable(entry);
  }

  #onRunDurable(entry: RunEntry): void {
    const { runId } = entry.key;
    const watchers = this.#watchers.get(runId);
    if (watchers !== undefined) for (const wake of [...watchers]) wake();
    if (entry.queries !== undefined) entry.queries.onRunChanged(entry.state);
    if (this.standby.hasAny(runId)) {
      this.finishHeld(runId, (held) => this.#executors.isReleased(this, held, entry.state));
    }
  }

  #settleTask(held: HeldTask, outcome: TaskOutcome): void {
    if (outcome === 'done') {
      this.#finishTask(held);
      return;
    }
    if (!this.#mayRunHere(held.task)) {
      this.standby.hold(held);
      return;
    }
    // The domain became active while the task ran, and its release has passed; or the run was written with a later version than the
    // domain's that we know, which takes a while to arrive.
    this.alarms.at(this.deps.env.clock.nowMs() + STANDBY_RETRY_MS, () => this.#resubmit(held));
  }

  /** In an active-active domain each run says; one that is not in memory any more is looked at again. */
  #mayRunHere({ domainId, workflowId, runId }: RunKey): boolean {
    const domain = this.deps.domains.peekById(domainId);
    if (domain === undefined) return false;
    const state = this.cache.peek(domainId, workflowId)?.runs.get(runId)?.state;
    if (state === undefined) return isActiveHereForSome(domain);
    return domainOfRun(domain, state.info.activeClusterSelectionPolicy).isActiveHere;
  }

  #finishTask(held: HeldTask): void {
    if (held.queue === 'transfer') this.transfers.finish(held.task);
    else this.timers.finish(held.task);
  }

  #resubmit(held: HeldTask): void {
    if (held.queue === 'transfer') this.#transferRunner.submit(held.task);
    else this.#timerRunner.submit(held.task);
  }

  get #haveAcksMoved(): boolean {
    return this.transfers.ackLevel > this.#savedTransferAck || this.feed.ackLevel > this.#savedReplicationAck;
  }

  get #isAckTime(): boolean {
    return this.deps.env.clock.nowMs() - this.#savedAtMs >= this.#options.ackIntervalMs;
  }

  #isSaveNeeded(): boolean {
    return this.#isAckTime && (this.timers.doneCount > 0 || this.#haveAcksMoved);
  }

  /** Finished timers go with the ack levels, at most once per interval: a store then deletes most of them by one range. Many go at once. */
  #addPassengers(group: CommitGroup): void {
    const isAckTime = this.#isAckTime;
    if (isAckTime || this.timers.doneCount >= DONE_TIMERS_PER_GROUP) {
      group.deletedTimers = this.timers.takeDone(DONE_TIMERS_PER_GROUP);
    }
    if (!isAckTime || !this.#haveAcksMoved) return;
    const nowMs = this.deps.env.clock.nowMs();
    this.#savedAtMs = nowMs;
    // The queue does not know the timers of a group that is under way.
    if (this.#commits.isSettled) this.#savedTimerAckMs = this.timers.ackMs;
    group.shardInfo = {
      shardId: this.shardId,
      owner: this.deps.host,
      transferAckLevel: this.transfers.ackLevel,
      timerAckMs: this.#savedTimerAckMs,
      replicationAckLevel: this.feed.ackLevel,
      updatedMs: nowMs,
    };
  }

  /** When no command carries it, what is finished is saved alone, every interval, if there is anything. */
  #saveLater(): void {
    const { env } = this.deps;
    this.alarms.at(env.clock.nowMs() + this.#options.ackIntervalMs, () => {
      if (this.isClosed) return;
      if (this.#isSaveNeeded()) this.#commits.open();
      this.#saveLater();
    });
  }
}
