// The engine's Limits of each domain, as dynamic config has them. Made anew when values change, so that a lookup is one map access, and none
// while no limit is constrained by domain.
import { DEFAULT_LIMITS, type IdLengths, type Limits } from '#core';
import type { DynamicConfig } from './dynamic-config.ts';
import type { Key } from './key.ts';
import * as keys from './keys/index.ts';
import type { Property } from './property.ts';

export type LimitsOf = (domainName: string) => Limits;

/** Which key says which limit. */
const LIMITS = {
  blobSizeBytesMax: keys.BLOB_SIZE_ERROR,
  historySizeBytesMax: keys.HISTORY_SIZE_ERROR,
  historyEventCountMax: keys.HISTORY_COUNT_ERROR,
  signalCountMax: keys.SIGNALS_PER_EXECUTION,
  bufferedEventCountMax: keys.BUFFERED_EVENTS,
  decisionAttemptsMax: keys.DECISION_ATTEMPTS,
  decisionTimeoutSecondsMax: keys.DECISION_TIMEOUT_SECONDS,
  decisionHeartbeatTimeoutMs: keys.DECISION_HEARTBEAT_TIMEOUT,
  decisionResultCountMax: keys.DECISION_RESULT_COUNT,
  searchAttributeCountMax: keys.SEARCH_ATTRIBUTE_COUNT,
  searchAttributeValueBytesMax: keys.SEARCH_ATTRIBUTE_VALUE_SIZE,
  searchAttributesTotalBytesMax: keys.SEARCH_ATTRIBUTES_TOTAL_SIZE,
  stickyTtlMs: keys.STICKY_TTL,
  bufferedQueryCountMax: keys.BUFFERED_QUERIES,
  pendingChildCountMax: keys.PENDING_CHILD_COUNT_ERROR,
  pendingTimerCountMax: keys.PENDING_TIMER_COUNT_ERROR,
  pendingSignalCountMax: keys.PENDING_SIGNAL_COUNT_ERROR,
} as const satisfies Partial<Record<keyof Limits, Key<number>>>;

export function createDomainLimits(config: DynamicConfig): LimitsOf {
  const properties = propertiesOf(config);
  let everywhere = limitsOf(properties, (property) => property.get());
  let byDomain: ReadonlyMap<string, Limits> | undefined;
  const rebuild = (): void => {
    everywhere = limitsOf(properties, (property) => property.get());
    const domains = new Set([...properties.values()].flatMap((property) => property.domains));
    byDomain =
      domains.size === 0
        ? undefined
        : new Map([...domains].map((name) => [name, limitsOf(properties, (property) => property.ofDomain(name))]));
  };
  rebuild();
  config.onChange(rebuild);
  return (domainName) => (byDomain === undefined ? everywhere : (byDomain.get(domainName) ?? everywhere));
}

type Properties = ReadonlyMap<string, Property<unknown>>;
type Read = <T>(property: Property<T>) => T;

function propertiesOf(config: DynamicConfig): Properties {
  const all: readonly Key<number>[] = [
    ...Object.values(LIMITS),
    ...Object.values(keys.LENGTH_KEYS),
    keys.PENDING_ACTIVITY_COUNT_ERROR,
  ];
  return new Map<string, Property<unknown>>([
    ...all.map((key) => [key.name, config.property(key)] as const),
    [keys.PENDING_ACTIVITY_COUNT_ENABLED.name, config.property(keys.PENDING_ACTIVITY_COUNT_ENABLED)],
  ]);
}

function limitsOf(properties: Properties, read: Read): Limits {
  const limitOf = <T>(key: Key<T>): T => read(properties.get(key.name) as Property<T>); // Found by its own key.
  const own = Object.fromEntries(Object.entries(LIMITS).map(([name, key]) => [name, limitOf(key)]));
  const lengths = Object.fromEntries(Object.entries(keys.LENGTH_KEYS).map(([name, key]) => [name, limitOf(key)]));
  const enforcesActivities = limitOf(keys.PENDING_ACTIVITY_COUNT_ENABLED);
  return {
    ...DEFAULT_LIMITS,
    ...(own as Pick<Limits, keyof typeof LIMITS>),
    lengths: lengths as unknown as IdLengths,
    pendingActivityCountMax: enforcesActivities ? limitOf(keys.PENDING_ACTIVITY_COUNT_ERROR) : 0,
  };
}
