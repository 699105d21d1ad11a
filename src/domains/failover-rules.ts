// Moving a domain to another cluster (semantics §5.1, §5.4). Pure.
// Forced: the target is active at once. Graceful: the target is pending-active until the old side is drained or the timeout is over; while it
// pends, neither side accepts work. A forced failover ends a pending graceful one. In an active-active domain cluster attributes move, each with
// its own version, and there is no graceful failover.
import type { DomainRecord } from '@antiphon/proto/internal';
import { badRequest, required } from '#base';
import { nextFailoverVersion } from '#core';
import { type AttributeCluster, hasAttributes, movedAttributes } from './active-clusters.ts';
import { type DomainChange, requireCooledDown } from './domain-change.ts';
import { withFailover } from './failover-history.ts';
import type { RuleContext } from './options.ts';
import { NO_PREVIOUS_FAILOVER_VERSION } from './register-rules.ts';
import { validateClusters } from './validation.ts';

export interface Failover {
  /** The domain's own active cluster afterwards; the same as before when only attributes move. */
  readonly toCluster: string;
  /** Set: graceful. */
  readonly timeoutSeconds: number | undefined;
  /** Cluster attributes to add or to move. */
  readonly attributes: readonly AttributeCluster[];
}

export const notGraceful = () =>
  badRequest('Cannot start graceful failover without updating active cluster or in local domain.');

export function failedOver(record: DomainRecord, failover: Failover, context: RuleContext): DomainChange {
  const { clusters: group, options, nowMs } = context;
  const domain = required(record.domain, 'a domain record has a domain');
  if (options.isLockdown) throw badRequest('Domain is not accepting fail overs at this time due to lockdown.');
  const isActiveActive = hasAttributes(domain) || failover.attributes.length > 0;
  const isGraceful = failover.timeoutSeconds !== undefined;
  if (isGraceful && isActiveActive) throw notGraceful();
  if (isGraceful) validateGraceful(record, failover, context);
  const { activeClusters, moved } = movedAttributes(domain, failover.attributes, group, options);
  const next = { ...domain, activeClusters, activeClusterName: failover.toCluster };
  validateClusters(next, group);
  const isSameCluster = failover.toCluster === domain.activeClusterName;
  // To where it is already, with nothing pending: the version would not change, so nothing does.
  if (isSameCluster && moved.length === 0 && record.failoverEndTimeMs === 0) return { record, hasChanged: false };
  requireCooledDown(record, context);
  // An attribute's move raises the domain's version too: by that the other regions see that there is news.
  const above = Number(domain.failoverVersion) + (isActiveActive ? 1 : 0);
  const failoverVersion = nextFailoverVersion(group, failover.toCluster, above);
  const data = withFailover(domain.data, {
    fromCluster: domain.activeClusterName,
    toCluster: failover.toCluster,
    moved,
    isGraceful,
    atMs: nowMs,
  });
  return {
    hasChanged: true,
    record: {
      ...record,
      domain: { ...next, data, failoverVersion: BigInt(failoverVersion) },
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
