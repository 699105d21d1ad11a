// The log that needs no broker: entries in the source region's own store, partitioned by a hash of their key, pulled by the other regions.
// Entries go when every consuming region has acknowledged them; what a region says is bounded by what this process has served to it, so
// that no bad position can make entries go unread.
import { assert, badRequest, fingerprint32 } from '#base';
import type { Env } from '#env';
import type { LogEntry, LogStore } from '#persistence';
import { DOMAIN_TOPIC, HISTORY_TOPIC, type LogPublisher } from '../ports.ts';

export interface EmbeddedLogOptions {
  /** Regions that read this log. Entries wait for all of them. */
  readonly consumers: readonly string[];
  /** Partitions of the history topic; fixed once there are entries. The domain topic has one. */
  readonly historyPartitions?: number;
  /** How often a waiting reader looks into the store for entries that another process appended. */
  readonly recheckMs?: number;
  /** Entries older than this go though a region has not read them; it then repairs its workflows as it meets the gaps. 0: never. */
  readonly retentionMs?: number;
}

export interface ServedPage {
  readonly entries: readonly LogEntry[];
  readonly lastOffset: number;
}

export interface EmbeddedLog extends LogPublisher {
  /** Entries after `afterOffset` for a region, waiting up to `waitMs` for the first. Takes its acknowledgement. */
  serve(
    topic: string,
    partition: number,
    reader: { readonly cluster: string; readonly afterOffset: number; readonly appliedOffset: number },
    options: { readonly limit: number; readonly waitMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<ServedPage>;
  lastOffset(topic: string, partition: number): Promise<number>;
  /** What each region has acknowledged. */
  acknowledged(topic: string, partition: number): Promise<ReadonlyMap<string, number>>;
}

const RETENTION_PASS_MS = 60_000;
const RETENTION_READ_MAX = 1000;

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

const partitionName = (topic: string, partition: number): string => `${topic}/${partition}`;
const ackName = (cluster: string): string => `acknowledged-by:${cluster}`;

/** Wakes readers of a partition. */
class Bell {
  readonly #waiting = new Map<string, Set<() => void>>();

  ring(name: string): void {
    const waiting = this.#waiting.get(name);
    this.#waiting.delete(name);
    for (const wake of waiting ?? []) wake();
  }

  wait(env: Env, name: string, ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) {
        resolve();
        return;
      }
      const waiting = this.#waiting.get(name) ?? new Set();
      this.#waiting.set(name, waiting);
      const wake = (): void => {
        waiting.delete(wake);
        timer.cancel();
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const timer = env.scheduler.after(ms, wake);
      signal?.addEventListener('abort', wake, { once: true });
      waiting.add(wake);
    });
  }
}

