// The pages of schedules, of batch actions, and the diagnosis of a workflow: what runs on workflows of the server's own.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { DOMAIN, openSite, type Site, TASK_LIST } from './site.ts';
import { type Answer, jsonOf, payload, timeOf } from './web-client.ts';

let site: Site;
beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site.stop());

const eventually = <T>(check: () => Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 60_000, interval: 100 });
const idsOf = ({ executions }: Answer): string[] =>
  executions.map(({ workflowExecution }: Answer) => workflowExecution.workflowId);
const list = (domain: string, query: string): Promise<Answer> =>
  site.web.call('visibility', 'ListWorkflowExecutions', { domain, pageSize: 20, nextPageToken: undefined, query });

describe('a schedule', () => {
  const scheduleId = `nightly "${randomUUID()}"`;
  const one = { domain: DOMAIN, scheduleId };
  const escaped = scheduleId.replace(/["\\]/g, (match) => `\\${match}`);
  const describeIt = (): Promise<Answer> => site.web.call('schedule', 'DescribeSchedule', one);

  test('is created as its form does', async () => {
    await site.web.call('schedule', 'CreateSchedule', {
      ...one,
      spec: { cronExpression: '0 3 * * *', startTime: undefined, endTime: undefined, jitter: { seconds: 5, nanos: 0 } },
      action: {
        startWorkflow: {
          workflowType: { name: 'cart' },
          taskList: { name: TASK_LIST },
          input: undefined,
          workflowIdPrefix: 'nightly',
          executionStartToCloseTimeout: { seconds: 300, nanos: 0 },
          taskStartToCloseTimeout: { seconds: 10, nanos: 0 },
          retryPolicy: undefined,
          memo: { fields: { note: payload('"hi"') } },
          searchAttributes: undefined,
        },
      },
      policies: {
        overlapPolicy: 'SCHEDULE_OVERLAP_POLICY_CONCURRENT',
        catchUpPolicy: 'SCHEDULE_CATCH_UP_POLICY_SKIP',
        catchUpWindow: undefined,
        pauseOnFailure: false,
        bufferLimit: undefined,
        concurrencyLimit: 10,
      },
    });
    const described = await eventually(describeIt);
    expect(described).toMatchObject({
      spec: { cronExpression: '0 3 * * *', jitter: { seconds: '5', nanos: 0 } },
      action: {
        startWorkflow: { workflowType: { name: 'cart' }, taskList: { name: TASK_LIST }, workflowIdPrefix: 'nightly' },
      },
      policies: { overlapPolicy: 'SCHEDULE_OVERLAP_POLICY_CONCURRENT', concurrencyLimit: 10 },
      state: { paused: false },
      info: { totalRuns: '0', missedRuns: '0', skippedRuns: '0', ongoingBackfills: [] },
    });
    expect(timeOf(described.info.nextRunTime)).toBeGreaterThan(Date.now());
    expect(Math.abs(timeOf(described.info.createTime) - Date.now())).toBeLessThan(60_000);
  });

  test('is in the list', async () => {
    const request = { domain: DOMAIN, pageSize: 25, nextPageToken: undefined };
    await eventually(async () => {
      const { schedules, nextPageToken } = await site.web.call('schedule', 'ListSchedules', request);
      expect(nextPageToken).toBe('');
      expect(schedules.find((each: Answer) => each.scheduleId === scheduleId)).toMatchObject({
        workflowType: { name: 'cart' },
        state: { paused: false },
        cronExpression: '0 3 * * *',
      });
    });
  });

  test('is paused with a reason, and goes on', async () => {
    await site.web.call('schedule', 'PauseSchedule', { ...one, reason: 'maintenance', identity: 'ada' });
    await eventually(async () =>
      expect((await describeIt()).state).toMatchObject({
        paused: true,
        pauseInfo: { reason: 'maintenance', pausedBy: 'ada' },
      }),
    );
    await site.web.call('schedule', 'UnpauseSchedule', { ...one, reason: 'done', catchUpPolicy: undefined });
    await eventually(async () => expect((await describeIt()).state.paused).toBe(false));
  });

  test('is run for days that are past, and its runs are found by its id', async () => {
    const now = Math.floor(Date.now() / 1000);
    await site.web.call('schedule', 'BackfillSchedule', {
      ...one,
      startTime: { seconds: now - 2 * 86_400, nanos: 0 },
      endTime: { seconds: now, nanos: 0 },
      overlapPolicy: 'SCHEDULE_OVERLAP_POLICY_CONCURRENT',
      backfillId: 'backfill-1',
    });
    await eventually(async () => {
      const { executions } = await list(DOMAIN, `CadenceScheduleID = "${escaped}" ORDER BY CadenceScheduleTime DESC`);
      expect(executions).toHaveLength(2);
      const attributes = executions[0].searchAttributes.indexedFields;
      expect(jsonOf(attributes.CadenceScheduleBackfillID.data)).toBe('backfill-1');
    });
    const byBackfill = `CadenceScheduleID = "${escaped}" AND CadenceScheduleBackfillID = "backfill-1"`;
    expect((await list(DOMAIN, byBackfill)).executions).toHaveLength(2);
    const tomorrow = new Date((now + 86_400) * 1000).toISOString();
    expect(
      (await list(DOMAIN, `CadenceScheduleID = "${escaped}" AND CadenceScheduleTime > "${tomorrow}"`)).executions,
    ).toEqual([]);
    await eventually(async () => expect((await describeIt()).info.totalRuns).toBe('2'));
  });

  test('is deleted, and then not found', async () => {
    await site.web.call('schedule', 'DeleteSchedule', one);
    await eventually(async () => {
      await expect(describeIt()).rejects.toMatchObject({ code: 5 });
    });
  });
});

describe('a batch action', () => {
  const BATCHER = 'cadence-batcher';

  test('is started, listed, and described with its input and progress', async () => {
    const searchAttributes = { indexedFields: { CustomKeywordField: payload('"batch"') } };
    const carts = [await site.startCart({ searchAttributes }), await site.startCart({ searchAttributes })];
    const query = `CustomKeywordField = "batch" AND CloseTime = missing`;
    await eventually(async () => {
      const found = idsOf(await list(DOMAIN, query));
      for (const { workflowId } of carts) expect(found).toContain(workflowId);
    });
    const workflowId = randomUUID();
    const input = { DomainName: DOMAIN, Query: query, Reason: 'cleanup', BatchType: 'terminate', RPS: 50 };
    await site.web.call('workflow', 'StartWorkflowExecution', {
      domain: BATCHER,
      workflowId,
      workflowType: { name: 'cadence-sys-batch-workflow-v2' },
      taskList: { name: 'cadence-sys-batcher-tasklist' },
      input: payload(JSON.stringify(input)),
      executionStartToCloseTimeout: { seconds: 20 * 365 * 24 * 60 * 60 },
      taskStartToCloseTimeout: { seconds: 10 },
      searchAttributes: { indexedFields: { CustomDomain: payload(JSON.stringify(DOMAIN)) } },
      requestId: randomUUID(),
    });
    const execution = { domain: BATCHER, workflowExecution: { workflowId, runId: '' } };
    await eventually(async () => {
      const { workflowExecutionInfo } = await site.web.call('workflow', 'DescribeWorkflowExecution', execution);
      expect(workflowExecutionInfo.closeStatus).toBe('WORKFLOW_EXECUTION_CLOSE_STATUS_COMPLETED');
    });
    const listQuery = `WorkflowType = "cadence-sys-batch-workflow-v2" AND CustomDomain = "${DOMAIN}" ORDER BY StartTime DESC`;
    await eventually(async () => expect(idsOf(await list(BATCHER, listQuery))).toEqual([workflowId]));
    const history = (more: object): Promise<Answer> =>
      site.web.call('workflow', 'GetWorkflowExecutionHistory', { ...execution, ...more });
    const started = (await history({ pageSize: 1 })).history.events[0].workflowExecutionStartedEventAttributes;
    expect(jsonOf(started.input.data)).toMatchObject({ BatchType: 'terminate', RPS: 50 });
    const close = (await history({ historyEventFilterType: 'EVENT_FILTER_TYPE_CLOSE_EVENT' })).history.events[0];
    expect(jsonOf(close.workflowExecutionCompletedEventAttributes.result.data)).toMatchObject({
      TotalEstimate: expect.any(Number),
      SuccessCount: carts.length,
      ErrorCount: 0,
    });
    const count = await site.web.call('visibility', 'CountWorkflowExecutions', { domain: DOMAIN, query });
    expect(count).toEqual({ count: '0' });
  });
});

test('a diagnosis of a workflow is reported by the workflow that makes it', async () => {
  const run = await site.startCart();
  const workflowExecution = { workflowId: run.workflowId, runId: run.runId };
  await site.web.call('workflow', 'TerminateWorkflowExecution', { domain: DOMAIN, workflowExecution, reason: 'stuck' });
  const diagnosis = await site.web.call('workflow', 'DiagnoseWorkflowExecution', { domain: DOMAIN, workflowExecution });
  expect(diagnosis).toMatchObject({
    domain: 'cadence-system',
    diagnosticWorkflowExecution: {
      workflowId: expect.stringMatching(/./),
      runId: expect.stringMatching(/./),
    },
  });
  await eventually(async () => {
    const answer = await site.web.call('workflow', 'QueryWorkflow', {
      // The page knows the domain by itself.
      domain: 'cadence-system',
      workflowExecution: diagnosis.diagnosticWorkflowExecution,
      query: { queryType: 'query-diagnostics-report' },
      queryRejectCondition: 'QUERY_REJECT_CONDITION_NOT_COMPLETED_CLEANLY',
    });
    expect(answer.queryRejected).toBeNull();
    // Until it is complete, the page asks again.
    expect(jsonOf(answer.queryResult.data)).toMatchObject({
      DiagnosticsCompleted: true,
      DiagnosticsResult: expect.any(Object),
    });
  });
});
