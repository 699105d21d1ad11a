// Cluster group and domain records for tests.
import { ClusterReplicationConfiguration, Domain, DomainStatus } from '@antiphon/proto';
import { DomainRecord } from '@antiphon/proto/internal';
import type { ClusterGroup } from '#core';

export const GROUP: ClusterGroup = {
  currentCluster: 'a',
  primaryCluster: 'a',
  failoverVersionIncrement: 10,
  clusters: {
    a: { enabled: true, initialFailoverVersion: 0, rpcAddress: '' },
    b: { enabled: true, initialFailoverVersion: 1, rpcAddress: 'localhost:7933' },
  },
};

export const inCluster = (currentCluster: string): ClusterGroup => ({ ...GROUP, currentCluster });

export function domainRecord(fields: {
  id?: string;
  name?: string;
  activeCluster?: string;
  isGlobal?: boolean;
  failoverVersion?: number;
}): DomainRecord {
  const activeClusterName = fields.activeCluster ?? 'a';
  return DomainRecord.fromPartial({
    domain: Domain.fromPartial({
      id: fields.id ?? 'domain-1',
      name: fields.name ?? 'orders',
      status: DomainStatus.DOMAIN_STATUS_REGISTERED,
      activeClusterName,
      clusters: ['a', 'b'].map((clusterName) => ClusterReplicationConfiguration.fromPartial({ clusterName })),
      isGlobalDomain: fields.isGlobal ?? true,
      failoverVersion: BigInt(fields.failoverVersion ?? (activeClusterName === 'a' ? 0 : 1)),
      workflowExecutionRetentionPeriod: { seconds: 86_400n, nanos: 0 },
    }),
  });
}
