// Calls on one workflow id: a caller that hammers one workflow is slowed before the workflow's commands queue up behind each other.
// Cadence: service/history/wrappers/ratelimited, common/quotas; semantics §8.2
import * as keys from '#dynamicconfig';
import { type DynamicConfig, type Property, UNLIMITED } from '#dynamicconfig';
import type { Env } from '#env';
import { BucketTable } from './bucket-table.ts';
import { createRefusals, type RefusalReason, type Refuse } from './refusals.ts';

export interface WorkflowIdQuotas {
  /** No domain has one: the usual case. */
  readonly areOff: boolean;
  /** Throws ServiceBusy for a call from outside. */
  takeExternal(domainName: string, workflowId: string): void;
  /** Throws ServiceBusy for a call of another workflow: its task is tried again. */
  takeInternal(domainName: string, workflowId: string): void;
}

const BUCKETS_MAX = 50_000;

export function createWorkflowIdQuotas(env: Env, config: DynamicConfig): WorkflowIdQuotas {
  const refuse = createRefusals(env.metrics);
  const external = config.property(keys.WORKFLOW_ID_EXTERNAL_RPS);
  const internal = config.property(keys.WORKFLOW_ID_INTERNAL_RPS);
  const isOff = (rps: Property<number>): boolean => rps.get() >= UNLIMITED && rps.domains.length === 0;
  let areOff = isOff(external) && isOff(internal);
  config.onChange(() => {
    areOff = isOff(external) && isOff(internal);
  });
  return {
    get areOff() {
      return areOff;
    },
    takeExternal: limitOf(env, external, refuse, 'external-workflow-id-rate-limit'),
    takeInternal: limitOf(env, internal, refuse, 'internal-workflow-id-rate-limit'),
  };
}

function limitOf(env: Env, rps: Property<number>, refuse: Refuse, reason: RefusalReason) {
  const buckets = new BucketTable(BUCKETS_MAX);
  return (domainName: string, workflowId: string): void => {
    const rate = rps.ofDomain(domainName);
    if (rate >= UNLIMITED) return;
    const nowMs = env.clock.monotonicMs();
    if (!buckets.of(`${domainName}\n${workflowId}`, rate, nowMs).take(nowMs, rate)) {
      throw refuse(domainName, 'workflow-id', reason);
    }
  };
}
