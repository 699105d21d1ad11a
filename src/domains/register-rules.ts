// The record of a new domain. Pure.
import {
  BadBinaries,
  ClusterReplicationConfiguration,
  Domain,
  DomainStatus,
  type RegisterDomainRequest,
} from '@antiphon/proto';
import { DomainRecord } from '@antiphon/proto/internal';
import { badRequest } from '#base';
import { EMPTY_VERSION, nextFailoverVersion } from '#core';
import { type AttributeCluster, registeredAttributes, requestedAttributes } from './active-clusters.ts';
import { registeredArchival } from './archival-config.ts';
import type { RuleContext } from './options.ts';
import { durationOfMs, msOfDuration } from './time-messages.ts';
import {
  requireAdminToken,
  requirePrimary,
  validateClusters,
  validateName,
  validateRequiredData,
  validateRetention,
} from './validation.ts';

/** Cadence's InitialPreviousFailoverVersion: no graceful failover ever. */
export const NO_PREVIOUS_FAILOVER_VERSION = -1;

export function newDomainRecord(request: RegisterDomainRequest, id: string, context: RuleContext): DomainRecord {
  const { clusters: group, options, nowMs } = context;
  requireAdminToken(request.securityToken, options);
  validateName(request.name, options);
  validateRequiredData(request.data, options);
  const attributes = askedAttributes(request, options);
  if (request.isGlobalDomain) requirePrimary(group);
  const activeClusterName = request.activeClusterName === '' ? group.currentCluster : request.activeClusterName;
  const named = request.clusters.map((cluster) => cluster.clusterName);
  const clusterNames = [...new Set(named.length === 0 ? [activeClusterName] : named)];
  const history = registeredArchival(
    { status: request.historyArchivalStatus, uri: request.historyArchivalUri },
    options.historyArchival,
  );
  const visibility = registeredArchival(
    { status: request.visibilityArchivalStatus, uri: request.visibilityArchivalUri },
    options.visibilityArchival,
  );
  const domain = Domain.fromPartial({
    id,
    name: request.name,
    status: DomainStatus.DOMAIN_STATUS_REGISTERED,
    description: request.description,
    ownerEmail: request.ownerEmail,
    data: request.data,
    workflowExecutionRetentionPeriod: durationOfMs(msOfDuration(request.workflowExecutionRetentionPeriod)),
    badBinaries: BadBinaries.fromPartial({}),
    isolationGroups: { isolationGroups: [] },
    asyncWorkflowConfig: {},
    historyArchivalStatus: history.status,
    historyArchivalUri: history.uri,
    visibilityArchivalStatus: visibility.status,
    visibilityArchivalUri: visibility.uri,
    activeClusterName,
    activeClusters: registeredAttributes(attributes, group),
    clusters: clusterNames.map((clusterName) => ClusterReplicationConfiguration.fromPartial({ clusterName })),
    isGlobalDomain: request.isGlobalDomain,
    failoverVersion: BigInt(EMPTY_VERSION),
  });
  validateRetention(domain, options);
  validateClusters(domain, group);
  if (domain.isGlobalDomain) domain.failoverVersion = BigInt(nextFailoverVersion(group, activeClusterName, 0));
  return DomainRecord.fromPartial({
    domain,
    configVersion: 0,
    previousFailoverVersion: NO_PREVIOUS_FAILOVER_VERSION,
    lastUpdatedMs: nowMs,
  });
}

function askedAttributes(request: RegisterDomainRequest, options: RuleContext['options']): readonly AttributeCluster[] {
  if (Object.keys(request.activeClustersByRegion).length > 0) {
    throw badRequest('ActiveClustersByRegion is not supported: set ActiveClusters, with "region" as scope.');
  }
  const attributes = requestedAttributes(request.activeClusters, options);
  if (attributes.length > 0 && !request.isGlobalDomain) throw badRequest('A local domain cannot have ActiveClusters.');
  return attributes;
}
