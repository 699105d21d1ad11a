// From the stored record to what the engine sees. Pure.
import { ArchivalStatus, DomainStatus } from '@antiphon/proto';
import type { DomainRecord } from '@antiphon/proto/internal';
import { required } from '#base';
import { type ClusterGroup, type DomainView, EMPTY_VERSION } from '#core';
import { type AttributeCluster, attributesOf } from './active-clusters.ts';
import { drainedGroups } from './isolation-groups.ts';
import { MS_PER_DAY, msOfDuration } from './time-messages.ts';

export interface DomainViewOptions {
  /** How long after close a run is archived. */
  readonly archivalDelayMs: number;
}

export function viewOf(
  record: DomainRecord,
  clusters: ClusterGroup,
  options: DomainViewOptions = { archivalDelayMs: 0 },
): DomainView {
  const domain = required(record.domain, 'a domain record has a domain');
  const isGlobal = domain.isGlobalDomain;
  const activeCluster = isGlobal ? domain.activeClusterName : clusters.currentCluster;
  const isPending = record.failoverEndTimeMs > 0;
  const retentionMs = msOfDuration(domain.workflowExecutionRetentionPeriod);
  const view: DomainView = {
    id: domain.id,
    name: domain.name,
    isGlobal,
    clusters: isGlobal ? domain.clusters.map((cluster) => cluster.clusterName) : [clusters.currentCluster],
    activeCluster,
    failoverVersion: isGlobal ? Number(domain.failoverVersion) : EMPTY_VERSION,
    isDeprecated: domain.status !== DomainStatus.DOMAIN_STATUS_REGISTERED,
    retentionDays: Math.ceil(retentionMs / MS_PER_DAY),
    retentionMs,
    archivesHistory: domain.historyArchivalStatus === ArchivalStatus.ARCHIVAL_STATUS_ENABLED,
    archivesVisibility: domain.visibilityArchivalStatus === ArchivalStatus.ARCHIVAL_STATUS_ENABLED,
    archivalDelayMs: options.archivalDelayMs,
    data: domain.data,
    drainedIsolationGroups: drainedGroups(domain.isolationGroups?.isolationGroups ?? []),
    badBinaries: new Set(Object.keys(domain.badBinaries?.binaries ?? {})),
    isActiveHere: !isGlobal || (activeCluster === clusters.currentCluster && !isPending),
  };
  const attributes = isGlobal ? attributesOf(domain.activeClusters) : [];
  return attributes.length === 0 ? view : activeActive(view, attributes, clusters.currentCluster);
}

/** The view with one of its own for each cluster attribute. */
function activeActive(view: DomainView, attributes: readonly AttributeCluster[], currentCluster: string): DomainView {
  const activeClusters = [...new Set([view.activeCluster, ...attributes.map(({ cluster }) => cluster)])].sort();
  const byAttribute = new Map<string, Map<string, DomainView>>();
  for (const { scope, name, cluster, failoverVersion } of attributes) {
    const names = byAttribute.get(scope) ?? new Map<string, DomainView>();
    byAttribute.set(scope, names);
    const isActiveHere = cluster === currentCluster;
    names.set(name, { ...view, activeClusters, byAttribute, activeCluster: cluster, failoverVersion, isActiveHere });
  }
  return { ...view, activeClusters, byAttribute };
}
