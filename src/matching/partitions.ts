// How many partitions a task list has, and which one a task or a poll goes to (semantics §3.1). Partition 0 is the list itself, others are named
// `/__cadence_sys/<list>/<n>`. The counts come from the admin API (stored), else from dynamic config.
// Invariants: no task goes to a partition before it is durable that this partition exists, so that a restart reads it too; partitions that are
// no longer wanted are read until they are empty, and only then forgotten; at least as many are read as are written to.
import type { TaskListPartitionConfig } from '@antiphon/proto';
import { badRequest, isStoreError } from '#base';
import type { Env } from '#env';
import type { KeyValueStore, TaskListKey } from '#persistence';
import type { ListSettings } from './options.ts';

export const PARTITION_PREFIX = '/__cadence_sys/';
const BUCKET = 'task-list-partitions';
const PARTITION_COUNT_MAX = 1000;
const REFRESH_MS = 30_000;
const CONFLICT_ATTEMPTS_MAX = 5;

export const partitionName = (baseName: string, partition: number): string =>
  partition === 0 ? baseName : `${PARTITION_PREFIX}${baseName}/${partition}`;

/** The list that a partition belongs to; a name that is no partition's is its own. */
export function baseNameOf(name: string): string {
  if (!name.startsWith(PARTITION_PREFIX)) return name;
  const end = name.lastIndexOf('/');
  const partition = name.slice(end + 1);
  return end > PARTITION_PREFIX.length && /^[1-9]\d*$/.test(partition)
    ? name.slice(PARTITION_PREFIX.length, end)
    : name;
}

interface StoredPartitions {
  /** 0: nobody has set a config, only `existing` counts. */
  readonly version: number;
  /** Isolation groups of each partition; an empty list serves all. */
  readonly read: readonly (readonly string[])[];
  readonly write: readonly (readonly string[])[];
  /** Partitions that may have tasks. */
  readonly existing: number;
}

export interface PartitionsDeps {
  readonly env: Env;
  readonly keyValues: KeyValueStore;
  readonly settings: () => ListSettings;
  /** Whether nothing is left in that partition; opens it when it is not in memory. */
  readonly isEmpty: (partition: number) => boolean;
}

const NOTHING_STORED: StoredPartitions = { version: 0, read: [], write: [], existing: 1 };

export class Partitions {
  readonly #deps: PartitionsDeps;
  readonly #key: string;
  readonly #name: string;
  #stored = NOTHING_STORED;
  #storedVersion = 0;
  #loading: Promise<void> | undefined;
  #saving: Promise<void> | undefined;
  #isLoaded = false;
  #readMs: number;

  constructor(deps: PartitionsDeps, key: TaskListKey) {
    this.#deps = deps;
    this.#name = key.name;
    this.#key = JSON.stringify([key.domainId, key.type, key.name]);
    this.#readMs = deps.env.clock.monotonicMs();
    this.#refresh(this.#readMs);
  }

  /** Where the next task goes. */
  pickWrite(isolationGroup: string): number {
    const { existing } = this.#stored;
    const wanted = this.#writeCount;
    if (wanted <= 1 && existing <= 1) return 0;
    if (wanted > existing) this.#resize(wanted);
    return this.#pick(Math.min(wanted, existing), this.#stored.write, isolationGroup);
  }

