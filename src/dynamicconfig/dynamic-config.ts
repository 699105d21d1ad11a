// Dynamic config: the values of all keys, changeable while the server runs. A value comes from, the first that has one counting:
//   1. constrained values of the admin API, 2. constrained values of the file, 3. the admin API's value for everywhere, 4. the file's,
//   5. the static configuration where it has such a field, 6. the key's default.
// File and store are looked at every ten seconds; what this host's admin API changes holds at once. Callers keep the Property of a key.
import { badRequest, EntityNotExistsError } from '#base';
import type { Env, TimerHandle } from '#env';
import type { KeyValueStore } from '#persistence';
import { type ConstrainedValue, type Constraints, describeConstraints, holds, isUnconstrained } from './constraints.ts';
import { checkedConstraints, checkedValue, kindOf, type RawValue, requireFewValues, requireKey } from './entries.ts';
import { createConfigFile, FileError, type KeyValues, NO_VALUES } from './file-source.ts';
import type { AnyKey, Key } from './key.ts';
import { type FoundKey, KEYS } from './key-catalogue.ts';
import { CompiledProperty, type Property } from './property.ts';
import { createStoredConfig, type StoredConfig } from './store-source.ts';
import { rawValue, ValueError } from './values.ts';

export interface DynamicConfigDeps {
  readonly env: Env;
  /** Where the admin API's values are kept; without it they cannot be changed. */
  readonly keyValues?: KeyValueStore | undefined;
}

export interface DynamicConfigOptions {
  /** Values constrained by `clusterName` hold where it is this one. */
  readonly clusterName: string;
  /** YAML file in Cadence's form. */
  readonly file?: string | undefined;
  readonly pollMs: number;
  /** What the static configuration says, in place of the keys' defaults. */
  readonly defaults: readonly StaticDefault[];
}

export interface StaticDefault {
  readonly key: AnyKey;
  readonly value: unknown;
}

export const staticDefault = <T>(key: Key<T>, value: T): StaticDefault => ({ key: key as AnyKey, value });

export interface StoredEntry {
  readonly name: string;
  readonly values: readonly RawValue[];
}

/** What the admin API does. Faults are BadRequests that name the key. */
export interface DynamicConfigAdmin {
  /** The value that holds under these constraints. */
  get(name: string, constraints: Readonly<Record<string, unknown>>): unknown;
  /** Replaces all values the admin API has set for the key; none: as if it had set none. */
  update(name: string, values: readonly RawValue[]): Promise<void>;
  /** Takes back the admin API's value for everywhere, or those whose constraints hold under the given. */
  restore(name: string, constraints: Readonly<Record<string, unknown>> | undefined): Promise<void>;
  /** What the admin API has set: of one key, or of all. */
  list(name?: string): readonly StoredEntry[];
  isOperational(name: string): boolean;
}

export interface DynamicConfig {
  property<T>(key: Key<T>): Property<T>;
  /** Called after values have changed. */
  onChange(listener: () => void): void;
  readonly admin: DynamicConfigAdmin;
  /** Reads file and store, then goes on looking. @throws FileError when the file is faulty: a server does not start on half its limits. */
  start(): Promise<void>;
  stop(): void;
}

const DEFAULT_OPTIONS: DynamicConfigOptions = { clusterName: '', pollMs: 10_000, defaults: [] };

export function createDynamicConfig(
  deps: DynamicConfigDeps,
  options: Partial<DynamicConfigOptions> = {},
): DynamicConfig {
  return new SourcedConfig(deps, { ...DEFAULT_OPTIONS, ...options });
}

class SourcedConfig implements DynamicConfig {
  readonly #env: Env;
  readonly #options: DynamicConfigOptions;
  readonly #file: ReturnType<typeof createConfigFile> | undefined;
  readonly #store: StoredConfig | undefined;
  readonly #properties = new Map<string, CompiledProperty<unknown>>();
  readonly #defaults: ReadonlyMap<string, unknown>;
  readonly #listeners: (() => void)[] = [];
  readonly #warned = new Set<string>();
  #fromFile: KeyValues = NO_VALUES;
  #fromStore: KeyValues = NO_VALUES;
  #timer: TimerHandle | undefined;
  #isStopped = false;
  readonly admin: DynamicConfigAdmin;

  constructor({ env, keyValues }: DynamicConfigDeps, options: DynamicConfigOptions) {
    this.#env = { ...env, logger: env.logger.child({ component: 'dynamic-config' }) };
    this.#options = options;
    this.#file = options.file ? createConfigFile(options.file) : undefined;
    this.#store = keyValues && createStoredConfig(keyValues, this.#env.logger);
    this.#defaults = new Map(options.defaults.map(({ key, value }) => [key.name, value]));
    for (const key of KEYS) {
      this.#properties.set(key.name, new CompiledProperty(this.#defaultOf(key), options.clusterName));
    }
    this.admin = {
      get: (name, constraints) => this.#get(name, constraints),
      update: (name, values) => this.#update(name, values),
      restore: (name, constraints) => this.#restore(name, constraints),
      list: (name) => this.#list(name),
      isOperational: (name) => {
        const found = asBadRequest(() => requireKey(name));
        return found.isEffective && found.key.isOperational;
      },
    };
  }

