// The log that needs no broker: entries in the source region's own store, partitioned by a hash of their key, pulled by the other regions.
// Entries go when every consuming region has acknowledged them.
import { badRequest, fingerprint32 } from '#base';
import type { Env } from '#env';
import type { LogEntry, LogStore } from '#persistence';
import { DOMAIN_TOPIC, HISTORY_TOPIC, type LogPublisher } from '../ports.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { Bell } from './bell.ts';

export interface EmbeddedLogOptions {
  /** Regions that read this log. Entries wait for all of them. */
  readonly consumers: readonly string[];
  /** Partitions of the history topic; fixed once there are entries. The domain topic has one. */
  readonly historyPartitions?: number;
  /** How often a waiting reader looks into the store for entries that another process appended. */
  readonly recheckMs?: number;
  /** Entries older than this go though a region has not read them; it then repairs its workflows as it meets the gaps. 0: never. */
  readonly retentionMs?: number;
  /** Several hosts of the region serve this log, so that none knows all that a reader was given. */
  readonly isServedByMany?: boolean;
}

export interface ServedPage {
  readonly entries: readonly LogEntry[];
  /** Up to here the reader has everything that there is: entries that it was not given are trimmed. */
  readonly reachedOffset: number;
  readonly lastOffset: number;
}

export interface ServeOptions {
  readonly limit: number;
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface EmbeddedLog extends LogPublisher {
  /** Entries after `afterOffset` for a region, waiting up to `waitMs` for the first. Takes its acknowledgement. */
  serve(
    topic: string,
    partition: number,
    reader: { readonly cluster: string; readonly afterOffset: number; readonly appliedOffset: number },
    options: ServeOptions,
  ): Promise<ServedPage>;
  lastOffset(topic: string, partition: number): Promise<number>;
  /** What each region has acknowledged. */
  acknowledged(topic: string, partition: number): Promise<ReadonlyMap<string, number>>;
}

// Keeps an answer far below the largest message that a client takes.
const PAGE_BYTES_MAX = 8 * 1024 * 1024;

/** The first entries that fit in a page; at least one. */
function withinBytes(entries: readonly LogEntry[]): readonly LogEntry[] {
  let bytes = 0;
  const tooMany = entries.findIndex((entry, index) => {
    bytes += entry.value.length;
    return index > 0 && bytes > PAGE_BYTES_MAX;
  });
  return tooMany === -1 ? entries : entries.slice(0, tooMany);
}

class StoredLog implements EmbeddedLog {
  readonly #env: Env;
  readonly #log: LogStore;
  readonly #consumers: ReadonlySet<string>;
  readonly #historyPartitions: number;
  readonly #recheckMs: number;
  readonly #bell = new Bell();
  readonly #acknowledgements: Acknowledgements;

  constructor(deps: { env: Env; log: LogStore }, options: EmbeddedLogOptions) {
    this.#env = deps.env;
    this.#log = deps.log;
    this.#consumers = new Set(options.consumers);
    this.#historyPartitions = options.historyPartitions ?? 4;
    this.#recheckMs = options.recheckMs ?? 500;
    const { consumers, retentionMs = 0, isServedByMany = false } = options;
    this.#acknowledgements = new Acknowledgements(deps, { consumers, retentionMs, isServedByMany });
  }

  partitionCount(topic: string): number {
    if (topic === HISTORY_TOPIC) return this.#historyPartitions;
    if (topic === DOMAIN_TOPIC) return 1;
    throw badRequest(`Unknown replication topic ${topic}.`);
  }

  partitionOf(topic: string, key: string): number {
    return fingerprint32(key) % this.partitionCount(topic);
  }

  async publish(topic: string, messages: readonly { key: string; value: Uint8Array }[]): Promise<void> {
    const byPartition = new Map<number, { key: string; value: Uint8Array; timeMs: number }[]>();
    const timeMs = this.#env.clock.nowMs();
    for (const message of messages) {
      const partition = this.partitionOf(topic, message.key);
      const entries = byPartition.get(partition) ?? [];
      entries.push({ ...message, timeMs });
      byPartition.set(partition, entries);
    }
    await Promise.all(
      [...byPartition].map(async ([partition, entries]) => {
        await this.#log.append(topic, partition, entries);
        this.#bell.ring(`${topic}/${partition}`);
      }),
    );
  }

  async serve(
    topic: string,
    partition: number,
    reader: { readonly cluster: string; readonly afterOffset: number; readonly appliedOffset: number },
    { limit, waitMs, signal }: ServeOptions,
  ): Promise<ServedPage> {
    const { cluster } = reader;
    this.#checkPosition(topic, partition, cluster);
    const at = { topic, partition };
    const afterOffset = Math.max(0, reader.afterOffset);
    await this.#acknowledgements.accept(at, cluster, reader.appliedOffset);
    await this.#acknowledgements.trimOld(at);
    const untilMs = this.#env.clock.monotonicMs() + waitMs;
    for (;;) {
      // Before the entries: what is appended meanwhile is not taken for trimmed.
      const lastOffset = await this.#log.lastOffset(topic, partition);
      const entries = withinBytes(await this.#log.read(topic, partition, afterOffset, limit));
      const reachedOffset = entries.at(-1)?.offset ?? Math.max(afterOffset, lastOffset);
      const leftMs = untilMs - this.#env.clock.monotonicMs();
      if (reachedOffset > afterOffset || leftMs <= 0 || signal?.aborted) {
        this.#acknowledgements.noteServed(at, cluster, afterOffset, entries);
        return { entries, reachedOffset, lastOffset: Math.max(reachedOffset, lastOffset) };
      }
      await this.#bell.wait(this.#env, `${topic}/${partition}`, Math.min(leftMs, this.#recheckMs), signal);
    }
  }

  lastOffset(topic: string, partition: number): Promise<number> {
    return this.#log.lastOffset(topic, partition);
  }

  acknowledged(topic: string, partition: number): Promise<ReadonlyMap<string, number>> {
    return this.#acknowledgements.load({ topic, partition });
  }

  #checkPosition(topic: string, partition: number, cluster: string): void {
    if (!this.#consumers.has(cluster)) {
      throw badRequest(`Cluster ${cluster} does not read this cluster's replication log.`);
    }
    const isPartition = Number.isInteger(partition) && partition >= 0 && partition < this.partitionCount(topic);
    if (!isPartition) throw badRequest(`Replication topic ${topic} has no partition ${partition}.`);
  }
}

export const createEmbeddedLog = (deps: { env: Env; log: LogStore }, options: EmbeddedLogOptions): EmbeddedLog =>
  new StoredLog(deps, options);
