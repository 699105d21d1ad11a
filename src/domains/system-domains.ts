// Domains of the service's own workflows, present in every region: `cadence-system` (failover manager, rebalancing) and `cadence-batcher`
// (batch operations). They are local to each region, have Cadence's ids, and cannot be changed by anybody: losing them would lose the
// operators' tools. Reading them and starting workflows in them is governed as in any other domain.
// Cadence: common/constants
import { DomainStatus } from '@antiphon/proto';
import { DomainRecord } from '@antiphon/proto/internal';
import { badRequest, isStoreError } from '#base';
import { type ClusterGroup, EMPTY_VERSION } from '#core';
import type { DomainStore } from '#persistence';
import type { DomainCache } from './ports.ts';
import { NO_PREVIOUS_FAILOVER_VERSION } from './register-rules.ts';
import { durationOfMs, MS_PER_DAY } from './time-messages.ts';

export const SYSTEM_DOMAIN = 'cadence-system';
export const BATCHER_DOMAIN = 'cadence-batcher';

const SYSTEM_DOMAIN_RETENTION_DAYS = 7;
const IDS: Readonly<Record<string, string>> = {
  [SYSTEM_DOMAIN]: '32049b68-7872-4094-8e63-d0dd59896a83',
  [BATCHER_DOMAIN]: '3116607e-419b-4783-85fc-47726a4c3fe9',
};

export const isSystemDomain = (name: string): boolean => Object.hasOwn(IDS, name);

export function refuseSystemDomain(name: string): void {
  if (isSystemDomain(name)) throw badRequest(`Domain ${name} belongs to the service and cannot be changed.`);
}

/** Creates what is missing. Safe to run at every start, and by several hosts at once. */
export async function ensureSystemDomains(deps: {
  readonly store: DomainStore;
  readonly cache: Pick<DomainCache, 'put'>;
  readonly clusters: ClusterGroup;
  readonly nowMs: number;
}): Promise<void> {
  for (const [name, id] of Object.entries(IDS)) {
    if ((await deps.store.findDomain({ name })) !== undefined) continue;
    try {
      deps.cache.put(await deps.store.createDomain(systemRecord(name, id, deps.clusters.currentCluster, deps.nowMs)));
    } catch (error) {
      // Another host was faster.
      if (!isStoreError(error, 'ConditionFailed')) throw error;
    }
  }
}

function systemRecord(name: string, id: string, currentCluster: string, nowMs: number): DomainRecord {
  return DomainRecord.fromPartial({
    domain: {
      id,
      name,
      status: DomainStatus.DOMAIN_STATUS_REGISTERED,
      description: 'Cadence internal system domain',
      workflowExecutionRetentionPeriod: durationOfMs(SYSTEM_DOMAIN_RETENTION_DAYS * MS_PER_DAY),
      badBinaries: {},
      activeClusterName: currentCluster,
      clusters: [{ clusterName: currentCluster }],
      isGlobalDomain: false,
      failoverVersion: BigInt(EMPTY_VERSION),
    },
    configVersion: 0,
    previousFailoverVersion: NO_PREVIOUS_FAILOVER_VERSION,
    lastUpdatedMs: nowMs,
  });
}
