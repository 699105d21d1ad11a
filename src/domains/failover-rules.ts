// Moving a domain to another cluster (semantics §5.1, §5.4). Pure.
// Forced: the target is active at once. Graceful: the target is pending-active until the old side is drained or the timeout is over; while it
// pends, neither side accepts work. A forced failover ends a pending graceful one.
import type { DomainRecord } from '@antiphon/proto/internal';
import { badRequest, required } from '#base';
import { nextFailoverVersion } from '#core';
import { type DomainChange, requireCooledDown } from './domain-change.ts';
import { withFailover } from './failover-history.ts';
import type { RuleContext } from './options.ts';
import { NO_PREVIOUS_FAILOVER_VERSION } from './register-rules.ts';

export interface Failover {
  readonly toCluster: string;
  /** Set: graceful. */
  readonly timeoutSeconds: number | undefined;
}

export function failedOver(record: DomainRecord, failover: Failover, context: RuleContext): DomainChange {
  const { clusters: group, options, nowMs } = context;
  const domain = required(record.domain, 'a domain record has a domain');
  if (options.isLockdown) throw badRequest('Domain is not accepting fail overs at this time due to lockdown.');
  const isGraceful = failover.timeoutSeconds !== undefined;
  if (isGraceful) validateGraceful(record, failover, context);
  const isSameCluster = failover.toCluster === domain.activeClusterName;
  // To where it is already, with nothing pending: the version would not change, so nothing does.
  if (isSameCluster && record.failoverEndTimeMs === 0) return { record, hasChanged: false };
  requireCooledDown(record, context);
  const failoverVersion = nextFailoverVersion(group, failover.toCluster, Number(domain.failoverVersion));
  const data = withFailover(domain.data, {
    fromCluster: domain.activeClusterName,
    toCluster: failover.toCluster,
    isGraceful,
    atMs: nowMs,
  });
  return {
    hasChanged: true,
    record: {
      ...record,
      domain: { ...domain, data, activeClusterName: failover.toCluster, failoverVersion: BigInt(failoverVersion) },
      failoverNotificationVersion: record.notificationVersion,
      previousFailoverVersion: isGraceful ? Number(domain.failoverVersion) : NO_PREVIOUS_FAILOVER_VERSION,
      failoverEndTimeMs: failover.timeoutSeconds === undefined ? 0 : nowMs + failover.timeoutSeconds * 1000,
      lastUpdatedMs: nowMs,
    },
  };
}

/** The record once a graceful failover is over: drained, or timed out. Undefined when that one does not pend any more. */
export function completedFailover(
  record: DomainRecord,
  failoverVersion: number,
  context: Pick<RuleContext, 'nowMs'>,
): DomainRecord | undefined {
  const isPending = record.failoverEndTimeMs > 0 && Number(record.domain?.failoverVersion) === failoverVersion;
  if (!isPending) return undefined;
  return { ...record, failoverEndTimeMs: 0, lastUpdatedMs: context.nowMs };
}

function validateGraceful(record: DomainRecord, failover: Failover, context: RuleContext): void {
  const max = context.options.failoverTimeoutSecondsMax;
  const seconds = failover.timeoutSeconds ?? 0;
  if (seconds < 1 || seconds > max) throw badRequest(`Failover timeout must be between 1 and ${max} seconds.`);
  if (failover.toCluster !== context.clusters.currentCluster) {
    throw badRequest('Cannot start the graceful failover from a to-be-passive cluster.');
  }
  if (failover.toCluster === record.domain?.activeClusterName && record.failoverEndTimeMs === 0) {
    throw badRequest('Cannot start the graceful failover from an active cluster to an active cluster.');
  }
  if (record.failoverEndTimeMs > 0) throw badRequest('Cannot start concurrent graceful failover.');
}
