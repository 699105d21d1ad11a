// A workflow from start to end through the gRPC door of a whole region on memory: what the frontend hands out, it takes back.
import {
  type Decision,
  GetWorkflowExecutionHistoryRequest,
  ListClosedWorkflowExecutionsRequest,
  PollForActivityTaskRequest,
  PollForDecisionTaskRequest,
  QueryWorkflowRequest,
  RespondActivityTaskCompletedRequest,
  RespondDecisionTaskCompletedRequest,
  RespondQueryTaskCompletedRequest,
  RestartWorkflowExecutionRequest,
  SignalWorkflowExecutionRequest,
  StartWorkflowExecutionRequest,
} from '@antiphon/proto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRealEnv } from '#env';
import { createRemoteFrontendClient, type RemoteFrontendClient } from '#rpc';
import { openTarget, type Target } from './bad-input/target.ts';

const seconds = (value: number) => ({ seconds: BigInt(value), nanos: 0 });
const text = (value: string) => ({ data: new TextEncoder().encode(value) });
let requests = 0;
const start = (workflowId: string): StartWorkflowExecutionRequest => ({
  ...StartWorkflowExecutionRequest.fromPartial({
    domain: 'shop',
    workflowId,
    workflowType: { name: 'Order' },
    taskList: { name: workflowId },
    requestId: `5b0a7b8e-7b9c-4c59-9d43-${String(requests++).padStart(12, '0')}`,
  }),
  executionStartToCloseTimeout: seconds(60),
  taskStartToCloseTimeout: seconds(10),
});
const activity: Decision['attributes'] = {
  $case: 'scheduleActivityTaskDecisionAttributes',
  value: {
    activityId: 'pay',
    activityType: { name: 'Pay' },
    domain: '',
    taskList: undefined,
    input: text('5 EUR'),
    scheduleToCloseTimeout: seconds(30),
    scheduleToStartTimeout: seconds(30),
    startToCloseTimeout: seconds(30),
    heartbeatTimeout: undefined,
    retryPolicy: undefined,
    header: undefined,
    requestLocalDispatch: false,
  },
};
const complete: Decision['attributes'] = {
  $case: 'completeWorkflowExecutionDecisionAttributes',
  value: { result: text('paid') },
};

let target: Target;
let client: RemoteFrontendClient;
beforeAll(async () => {
  target = await openTarget();
  client = createRemoteFrontendClient(target.address, { env: createRealEnv() });
});
afterAll(async () => {
  client.close();
  await target.close();
});

const pollDecision = (name: string) =>
  client.worker.pollForDecisionTask(
    PollForDecisionTaskRequest.fromPartial({ domain: 'shop', taskList: { name }, identity: 'tests' }),
  );
const decide = (taskToken: Uint8Array, attributes: Decision['attributes'], returnNewDecisionTask = false) =>
  client.worker.respondDecisionTaskCompleted({
    ...RespondDecisionTaskCompletedRequest.create(),
    taskToken,
    decisions: attributes === undefined ? [] : [{ attributes }],
    returnNewDecisionTask,
    forceCreateNewDecisionTask: attributes === undefined,
  });
const kinds = (history: { events: readonly { attributes?: { $case: string } | undefined }[] } | undefined) =>
  history?.events.map(({ attributes }) => attributes?.$case.replace('EventAttributes', ''));

