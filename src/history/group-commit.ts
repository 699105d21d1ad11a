// The pump of a shard: while one group commits, the next collects. One commit is in flight at a time. The first failure ends the pump, and
// with it the shard: what the failed group and those after it hold was never acknowledged, and the shard reloads from the store.
import { assert, ServiceBusyError, type ServiceError, StoreError, unavailable } from '#base';
import { type Counter, type Env, type Gauge, type Histogram, sleep } from '#env';
import type { ShardStore } from '#persistence';
import { CommitGroup } from './commit-group.ts';
import { IDS_PER_RANGE, type TaskIds } from './task-ids.ts';

export interface GroupCommitHost {
  readonly env: Env;
  readonly store: ShardStore;
  readonly shardId: number;
  readonly host: string;
  readonly taskIds: TaskIds;
  /** Adds what travels for free (finished timers, ack levels) to a group about to be sealed. */
  addPassengers(group: CommitGroup): void;
  onDurable(group: CommitGroup): void;
  /** Waited for before what is durable is acknowledged. */
  readonly mayAcknowledge?: (() => Promise<void>) | undefined;
  onFailure(error: unknown): void;
}

export interface CommitMetrics {
  readonly groupCommands: Histogram;
  readonly latencyMs: Histogram;
  readonly queuedCommands: Gauge;
  readonly failures: Counter;
}

export interface GroupLimits {
  readonly groupBytesMax: number;
  readonly queuedBytesMax: number;
  readonly queuedCommandsMax: number;
  readonly gatherMsMax: number;
  readonly startedMsMax: number;
}

// A group of so many commands is one of a busy shard.
const BUSY_COMMANDS = 4;
// Of what the commit took.
const GATHER_SHARE = 0.75;
const STARTED_LOOK_MS = 1;
// Where fewer tasks than that are started in time, few workers wait for any: then only one group in so many tries.
const STARTED_SHARE_MIN = 0.3;
const STARTED_TRY_EVERY = 16;
const STARTED_MEMORY = 0.9;

export class GroupCommit {
  readonly #host: GroupCommitHost;
  readonly #options: GroupLimits;
  readonly #metrics: CommitMetrics;
  #rangeId: number;
  #provenMs = Number.NEGATIVE_INFINITY;
  #sealed: CommitGroup[] = [];
  #open: CommitGroup | undefined;
  #inFlight: CommitGroup | undefined;
  /** Durable, and not yet said so. */
  #unacknowledged: CommitGroup | undefined;
  #isRunning = false;
  #commitMs = 0;
  /** Of the tasks that groups waited for, those that were started in time; the newest count most. */
  #startedShare = 1;
  #groupsNotTried = 0;
  #failure: ServiceError | undefined;
  #sealedBytes = 0;
  #sealedCommands = 0;

  constructor(host: GroupCommitHost, rangeId: number, options: GroupLimits, metrics: CommitMetrics) {
    this.#host = host;
    this.#rangeId = rangeId;
    this.#options = options;
    this.#metrics = metrics;
  }

  /** When the last commit began that showed the shard to be ours. Monotonic. */
  get provenMs(): number {
    return this.#provenMs;
  }

  get rangeId(): number {
    return this.#rangeId;
  }

  /** True when nothing but the open group waits for the store. */
  get isSettled(): boolean {
    return this.#inFlight === undefined && this.#sealed.length === 0;
  }

