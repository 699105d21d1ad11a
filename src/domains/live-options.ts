// What dynamic config says about domains, read at each change of one.
import type { DynamicConfig } from '#dynamicconfig';
import * as keys from '#dynamicconfig';
import type { DomainOptions } from './options.ts';
import { MS_PER_DAY } from './time-messages.ts';

export function createLiveDomainOptions(
  config: DynamicConfig,
  fixed: Partial<DomainOptions>,
): (domainName: string) => Partial<DomainOptions> {
  const coolDown = config.property(keys.FAILOVER_COOL_DOWN);
  const badBinaries = config.property(keys.MAX_BAD_BINARIES);
  const lockdown = config.property(keys.LOCKDOWN);
  const requiredData = config.property(keys.REQUIRED_DOMAIN_DATA);
  const nameLength = config.property(keys.LENGTH_KEYS.domainName);
  const daysMin = config.property(keys.MIN_RETENTION_DAYS);
  const daysMax = config.property(keys.MAX_RETENTION_DAYS);
  const historyArchival = config.property(keys.HISTORY_ARCHIVAL_STATUS);
  const visibilityArchival = config.property(keys.VISIBILITY_ARCHIVAL_STATUS);
  const archival = (given: DomainOptions['historyArchival'] | undefined, status: string) =>
    given !== undefined && status === 'disabled' ? { ...given, isConfigured: false, defaultEnabled: false } : given;
  return (domainName) => {
    const history = archival(fixed.historyArchival, historyArchival.get());
    const visibility = archival(fixed.visibilityArchival, visibilityArchival.get());
    return {
      failoverCoolDownMs: coolDown.ofDomain(domainName),
      badBinaryCountMax: badBinaries.ofDomain(domainName),
      isLockdown: lockdown.ofDomain(domainName),
      requiredDataKeys: Object.entries(requiredData.get())
        .filter(([, isRequired]) => isRequired === true)
        .map(([key]) => key),
      nameLengthMax: nameLength.get(),
      retentionMsMin: Math.round(daysMin.get() * MS_PER_DAY),
      retentionMsMax: daysMax.get() * MS_PER_DAY,
      ...(history && { historyArchival: history }),
      ...(visibility && { visibilityArchival: visibility }),
    };
  };
}
