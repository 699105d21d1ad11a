// A batch job of type replicate: what the query finds in one region is sent again to the other, wherever the job runs.
import { randomUUID } from 'node:crypto';
import {
  CountWorkflowExecutionsRequest,
  EventFilterType,
  GetWorkflowExecutionHistoryRequest,
  StartWorkflowExecutionRequest,
} from '@antiphon/proto';
import { DeleteWorkflowRequest } from '@antiphon/proto/admin';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  historyOf,
  openTwoRegions,
  registerDomain,
  signal,
  start,
  type TestRegion,
  type TwoRegions,
  untilEqual,
} from './two-regions.ts';

const DOMAIN = 'orders';
const BATCH_DOMAIN = 'cadence-batcher';
const seconds = (value: number) => ({ seconds: BigInt(value), nanos: 0 });

let regions: TwoRegions;
beforeAll(async () => {
  regions = await openTwoRegions({ systemWorkflows: true });
  await registerDomain(regions, DOMAIN);
});
afterAll(() => regions.close());

interface Run {
  readonly workflowId: string;
  readonly runId: string;
}

async function countOf(at: TestRegion, query: string): Promise<number> {
  const request = CountWorkflowExecutionsRequest.fromPartial({ domain: DOMAIN, query });
  return Number((await at.client.visibility.countWorkflowExecutions(request)).count);
}

const queryOf = (runs: readonly Run[]): string =>
  `WorkflowID IN (${runs.map(({ workflowId }) => `'${workflowId}'`).join(', ')})`;

/** Runs that both regions had, and the second one lost. */
async function lostRuns(prefix: string, count: number): Promise<Run[]> {
  const runs: Run[] = [];
  for (let i = 0; i < count; i++) {
    const workflowId = `${prefix}-${i}`;
    const runId = await start(regions.a, DOMAIN, workflowId);
    await signal(regions.a, DOMAIN, workflowId, 'one');
    await untilEqual(regions, DOMAIN, workflowId, runId);
    runs.push({ workflowId, runId });
  }
  for (const at of [regions.a, regions.b])
    await regions.until('the runs are visible', async () => (await countOf(at, queryOf(runs))) === count);
  return runs;
}

async function lose(runs: readonly Run[]): Promise<void> {
  for (const workflowExecution of runs) {
    await regions.b.client.admin.deleteWorkflow(
      DeleteWorkflowRequest.fromPartial({ domain: DOMAIN, workflowExecution }),
    );
    const { workflowId, runId } = workflowExecution;
    expect(await historyOf(regions.b, DOMAIN, workflowId, runId)).toHaveLength(0);
  }
}

/** What the job says when it is done. */
async function replicate(
  at: TestRegion,
  runs: readonly Run[],
  clusters: { SourceCluster: string; TargetCluster: string },
  fields: object = {},
): Promise<unknown> {
  const workflowId = randomUUID();
  const input = {
    DomainName: DOMAIN,
    Query: queryOf(runs),
    Reason: 'the other region lost them',
    BatchType: 'replicate',
    ReplicateParams: clusters,
    ...fields,
  };
  await at.client.workflow.startWorkflowExecution(
    StartWorkflowExecutionRequest.fromPartial({
      domain: BATCH_DOMAIN,
      workflowId,
      requestId: randomUUID(),
      workflowType: { name: 'cadence-sys-batch-workflow' },
      taskList: { name: 'cadence-sys-batcher-tasklist' },
      input: { data: Buffer.from(JSON.stringify(input)) },
      executionStartToCloseTimeout: seconds(3600),
      taskStartToCloseTimeout: seconds(10),
    }),
  );
  const { history } = await at.client.workflow.getWorkflowExecutionHistory(
    GetWorkflowExecutionHistoryRequest.fromPartial({
      domain: BATCH_DOMAIN,
      workflowExecution: { workflowId },
      waitForNewEvent: true,
      historyEventFilterType: EventFilterType.EVENT_FILTER_TYPE_CLOSE_EVENT,
    }),
    { timeoutMs: 30_000 },
  );
  const close = history?.events.at(-1)?.attributes;
  if (close?.$case !== 'workflowExecutionCompletedEventAttributes') return close;
  return JSON.parse(Buffer.from(close.value.result?.data ?? []).toString());
}

test('sends the runs of a query to the other region again', async () => {
  const runs = await lostRuns('sent', 3);
  await lose(runs);
  const result = await replicate(regions.a, runs, { SourceCluster: 'a', TargetCluster: 'b' });
  expect(result).toMatchObject({ SuccessCount: 3, ErrorCount: 0, TotalEstimate: 3 });
  for (const { workflowId, runId } of runs) await untilEqual(regions, DOMAIN, workflowId, runId);
});

test('runs in the region that is to have them too', async () => {
  const runs = await lostRuns('fetched', 2);
  const [lost, kept] = runs as [Run, Run];
  // The job looks for runs where it is: it finds what is there in part, and leaves what is whole.
  const result = await replicate(regions.b, runs, { SourceCluster: 'a', TargetCluster: 'b' });
  expect(result).toMatchObject({ SuccessCount: 2, ErrorCount: 0 });
  for (const { workflowId, runId } of [lost, kept]) await untilEqual(regions, DOMAIN, workflowId, runId);
});

test('counts a run that could not be sent, and says nothing of it as done', async () => {
  const runs = await lostRuns('nowhere', 2);
  await lose(runs.slice(0, 1));
  const to = { SourceCluster: 'a', TargetCluster: 'nowhere' };
  expect(await replicate(regions.a, runs, to, { AttemptsOnRetryableError: 1 })).toMatchObject({
    SuccessCount: 0,
    ErrorCount: 2,
  });
  const [lost] = runs as [Run];
  expect(await historyOf(regions.b, DOMAIN, lost.workflowId, lost.runId)).toHaveLength(0);
});
