// A schedule belongs to its domain: it goes on in the region that becomes active, and leaves no fire out and starts none twice.
import {
  ScheduleCatchUpPolicy as CatchUp,
  CreateScheduleRequest,
  DescribeScheduleRequest,
  ListWorkflowExecutionsRequest,
  ScheduleOverlapPolicy as Overlap,
  PauseScheduleRequest,
} from '@antiphon/proto';
import { afterEach, expect, test } from 'vitest';
import { failover, openTwoRegions, registerDomain, type TestRegion, type TwoRegions } from './two-regions.ts';

const DOMAIN = 'shop';
const seconds = (value: number) => ({ seconds: BigInt(value), nanos: 0 });

let regions: TwoRegions | undefined;
afterEach(async () => {
  await regions?.close();
  regions = undefined;
});

const create = (at: TestRegion, scheduleId: string, cronExpression: string) =>
  at.client.schedule.createSchedule(
    CreateScheduleRequest.fromPartial({
      domain: DOMAIN,
      scheduleId,
      spec: { cronExpression },
      action: {
        startWorkflow: {
          workflowType: { name: 'Tick' },
          taskList: { name: 'nobody' },
          executionStartToCloseTimeout: seconds(3600),
          taskStartToCloseTimeout: seconds(10),
        },
      },
      policies: {
        overlapPolicy: Overlap.SCHEDULE_OVERLAP_POLICY_CONCURRENT,
        catchUpPolicy: CatchUp.SCHEDULE_CATCH_UP_POLICY_ALL,
      },
    }),
  );

async function fires(at: TestRegion, scheduleId: string): Promise<number[]> {
  const { executions } = await at.client.visibility.listWorkflowExecutions(
    ListWorkflowExecutionsRequest.fromPartial({
      domain: DOMAIN,
      query: `CadenceScheduleID = '${scheduleId}'`,
      pageSize: 500,
    }),
  );
  return executions
    .map(({ workflowExecution }) => Date.parse(workflowExecution?.workflowId.slice(scheduleId.length + 1) ?? ''))
    .sort((a, b) => a - b);
}

const describeSchedule = (at: TestRegion, scheduleId: string) =>
  at.client.schedule.describeSchedule(DescribeScheduleRequest.fromPartial({ domain: DOMAIN, scheduleId }), {
    timeoutMs: 10_000,
  });

test('a schedule follows its domain to the other region and back', async () => {
  regions = await openTwoRegions({ systemWorkflows: true });
  const { a, b, until } = regions;
  await registerDomain(regions, DOMAIN);
  await create(a, 'ticker', '@every 1s');
  await until('it runs in a', async () => (await fires(a, 'ticker')).length >= 2);
  expect(b.region.systemWorkers?.running()).toEqual([]);

  await until('b has it', async () => (await fires(b, 'ticker')).length >= 2);
  await failover(b, DOMAIN);
  const atFailover = (await fires(b, 'ticker')).length;
  await until('it runs in b', async () => (await fires(b, 'ticker')).length >= atFailover + 3);
  await until('a has let go', () => a.region.systemWorkers?.running().length === 0);

  await failover(a, DOMAIN);
  const atReturn = (await fires(a, 'ticker')).length;
  await until('it runs in a again', async () => (await fires(a, 'ticker')).length >= atReturn + 2);
  const all = await fires(a, 'ticker');
  expect(all).toEqual(all.map((_, i) => (all[0] ?? 0) + i * 1000));
});

test('the passive region describes a schedule, and forwards nothing that it need not', async () => {
  regions = await openTwoRegions({ systemWorkflows: true });
  const { a, b, until } = regions;
  await registerDomain(regions, DOMAIN);
  await create(a, 'nightly', '@daily');
  await a.client.schedule.pauseSchedule(
    PauseScheduleRequest.fromPartial({ domain: DOMAIN, scheduleId: 'nightly', reason: 'audit', identity: 'anna' }),
  );
  expect((await describeSchedule(a, 'nightly')).state).toMatchObject({ paused: true });
  await until('b knows it', async () => {
    try {
      return (await describeSchedule(b, 'nightly')).state?.pauseInfo?.reason === 'audit';
    } catch (error) {
      // Not replicated yet.
      expect(error).toMatchObject({ kind: expect.stringMatching(/EntityNotExists|QueryFailed|DeadlineExceeded/) });
      return false;
    }
  });
});