export function createEmbeddedLog(deps: { env: Env; log: LogStore }, options: EmbeddedLogOptions): EmbeddedLog {
  const { env, log } = deps;
  const historyPartitions = options.historyPartitions ?? 4;
  const recheckMs = options.recheckMs ?? 500;
  const retentionMs = options.retentionMs ?? 0;
  const consumers = new Set(options.consumers);
  const bell = new Bell();
  const acks = new Map<string, Promise<Map<string, number>>>();
  /** Largest offset handed to a region by this process. */
  const served = new Map<string, number>();
  const trimmed = new Map<string, number>();
  const retentionPassMs = new Map<string, number>();

  const partitionCount = (topic: string): number => {
    if (topic === HISTORY_TOPIC) return historyPartitions;
    if (topic === DOMAIN_TOPIC) return 1;
    throw badRequest(`Unknown replication topic ${topic}.`);
  };
  const partitionOf = (topic: string, key: string): number => fingerprint32(key) % partitionCount(topic);

  const loadAcks = (topic: string, partition: number): Promise<Map<string, number>> => {
    const name = partitionName(topic, partition);
    const known = acks.get(name);
    if (known !== undefined) return known;
    const loading = Promise.all(
      [...consumers].map(
        async (cluster): Promise<[string, number]> => [
          cluster,
          await log.loadOffset(ackName(cluster), topic, partition),
        ],
      ),
    ).then((entries) => new Map(entries));
    acks.set(name, loading);
    // A failed read is tried again by the next caller.
    loading.catch(() => acks.delete(name));
    return loading;
  };

  const trimOld = async (topic: string, partition: number): Promise<void> => {
    const name = partitionName(topic, partition);
    const nowMs = env.clock.nowMs();
    if (retentionMs === 0 || nowMs - (retentionPassMs.get(name) ?? 0) < RETENTION_PASS_MS) return;
    retentionPassMs.set(name, nowMs);
    const oldest = await log.read(topic, partition, trimmed.get(name) ?? 0, RETENTION_READ_MAX);
    const last = oldest.findLast((entry) => entry.timeMs < nowMs - retentionMs);
    if (last === undefined) return;
    env.logger.warn('replication log entries expired before every region had read them', { topic, partition });
    await log.trim(topic, partition, last.offset);
    trimmed.set(name, last.offset);
  };

  /** A reader that leaps over entries was not served them: what it says of them counts for nothing. */
  const noteServed = (name: string, cluster: string, afterOffset: number, entries: readonly LogEntry[]): void => {
    const last = entries.at(-1)?.offset;
    if (last === undefined) return;
    assert(last > afterOffset, 'a log is read forwards', { last, afterOffset });
    const servedName = `${name} ${cluster}`;
    const reached = Math.max(served.get(servedName) ?? 0, trimmed.get(name) ?? 0);
    if (afterOffset <= reached) served.set(servedName, Math.max(reached, last));
  };

  const acknowledge = async (topic: string, partition: number, cluster: string, applied: number): Promise<void> => {
    const name = partitionName(topic, partition);
    const known = await loadAcks(topic, partition);
    const stored = known.get(cluster) ?? 0;
    const servedName = `${name} ${cluster}`;
    // What an earlier process served is not known: its readers are believed once, up to what exists.
    if (!served.has(servedName)) {
      served.set(servedName, Math.max(stored, Math.min(applied, await log.lastOffset(topic, partition))));
    }
    const bounded = Math.min(applied, Math.max(stored, served.get(servedName) ?? 0));
    if (bounded <= stored) return;
    known.set(cluster, bounded);
    await log.saveOffset(ackName(cluster), topic, partition, bounded);
    const least = Math.min(...known.values());
    if (least <= (trimmed.get(name) ?? 0)) return;
    await log.trim(topic, partition, least);
    trimmed.set(name, least);
  };

  const checkPosition = (topic: string, partition: number, cluster: string): void => {
    if (!consumers.has(cluster)) throw badRequest(`Cluster ${cluster} does not read this cluster's replication log.`);
    const isPartition = Number.isInteger(partition) && partition >= 0 && partition < partitionCount(topic);
    if (!isPartition) throw badRequest(`Replication topic ${topic} has no partition ${partition}.`);
  };

  return {
    partitionCount,
    partitionOf,
    async publish(topic, messages) {
      const byPartition = new Map<number, { key: string; value: Uint8Array; timeMs: number }[]>();
      const timeMs = env.clock.nowMs();
      for (const message of messages) {
        const partition = partitionOf(topic, message.key);
        const entries = byPartition.get(partition) ?? [];
        entries.push({ ...message, timeMs });
        byPartition.set(partition, entries);
      }
      await Promise.all(
        [...byPartition].map(async ([partition, entries]) => {
          await log.append(topic, partition, entries);
          bell.ring(partitionName(topic, partition));
        }),
      );
    },
    async serve(topic, partition, reader, { limit, waitMs, signal }) {
      checkPosition(topic, partition, reader.cluster);
      const name = partitionName(topic, partition);
      const afterOffset = Math.max(0, reader.afterOffset);
      await acknowledge(topic, partition, reader.cluster, reader.appliedOffset);
      await trimOld(topic, partition);
      const untilMs = env.clock.monotonicMs() + waitMs;
      for (;;) {
        const entries = withinBytes(await log.read(topic, partition, afterOffset, limit));
        const leftMs = untilMs - env.clock.monotonicMs();
        if (entries.length > 0 || leftMs <= 0 || signal?.aborted) {
          noteServed(name, reader.cluster, afterOffset, entries);
          return { entries, lastOffset: await log.lastOffset(topic, partition) };
        }
        await bell.wait(env, name, Math.min(leftMs, recheckMs), signal);
      }
    },
    lastOffset: (topic, partition) => log.lastOffset(topic, partition),
    acknowledged: loadAcks,
  };
}
