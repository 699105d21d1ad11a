// Moves the managed domains of a region to another, in batches with a pause between them; a drill moves them back after a while. Operators
// pause, resume and query it, or end it by termination. Names and shapes are Cadence's: its CLI drives this workflow.
import {
  condition,
  defineQuery,
  defineSignal,
  defineWorkflow,
  proxyActivities,
  setHandler,
  sleep,
  workflowInfo,
} from '@antiphon/sdk/workflow';
import type { FailoverActivities } from '../failover/failover-activities.ts';

export interface FailoverManagerParams {
  readonly TargetCluster: string;
  readonly SourceCluster: string;
  readonly BatchFailoverSize?: number;
  readonly BatchFailoverWaitTimeInSeconds?: number;
  readonly Domains?: readonly string[] | null;
  /** Nanoseconds; more than 0: a drill. */
  readonly DrillWaitTime?: number;
  readonly GracefulFailoverTimeoutInSeconds?: number | null;
}

export interface RebalanceParams {
  readonly BatchFailoverSize?: number;
  readonly BatchFailoverWaitTimeInSeconds?: number;
}

type State = 'initialized' | 'running' | 'paused' | 'complete';

interface QueryResult {
  readonly TotalDomains: number;
  readonly Success: number;
  readonly Failed: number;
  readonly State: State;
  readonly TargetCluster: string;
  readonly SourceCluster: string;
  readonly SuccessDomains: readonly string[];
  readonly FailedDomains: readonly string[];
  readonly SuccessResetDomains: readonly string[];
  readonly FailedResetDomains: readonly string[];
  /** Why, by domain. */
  readonly FailedReasons: Readonly<Record<string, string>>;
  readonly Operator: string;
}

const RETRY = {
  initialInterval: '2s',
  backoffCoefficient: 2,
  maximumInterval: '1m',
  expirationInterval: '10m',
  nonRetryableErrorTypes: ['InvalidFailoverParams'],
} as const;
const { getDomains, getRebalanceDomains } = proxyActivities<FailoverActivities>({
  startToCloseTimeout: '20s',
  retry: RETRY,
});
// One batch: each domain is one call, and what fails is reported, not repeated.
const { failover } = proxyActivities<FailoverActivities>({ startToCloseTimeout: '5m', retry: RETRY });

const BATCH_SIZE_DEFAULT = 20;
const WAIT_SECONDS_DEFAULT = 30;
const NANOS_PER_MS = 1e6;

interface Outcome {
  readonly success: string[];
  readonly failed: string[];
  /** Why those failed, by domain. */
  readonly reasons: Record<string, string>;
}

interface Pausing {
  /** Returns when the work may go on. */
  passGate(): Promise<void>;
}

export const failoverManagerWorkflow = defineWorkflow(
  'cadence-sys-failoverManager-workflow',
  async (given?: FailoverManagerParams) => {
    const params = given ?? { TargetCluster: '', SourceCluster: '' };
    let state: State = 'initialized';
    let isPaused = false;
    let domains: readonly string[] = [];
    const reasons: Record<string, string> = {};
    const moved: Outcome = { success: [], failed: [], reasons };
    const reset: Outcome = { success: [], failed: [], reasons };
    setHandler(defineSignal('pause'), () => {
      isPaused = true;
    });
    setHandler(defineSignal('resume'), () => {
      isPaused = false;
    });
    setHandler(defineQuery<QueryResult>('state'), () => ({
      TotalDomains: domains.length,
      Success: moved.success.length,
      Failed: moved.failed.length,
      State: state,
      TargetCluster: params.TargetCluster,
      SourceCluster: params.SourceCluster,
      SuccessDomains: moved.success,
      FailedDomains: moved.failed,
      SuccessResetDomains: reset.success,
      FailedResetDomains: reset.failed,
      FailedReasons: reasons,
      Operator: String(workflowInfo().memo.operator ?? ''),
    }));
    const gate: Pausing = {
      passGate: async () => {
        if (isPaused) {
          state = 'paused';
          await condition(() => !isPaused);
        }
        state = 'running';
      },
    };
    const { TargetCluster, SourceCluster, Domains, GracefulFailoverTimeoutInSeconds } = params;
    domains = await getDomains({ TargetCluster, SourceCluster, Domains: Domains ?? null });
    const how = { ...params, GracefulFailoverTimeoutInSeconds: GracefulFailoverTimeoutInSeconds ?? null };
    await inBatches(domains, TargetCluster, how, gate, moved);
    const drillMs = (params.DrillWaitTime ?? 0) / NANOS_PER_MS;
    if (drillMs > 0) {
      await sleep(drillMs);
      await inBatches(moved.success, SourceCluster, how, gate, reset);
    }
    state = 'complete';
    return {
      SuccessDomains: moved.success,
      FailedDomains: moved.failed,
      SuccessResetDomains: reset.success,
      FailedResetDomains: reset.failed,
      FailedReasons: reasons,
    };
  },
);

async function inBatches(
  domains: readonly string[],
  target: string,
  params: Pick<
    FailoverManagerParams,
    'BatchFailoverSize' | 'BatchFailoverWaitTimeInSeconds' | 'GracefulFailoverTimeoutInSeconds'
  >,
  gate: Pausing,
  outcome: Outcome,
): Promise<void> {
  const size = params.BatchFailoverSize || BATCH_SIZE_DEFAULT;
  const waitSeconds = params.BatchFailoverWaitTimeInSeconds || WAIT_SECONDS_DEFAULT;
  for (let from = 0; from < domains.length; from += size) {
    if (from > 0) await sleep(waitSeconds * 1000);
    await gate.passGate();
    const { SuccessDomains, FailedDomains, FailedReasons } = await failover({
      Domains: domains.slice(from, from + size),
      TargetCluster: target,
      GracefulFailoverTimeoutInSeconds: params.GracefulFailoverTimeoutInSeconds ?? null,
    });
    outcome.success.push(...SuccessDomains);
    outcome.failed.push(...FailedDomains);
    Object.assign(outcome.reasons, FailedReasons);
  }
}

/** Moves each managed domain to the region that its data prefers. */
export const rebalanceWorkflow = defineWorkflow(
  'cadence-sys-rebalance-workflow',
  async (params: RebalanceParams = {}) => {
    const wanted = await getRebalanceDomains();
    const outcome: Outcome = { success: [], failed: [], reasons: {} };
    const always: Pausing = { passGate: async () => undefined };
    const targets = [...new Set(wanted.map(({ PreferredCluster }) => PreferredCluster))];
    for (const target of targets) {
      const domains = wanted
        .filter(({ PreferredCluster }) => PreferredCluster === target)
        .map(({ DomainName }) => DomainName);
      await inBatches(domains, target, params, always, outcome);
    }
    return { SuccessDomains: outcome.success, FailedDomains: outcome.failed, FailedReasons: outcome.reasons };
  },
);
