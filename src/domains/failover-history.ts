// The last failovers of a domain, kept in its data under Cadence's key, so that they travel with it and every client can show them.
import {
  ActiveClusterInfo,
  ClusterFailover,
  type Domain,
  FailoverEvent,
  FailoverType,
  type PaginationOptions,
} from '@antiphon/proto';
import { badRequest } from '#base';
import { timestampOf } from '#core';
import type { AttributeCluster, MovedAttribute } from './active-clusters.ts';

export const FAILOVER_HISTORY_KEY = 'FailoverHistory';
const KEPT_COUNT = 5;

interface Entry {
  readonly eventTime: string;
  /** Absent when only cluster attributes moved. */
  readonly fromCluster?: string;
  readonly toCluster?: string;
  readonly failoverType: string;
  /** The attributes that moved, as they were and as they are. */
  readonly fromActiveClusters?: StoredAttributes;
  readonly toActiveClusters?: StoredAttributes;
}

interface StoredAttributes {
  readonly attributeScopes: Readonly<
    Record<string, { clusterAttributes: Record<string, { activeClusterName: string; failoverVersion: number }> }>
  >;
}

export interface RecordedFailover {
  readonly fromCluster: string;
  readonly toCluster: string;
  readonly moved: readonly MovedAttribute[];
  readonly isGraceful: boolean;
  readonly atMs: number;
}

/** `data` with one more entry, newest first. */
export function withFailover(
  data: Readonly<Record<string, string>>,
  { fromCluster, toCluster, moved, isGraceful, atMs }: RecordedFailover,
): Record<string, string> {
  const before = moved.flatMap(({ from }) => (from === undefined ? [] : [from]));
  const entry: Entry = {
    eventTime: new Date(atMs).toISOString(),
    ...(fromCluster === toCluster && moved.length > 0 ? {} : { fromCluster, toCluster }),
    failoverType: isGraceful ? 'Grace' : 'Force',
    ...(before.length === 0 ? {} : { fromActiveClusters: stored(before) }),
    ...(moved.length === 0 ? {} : { toActiveClusters: stored(moved.map(({ to }) => to)) }),
  };
  return { ...data, [FAILOVER_HISTORY_KEY]: textOf([entry, ...parse(data[FAILOVER_HISTORY_KEY])]) };
}

/** Failovers of both, newest first: for two regions that made one each at the same time, the same in both. */
export function mergedFailovers(local: string | undefined, remote: string | undefined): string | undefined {
  if (local === remote || remote === undefined) return local;
  if (local === undefined) return remote;
  const byText = new Map([...parse(local), ...parse(remote)].map((entry) => [JSON.stringify(entry), entry]));
  const newestFirst = [...byText].sort(([a, one], [b, other]) =>
    one.eventTime === other.eventTime ? (a < b ? -1 : 1) : one.eventTime < other.eventTime ? 1 : -1,
  );
  return textOf(newestFirst.map(([, entry]) => entry));
}

const textOf = (entries: readonly Entry[]): string => JSON.stringify(entries.slice(0, KEPT_COUNT));

function stored(attributes: readonly AttributeCluster[]): StoredAttributes {
  const attributeScopes: Record<string, StoredAttributes['attributeScopes'][string]> = {};
  for (const { scope, name, cluster, failoverVersion } of attributes) {
    if (!Object.hasOwn(attributeScopes, scope)) attributeScopes[scope] = { clusterAttributes: {} };
    const { clusterAttributes } = attributeScopes[scope] as StoredAttributes['attributeScopes'][string]; // Just made.
    clusterAttributes[name] = { activeClusterName: cluster, failoverVersion };
  }
  return { attributeScopes };
}

export function failoverEvents(domain: Domain): readonly FailoverEvent[] {
  return parse(domain.data[FAILOVER_HISTORY_KEY]).map((entry) => {
    const atMs = Date.parse(entry.eventTime);
    return FailoverEvent.fromPartial({
      id: `${domain.id}-${atMs}`,
      createdTime: timestampOf(atMs),
      failoverType:
        entry.failoverType === 'Grace' ? FailoverType.FAILOVER_TYPE_GRACEFUL : FailoverType.FAILOVER_TYPE_FORCE,
      clusterFailovers: [...domainFailover(entry), ...attributeFailovers(entry)],
    });
  });
}

function domainFailover({ fromCluster = '', toCluster = '' }: Entry): ClusterFailover[] {
  if (toCluster === '') return [];
  return [
    ClusterFailover.fromPartial({
      fromCluster: ActiveClusterInfo.fromPartial({ activeClusterName: fromCluster }),
      toCluster: ActiveClusterInfo.fromPartial({ activeClusterName: toCluster }),
    }),
  ];
}

function attributeFailovers({ fromActiveClusters, toActiveClusters }: Entry): ClusterFailover[] {
  const before = new Map(attributesIn(fromActiveClusters).map(({ scope, name, info }) => [`${scope}/${name}`, info]));
  return attributesIn(toActiveClusters).map(({ scope, name, info }) => {
    const from = before.get(`${scope}/${name}`);
    return ClusterFailover.fromPartial({
      ...(from === undefined ? {} : { fromCluster: from }),
      toCluster: info,
      clusterAttribute: { scope, name },
    });
  });
}

function attributesIn(value: unknown) {
  return Object.entries(fieldsOf(fieldsOf(value).attributeScopes)).flatMap(([scope, attributes]) =>
    Object.entries(fieldsOf(fieldsOf(attributes).clusterAttributes)).map(([name, each]) => {
      const { activeClusterName, failoverVersion } = fieldsOf(each);
      const info = ActiveClusterInfo.fromPartial({
        activeClusterName: String(activeClusterName ?? ''),
        failoverVersion: BigInt(Number.isSafeInteger(failoverVersion) ? Number(failoverVersion) : 0),
      });
      return { scope, name, info };
    }),
  );
}

/** Users may write any domain data: what is not an object has no fields. */
const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};

/** A page of them. The token is the event to go on after: the newest come first, so that a failover meanwhile repeats none. */
export function failoverPage(
  events: readonly FailoverEvent[],
  pagination: PaginationOptions | undefined,
): { readonly events: readonly FailoverEvent[]; readonly nextPageToken: Buffer } {
  const lastId = Buffer.from(pagination?.nextPageToken ?? []).toString('utf8');
  const from = lastId === '' ? 0 : events.findIndex(({ id }) => id === lastId) + 1;
  if (lastId !== '' && from === 0) throw badRequest('Invalid NextPageToken.');
  const asked = pagination?.pageSize ?? 0;
  const page = events.slice(from, asked > 0 ? from + asked : undefined);
  const hasMore = from + page.length < events.length;
  return { events: page, nextPageToken: Buffer.from(hasMore ? (page.at(-1)?.id ?? '') : '') };
}

/** Users may write any domain data, so what is not ours is read as nothing. */
function parse(text: string | undefined): readonly Entry[] {
  if (text === undefined) return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Not JSON: written by a user.
    return [];
  }
  return Array.isArray(value) ? value.filter(isEntry) : [];
}

function isEntry(value: unknown): value is Entry {
  const { eventTime, fromCluster = '', toCluster = '', failoverType } = fieldsOf(value);
  const texts = [eventTime, fromCluster, toCluster, failoverType];
  return texts.every((text) => typeof text === 'string') && !Number.isNaN(Date.parse(String(eventTime)));
}
