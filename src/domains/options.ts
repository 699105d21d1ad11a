// Limits and defaults of the domain API, with Cadence's defaults (semantics §1.12, §8.1).
import type { ClusterGroup } from '#core';
import { MS_PER_DAY } from './time-messages.ts';

/** What the cluster is configured for; a domain cannot archive where its cluster cannot. */
export interface ArchivalDefaults {
  readonly isConfigured: boolean;
  readonly defaultEnabled: boolean;
  readonly defaultUri: string;
}

export interface DomainOptions {
  /** `system.minRetentionDays`; development configs allow seconds. */
  readonly retentionMsMin: number;
  /** `system.maxRetentionDays` */
  readonly retentionMsMax: number;
  /** `frontend.failoverCoolDown`: least time between two updates of a global domain. */
  readonly failoverCoolDownMs: number;
  /** `frontend.maxFailoverTimeoutInSeconds` of a graceful failover. */
  readonly failoverTimeoutSecondsMax: number;
  readonly nameLengthMax: number;
  readonly badBinaryCountMax: number;
  /** Cluster attributes of an active-active domain. */
  readonly clusterAttributeCountMax: number;
  /** Of a scope, and of a name in it. */
  readonly clusterAttributeLengthMax: number;
  readonly requiredDataKeys: readonly string[];
  /** Set when `frontend.enableAdminProtection`: changes must carry it as security token. */
  readonly adminOperationToken: string | undefined;
  /** `system.Lockdown`: no failover. */
  readonly isLockdown: boolean;
  readonly historyArchival: ArchivalDefaults;
  readonly visibilityArchival: ArchivalDefaults;
  readonly pageSizeDefault: number;
  readonly pageSizeMax: number;
}

const NO_ARCHIVAL: ArchivalDefaults = { isConfigured: false, defaultEnabled: false, defaultUri: '' };

export const DEFAULT_DOMAIN_OPTIONS: DomainOptions = {
  retentionMsMin: MS_PER_DAY,
  retentionMsMax: 30 * MS_PER_DAY,
  failoverCoolDownMs: 60_000,
  failoverTimeoutSecondsMax: 300,
  nameLengthMax: 1000,
  badBinaryCountMax: 10,
  clusterAttributeCountMax: 256,
  clusterAttributeLengthMax: 255,
  requiredDataKeys: [],
  adminOperationToken: undefined,
  isLockdown: false,
  historyArchival: NO_ARCHIVAL,
  visibilityArchival: NO_ARCHIVAL,
  pageSizeDefault: 100,
  pageSizeMax: 1000,
};

/** What the pure rules need to know of their surroundings. */
export interface RuleContext {
  readonly nowMs: number;
  readonly clusters: ClusterGroup;
  readonly options: DomainOptions;
}
