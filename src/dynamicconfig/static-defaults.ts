// The fields of the static configuration that are a key's default: the same thing must not be said in two places that disagree.
import { type StaticDefault, staticDefault } from './dynamic-config.ts';
import { FAILOVER_COOL_DOWN, MAX_RETENTION_DAYS, MIN_RETENTION_DAYS, QUOTA_KEYS } from './keys/index.ts';

/** The part of a server's configuration that is looked at. */
export interface StaticFields {
  readonly frontend: { readonly domainRps: number };
  readonly domains: {
    readonly retentionSecondsMin: number;
    readonly retentionDaysMax: number;
    readonly failoverCoolDownMs: number;
  };
}

const SECONDS_PER_DAY = 86_400;

export const staticDefaults = ({ frontend, domains }: StaticFields): readonly StaticDefault[] => [
  staticDefault(QUOTA_KEYS.user.domain, frontend.domainRps),
  staticDefault(FAILOVER_COOL_DOWN, domains.failoverCoolDownMs),
  // Development configs have a fraction of a day.
  staticDefault(MIN_RETENTION_DAYS, domains.retentionSecondsMin / SECONDS_PER_DAY),
  staticDefault(MAX_RETENTION_DAYS, domains.retentionDaysMax),
];