  property<T>(key: Key<T>): Property<T> {
    const property = this.#properties.get(key.name);
    if (property === undefined) throw new Error(`${key.name} is not in the catalogue of keys`);
    return property as unknown as Property<T>; // Its values were parsed by this key.
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async start(): Promise<void> {
    this.#fromFile = (await this.#file?.loadIfChanged()) ?? NO_VALUES;
    this.#fromStore = (await this.#store?.load()) ?? NO_VALUES;
    this.#compile();
    if (this.#file !== undefined || this.#store !== undefined) this.#schedule();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #defaultOf(key: AnyKey): unknown {
    return this.#defaults.get(key.name) ?? key.default;
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#timer = this.#env.scheduler.after(this.#options.pollMs, () => {
      void this.#poll().finally(() => this.#schedule());
    });
  }

  async #poll(): Promise<void> {
    const { logger } = this.#env;
    try {
      this.#fromFile = (await this.#file?.loadIfChanged()) ?? this.#fromFile;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      logger.error('dynamic config file is faulty; its last good values stay', { fault: error.message });
    }
    try {
      this.#fromStore = (await this.#store?.load()) ?? this.#fromStore;
    } catch (error) {
      logger.warn('stored dynamic config cannot be read; the values known stay', { error });
    }
    this.#compile();
  }

  #compile(): void {
    const changed: string[] = [];
    for (const key of KEYS) {
      const property = this.#properties.get(key.name) as CompiledProperty<unknown>;
      if (property.compile(this.#valuesOf(key.name), this.#defaultOf(key))) changed.push(key.name);
    }
    this.#warnOfIneffective();
    if (changed.length === 0) return;
    this.#env.logger.info('dynamic config changed', { keys: changed });
    for (const listener of this.#listeners) listener();
  }

  #valuesOf(name: string): readonly ConstrainedValue[] {
    const stored = this.#fromStore.get(name);
    const filed = this.#fromFile.get(name);
    return stored === undefined || filed === undefined ? (stored ?? filed ?? []) : [...stored, ...filed];
  }

  #warnOfIneffective(): void {
    for (const name of [...this.#fromFile.keys(), ...this.#fromStore.keys()]) {
      if (this.#properties.has(name) || this.#warned.has(name)) continue;
      this.#warned.add(name);
      this.#env.logger.warn('a dynamic config key of Cadence has no effect here', { key: name });
    }
  }

  #get(name: string, raw: Readonly<Record<string, unknown>>): unknown {
    const found = asBadRequest(() => requireKey(name));
    const constraints = asBadRequest(() => checkedConstraints(raw, undefined));
    if (found.isEffective) return rawValue(found.key.kind, this.property(found.key).of(constraints));
    const values = this.#valuesOf(name);
    const set =
      values.find((value) => !isUnconstrained(value.constraints) && holds(value.constraints, constraints)) ??
      values.find((value) => isUnconstrained(value.constraints));
    if (set === undefined) throw new EntityNotExistsError('unable to find key');
    return rawValue(found.kind, set.value);
  }

  async #update(name: string, values: readonly RawValue[]): Promise<void> {
    const key = asBadRequest(() => requireKey(name));
    const checked = asBadRequest(() => {
      requireFewValues(key, values.length);
      return values.map((value) => checkedValue(key, value));
    });
    asBadRequest(() => requireDistinct(name, checked));
    await this.#change(key, name, () => checked);
  }

  async #restore(name: string, raw: Readonly<Record<string, unknown>> | undefined): Promise<void> {
    const key = asBadRequest(() => requireKey(name));
    const constraints = raw === undefined ? undefined : asBadRequest(() => checkedConstraints(raw, undefined));
    const goes = (value: ConstrainedValue): boolean =>
      constraints === undefined
        ? isUnconstrained(value.constraints)
        : !isUnconstrained(value.constraints) && holds(value.constraints, constraints);
    if (!this.#fromStore.has(name)) throw new EntityNotExistsError('unable to find key');
    await this.#change(key, name, (current) => current.filter((value) => !goes(value)));
  }

  async #change(
    key: FoundKey,
    name: string,
    change: (current: readonly ConstrainedValue[]) => readonly ConstrainedValue[],
  ): Promise<void> {
    if (this.#store === undefined) throw badRequest('This server keeps no dynamic config: it has no store for it.');
    await this.#store.change(name, change);
    this.#fromStore = await this.#store.load();
    this.#compile();
    const values = (this.#fromStore.get(name) ?? []).map(({ value, constraints }) => ({
      value: rawValue(kindOf(key), value),
      where: describeConstraints(constraints),
    }));
    this.#env.logger.info('dynamic config set through the admin API', { key: name, values });
  }

  #list(name: string | undefined): readonly StoredEntry[] {
    const own = name === undefined ? undefined : this.#fromStore.get(name);
    const entries = name !== undefined && own !== undefined ? [[name, own] as const] : [...this.#fromStore];
    return entries
      .map(([key, values]) => ({
        name: key,
        values: values.map(({ value, kind, constraints }) => ({ value: rawValue(kind, value), constraints })),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

function asBadRequest<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof ValueError) throw badRequest(error.message, { cause: error });
    throw error;
  }
}

/** Of two values for the same case one would never hold, and which one is not to be guessed. */
function requireDistinct(name: string, values: readonly ConstrainedValue[]): void {
  const seen = new Set<string>();
  for (const { constraints } of values) {
    const where = describeConstraints(sorted(constraints));
    if (seen.has(where)) throw new ValueError(`${name} is given two values for the same case (${where})`);
    seen.add(where);
  }
}

const sorted = (constraints: Constraints): Constraints =>
  Object.fromEntries(Object.entries(constraints).sort(([a], [b]) => (a < b ? -1 : 1)));
