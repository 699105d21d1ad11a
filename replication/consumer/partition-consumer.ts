// Consumes one partition of one remote cluster's log: fetches ahead, applies in order per workflow and concurrently across workflows, and
// saves the offset up to which all is applied. A workflow that cannot be applied for a while holds only itself, until the window of what
// was fetched beyond it is full. A crash applies messages beyond the saved offset again, which is harmless.
import { setMaxListeners } from 'node:events';
import { type FailoverMarkerAttributes, ReplicationTask } from '@antiphon/proto/admin';
import { type Deferred, deferred } from '#base';
import { type Env, sleep } from '#env';
import type { LogMessage, LogPage, LogSource } from '#log';
import type { LogStore } from '#persistence';
import type { DeadLetters } from '../dlq/index.ts';
import { PendingMessages } from './pending-messages.ts';
import { loggedError, type SourceOutage } from './source-outage.ts';
import { PoisonMessage, type TaskApplier } from './task-applier.ts';

export interface PartitionDeps {
  readonly env: Env;
  readonly source: LogSource;
  /** Where this region keeps how far it has come. */
  readonly offsets: LogStore;
  readonly applier: TaskApplier;
  readonly deadLetters: DeadLetters;
  /** Everything that came before the marker in this partition is applied. */
  readonly onMarker?: ((marker: FailoverMarkerAttributes, partition: number) => void) | undefined;
  /** Shared by the partitions of the source. */
  readonly outage: SourceOutage;
}

export interface PartitionOptions {
  readonly topic: string;
  readonly partition: number;
  readonly batchSize: number;
  readonly waitMs: number;
  readonly concurrency: number;
  /** How many messages beyond the oldest unapplied one are fetched. */
  readonly windowSize: number;
}

export interface PartitionStatus {
  readonly sourceCluster: string;
  readonly topic: string;
  readonly partition: number;
  readonly fetchedOffset: number;
  readonly appliedOffset: number;
  /** As far as the source has said; at least what was fetched. */
  readonly sourceLastOffset: number;
  /** How old the oldest known unapplied message is by the source's clock; 0 when everything known is applied. */
  readonly lagMs: number;
  readonly isConnected: boolean;
  readonly deadLettered: number;
}

const BACKOFF_MS_MIN = 100;
const BACKOFF_MS_MAX = 5_000;
const EMPTY_FETCH_MS_MIN = 50;
// Between two saves of the offset: each is a commit, and what it saves is only work done again after a crash.
const SAVE_PAUSE_MS = 50;

export const consumerName = (sourceCluster: string): string => `replication-from:${sourceCluster}`;

export class PartitionConsumer {
  readonly #deps: PartitionDeps;
  readonly #options: PartitionOptions;
  readonly #stopping = new AbortController();
  readonly #metrics;
  #fetchedOffset = 0;
  #appliedOffset = 0;
  #sourceLastOffset = 0;
  #pending = new PendingMessages(0);
  readonly #working = new Set<Promise<void>>();
  #saving: Promise<void> | undefined;
  /** Resolved when the window has room again. */
  #room: Deferred<void> | undefined;
  #sourceTimeMs = 0;
  #isConnected = false;
  #deadLettered = 0;
  #running: Promise<void> | undefined;
  /** Markers whose turn has not come: by the offset of their message. */
  readonly #markers = new Map<number, FailoverMarkerAttributes>();

