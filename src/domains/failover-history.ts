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

export const FAILOVER_HISTORY_KEY = 'FailoverHistory';
const KEPT_COUNT = 5;

interface Entry {
  readonly eventTime: string;
  readonly fromCluster: string;
  readonly toCluster: string;
  readonly failoverType: string;
}

/** `data` with one more entry, newest first. */
export function withFailover(
  data: Readonly<Record<string, string>>,
  failover: { fromCluster: string; toCluster: string; isGraceful: boolean; atMs: number },
): Record<string, string> {
  const entry: Entry = {
    eventTime: new Date(failover.atMs).toISOString(),
    fromCluster: failover.fromCluster,
    toCluster: failover.toCluster,
    failoverType: failover.isGraceful ? 'Grace' : 'Force',
  };
  const entries = [entry, ...parse(data[FAILOVER_HISTORY_KEY])].slice(0, KEPT_COUNT);
  return { ...data, [FAILOVER_HISTORY_KEY]: JSON.stringify(entries) };
}

export function failoverEvents(domain: Domain): readonly FailoverEvent[] {
  return parse(domain.data[FAILOVER_HISTORY_KEY]).map((entry) => {
    const atMs = Date.parse(entry.eventTime);
    return FailoverEvent.fromPartial({
      id: `${domain.id}-${atMs}`,
      createdTime: timestampOf(atMs),
      failoverType:
        entry.failoverType === 'Grace' ? FailoverType.FAILOVER_TYPE_GRACEFUL : FailoverType.FAILOVER_TYPE_FORCE,
      clusterFailovers: [
        ClusterFailover.fromPartial({
          fromCluster: ActiveClusterInfo.fromPartial({ activeClusterName: entry.fromCluster }),
          toCluster: ActiveClusterInfo.fromPartial({ activeClusterName: entry.toCluster }),
        }),
      ],
    });
  });
}

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
  if (typeof value !== 'object' || value === null) return false;
  const fields = value as Record<string, unknown>; // just established to be an object
  const texts = [fields.eventTime, fields.fromCluster, fields.toCluster, fields.failoverType];
  return texts.every((text) => typeof text === 'string') && !Number.isNaN(Date.parse(String(fields.eventTime)));
}
