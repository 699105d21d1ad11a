// A batch job. The work is one long activity that keeps its place in its heartbeat; this workflow gives it the job's own timeouts.
import { defineWorkflow, proxyActivities } from '@antiphon/sdk/workflow';
import type { BatchActivities } from '../batch/batch-activities.ts';
import type { BatchParams, BatchProgress } from '../batch/batch-params.ts';

const NANOS_PER_SECOND = 1e9;
const HEARTBEAT_SECONDS_DEFAULT = 10;
const TWENTY_YEARS = '7300d';

async function runJob(given?: BatchParams): Promise<BatchProgress> {
  // The activity says what is missing.
  const params: Partial<BatchParams> = given ?? {};
  const heartbeatSeconds = (params.ActivityHeartBeatTimeout ?? 0) / NANOS_PER_SECOND || HEARTBEAT_SECONDS_DEFAULT;
  const attempts = params.MaxActivityRetries ?? 0;
  const { runBatch } = proxyActivities<BatchActivities>({
    startToCloseTimeout: TWENTY_YEARS,
    heartbeatTimeout: heartbeatSeconds * 1000,
    retry: {
      initialInterval: '1s',
      backoffCoefficient: 1.7,
      maximumInterval: '5m',
      expirationInterval: TWENTY_YEARS,
      ...(attempts > 0 ? { maximumAttempts: attempts } : {}),
      nonRetryableErrorTypes: ['non-retriable-error', ...(params.NonRetryableErrors ?? [])],
    },
  });
  return runBatch(params);
}

export const batchWorkflow = defineWorkflow('cadence-sys-batch-workflow', (params?: BatchParams) => runJob(params));

/** The name under which cadence-web starts and lists its batch actions. */
export const batchWorkflowV2 = defineWorkflow('cadence-sys-batch-workflow-v2', (params?: BatchParams) =>
  runJob(params),
);
