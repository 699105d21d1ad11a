// The last failovers of a domain, kept in its data under Cadence's key, so that they travel with it and every client can show them.
import { ActiveClusterInfo, ClusterFailover, type Domain, FailoverEvent, FailoverType } from '@antiphon/proto';
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