describe('a region behind gRPC', () => {
  test('runs a workflow with an activity and a signal to its end', async () => {
    const { runId } = await client.workflow.startWorkflowExecution(start('order-1'));
    const workflowExecution = { workflowId: 'order-1', runId };
    const first = await pollDecision('order-1');
    expect(kinds(first.history)).toEqual(['workflowExecutionStarted', 'decisionTaskScheduled', 'decisionTaskStarted']);
    await decide(first.taskToken, activity);

    const task = await client.worker.pollForActivityTask(
      PollForActivityTaskRequest.fromPartial({ domain: 'shop', taskList: { name: 'order-1' }, identity: 'tests' }),
    );
    expect(task).toMatchObject({ activityId: 'pay', workflowExecution });
    await client.workflow.signalWorkflowExecution(
      SignalWorkflowExecutionRequest.fromPartial({ domain: 'shop', workflowExecution, signalName: 'hurry' }),
    );
    const signalled = await pollDecision('order-1');
    expect(kinds(signalled.history)).toContain('workflowExecutionSignaled');
    await decide(signalled.taskToken, undefined);
    await client.worker.respondActivityTaskCompleted(
      RespondActivityTaskCompletedRequest.fromPartial({
        taskToken: task.taskToken,
        result: text('ok'),
        identity: 'tests',
      }),
    );
    const last = await pollDecision('order-1');
    await decide(last.taskToken, complete);
    await expect(decide(last.taskToken, complete)).rejects.toMatchObject({ kind: /Completed|EntityNotExists/ });

    const page = await client.workflow.getWorkflowExecutionHistory(
      GetWorkflowExecutionHistoryRequest.fromPartial({ domain: 'shop', workflowExecution, waitForNewEvent: true }),
    );
    expect(kinds(page.history)?.at(-1)).toBe('workflowExecutionCompleted');
    expect(page.history?.events.map(({ eventId }) => Number(eventId))).toEqual(
      page.history?.events.map((_, i) => i + 1),
    );
    const listed = () =>
      client.visibility.listClosedWorkflowExecutions({
        ...ListClosedWorkflowExecutionsRequest.create(),
        domain: 'shop',
        startTimeFilter: { earliestTime: seconds(0), latestTime: seconds(4_000_000_000) },
      });
    await expect
      .poll(async () => (await listed()).executions.map((row) => row.workflowExecution))
      .toEqual([workflowExecution]);
  });

  test('reads a long history page by page with its own tokens', async () => {
    const { runId } = await client.workflow.startWorkflowExecution(start('pages'));
    const workflowExecution = { workflowId: 'pages', runId };
    for (let i = 0; i < 30; i++) {
      await client.workflow.signalWorkflowExecution(
        SignalWorkflowExecutionRequest.fromPartial({ domain: 'shop', workflowExecution, signalName: `s${i}` }),
      );
    }
    const ids: number[] = [];
    let nextPageToken: Uint8Array = new Uint8Array();
    let pages = 0;
    do {
      const page = await client.workflow.getWorkflowExecutionHistory(
        GetWorkflowExecutionHistoryRequest.fromPartial({
          domain: 'shop',
          workflowExecution,
          pageSize: 7,
          nextPageToken,
        }),
      );
      ids.push(...(page.history?.events ?? []).map(({ eventId }) => Number(eventId)));
      nextPageToken = page.nextPageToken;
      pages++;
    } while (nextPageToken.length > 0);
    expect(pages).toBeGreaterThan(3);
    expect(ids).toEqual(ids.map((_, i) => i + 1));
    expect(ids.length).toBe(32);
  });

  test('hands the next decision out with the answer to the last, token and all', async () => {
    await client.workflow.startWorkflowExecution(start('inline'));
    const first = await pollDecision('inline');
    const { decisionTask } = await decide(first.taskToken, undefined, true);
    expect(decisionTask?.taskToken.length).toBeGreaterThan(0);
    expect(kinds(decisionTask?.history)).toContain('decisionTaskStarted');
    await decide(decisionTask?.taskToken ?? new Uint8Array(), complete);
  });

  test('answers a query through a worker, and restarts a closed run', async () => {
    await client.workflow.startWorkflowExecution(start('asked'));
    const first = await pollDecision('asked');
    await decide(first.taskToken, complete);
    const query = { queryType: 'state', queryArgs: undefined };
    const answer = client.workflow.queryWorkflow(
      QueryWorkflowRequest.fromPartial({ domain: 'shop', workflowExecution: { workflowId: 'asked' }, query }),
    );
    const task = await pollDecision('asked');
    expect(task.query?.queryType).toBe('state');
    await client.worker.respondQueryTaskCompleted(
      RespondQueryTaskCompletedRequest.fromPartial({
        taskToken: task.taskToken,
        result: { resultType: 1, answer: text('fine') },
      }),
    );
    expect(Buffer.from((await answer).queryResult?.data ?? []).toString()).toBe('fine');
    const again = await client.workflow.restartWorkflowExecution(
      RestartWorkflowExecutionRequest.fromPartial({ domain: 'shop', workflowExecution: { workflowId: 'asked' } }),
    );
    expect(again.runId).toMatch(/^[0-9a-f-]{36}$/);
    expect(kinds((await pollDecision('asked')).history)?.[0]).toBe('workflowExecutionStarted');
  });

  test('a duplicate start says which run it met', async () => {
    const { runId } = await client.workflow.startWorkflowExecution(start('twice'));
    await expect(client.workflow.startWorkflowExecution(start('twice'))).rejects.toMatchObject({
      kind: 'WorkflowExecutionAlreadyStarted',
      runId,
    });
  });
});
