// What a domain change of another region makes of the local record (semantics §5.3). Pure. The two comparisons are independent and no
// order of arrival is assumed: configuration is taken when its config version is larger, the active cluster when its failover version is.
import type { Domain } from '@antiphon/proto';
import { DomainRecord } from '@antiphon/proto/internal';
import { required } from '#base';
import type { DomainChange } from './domain-change.ts';
import { FAILOVER_HISTORY_KEY } from './failover-history.ts';

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
  if (!takesConfig && !takesFailover) return { record, hasChanged: false };
  const data = { ...(takesConfig ? remote.data : local.data) };
  const history = (takesFailover ? remote : local).data[FAILOVER_HISTORY_KEY];
  if (history !== undefined) data[FAILOVER_HISTORY_KEY] = history;
  else delete data[FAILOVER_HISTORY_KEY];
  const next: DomainRecord = { ...record, lastUpdatedMs: nowMs };
  if (takesConfig) next.configVersion = change.configVersion;
  if (takesFailover) {
    next.previousFailoverVersion = change.previousFailoverVersion;
    next.failoverNotificationVersion = record.notificationVersion;
    // A newer failover replaces one that pends here.
    next.failoverEndTimeMs = 0;
  }
  next.domain = {
    ...(takesConfig ? remote : local),
    id: local.id,
    name: local.name,
    data,
    failoverInfo: undefined,
    activeClusterName: (takesFailover ? remote : local).activeClusterName,
    failoverVersion: takesFailover ? BigInt(change.failoverVersion) : local.failoverVersion,
  };
  return { record: next, hasChanged: true };
}
