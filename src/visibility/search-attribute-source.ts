// The search attributes of the cluster: the system's, Cadence's defaults, and those that operators added, which are kept in the store. What this
// host adds holds at once, what another one adds within a second. A type is fixed once set: values of the old type are in the index.
import { IndexedValueType } from '@antiphon/proto';
import { badRequest, isStoreError, ServiceBusyError } from '#base';
import type { SearchAttributeRules } from '#core';
import type { Env, TimerHandle } from '#env';
import type { KeyValueStore } from '#persistence';
import { isValidPayload } from './attribute-values.ts';
import { createSearchAttributes, DEFAULT_CUSTOM_TYPES, type SearchAttributeRegistry } from './search-attributes.ts';

const BUCKET = 'search-attributes';
const KEY = 'custom';
const REFRESH_MS = 1000;
const CONFLICT_ATTEMPTS_MAX = 5;
const ATTRIBUTE_COUNT_MAX = 1000;
const NAME_LENGTH_MAX = 255;
// What queries can name, and what an attribute of the JSON column can be called.
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export interface SearchAttributeSource {
  current(): SearchAttributeRegistry;
  /** Throws BadRequest for a name or type that cannot be; a repeated addition is none. */
  add(types: Readonly<Record<string, IndexedValueType>>): Promise<void>;
  /** Reads what is stored, then goes on looking. */
  start(): Promise<void>;
  stop(): void;
}

type CustomTypes = Readonly<Record<string, IndexedValueType>>;

class StoredSearchAttributes implements SearchAttributeSource {
  readonly #env: Env;
  readonly #keyValues: KeyValueStore;
  #registry = createSearchAttributes();
  #version = 0;
  #timer: TimerHandle | undefined;
  #isStarted = false;

  constructor(env: Env, keyValues: KeyValueStore) {
    this.#env = env;
    this.#keyValues = keyValues;
  }

  current(): SearchAttributeRegistry {
    return this.#registry;
  }

  async add(types: CustomTypes): Promise<void> {
    if (Object.keys(types).length === 0) throw badRequest('SearchAttributes are not provided');
    for (let attempt = 1; attempt <= CONFLICT_ATTEMPTS_MAX; attempt++) {
      const { stored, version } = await this.#read();
      const next = withAdded(stored, this.#registry, types);
      if (next === stored) return;
      try {
        await this.#keyValues.put(BUCKET, KEY, Buffer.from(JSON.stringify(next)), version);
        this.#take(next, version + 1);
        return;
      } catch (error) {
        if (!isStoreError(error, 'ConditionFailed')) throw error;
      }
    }
    throw new ServiceBusyError('Search attributes are added by many callers at once, try again.');
  }

  async start(): Promise<void> {
    if (this.#isStarted) return;
    this.#isStarted = true;
    await this.#refresh();
  }

  stop(): void {
    this.#isStarted = false;
    this.#timer?.cancel();
  }

  async #read(): Promise<{ stored: CustomTypes; version: number }> {
    const found = await this.#keyValues.get(BUCKET, KEY);
    // Only this class writes the bucket.
    const stored = found === undefined ? {} : (JSON.parse(Buffer.from(found.value).toString()) as CustomTypes);
    const version = found?.version ?? 0;
    this.#take(stored, version);
    return { stored, version };
  }

  #take(stored: CustomTypes, version: number): void {
    if (version <= this.#version) return;
    this.#version = version;
    this.#registry = createSearchAttributes({ ...DEFAULT_CUSTOM_TYPES, ...stored });
  }

  async #refresh(): Promise<void> {
    try {
      await this.#read();
    } catch (error) {
      this.#env.logger.warn('search attributes could not be read, retrying', { error });
    }
    if (this.#isStarted) this.#timer = this.#env.scheduler.after(REFRESH_MS, () => void this.#refresh());
  }
}

function withAdded(stored: CustomTypes, known: SearchAttributeRegistry, types: CustomTypes): CustomTypes {
  const added = Object.entries(types).filter(([name, type]) => {
    const attribute = known.get(name);
    if (attribute?.isSystem) throw badRequest(`Key [${name}] is reserved by system`);
    if (attribute === undefined) {
      requireName(name);
      requireType(name, type);
      return true;
    }
    if (attribute.type !== type) throw badRequest(`Key [${name}] is already whitelisted as a different type`);
    return false;
  });
  if (added.length === 0) return stored;
  const next = { ...stored, ...Object.fromEntries(added) };
  if (Object.keys(next).length > ATTRIBUTE_COUNT_MAX)
    throw badRequest(`more than ${ATTRIBUTE_COUNT_MAX} search attributes`);
  return next;
}

function requireName(name: string): void {
  if (name.length > NAME_LENGTH_MAX)
    throw badRequest(`Key [${name.slice(0, 100)}…] is longer than ${NAME_LENGTH_MAX} characters`);
  if (!NAME.test(name))
    throw badRequest(`Key [${name}] must be letters, digits and underscores and not begin with a digit`);
}

function requireType(name: string, type: IndexedValueType): void {
  const isKnown =
    type !== IndexedValueType.INDEXED_VALUE_TYPE_INVALID && Object.values(IndexedValueType).includes(type);
  if (!isKnown) throw badRequest(`Key [${name}] has no valid type: ${type}`);
}

export const createSearchAttributeSource = (env: Env, keyValues: KeyValueStore): SearchAttributeSource =>
  new StoredSearchAttributes(env, keyValues);

/** The check of values that users set, by the attributes there are at each use. */
export const searchAttributeRules = (registry: () => SearchAttributeRegistry): SearchAttributeRules => ({
  find: (key) => {
    const attribute = registry().get(key);
    if (attribute === undefined) return undefined;
    return { isSystem: attribute.isSystem, isValue: (data) => isValidPayload(attribute, data) };
  },
});