  /** Where the next poll looks first. */
  pickRead(isolationGroup: string): number {
    const nowMs = this.#deps.env.clock.monotonicMs();
    if (nowMs - this.#readMs >= REFRESH_MS) this.#refresh(nowMs);
    const { existing } = this.#stored;
    if (existing <= 1) {
      if (this.#readCount > 1) this.#resize(this.#readCount);
      return 0;
    }
    const wanted = this.#readCount;
    if (wanted > existing) this.#resize(wanted);
    else if (wanted < existing && this.#deps.isEmpty(existing - 1)) this.#resize(existing - 1);
    return this.#pick(existing, this.#stored.read, isolationGroup);
  }

  /** Partitions that are read now. */
  get readCount(): number {
    return Math.max(this.#readCount, this.#stored.existing);
  }

  get config(): TaskListPartitionConfig | undefined {
    const { version, read, write } = this.#stored;
    const [readCount, writeCount] = [this.#readCount, this.#writeCount];
    if (version === 0 && readCount === 1) return undefined;
    const shown = (count: number, groups: StoredPartitions['read']) =>
      Object.fromEntries(
        Array.from({ length: count }, (_, index) => [index, { isolationGroups: [...(groups[index] ?? [])] }]),
      );
    return {
      version: BigInt(version),
      numReadPartitions: readCount,
      numWritePartitions: writeCount,
      readPartitions: shown(readCount, read),
      writePartitions: shown(writeCount, write),
    };
  }

  async update(config: TaskListPartitionConfig): Promise<void> {
    await this.load();
    const read = groupsOf(config.readPartitions, config.numReadPartitions, 'read');
    const write = groupsOf(config.writePartitions, config.numWritePartitions, 'write');
    if (write.length > read.length) {
      throw badRequest('The number of write partitions cannot be larger than the number of read partitions.');
    }
    await this.#change((stored) => ({
      version: stored.version + 1,
      read,
      write,
      existing: Math.max(stored.existing, read.length),
    }));
  }

  load(): Promise<void> {
    if (this.#isLoaded) return Promise.resolve();
    this.#loading ??= this.#read().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  get #writeCount(): number {
    const { version, write } = this.#stored;
    return clamp(version > 0 ? write.length : this.#deps.settings().writePartitions);
  }

  get #readCount(): number {
    const { version, read } = this.#stored;
    return Math.max(clamp(version > 0 ? read.length : this.#deps.settings().readPartitions), this.#writeCount);
  }

  #pick(count: number, groups: StoredPartitions['read'], isolationGroup: string): number {
    const { random } = this.#deps.env;
    if (isolationGroup !== '' && groups.length > 0) {
      const serving = Array.from({ length: count }, (_, index) => index).filter((index) => {
        const served = groups[index] ?? [];
        return served.length === 0 || served.includes(isolationGroup);
      });
      if (serving.length > 0) return serving[Math.floor(random.next() * serving.length)] ?? 0;
    }
    return Math.floor(random.next() * count);
  }

  /** In the background: until it is durable, the partitions are those of before. */
  #resize(existing: number): void {
    if (!this.#isLoaded) return;
    this.#saving ??= this.#change((stored) => ({ ...stored, existing }))
      .catch((error: unknown) => this.#warn('partitions of a task list were not changed', error))
      .finally(() => {
        this.#saving = undefined;
      });
  }

  async #change(change: (stored: StoredPartitions) => StoredPartitions): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const next = change(this.#stored);
      try {
        const value = Buffer.from(JSON.stringify(next));
        await this.#deps.keyValues.put(BUCKET, this.#key, value, this.#storedVersion);
        this.#stored = next;
        this.#storedVersion++;
        return;
      } catch (error) {
        await this.#read();
        if (!isStoreError(error, 'ConditionFailed') || attempt >= CONFLICT_ATTEMPTS_MAX) throw error;
      }
    }
  }

  /** Another host may have changed it. */
  #refresh(nowMs: number): void {
    this.#readMs = nowMs;
    if (this.#saving !== undefined) return;
    this.#isLoaded = false;
    this.load().catch((error: unknown) => {
      this.#readMs -= REFRESH_MS;
      this.#warn('partitions of a task list are not known yet', error);
    });
  }

  async #read(): Promise<void> {
    const found = await this.#deps.keyValues.get(BUCKET, this.#key);
    // Only this class writes the bucket.
    this.#stored =
      found === undefined ? NOTHING_STORED : (JSON.parse(Buffer.from(found.value).toString()) as StoredPartitions);
    this.#storedVersion = found?.version ?? 0;
    this.#isLoaded = true;
  }

  #warn(message: string, error: unknown): void {
    this.#deps.env.logger.warn(message, { 'wf-task-list-name': this.#name, error });
  }
}

const clamp = (count: number): number => Math.min(Math.max(1, Math.floor(count)), PARTITION_COUNT_MAX);

/** The partitions of a request: by their map, else only by their number. */
function groupsOf(
  partitions: TaskListPartitionConfig['readPartitions'],
  count: number,
  what: 'read' | 'write',
): readonly (readonly string[])[] {
  const entries = Object.entries(partitions);
  const total = entries.length > 0 ? entries.length : count;
  if (total <= 0) throw badRequest('The number of partitions must be larger than 0.');
  if (total > PARTITION_COUNT_MAX)
    throw badRequest(`The number of ${what} partitions must be at most ${PARTITION_COUNT_MAX}.`);
  return Array.from({ length: total }, (_, index) => {
    if (entries.length > 0 && partitions[index] === undefined) {
      throw badRequest(`The ${what} partitions must be numbered from 0: ${index} is missing.`);
    }
    return partitions[index]?.isolationGroups ?? [];
  });
}
