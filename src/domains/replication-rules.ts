// What a domain change of another region makes of the local record (semantics §5.3). Pure. The two comparisons are independent and no
// order of arrival is assumed: configuration is taken when its config version is larger, the active cluster when its failover version is, and
// each cluster attribute when its own failover version is.
import type { Domain } from '@antiphon/proto';
import { DomainRecord } from '@antiphon/proto/internal';
import { required } from '#base';
import { hasAttributes, mergedAttributes } from './active-clusters.ts';
import type { DomainChange } from './domain-change.ts';
import { FAILOVER_HISTORY_KEY, mergedFailovers } from './failover-history.ts';

/** The content of an admin.v1 DomainTaskAttributes. */
export interface ReplicatedDomain {
  readonly domain: Domain;
  readonly configVersion: number;
  readonly failoverVersion: number;
  readonly previousFailoverVersion: number;
}

/** The same name with another id, made in two regions at once: somebody has to decide, so it goes to the DLQ. */
export class NameUuidCollision extends Error {
  constructor(name: string, localId: string, remoteId: string) {
    super(`domain ${name} is ${localId} here and ${remoteId} in the source region`);
    this.name = 'NameUuidCollision';
  }
}

export function replicatedNewRecord(change: ReplicatedDomain, nowMs: number): DomainRecord {
  return DomainRecord.fromPartial({
    domain: { ...change.domain, failoverVersion: BigInt(change.failoverVersion), failoverInfo: undefined },
    configVersion: change.configVersion,
    previousFailoverVersion: change.previousFailoverVersion,
    lastUpdatedMs: nowMs,
  });
}

export function withReplicatedChange(record: DomainRecord, change: ReplicatedDomain, nowMs: number): DomainChange {
  const local = required(record.domain, 'a domain record has a domain');
  const remote = change.domain;
  const takesConfig = change.configVersion > record.configVersion;
  const takesFailover = change.failoverVersion > Number(local.failoverVersion);
  const activeClusters = mergedAttributes(local.activeClusters, remote.activeClusters);
  const takesAttributes = activeClusters !== local.activeClusters;
  const history = failoverHistory(local, remote, takesFailover);
  const takesHistory = history !== local.data[FAILOVER_HISTORY_KEY];
  if (!takesConfig && !takesFailover && !takesAttributes && !takesHistory) return { record, hasChanged: false };
  const data = { ...(takesConfig ? remote.data : local.data) };
  if (history !== undefined) data[FAILOVER_HISTORY_KEY] = history;
  else delete data[FAILOVER_HISTORY_KEY];
  const next: DomainRecord = { ...record, lastUpdatedMs: nowMs };
  if (takesConfig) next.configVersion = change.configVersion;
  if (takesFailover || takesAttributes) next.failoverNotificationVersion = record.notificationVersion;
  if (takesFailover) {
    next.previousFailoverVersion = change.previousFailoverVersion;
    // A newer failover replaces one that pends here.
    next.failoverEndTimeMs = 0;
  }
  next.domain = {
    ...(takesConfig ? remote : local),
    id: local.id,
    name: local.name,
    data,
    failoverInfo: undefined,
    activeClusters,
    activeClusterName: (takesFailover ? remote : local).activeClusterName,
    failoverVersion: takesFailover ? BigInt(change.failoverVersion) : local.failoverVersion,
  };
  return { record: next, hasChanged: true };
}

/** Attributes of an active-active domain fail over in several regions at once, so none of their histories replaces the other. */
function failoverHistory(local: Domain, remote: Domain, takesFailover: boolean): string | undefined {
  const [own, other] = [local.data[FAILOVER_HISTORY_KEY], remote.data[FAILOVER_HISTORY_KEY]];
  if (hasAttributes(local) || hasAttributes(remote)) return mergedFailovers(own, other);
  return takesFailover ? other : own;
}
