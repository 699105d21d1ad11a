// Isolation groups (semantics §3.6): zones that workers and starters say they are in, and which of them operators are draining, for all domains
// or for one. The state for all is one stored value, read again every 30 seconds and at once where it was changed; a domain's is in its record
// and replicates with it.
import { IsolationGroupConfiguration, type IsolationGroupPartition, IsolationGroupState } from '@antiphon/proto';
import { badRequest, isStoreError, ServiceBusyError } from '#base';
import { ALL_ISOLATION_GROUPS, type DynamicConfig, ENABLES_ISOLATION } from '#dynamicconfig';
import type { Env, TimerHandle } from '#env';
import type { KeyValueStore } from '#persistence';
import type { DomainCache } from './ports.ts';

const BUCKET = 'isolation-groups';
const KEY = 'global';
const REFRESH_MS = 30_000;
const CONFLICT_ATTEMPTS_MAX = 5;
const GROUP_COUNT_MAX = 100;
const NAME_LENGTH_MAX = 255;

const { ISOLATION_GROUP_STATE_DRAINED: DRAINED, ISOLATION_GROUP_STATE_HEALTHY: HEALTHY } = IsolationGroupState;

export interface IsolationGroups {
  /** Whether groups count in this domain at all (`system.enableTasklistIsolation`). */
  isEnabled(domainName: string): boolean;
  isKnown(group: string): boolean;
  /** By the state for all or the domain's. */
  isDrained(domainId: string, group: string): boolean;
  global(): Promise<IsolationGroupConfiguration>;
  updateGlobal(configuration: IsolationGroupConfiguration | undefined): Promise<void>;
  start(): void;
  stop(): void;
}

export interface IsolationGroupsDeps {
  readonly env: Env;
  readonly keyValues: KeyValueStore;
  readonly cache: DomainCache;
  readonly config: DynamicConfig;
}

/** Throws BadRequest naming what is wrong. */
export function checkedIsolationGroups(
  configuration: IsolationGroupConfiguration | undefined,
): IsolationGroupConfiguration {
  if (configuration === undefined) throw badRequest('IsolationGroups is not set on request.');
  const { isolationGroups } = configuration;
  if (isolationGroups.length > GROUP_COUNT_MAX)
    throw badRequest(`IsolationGroups has more than ${GROUP_COUNT_MAX} groups.`);
  const names = new Set<string>();
  for (const { name, state } of isolationGroups) {
    if (name === '') throw badRequest('IsolationGroups has a group without a name.');
    if (name.length > NAME_LENGTH_MAX) throw badRequest('IsolationGroup name length exceeds limit.');
    if (names.has(name)) throw badRequest(`IsolationGroup ${name} is named twice.`);
    if (state !== HEALTHY && state !== DRAINED) throw badRequest(`IsolationGroup ${name} must be HEALTHY or DRAINED.`);
    names.add(name);
  }
  return configuration;
}

export const drainedGroups = (groups: readonly IsolationGroupPartition[]): ReadonlySet<string> =>
  new Set(groups.filter(({ state }) => state === DRAINED).map(({ name }) => name));

class StoredIsolationGroups implements IsolationGroups {
  readonly #deps: IsolationGroupsDeps;
  readonly #enabled: { ofDomain(domainName: string): boolean };
  readonly #all: { get(): readonly string[] };
  #drained: ReadonlySet<string> = new Set();
  #timer: TimerHandle | undefined;
  #isStarted = false;

  constructor(deps: IsolationGroupsDeps) {
    this.#deps = deps;
    this.#enabled = deps.config.property(ENABLES_ISOLATION);
    this.#all = deps.config.property(ALL_ISOLATION_GROUPS);
  }

  isEnabled(domainName: string): boolean {
    return this.#enabled.ofDomain(domainName);
  }

  isKnown(group: string): boolean {
    const all = this.#all.get();
    return all.length === 0 || all.includes(group);
  }

  isDrained(domainId: string, group: string): boolean {
    if (group === '') return false;
    return (
      this.#drained.has(group) || (this.#deps.cache.peekById(domainId)?.drainedIsolationGroups?.has(group) ?? false)
    );
  }

  async global(): Promise<IsolationGroupConfiguration> {
    return (await this.#read()).configuration;
  }

  async updateGlobal(configuration: IsolationGroupConfiguration | undefined): Promise<void> {
    const next = checkedIsolationGroups(configuration);
    const value = IsolationGroupConfiguration.encode(next).finish();
    for (let attempt = 1; attempt <= CONFLICT_ATTEMPTS_MAX; attempt++) {
      const { version } = await this.#read();
      try {
        await this.#deps.keyValues.put(BUCKET, KEY, value, version);
        this.#drained = drainedGroups(next.isolationGroups);
        return;
      } catch (error) {
        if (!isStoreError(error, 'ConditionFailed')) throw error;
      }
    }
    throw new ServiceBusyError('Isolation groups are changed by many callers at once, try again.');
  }

  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    void this.#refresh();
  }

  stop(): void {
    this.#isStarted = false;
    this.#timer?.cancel();
  }

  async #read(): Promise<{ configuration: IsolationGroupConfiguration; version: number }> {
    const found = await this.#deps.keyValues.get(BUCKET, KEY);
    const configuration =
      found === undefined ? IsolationGroupConfiguration.create() : IsolationGroupConfiguration.decode(found.value);
    return { configuration, version: found?.version ?? 0 };
  }

  async #refresh(): Promise<void> {
    const { env } = this.#deps;
    try {
      this.#drained = drainedGroups((await this.#read()).configuration.isolationGroups);
    } catch (error) {
      env.logger.warn('isolation groups could not be read, retrying', { error });
    }
    if (this.#isStarted) this.#timer = env.scheduler.after(REFRESH_MS, () => void this.#refresh());
  }
}

export const createIsolationGroups = (deps: IsolationGroupsDeps): IsolationGroups => new StoredIsolationGroups(deps);
