// Who is there: each host of the region writes a row of its own in the store, again and again, and reads those of the others. A host is alive as
// long as its row changes; how long it has not is measured on the reader's own monotonic clock, so that no two clocks are compared. Reads that
// failed, or a process that stood still, let nobody age. Who refuses connections is given less time, but a row that changes keeps it alive.
// Invariant: what a view says is a guess that is right after a while; nothing depends on two hosts having the same one.
import { HostRecord, ShardPin } from '@antiphon/proto/internal';
import { isStoreError } from '#base';
import type { Env, TimerHandle } from '#env';
import type { KeyValueStore } from '#persistence';

export const HOST_ROLES = ['frontend', 'history', 'matching', 'worker'] as const;
export type HostRole = (typeof HOST_ROLES)[number];

export interface Host {
  /** The same over restarts where the address is. */
  readonly id: string;
  /** Of calls between hosts. */
  readonly address: string;
  readonly roles: readonly HostRole[];
  readonly startedMs: number;
  readonly version: string;
  readonly frontendAddress: string;
  /** It hands over what it has, and takes nothing new. */
  readonly isLeaving: boolean;
  readonly incarnation: string;
}

export interface MemberView {
  /** By id. */
  readonly hosts: readonly Host[];
  /** Shards that operators moved, and where to. */
  readonly pins: ReadonlyMap<number, string>;
}

export interface Membership {
  readonly self: Host;
  view(): MemberView;
  /** Called after the view has changed. */
  onChange(listener: () => void): () => void;
  /** Writes this host's row and reads the others'. Throws when the store does not take it. */
  start(): Promise<void>;
  /** Reads at once. Failures are for the next regular read. */
  lookNow(): Promise<void>;
  /** Nobody listens at the host's address: once its row stands still for two heartbeats it is not there, whatever is left of its lease. */
  suspect(hostId: string): void;
  /** False: this host could not say for a lease that it is alive, so others may have taken its place. */
  isCurrent(): boolean;
  /** Says that this host hands over. */
  leave(): Promise<void>;
  /** Takes the row away. */
  stop(): Promise<void>;
  /** Where a shard is to be; undefined: where the ring puts it. */
  pin(shardId: number, hostId: string | undefined): Promise<void>;
}

export interface MembershipDeps {
  readonly env: Env;
  readonly keyValues: KeyValueStore;
}

export interface MembershipOptions {
  readonly heartbeatMs: number;
  /** A host whose row has not changed for so long is not there. */
  readonly leaseMs: number;
}

const DEFAULT_MEMBERSHIP_OPTIONS: MembershipOptions = { heartbeatMs: 1_000, leaseMs: 5_000 };

const BUCKET = 'membership';
const HOST_PREFIX = 'host/';
const PIN_PREFIX = 'pin/';
const PAGE = 500;
// A row that has been dead for so long is taken away by whoever sees it.
const FORGOTTEN_LEASES = 20;
const ATTEMPTS_MAX = 5;

// Of stillness, after which a suspect is taken for dead.
const SUSPECT_HEARTBEATS = 2;
// Heartbeats that clear a suspect: the first may have been written before the host died.
const CLEARING_HEARTBEATS = 2;

interface Seen {
  /** What changes with every heartbeat. */
  mark: string;
  changedMs: number;
  /** Heartbeats that are missing until it is no suspect. */
  doubts: number;
}

class StoredMembership implements Membership {
  readonly #deps: MembershipDeps;
  readonly #options: MembershipOptions;
  readonly #listeners = new Set<() => void>();
  readonly #seen = new Map<string, Seen>();
  #self: Host;
  #view: MemberView;
  #viewKey = '';
  #rowVersion = 0;
  #beat = 0;
  #beatenMs = Number.NEGATIVE_INFINITY;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;
  #beating: Promise<void> = Promise.resolve();
  #timer: TimerHandle | undefined;
  #isStopped = false;

