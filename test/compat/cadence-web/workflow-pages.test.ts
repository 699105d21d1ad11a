// The pages of one workflow: summary, history, queries, and every action of its menu.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { DOMAIN, openSite, type Site, TASK_LIST } from './site.ts';
import { type Answer, jsonOf, payload, textOf, timeOf } from './web-client.ts';

let site: Site;
beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site.stop());

type Run = { readonly workflowId: string; readonly runId: string };
const of = (run: Run): object => ({
  domain: DOMAIN,
  workflowExecution: { workflowId: run.workflowId, runId: run.runId },
});
const call = (method: string, run: Run, more: object = {}): Promise<Answer> =>
  site.web.call('workflow', method, { ...of(run), ...more });
const signal = (run: Run, signalName: string, input?: string): Promise<Answer> =>
  call('SignalWorkflowExecution', run, { signalName, signalInput: input === undefined ? undefined : payload(input) });
const eventually = <T>(check: () => Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 10_000, interval: 50 });

const historyPage = (run: Run, more: object = {}): Promise<Answer> =>
  call('GetWorkflowExecutionHistory', run, {
    pageSize: 200,
    waitForNewEvent: false,
    nextPageToken: undefined,
    ...more,
  });
const eventsOf = async (run: Run): Promise<Answer[]> => (await historyPage(run)).history.events;
const statusOf = async (run: Run): Promise<string> =>
  (await call('DescribeWorkflowExecution', run)).workflowExecutionInfo.closeStatus;

describe('the summary of a workflow', () => {
  test('has what it shows of one that runs', async () => {
    const run = await site.startCart({ memo: { fields: { note: payload('"hi"') } } });
    const answer = await call('DescribeWorkflowExecution', run);
    expect(answer).toMatchObject({
      executionConfiguration: {
        taskList: { name: TASK_LIST, kind: 'TASK_LIST_KIND_NORMAL' },
        executionStartToCloseTimeout: { seconds: '300', nanos: 0 },
        taskStartToCloseTimeout: { seconds: '10', nanos: 0 },
      },
      workflowExecutionInfo: {
        workflowExecution: run,
        type: { name: 'cart' },
        closeStatus: 'WORKFLOW_EXECUTION_CLOSE_STATUS_INVALID',
        closeTime: null,
        historyLength: expect.stringMatching(/^[1-9]/),
        parentExecutionInfo: null,
        isCron: false,
        partitionConfig: {},
      },
      pendingActivities: [],
      pendingChildren: [],
    });
    expect(jsonOf(answer.workflowExecutionInfo.memo.fields.note.data)).toBe('hi');
    expect(Math.abs(timeOf(answer.workflowExecutionInfo.startTime) - Date.now())).toBeLessThan(60_000);
  });

  test('has the decision that waits for a worker', async () => {
    const run = await site.startCart({ taskList: { name: 'nobody' } });
    const { pendingDecision } = await call('DescribeWorkflowExecution', run);
    expect(pendingDecision).toMatchObject({
      state: 'PENDING_DECISION_STATE_SCHEDULED',
      attempt: 0,
      startedTime: null,
    });
    expect(timeOf(pendingDecision.scheduledTime)).toBeGreaterThan(0);
    await call('TerminateWorkflowExecution', run, { reason: 'done' });
  });

  test('of one that is not there says not found', async () => {
    const nobody = { workflowId: 'nobody', runId: randomUUID() };
    await expect(call('DescribeWorkflowExecution', nobody)).rejects.toMatchObject({ code: 5 });
    await expect(historyPage(nobody)).rejects.toMatchObject({ code: 5 });
  });
});

describe('the history of a workflow', () => {
  test('names the attributes of each event, and its times and ids as text', async () => {
    const run = await site.startCart();
    await signal(run, 'addItem', '"lamp" 2');
    const events = await eventually(async () => {
      const found = await eventsOf(run);
      expect(found.length).toBeGreaterThanOrEqual(5);
      return found;
    });
    events.forEach((event, index) => {
      expect(event.eventId).toBe(String(index + 1));
      expect(event.attributes).toMatch(/EventAttributes$/);
      expect(event[event.attributes]).toBeTypeOf('object');
      expect(timeOf(event.eventTime)).toBeGreaterThan(0);
      expect(event.version).toMatch(/^-?\d+$/);
      expect(event.taskId).toMatch(/^-?\d+$/);
    });
    expect(events[0].workflowExecutionStartedEventAttributes).toMatchObject({
      workflowType: { name: 'cart' },
      taskList: { name: TASK_LIST },
      input: null,
      attempt: 0,
      cronSchedule: '',
      firstExecutionRunId: run.runId,
    });
    const signalled = events.find(({ attributes }) => attributes === 'workflowExecutionSignaledEventAttributes');
    expect(textOf(signalled.workflowExecutionSignaledEventAttributes.input.data)).toBe('"lamp" 2');
  });

  test('goes on by page, and then waits for what comes', async () => {
    const run = await site.startCart();
    const ids: string[] = [];
    let token: string | undefined;
    const take = async (): Promise<void> => {
      const page = await historyPage(run, { pageSize: 2, waitForNewEvent: true, nextPageToken: token });
      ids.push(...page.history.events.map(({ eventId }: Answer) => eventId));
      token = page.nextPageToken;
    };
    while (ids.length < 4) await take();
    const next = take();
    await signal(run, 'checkOut');
    await next;
    while (token !== '') await take();
    expect(ids).toEqual(ids.map((_, index) => String(index + 1)));
    expect(await statusOf(run)).toBe('WORKFLOW_EXECUTION_CLOSE_STATUS_FAILED');
  });
});

