// The outcome of a rule, and the pause that Cadence asks for between two updates.
import type { DomainRecord } from '@antiphon/proto/internal';
import { ServiceBusyError } from '#base';
import type { RuleContext } from './options.ts';

export interface DomainChange {
  readonly record: DomainRecord;
  /** False: the record is as it was, nothing to write. */
  readonly hasChanged: boolean;
}

/** Updates of global domains are slowed down, because every region has to follow. */
export function requireCooledDown(record: DomainRecord, context: RuleContext): void {
  if (record.domain?.isGlobalDomain !== true) return;
  if (context.nowMs - record.lastUpdatedMs >= context.options.failoverCoolDownMs) return;
  throw new ServiceBusyError('Domain update too frequent.');
}