  constructor(deps: PartitionDeps, options: PartitionOptions) {
    this.#deps = deps;
    this.#options = options;
    // Each message that is being applied waits on it.
    setMaxListeners(0, this.#stopping.signal);
    const labels = { source: deps.source.sourceCluster, topic: options.topic, partition: String(options.partition) };
    const { metrics } = deps.env;
    this.#metrics = {
      applied: metrics.counter('replication_applied_total', 'Replication messages applied', labels),
      poison: metrics.counter('replication_dead_letters_total', 'Replication messages put into the DLQ', labels),
      lag: metrics.gauge('replication_apply_lag_ms', 'Age of the oldest replication message not yet applied', labels),
    };
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#room?.resolve();
    await this.#running;
    await Promise.all([...this.#working]);
    await this.#saving;
  }

  status(): PartitionStatus {
    const { topic, partition } = this.#options;
    return {
      sourceCluster: this.#deps.source.sourceCluster,
      topic,
      partition,
      fetchedOffset: this.#fetchedOffset,
      appliedOffset: this.#appliedOffset,
      sourceLastOffset: Math.max(this.#sourceLastOffset, this.#fetchedOffset),
      lagMs: this.#lagMs(),
      isConnected: this.#isConnected,
      deadLettered: this.#deadLettered,
    };
  }

  #lagMs(): number {
    const { oldest } = this.#pending;
    return oldest === undefined ? 0 : Math.max(0, this.#sourceTimeMs - oldest.timeMs);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    await this.#retried(() => this.#loadOffset());
    while (!signal.aborted) {
      const page = await this.#retried(() => this.#fetch());
      if (page === undefined) return;
      for (const message of page.messages) this.#pending.add(message);
      this.#pending.reach(page.reachedOffset);
      this.#save();
      this.#dispatch();
      while (this.#pending.span >= this.#options.windowSize && !signal.aborted) {
        this.#room = deferred<void>();
        await this.#room.promise;
      }
    }
  }

  #dispatch(): void {
    while (this.#working.size < this.#options.concurrency) {
      const message = this.#pending.take();
      if (message === undefined) return;
      const work: Promise<void> = this.#applyFrom(message).finally(() => this.#working.delete(work));
      this.#working.add(work);
    }
  }

  /** Applies the message, then others for as long as there are any. */
  async #applyFrom(first: LogMessage): Promise<void> {
    const { signal } = this.#stopping;
    for (let message: LogMessage | undefined = first; message !== undefined; message = this.#pending.take()) {
      const current = message;
      await this.#retried(() => this.#applyMessage(current));
      if (signal.aborted) return;
      this.#pending.done(current);
      if (this.#markers.size > 0) this.#passMarkers();
      this.#metrics.applied.inc();
      this.#save();
      if (this.#pending.span < this.#options.windowSize) this.#room?.resolve();
      this.#dispatch();
    }
  }

  #passMarkers(): void {
    for (const [offset, marker] of this.#markers) {
      if (offset > this.#pending.watermark) continue;
      this.#markers.delete(offset);
      this.#deps.onMarker?.(marker, this.#options.partition);
    }
  }

  async #loadOffset(): Promise<void> {
    const { topic, partition } = this.#options;
    const name = consumerName(this.#deps.source.sourceCluster);
    this.#appliedOffset = await this.#deps.offsets.loadOffset(name, topic, partition);
    this.#fetchedOffset = this.#appliedOffset;
    this.#pending = new PendingMessages(this.#appliedOffset);
  }

  /** Runs `work` until it succeeds; undefined when stopped before. */
  async #retried<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { env, source } = this.#deps;
    const { signal } = this.#stopping;
    let backoffMs = BACKOFF_MS_MIN;
    while (!signal.aborted) {
      try {
        return await work();
      } catch (error) {
        if (signal.aborted) return undefined;
        const { topic, partition } = this.#options;
        // Of a source that does not answer the outage tells.
        const log = backoffMs === BACKOFF_MS_MIN && this.#isConnected ? 'warn' : 'debug';
        env.logger[log]('consuming replication messages failed; trying again', {
          error: loggedError(error),
          topic,
          partition,
          'source-cluster': source.sourceCluster,
        });
        await sleep(env.scheduler, backoffMs * (0.8 + 0.4 * env.random.next()), signal);
        backoffMs = Math.min(BACKOFF_MS_MAX, backoffMs * 2);
      }
    }
    return undefined;
  }

  async #fetch(): Promise<LogPage> {
    const { topic, partition, batchSize, waitMs } = this.#options;
    const { outage } = this.#deps;
    const reader = `${topic}/${partition}`;
    const position = { afterOffset: this.#fetchedOffset, appliedOffset: this.#appliedOffset };
    try {
      const { signal } = this.#stopping;
      const { clock, scheduler } = this.#deps.env;
      const startedMs = clock.monotonicMs();
      const page = await this.#deps.source.fetch(topic, partition, position, { limit: batchSize, waitMs, signal });
      // A source that answers empty without waiting (it is stopping) must not be asked in a hot loop.
      const isHasty = page.messages.length === 0 && clock.monotonicMs() - startedMs < EMPTY_FETCH_MS_MIN;
      if (isHasty) await sleep(scheduler, EMPTY_FETCH_MS_MIN, signal);
      this.#isConnected = true;
      outage.answered(reader);
      this.#sourceTimeMs = page.sourceTimeMs;
      this.#sourceLastOffset = Math.max(this.#sourceLastOffset, page.lastOffset);
      this.#fetchedOffset = Math.max(this.#fetchedOffset, page.reachedOffset);
      return page;
    } catch (error) {
      this.#isConnected = false;
      if (!this.#stopping.signal.aborted) outage.failed(reader, error);
      throw error;
    }
  }

  #save(): void {
    if (this.#pending.watermark <= this.#appliedOffset) return;
    this.#saving ??= this.#saveProgress();
  }

  async #saveProgress(): Promise<void> {
    const { signal } = this.#stopping;
    while (this.#pending.watermark > this.#appliedOffset && !signal.aborted) {
      await this.#retried(() => this.#saveOffset(this.#pending.watermark));
      this.#metrics.lag.set(this.#lagMs());
      await sleep(this.#deps.env.scheduler, SAVE_PAUSE_MS, signal);
    }
    // In the turn of the last look, so that progress made right after it starts another round.
    this.#saving = undefined;
  }

  async #saveOffset(offset: number): Promise<void> {
    const { topic, partition } = this.#options;
    await this.#deps.offsets.saveOffset(consumerName(this.#deps.source.sourceCluster), topic, partition, offset);
    this.#appliedOffset = offset;
  }

  async #applyMessage(message: LogMessage): Promise<void> {
    const { env, applier, source } = this.#deps;
    const task = ReplicationTask.decode(message.value);
    if (task.attributes?.$case === 'failoverMarkerAttributes') {
      this.#markers.set(message.offset, task.attributes.value);
      return;
    }
    try {
      await applier.apply(task, this.#stopping.signal);
    } catch (error) {
      if (!(error instanceof PoisonMessage)) throw error;
      const { topic, partition } = this.#options;
      env.logger.error('a replication message was put into the dead letter queue', {
        error,
        topic,
        partition,
        offset: message.offset,
        'source-cluster': source.sourceCluster,
      });
      await this.#deps.deadLetters.add(
        { sourceCluster: source.sourceCluster, topic, partition },
        {
          offset: message.offset,
          error: error.message,
          attempts: error.attempts,
          timeMs: env.clock.nowMs(),
          task,
        },
      );
      this.#deadLettered++;
      this.#metrics.poison.inc();
    }
  }
}
