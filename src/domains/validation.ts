// Checks on domain records and names, with Cadence's texts (semantics §1.12).
import type { Domain } from '@antiphon/proto';
import { badRequest } from '#base';
import type { ClusterGroup } from '#core';
import { attributesOf } from './active-clusters.ts';
import type { DomainOptions } from './options.ts';
import { msOfDuration } from './time-messages.ts';

const NAME_PATTERN = /^[a-zA-Z0-9-]+$/;

export function validateName(name: string, options: DomainOptions): void {
  if (name === '') throw badRequest('Domain not set on request.');
  if (name.length > options.nameLengthMax) throw badRequest('Domain length exceeds limit.');
  if (!NAME_PATTERN.test(name)) {
    throw badRequest('Domain name can only include alphanumeric and dash characters.');
  }
}

export function validateRetention(domain: Domain, options: DomainOptions): void {
  const retentionMs = msOfDuration(domain.workflowExecutionRetentionPeriod);
  if (retentionMs > options.retentionMsMax) throw badRequest('RetentionDays is invalid.');
  if (retentionMs < options.retentionMsMin || retentionMs <= 0) {
    throw badRequest('A valid retention period is not set on request.');
  }
}

export function validateRequiredData(data: Readonly<Record<string, string>>, options: DomainOptions): void {
  for (const key of options.requiredDataKeys) {
    if (Object.hasOwn(data, key)) continue;
    const all = options.requiredDataKeys.join(' ');
    throw badRequest(`domain data error, missing required key ${key} . All required keys: [${all}]`);
  }
}

export function validateClusters(domain: Domain, group: ClusterGroup): void {
  const names = domain.clusters.map((cluster) => cluster.clusterName);
  for (const name of [domain.activeClusterName, ...names]) {
    const isKnown = Object.hasOwn(group.clusters, name) && group.clusters[name]?.enabled === true;
    if (!isKnown) throw badRequest(`Invalid cluster name: ${name}`);
  }
  if (domain.isGlobalDomain) {
    const active = attributesOf(domain.activeClusters).map(({ cluster }) => cluster);
    if (![domain.activeClusterName, ...active].every((name) => names.includes(name))) {
      throw badRequest('Active cluster is not contained in all clusters.');
    }
    return;
  }
  if (domain.activeClusterName !== group.currentCluster) throw badRequest('Invalid local domain active cluster');
  if (names.length !== 1 || names[0] !== domain.activeClusterName) throw badRequest('Invalid local domain clusters');
}

export function requirePrimary(group: ClusterGroup): void {
  if (group.currentCluster === group.primaryCluster) return;
  throw badRequest('Cluster is not primary cluster, cannot do domain registration or domain update.');
}

export function requireAdminToken(
  securityToken: string,
  options: Pick<Partial<DomainOptions>, 'adminOperationToken'>,
): void {
  if (options.adminOperationToken === undefined || securityToken === options.adminOperationToken) return;
  throw badRequest('No permission to do this operation.');
}