describe('the queries of a workflow', () => {
  test('are listed, and answered with their result', async () => {
    const run = await site.startCart();
    await signal(run, 'addItem', '"lamp" 2');
    const types = await call('QueryWorkflow', run, { query: { queryType: '__query_types' } });
    expect(jsonOf(types.queryResult.data)).toEqual(expect.arrayContaining(['contents', 'countOf']));
    await eventually(async () => {
      const { queryResult, queryRejected } = await call('QueryWorkflow', run, {
        query: { queryType: 'countOf', queryArgs: payload('"lamp"') },
      });
      expect([jsonOf(queryResult.data), queryRejected]).toEqual([2, null]);
    });
    const contents = await call('QueryWorkflow', run, { query: { queryType: 'contents', queryArgs: payload('') } });
    expect(jsonOf(contents.queryResult.data)).toEqual({ lamp: 2 });
  });

  test('have the stack trace as text', async () => {
    const run = await site.startCart();
    const { queryResult } = await call('QueryWorkflow', run, { query: { queryType: '__stack_trace' } });
    expect(jsonOf(queryResult.data)).toMatch(/cart/);
  });

  test('that are not known name those that are', async () => {
    const run = await site.startCart();
    const answer = call('QueryWorkflow', run, { query: { queryType: 'nothing' } });
    await expect(answer).rejects.toMatchObject({
      code: 3,
      message: expect.stringMatching(/(KnownQueryTypes|knownTypes)=\[(.*)?\]/),
    });
  });
});

describe('the action', () => {
  test('cancel asks the workflow to end', async () => {
    const run = await site.startCart();
    const cause = 'Requesting workflow cancellation from cadence-web UI';
    expect(await call('RequestCancelWorkflowExecution', run, { cause })).toEqual({});
    await eventually(async () => expect(await statusOf(run)).toBe('WORKFLOW_EXECUTION_CLOSE_STATUS_CANCELED'));
    const again = call('RequestCancelWorkflowExecution', run, { cause });
    await expect(again).rejects.toMatchObject({ code: 5, message: expect.stringMatching(/already completed/) });
  });

  test('terminate ends it, with its reason in the history', async () => {
    const run = await site.startCart();
    const reason = 'Terminating workflow from cadence-web UI';
    expect(await call('TerminateWorkflowExecution', run, { reason })).toEqual({});
    expect(await statusOf(run)).toBe('WORKFLOW_EXECUTION_CLOSE_STATUS_TERMINATED');
    expect((await eventsOf(run)).at(-1).workflowExecutionTerminatedEventAttributes).toMatchObject({ reason });
  });

  test('restart runs it anew with the same input', async () => {
    const run = await site.startCart({ memo: { fields: { note: payload('"hi"') } } });
    const { runId } = await call('RestartWorkflowExecution', run, {
      reason: 'Restarting workflow from cadence-web UI',
      identity: undefined,
    });
    expect(runId).not.toBe(run.runId);
    expect(await statusOf(run)).toBe('WORKFLOW_EXECUTION_CLOSE_STATUS_TERMINATED');
    const { workflowExecutionInfo } = await call('DescribeWorkflowExecution', { ...run, runId });
    expect(workflowExecutionInfo).toMatchObject({
      type: { name: 'cart' },
      closeStatus: 'WORKFLOW_EXECUTION_CLOSE_STATUS_INVALID',
    });
  });

  test('reset goes back to a decision', async () => {
    const run = await site.startCart();
    await eventually(async () => expect((await eventsOf(run)).length).toBeGreaterThanOrEqual(4));
    const { runId } = await call('ResetWorkflowExecution', run, {
      reason: 'Resetting workflow from cadence-web UI',
      decisionFinishEventId: 4,
      requestId: '',
      skipSignalReapply: false,
    });
    expect(runId).toMatch(/^[0-9a-f-]{36}$/);
    expect(await statusOf(run)).toBe('WORKFLOW_EXECUTION_CLOSE_STATUS_TERMINATED');
    expect(await statusOf({ ...run, runId })).toBe('WORKFLOW_EXECUTION_CLOSE_STATUS_INVALID');
  });

  test('signal reaches it', async () => {
    const run = await site.startCart();
    expect(await signal(run, 'addItem', '"lamp" 1')).toEqual({});
    expect(await signal(run, 'checkOut')).toEqual({});
    await eventually(async () => expect(await statusOf(run)).toBe('WORKFLOW_EXECUTION_CLOSE_STATUS_COMPLETED'));
    expect(jsonOf((await eventsOf(run)).at(-1).workflowExecutionCompletedEventAttributes.result.data)).toEqual({
      lamp: 1,
    });
  });

  test('start takes a first run that is later, whose seconds may be a fraction, and a schedule', async () => {
    const firstRunMs = Date.now() + 3_600_500;
    const later = await site.startCart({
      firstRunAt: { seconds: firstRunMs / 1000, nanos: (firstRunMs % 1000) * 1_000_000 },
    });
    const { workflowExecutionInfo } = await call('DescribeWorkflowExecution', later);
    expect(Math.abs(timeOf(workflowExecutionInfo.executionTime) - firstRunMs)).toBeLessThan(2000);
    const cron = await site.startCart({ cronSchedule: '0 0 1 1 *' });
    expect((await call('DescribeWorkflowExecution', cron)).workflowExecutionInfo.isCron).toBe(true);
    await expect(site.startCart({ workflowId: later.workflowId })).rejects.toMatchObject({ code: 6 });
    for (const run of [later, cron]) await call('TerminateWorkflowExecution', run, { reason: 'done' });
  });
});
