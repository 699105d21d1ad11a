// A workflow that the service runs on a schedule. Each run gets the result of the last successful one.
import { getLastCompletionResult, proxyActivities } from '@antiphon/sdk/workflow';

interface ReportActivities {
  report(count: number): Promise<void>;
}

const { report } = proxyActivities<ReportActivities>({ startToCloseTimeout: '10s' });

export async function countTicks(): Promise<number> {
  const count = (getLastCompletionResult<number>() ?? 0) + 1;
  await report(count);
  return count;
}