  /** The group that a command writes to now. */
  open(): CommitGroup {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#open === undefined) {
      this.#open = new CommitGroup();
      this.#start();
    }
    return this.#open;
  }

  /** Call once a command's whole effect is in the open group. */
  finishCommand(): void {
    const group = this.#open;
    if (group === undefined) return;
    group.commandCount++;
    if (group.bytes >= this.#options.groupBytesMax) this.#sealOpen(group);
  }

  requireRoom(): void {
    const bytes = this.#sealedBytes + (this.#open?.bytes ?? 0);
    const commands = this.#sealedCommands + (this.#open?.commandCount ?? 0);
    if (bytes > this.#options.queuedBytesMax || commands > this.#options.queuedCommandsMax) {
      throw new ServiceBusyError('Too many writes wait for the store, please retry later.', 'commit-queue-full');
    }
    if (this.#host.taskIds.isExhausted) throw new ServiceBusyError('The shard renews its range, please retry later.');
  }

  /** Fails every group that is not durable, the one in flight included. */
  close(error: ServiceError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    const groups = [...(this.#inFlight === undefined ? [] : [this.#inFlight]), ...this.#sealed];
    if (this.#open !== undefined) groups.push(this.#open);
    this.#sealed = [];
    this.#open = undefined;
    this.#inFlight = undefined;
    for (const group of groups) group.durable.reject(error);
    // It has happened, and whoever waits for it must not take it for undone.
    this.#unacknowledged?.durable.reject(
      unavailable(`The outcome of the write is unknown, please retry: ${error.message}`),
    );
  }

  /** Resolves when everything written so far is durable or has failed. */
  async drain(): Promise<void> {
    while (this.#failure === undefined) {
      const last = this.#open ?? this.#sealed.at(-1) ?? this.#inFlight ?? this.#unacknowledged;
      if (last === undefined) return;
      // The outcome is that of the callers who wait for the group.
      await last.durable.promise.catch(() => {});
    }
  }

  #sealOpen(group: CommitGroup): void {
    this.#host.addPassengers(group);
    group.seal();
    this.#open = undefined;
    this.#sealed.push(group);
    this.#sealedBytes += group.bytes;
    this.#sealedCommands += group.commandCount;
  }

  #start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    // A turn later, so that all commands of this turn share the first group.
    this.#host.env.scheduler.after(0, () => void this.#run());
  }

  async #run(): Promise<void> {
    try {
      while (this.#failure === undefined) {
        if (this.#sealed.length === 0 && this.#open !== undefined) {
          await this.#awaitStarted(this.#open);
          if (this.#open !== undefined) this.#sealOpen(this.#open);
        }
        const group = this.#sealed.shift();
        if (group === undefined) break;
        this.#sealedBytes -= group.bytes;
        this.#sealedCommands -= group.commandCount;
        await this.#commit(group);
        await this.#gather(group);
      }
    } catch (error) {
      this.#metrics.failures.inc();
      this.#host.onFailure(error);
    } finally {
      this.#isRunning = false;
    }
  }

  /**
   * Those who waited for a group answer together and call again together. Without a pause the next group would leave before they do, and two halves
   * of the callers would take turns: more commits, and no caller faster. Not when the group was small: few callers wait for each other's sake.
   */
  async #gather(last: CommitGroup): Promise<void> {
    const { gatherMsMax } = this.#options;
    if (gatherMsMax === 0 || last.commandCount < BUSY_COMMANDS || this.#sealed.length > 0) return;
    const pauseMs = Math.min(gatherMsMax, this.#commitMs * GATHER_SHARE);
    await sleep(this.#host.env.scheduler, pauseMs);
  }

  /**
   * A task that a worker waits for is started some moments after it was dispatched: in the same turn in this process, a way to another host and back
   * later where its task list is there. When both share a group that is one commit, and the worker has his task sooner.
   */
  async #awaitStarted(group: CommitGroup): Promise<void> {
    const { startedMsMax } = this.#options;
    if (startedMsMax === 0) return;
    const before = group.dispatches();
    if (before.started === before.all) return;
    if (this.#startedShare < STARTED_SHARE_MIN && ++this.#groupsNotTried < STARTED_TRY_EVERY) return;
    this.#groupsNotTried = 0;
    let now = before;
    for (let waitedMs = 0; waitedMs < startedMsMax && now.started < now.all; waitedMs += STARTED_LOOK_MS) {
      await sleep(this.#host.env.scheduler, STARTED_LOOK_MS);
      // Sealed because it was large, or the shard is closed.
      if (this.#open !== group) return;
      now = group.dispatches();
    }
    const share = (now.started - before.started) / (now.all - before.started);
    this.#startedShare = this.#startedShare * STARTED_MEMORY + share * (1 - STARTED_MEMORY);
  }

  async #commit(group: CommitGroup): Promise<void> {
    const { env, store, shardId, taskIds } = this.#host;
    this.#inFlight = group;
    if (taskIds.isLow) await this.#renewRange();
    const startMs = env.clock.monotonicMs();
    await store.commit(shardId, this.#rangeId, group.seal());
    this.#inFlight = undefined;
    if (this.#failure !== undefined) return;
    this.#provenMs = startMs;
    if (this.#host.mayAcknowledge !== undefined) {
      this.#unacknowledged = group;
      await this.#host.mayAcknowledge();
      this.#unacknowledged = undefined;
      if (this.#failure !== undefined) return;
    }
    this.#metrics.groupCommands.observe(group.commandCount);
    this.#commitMs = env.clock.monotonicMs() - startMs;
    this.#metrics.latencyMs.observe(this.#commitMs);
    this.#metrics.queuedCommands.set(this.#sealedCommands + (this.#open?.commandCount ?? 0));
    this.#host.onDurable(group);
    group.durable.resolve();
  }

  /** Between two commits, so that no commit of the old range is in flight. */
  async #renewRange(): Promise<void> {
    const { env, store, shardId, host, taskIds } = this.#host;
    const lease = await store.acquireShard(shardId, host, env.clock.nowMs());
    if (lease.rangeId !== this.#rangeId + 1) {
      throw new StoreError('ShardOwnershipLost', `range ${this.#rangeId} was followed by another owner's`);
    }
    assert(lease.rangeId < Number.MAX_SAFE_INTEGER / IDS_PER_RANGE, 'range ids stay in safe integers');
    this.#rangeId = lease.rangeId;
    taskIds.renew(lease.rangeId);
  }
}
