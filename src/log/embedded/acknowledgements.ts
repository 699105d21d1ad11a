// What each consuming region says it has applied, and what may be trimmed for it. A position is believed only as far as this process has
// served it, and only entries that every region has acknowledged go; so no bad position can make entries go unread.
import { assert } from '#base';
import type { Env } from '#env';
import type { LogEntry, LogStore } from '#persistence';

const RETENTION_PASS_MS = 60_000;
const RETENTION_READ_MAX = 1000;

export interface LogPartition {
  readonly topic: string;
  readonly partition: number;
}

const nameOf = ({ topic, partition }: LogPartition): string => `${topic}/${partition}`;
const ackName = (cluster: string): string => `acknowledged-by:${cluster}`;

export class Acknowledgements {
  readonly #env: Env;
  readonly #log: LogStore;
  readonly #consumers: readonly string[];
  readonly #retentionMs: number;
  readonly #isServedByMany: boolean;
  readonly #acks = new Map<string, Promise<Map<string, number>>>();
  /** Largest offset handed to a region by this process, without a leap. */
  readonly #served = new Map<string, number>();
  readonly #trimmed = new Map<string, number>();
  readonly #retentionPassMs = new Map<string, number>();

  constructor(
    deps: { env: Env; log: LogStore },
    options: { consumers: readonly string[]; retentionMs: number; isServedByMany: boolean },
  ) {
    this.#env = deps.env;
    this.#log = deps.log;
    this.#consumers = options.consumers;
    this.#retentionMs = options.retentionMs;
    this.#isServedByMany = options.isServedByMany;
  }

  /** By region. */
  load(at: LogPartition): Promise<Map<string, number>> {
    const name = nameOf(at);
    const known = this.#acks.get(name);
    if (known !== undefined) return known;
    const loading = Promise.all(
      this.#consumers.map(
        async (cluster): Promise<[string, number]> => [
          cluster,
          await this.#log.loadOffset(ackName(cluster), at.topic, at.partition),
        ],
      ),
    ).then((entries) => new Map(entries));
    this.#acks.set(name, loading);
    // A failed read is tried again by the next caller.
    loading.catch(() => this.#acks.delete(name));
    return loading;
  }

  /** Takes a region's word and trims what all have applied. */
  async accept(at: LogPartition, cluster: string, applied: number): Promise<void> {
    const { topic, partition } = at;
    const known = await this.load(at);
    const stored = known.get(cluster) ?? 0;
    const servedName = `${nameOf(at)} ${cluster}`;
    // What an earlier process served is not known: its readers are believed once, up to what exists.
    if (!this.#served.has(servedName)) {
      const last = await this.#log.lastOffset(topic, partition);
      this.#served.set(servedName, Math.max(stored, Math.min(applied, last)));
    }
    if (applied <= stored) return;
    // What another host served is not known here: what exists is the bound then.
    const reached = this.#isServedByMany
      ? await this.#log.lastOffset(topic, partition)
      : Math.max(stored, this.#served.get(servedName) ?? 0);
    const bounded = Math.min(applied, reached);
    if (bounded <= stored) return;
    known.set(cluster, bounded);
    await this.#log.saveOffset(ackName(cluster), topic, partition, bounded);
    await this.#trimTo(at, Math.min(...known.values()));
  }

  /** A reader that leaps over entries was not served them: what it says of them counts for nothing. */
  noteServed(at: LogPartition, cluster: string, afterOffset: number, entries: readonly LogEntry[]): void {
    const last = entries.at(-1)?.offset;
    if (last === undefined) return;
    assert(last > afterOffset, 'a log is read forwards', { last, afterOffset });
    const name = nameOf(at);
    const servedName = `${name} ${cluster}`;
    const reached = Math.max(this.#served.get(servedName) ?? 0, this.#trimmed.get(name) ?? 0);
    if (afterOffset <= reached) this.#served.set(servedName, Math.max(reached, last));
  }

  /** Drops entries beyond the retention bound, a page a minute at most. */
  async trimOld(at: LogPartition): Promise<void> {
    const name = nameOf(at);
    const nowMs = this.#env.clock.nowMs();
    const isDue = nowMs - (this.#retentionPassMs.get(name) ?? 0) >= RETENTION_PASS_MS;
    if (this.#retentionMs === 0 || !isDue) return;
    this.#retentionPassMs.set(name, nowMs);
    const from = this.#trimmed.get(name) ?? 0;
    const oldest = await this.#log.read(at.topic, at.partition, from, RETENTION_READ_MAX);
    const last = oldest.findLast((entry) => entry.timeMs < nowMs - this.#retentionMs);
    if (last === undefined) return;
    this.#env.logger.warn('replication log entries expired before every region had read them', { ...at });
    await this.#trimTo(at, last.offset);
  }

  async #trimTo(at: LogPartition, offset: number): Promise<void> {
    const name = nameOf(at);
    if (offset <= (this.#trimmed.get(name) ?? 0)) return;
    await this.#log.trim(at.topic, at.partition, offset);
    this.#trimmed.set(name, offset);
  }
}
