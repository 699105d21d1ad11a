// Consumes one partition of one remote cluster's log: fetch, apply in order per workflow and concurrently across workflows, then save the
// offset. The next page is fetched while one is applied. A crash before the offset is saved applies messages again, which is harmless.
import { ReplicationTask } from '@antiphon/proto/admin';
import { type Env, sleep } from '#env';
import type { LogMessage, LogSource } from '#log';
import type { LogStore } from '#persistence';
import type { DeadLetters } from '../dlq/index.ts';
import { PoisonMessage, type TaskApplier } from './task-applier.ts';

export interface PartitionDeps {
  readonly env: Env;
  readonly source: LogSource;
  /** Where this region keeps how far it has come. */
  readonly offsets: LogStore;
  readonly applier: TaskApplier;
  readonly deadLetters: DeadLetters;
}

export interface PartitionOptions {
  readonly topic: string;
  readonly partition: number;
  readonly batchSize: number;
  readonly waitMs: number;
  readonly concurrency: number;
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

export const consumerName = (sourceCluster: string): string => `replication-from:${sourceCluster}`;

interface Page {
  readonly messages: readonly LogMessage[];
  readonly lastOffset: number;
  readonly sourceTimeMs: number;
}

/** Consecutive messages of one key, in order. */
function byKey(messages: readonly LogMessage[]): readonly (readonly LogMessage[])[] {
  const groups = new Map<string, LogMessage[]>();
  for (const message of messages) {
    const group = groups.get(message.key);
    if (group === undefined) groups.set(message.key, [message]);
    else group.push(message);
  }
  return [...groups.values()];
}

export class PartitionConsumer {
  readonly #deps: PartitionDeps;
  readonly #options: PartitionOptions;
  readonly #stopping = new AbortController();
  readonly #metrics;
  #fetchedOffset = 0;
  #appliedOffset = 0;
  #sourceLastOffset = 0;
  /** Creation time of the oldest message that is fetched and not applied. */
  #oldestMs: number | undefined;
  #sourceTimeMs = 0;
  #isConnected = false;
  #deadLettered = 0;
  #running: Promise<void> | undefined;

  constructor(deps: PartitionDeps, options: PartitionOptions) {
    this.#deps = deps;
    this.#options = options;
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
    await this.#running;
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
      lagMs: this.#oldestMs === undefined ? 0 : Math.max(0, this.#sourceTimeMs - this.#oldestMs),
      isConnected: this.#isConnected,
      deadLettered: this.#deadLettered,
    };
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    await this.#retried(() => this.#loadOffset());
    let next = this.#startFetch();
    while (!signal.aborted) {
      const page = await next;
      if (signal.aborted || page === undefined) return;
      // Fetched beyond, but acknowledged only what is applied.
      next = this.#startFetch();
      await this.#retried(() => this.#applyPage(page));
    }
    await next;
  }

  async #loadOffset(): Promise<void> {
    const { topic, partition } = this.#options;
    const name = consumerName(this.#deps.source.sourceCluster);
    this.#appliedOffset = await this.#deps.offsets.loadOffset(name, topic, partition);
    this.#fetchedOffset = this.#appliedOffset;
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
        const log = backoffMs === BACKOFF_MS_MIN ? 'warn' : 'debug';
        env.logger[log]('consuming replication messages failed; trying again', {
          error,
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

  #startFetch(): Promise<Page | undefined> {
    return this.#retried(() => this.#fetch());
  }

  async #fetch(): Promise<Page> {
    const { topic, partition, batchSize, waitMs } = this.#options;
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
      this.#sourceTimeMs = page.sourceTimeMs;
      this.#sourceLastOffset = Math.max(this.#sourceLastOffset, page.lastOffset);
      this.#fetchedOffset = page.messages.at(-1)?.offset ?? this.#fetchedOffset;
      const [first] = page.messages;
      if (first !== undefined) this.#oldestMs ??= first.timeMs;
      return page;
    } catch (error) {
      this.#isConnected = false;
      throw error;
    }
  }

  async #applyPage(page: Page): Promise<void> {
    const last = page.messages.at(-1);
    if (last === undefined || last.offset <= this.#appliedOffset) return;
    const groups = byKey(page.messages);
    let at = 0;
    const worker = async (): Promise<void> => {
      for (let group = groups[at++]; group !== undefined; group = groups[at++]) {
        for (const message of group) {
          if (this.#stopping.signal.aborted) return;
          await this.#applyMessage(message);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.#options.concurrency, groups.length) }, worker));
    if (this.#stopping.signal.aborted) return;
    await this.#saveOffset(last.offset);
    this.#metrics.lag.set(this.status().lagMs);
    this.#oldestMs = undefined;
    this.#metrics.applied.inc(page.messages.length);
  }

  async #saveOffset(offset: number): Promise<void> {
    const { topic, partition } = this.#options;
    await this.#deps.offsets.saveOffset(consumerName(this.#deps.source.sourceCluster), topic, partition, offset);
    this.#appliedOffset = offset;
  }

  async #applyMessage(message: LogMessage): Promise<void> {
    const { env, applier, source } = this.#deps;
    const task = ReplicationTask.decode(message.value);
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