  constructor(
    deps: MembershipDeps,
    self: Omit<Host, 'isLeaving' | 'incarnation' | 'startedMs'>,
    options: MembershipOptions,
  ) {
    this.#deps = deps;
    this.#options = options;
    const { clock, random } = deps.env;
    this.#self = { ...self, startedMs: clock.nowMs(), isLeaving: false, incarnation: random.uuid() };
    this.#view = { hosts: [this.#self], pins: new Map() };
  }

  get self(): Host {
    return this.#self;
  }

  view(): MemberView {
    return this.#view;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async start(): Promise<void> {
    await this.#write();
    await this.#look();
    this.#arm();
  }

  async lookNow(): Promise<void> {
    if (this.#isStopped) return;
    // A read that is under way may have begun before what the caller knows of.
    await this.#looking;
    this.#looking ??= this.#look()
      .catch((error: unknown) => this.#deps.env.logger.warn('the hosts of the region could not be read', { error }))
      .finally(() => {
        this.#looking = undefined;
      });
    await this.#looking;
  }

  suspect(hostId: string): void {
    const seen = this.#seen.get(hostId);
    if (seen !== undefined) seen.doubts = CLEARING_HEARTBEATS;
  }

  isCurrent(): boolean {
    return this.#deps.env.clock.monotonicMs() - this.#beatenMs < this.#options.leaseMs;
  }

  async leave(): Promise<void> {
    if (this.#self.isLeaving) return;
    this.#self = { ...this.#self, isLeaving: true };
    try {
      await this.#write();
    } catch (error) {
      // The lease ends it then.
      this.#deps.env.logger.warn('the leaving of this host could not be announced', { error });
    }
    await this.lookNow();
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#beating.catch(() => {}); // Reported where it failed.
    try {
      await this.#deps.keyValues.remove(BUCKET, HOST_PREFIX + this.#self.id);
    } catch (error) {
      this.#deps.env.logger.warn('the row of this host stays until its lease has passed', { error });
    }
  }

  async pin(shardId: number, hostId: string | undefined): Promise<void> {
    const { keyValues } = this.#deps;
    const key = PIN_PREFIX + shardId;
    if (hostId === undefined) await keyValues.remove(BUCKET, key);
    for (let attempt = 1; hostId !== undefined; attempt++) {
      const found = await keyValues.get(BUCKET, key);
      try {
        await keyValues.put(BUCKET, key, ShardPin.encode({ hostId }).finish(), found?.version ?? 0);
        break;
      } catch (error) {
        if (!isStoreError(error, 'ConditionFailed') || attempt === ATTEMPTS_MAX) throw error;
      }
    }
    await this.lookNow();
  }

  #arm(): void {
    if (this.#isStopped) return;
    const { env } = this.#deps;
    const jitter = 0.9 + env.random.next() / 5;
    this.#timer = env.scheduler.after(this.#options.heartbeatMs * jitter, () => void this.#turn());
  }

  async #turn(): Promise<void> {
    try {
      await this.#write();
    } catch (error) {
      this.#deps.env.logger.warn('this host could not say that it is alive', { error });
    }
    await this.lookNow();
    this.#arm();
  }

  /** One write after another: each is made on the version of the last. */
  #write(): Promise<void> {
    const write = this.#beating.catch(() => {}).then(() => this.#writeRow());
    this.#beating = write;
    return write;
  }

  async #writeRow(): Promise<void> {
    if (this.#isStopped) return;
    const { env, keyValues } = this.#deps;
    const { id, roles, ...self } = this.#self;
    const key = HOST_PREFIX + id;
    for (let attempt = 1; ; attempt++) {
      const record: HostRecord = { ...self, hostId: id, services: [...roles], beat: ++this.#beat };
      const beginMs = env.clock.monotonicMs();
      try {
        await keyValues.put(BUCKET, key, HostRecord.encode(record).finish(), this.#rowVersion);
        this.#rowVersion++;
        this.#beatenMs = beginMs;
        return;
      } catch (error) {
        // An earlier process of this id, a write whose outcome was unknown, or somebody who took the row for a dead one's.
        this.#rowVersion = (await keyValues.get(BUCKET, key))?.version ?? 0;
        if (!isStoreError(error, 'ConditionFailed') || attempt === ATTEMPTS_MAX) throw error;
      }
    }
  }

  async #look(): Promise<void> {
    const rows = await this.#readRows();
    if (this.#isStopped) return;
    const nowMs = this.#deps.env.clock.monotonicMs();
    const { heartbeatMs, leaseMs } = this.#options;
    const suspectMs = Math.min(leaseMs, SUSPECT_HEARTBEATS * heartbeatMs);
    // Nobody was seen alive while nobody looked.
    const missedMs = nowMs - this.#lookedMs - 2 * heartbeatMs;
    if (missedMs > 0 && Number.isFinite(missedMs)) for (const seen of this.#seen.values()) seen.changedMs += missedMs;
    this.#lookedMs = nowMs;
    const hosts: Host[] = [this.#self];
    const found = new Set<string>();
    for (const record of rows.records) {
      if (record.hostId === this.#self.id) continue;
      found.add(record.hostId);
      const seen = this.#notice(record, nowMs);
      const ageMs = nowMs - seen.changedMs;
      if (ageMs <= (seen.doubts > 0 ? suspectMs : leaseMs)) hosts.push(hostOf(record));
      else if (ageMs > FORGOTTEN_LEASES * leaseMs) this.#forget(record.hostId);
    }
    for (const id of this.#seen.keys()) if (!found.has(id)) this.#seen.delete(id);
    hosts.sort((a, b) => (a.id < b.id ? -1 : 1));
    this.#show({ hosts, pins: rows.pins });
  }

  async #readRows(): Promise<{ records: readonly HostRecord[]; pins: ReadonlyMap<number, string> }> {
    const records: HostRecord[] = [];
    const pins = new Map<number, string>();
    let after = '';
    for (;;) {
      const rows = await this.#deps.keyValues.list(BUCKET, '', after, PAGE);
      for (const { key, value } of rows) {
        if (key.startsWith(HOST_PREFIX)) records.push(HostRecord.decode(value));
        else if (key.startsWith(PIN_PREFIX))
          pins.set(Number(key.slice(PIN_PREFIX.length)), ShardPin.decode(value).hostId);
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE) return { records, pins };
      after = last.key;
    }
  }

  /** What this process has seen of its row until now. */
  #notice(record: HostRecord, nowMs: number): Seen {
    const mark = `${record.incarnation}/${record.beat}`;
    let seen = this.#seen.get(record.hostId);
    if (seen?.mark !== mark) {
      seen = { mark, changedMs: nowMs, doubts: Math.max(0, (seen?.doubts ?? 0) - 1) };
      this.#seen.set(record.hostId, seen);
    }
    return seen;
  }

  #forget(hostId: string): void {
    this.#deps.keyValues
      .remove(BUCKET, HOST_PREFIX + hostId)
      .catch((error: unknown) => this.#deps.env.logger.debug('the row of a dead host stays', { hostId, error }));
  }

  #show(view: MemberView): void {
    const key = JSON.stringify([view.hosts.map((host) => [host.id, host.incarnation, host.isLeaving]), [...view.pins]]);
    if (key === this.#viewKey) return;
    this.#viewKey = key;
    this.#view = view;
    const ids = view.hosts.map(({ id, isLeaving }) => (isLeaving ? `${id} (leaving)` : id));
    this.#deps.env.logger.info('the hosts of the region', { hosts: ids });
    for (const listener of [...this.#listeners]) listener();
  }
}

const ROLES: ReadonlySet<string> = new Set(HOST_ROLES);

const hostOf = (record: HostRecord): Host => ({
  id: record.hostId,
  address: record.address,
  roles: record.services.filter((name): name is HostRole => ROLES.has(name)),
  startedMs: record.startedMs,
  version: record.version,
  frontendAddress: record.frontendAddress,
  isLeaving: record.isLeaving,
  incarnation: record.incarnation,
});

export const createMembership = (
  deps: MembershipDeps,
  self: Omit<Host, 'isLeaving' | 'incarnation' | 'startedMs'>,
  options: Partial<MembershipOptions> = {},
): Membership => new StoredMembership(deps, self, { ...DEFAULT_MEMBERSHIP_OPTIONS, ...options });
