// `cadence domain deprecate`: forbids new runs of a domain and ends those that are open, as its users expect of that command. Cadence's own
// workflow starts a batch job as a child; here the same work is an activity of this one.
import { defineWorkflow, proxyActivities, sleep } from '@antiphon/sdk/workflow';
import type { BatchActivities } from '../batch/batch-activities.ts';
import type { DeprecationActivities, DeprecationParams } from '../deprecation/deprecation-activities.ts';

const retry = {
  initialInterval: '10s',
  backoffCoefficient: 1.7,
  maximumInterval: '5m',
  expirationInterval: '1d',
} as const;
const { disableArchival, deprecateDomain, countOpenRuns } = proxyActivities<DeprecationActivities>({
  startToCloseTimeout: '5m',
  retry,
});
const { runBatch } = proxyActivities<BatchActivities>({ startToCloseTimeout: '30d', heartbeatTimeout: '10s', retry });

const ATTEMPTS = 3;
/** What was terminated is no longer listed as open after this. */
const VISIBILITY_PAUSE = '5s';

export const domainDeprecationWorkflow = defineWorkflow(
  'domain-deprecation-workflow',
  async (params: DeprecationParams): Promise<void> => {
    await disableArchival(params);
    await deprecateDomain(params);
    for (let attempt = 1; ; attempt++) {
      if ((await countOpenRuns(params)) === 0) return;
      if (attempt > ATTEMPTS) throw new Error(`failed to terminate all workflows after ${ATTEMPTS} attempts`);
      await runBatch({
        DomainName: params.domain_name,
        Query: 'CloseTime = missing',
        Reason: 'domain is deprecated',
        BatchType: 'terminate',
        TerminateParams: { TerminateChildren: true },
      });
      await sleep(VISIBILITY_PAUSE);
    }
  },
);
