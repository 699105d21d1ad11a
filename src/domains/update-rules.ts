// What an UpdateDomain request makes of a record. Pure. Only fields that the update mask names count; everything else in the request is ignored.
// An update changes the configuration (config version + 1, primary cluster only) or the active cluster (failover version, any cluster),
// never both (semantics §1.12, §5.2).
import {
  BadBinaries,
  BadBinaryInfo,
  ClusterReplicationConfiguration,
  Domain,
  type UpdateDomainRequest,
} from '@antiphon/proto';
import type { DomainRecord } from '@antiphon/proto/internal';
import { badRequest, required } from '#base';
import { timestampOf } from '#core';
import { requestedAttributes } from './active-clusters.ts';
import { nextArchival } from './archival-config.ts';
import { type DomainChange, requireCooledDown } from './domain-change.ts';
import { type Failover, failedOver, notGraceful } from './failover-rules.ts';
import type { RuleContext } from './options.ts';
import { durationOfMs, msOfDuration } from './time-messages.ts';
import { requireAdminToken, requirePrimary, validateClusters, validateRetention } from './validation.ts';

type Mask = ReadonlySet<string>;

export function updatedDomainRecord(
  record: DomainRecord,
  request: UpdateDomainRequest,
  context: RuleContext,
): DomainChange {
  const { clusters: group, options, nowMs } = context;
  const mask: Mask = new Set(request.updateMask ?? []);
  const before = required(record.domain, 'a domain record has a domain');
  const failover = wishedFailover(before, request, mask, options);
  // As in Cadence, a failover alone needs no admin token.
  if (failover === undefined) requireAdminToken(request.securityToken, options);
  const after = configured(before, request, mask, context);
  const configChanged = !isSameDomain(before, after);
  if (configChanged && mask.has('workflow_execution_retention_period')) validateRetention(after, options);
  if (before.isGlobalDomain) {
    if (configChanged && failover !== undefined) {
      throw badRequest('Cannot set active cluster to current cluster when other parameters are set.');
    }
    if (failover === undefined) requirePrimary(group);
  }
  validateClusters(failover === undefined ? after : { ...after, activeClusterName: failover.toCluster }, group);
  if (failover !== undefined) return failedOver(record, failover, context);
  if (!configChanged) return { record, hasChanged: false };
  requireCooledDown(record, context);
  return {
    record: { ...record, domain: after, configVersion: record.configVersion + 1, lastUpdatedMs: nowMs },
    hasChanged: true,
  };
}

function wishedFailover(
  domain: Domain,
  request: UpdateDomainRequest,
  mask: Mask,
  options: RuleContext['options'],
): Failover | undefined {
  const attributes = mask.has('active_clusters') ? requestedAttributes(request.activeClusters, options) : [];
  const timeoutSeconds = mask.has('failover_timeout') ? msOfDuration(request.failoverTimeout) / 1000 : undefined;
  const toCluster = mask.has('active_cluster_name') ? request.activeClusterName : '';
  if (!domain.isGlobalDomain) {
    // Without a mask everything is meant, clusters too.
    const isMeant = toCluster !== '' || timeoutSeconds !== undefined || attributes.length > 0;
    if (isMeant || request.updateMask === undefined) throw localDomain();
    return undefined;
  }
  if (toCluster === '' && attributes.length === 0) {
    if (timeoutSeconds === undefined) return undefined;
    throw notGraceful();
  }
  return { toCluster: toCluster || domain.activeClusterName, timeoutSeconds, attributes };
}

const localDomain = () => badRequest('Local domains cannot perform failovers or change replication configuration');

function configured(before: Domain, request: UpdateDomainRequest, mask: Mask, context: RuleContext): Domain {
  const after: Domain = { ...before, data: { ...before.data } };
  if (mask.has('description')) after.description = request.description;
  if (mask.has('owner_email')) after.ownerEmail = request.ownerEmail;
  if (mask.has('data')) Object.assign(after.data, request.data);
  if (mask.has('workflow_execution_retention_period')) {
    after.workflowExecutionRetentionPeriod = durationOfMs(msOfDuration(request.workflowExecutionRetentionPeriod));
  }
  if (mask.has('clusters')) {
    if (!before.isGlobalDomain) throw localDomain();
    const names = [...new Set(request.clusters.map((cluster) => cluster.clusterName))];
    after.clusters = names.map((clusterName) => ClusterReplicationConfiguration.fromPartial({ clusterName }));
  }
  configureBadBinaries(after, request, mask, context);
  configureArchival(after, request, mask, context);
  return after;
}

function configureBadBinaries(after: Domain, request: UpdateDomainRequest, mask: Mask, context: RuleContext): void {
  const binaries: Record<string, BadBinaryInfo> = { ...after.badBinaries?.binaries };
  if (mask.has('bad_binaries')) {
    for (const [checksum, info] of Object.entries(request.badBinaries?.binaries ?? {})) {
      const createdTime = info.createdTime ?? timestampOf(context.nowMs);
      binaries[checksum] = BadBinaryInfo.fromPartial({ ...info, createdTime });
    }
    const max = context.options.badBinaryCountMax;
    if (Object.keys(binaries).length > max) throw badRequest(`Total resetBinaries cannot exceed the max limit: ${max}`);
  }
  if (mask.has('delete_bad_binary') && request.deleteBadBinary !== '') {
    if (!Object.hasOwn(binaries, request.deleteBadBinary)) {
      throw badRequest(`Bad binary checksum ${request.deleteBadBinary} doesn't exists.`);
    }
    delete binaries[request.deleteBadBinary];
  }
  after.badBinaries = BadBinaries.fromPartial({ binaries });
}

function configureArchival(after: Domain, request: UpdateDomainRequest, mask: Mask, context: RuleContext): void {
  const history = nextArchival(
    { status: after.historyArchivalStatus, uri: after.historyArchivalUri },
    {
      status: mask.has('history_archival_status') ? request.historyArchivalStatus : undefined,
      uri: mask.has('history_archival_uri') ? request.historyArchivalUri : undefined,
    },
    context.options.historyArchival,
  );
  after.historyArchivalStatus = history.status;
  after.historyArchivalUri = history.uri;
  const visibility = nextArchival(
    { status: after.visibilityArchivalStatus, uri: after.visibilityArchivalUri },
    {
      status: mask.has('visibility_archival_status') ? request.visibilityArchivalStatus : undefined,
      uri: mask.has('visibility_archival_uri') ? request.visibilityArchivalUri : undefined,
    },
    context.options.visibilityArchival,
  );
  after.visibilityArchivalStatus = visibility.status;
  after.visibilityArchivalUri = visibility.uri;
}

const isSameDomain = (a: Domain, b: Domain): boolean => comparable(a) === comparable(b);

/** A text that is equal exactly when two domains are, whatever the order of their maps. */
function comparable(domain: Domain): string {
  const plain = Domain.toJSON({ ...domain, badBinaries: domain.badBinaries ?? BadBinaries.fromPartial({}) });
  return JSON.stringify(plain, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
