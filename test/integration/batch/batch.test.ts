// Batch jobs as Cadence's CLI starts them: its input, its domain, its way of looking.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  ContinueAsNewWorkflowExecutionDecisionAttributes,
  CountWorkflowExecutionsRequest,
  type Decision,
  DescribeWorkflowExecutionRequest,
  EventFilterType,
  GetWorkflowExecutionHistoryRequest,
  type HistoryEvent,
  ListWorkflowExecutionsRequest,
  PollForDecisionTaskRequest,
  RespondDecisionTaskCompletedRequest,
  StartWorkflowExecutionRequest,
  WorkflowExecutionCloseStatus as Status,
  TerminateWorkflowExecutionRequest,
} from '@antiphon/proto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RemoteFrontendClient } from '#rpc';
import { DOMAIN, openServer, seconds, type TestServer, until } from '../schedules/harness.ts';

let server: TestServer;
let client: RemoteFrontendClient;
beforeAll(async () => {
  server = await openServer();
  client = server.client;
});
afterAll(() => server.stop());

const startRun = async (on: RemoteFrontendClient, workflowId: string, type: string): Promise<string> => {
  const { runId } = await on.workflow.startWorkflowExecution(
    StartWorkflowExecutionRequest.fromPartial({
      domain: DOMAIN,
      workflowId,
      requestId: randomUUID(),
      workflowType: { name: type },
      taskList: { name: `list-of-${type}` },
      executionStartToCloseTimeout: seconds(600),
      taskStartToCloseTimeout: seconds(10),
    }),
  );
  return runId;
};

const startRuns = async (on: RemoteFrontendClient, type: string, count: number): Promise<string[]> => {
  const ids = Array.from({ length: count }, (_, i) => `${type}-${String(i).padStart(3, '0')}`);
  await Promise.all(ids.map((id) => startRun(on, id, type)));
  const query = `WorkflowType = '${type}' AND CloseTime = missing`;
  await until(async () =>
    Number(
      (
        await on.visibility.countWorkflowExecutions(
          CountWorkflowExecutionsRequest.fromPartial({ domain: DOMAIN, query }),
        )
      ).count,
    ),
  ).toBe(count);
  return ids;
};

/** As the CLI writes it. */
const params = (type: string, batchType: string, fields: object = {}) => ({
  DomainName: DOMAIN,
  Query: `WorkflowType = '${type}' AND CloseTime = missing`,
  Reason: 'spring cleaning',
  BatchType: batchType,
  TerminateParams: { TerminateChildren: null },
  CancelParams: { CancelChildren: null },
  SignalParams: { SignalName: '', Input: '' },
  ReplicateParams: { SourceCluster: '', TargetCluster: '' },
  RPS: 500,
  Concurrency: 5,
  PageSize: 1000,
  AttemptsOnRetryableError: 50,
  ActivityHeartBeatTimeout: 10_000_000_000,
  MaxActivityRetries: 4,
  NonRetryableErrors: null,
  ...fields,
});

const startJob = async (on: RemoteFrontendClient, input: object): Promise<string> => {
  const workflowId = randomUUID();
  await on.workflow.startWorkflowExecution(
    StartWorkflowExecutionRequest.fromPartial({
      domain: 'cadence-batcher',
      workflowId,
      requestId: randomUUID(),
      workflowType: { name: 'cadence-sys-batch-workflow' },
      taskList: { name: 'cadence-sys-batcher-tasklist' },
      input: { data: Buffer.from(JSON.stringify(input)) },
      executionStartToCloseTimeout: seconds(630_720_000),
      taskStartToCloseTimeout: seconds(10),
      retryPolicy: {
        initialInterval: seconds(10),
        backoffCoefficient: 1.7,
        maximumInterval: seconds(300),
        expirationInterval: seconds(630_720_000),
        nonRetryableErrorReasons: ['non-retriable-error'],
      },
    }),
  );
  return workflowId;
};

const describeRun = (on: RemoteFrontendClient, domain: string, workflowId: string) =>
  on.workflow.describeWorkflowExecution(
    DescribeWorkflowExecutionRequest.fromPartial({ domain, workflowExecution: { workflowId } }),
  );

const closeOf = async (
  on: RemoteFrontendClient,
  domain: string,
  workflowId: string,
): Promise<HistoryEvent['attributes']> => {
  const page = await on.workflow.getWorkflowExecutionHistory(
    GetWorkflowExecutionHistoryRequest.fromPartial({
      domain,
      workflowExecution: { workflowId },
      waitForNewEvent: true,
      historyEventFilterType: EventFilterType.EVENT_FILTER_TYPE_CLOSE_EVENT,
    }),
    { timeoutMs: 60_000 },
  );
  return page.history?.events.at(-1)?.attributes;
};

const resultOf = async (on: RemoteFrontendClient, jobId: string): Promise<unknown> => {
  const close = await closeOf(on, 'cadence-batcher', jobId);
  if (close?.$case !== 'workflowExecutionCompletedEventAttributes') return close;
  return JSON.parse(Buffer.from(close.value.result?.data ?? []).toString());
};

const eventsOf = async (on: RemoteFrontendClient, workflowId: string): Promise<HistoryEvent[]> => {
  const page = await on.workflow.getWorkflowExecutionHistory(
    GetWorkflowExecutionHistoryRequest.fromPartial({ domain: DOMAIN, workflowExecution: { workflowId } }),
  );
  return page.history?.events ?? [];
};
const kindsOf = async (on: RemoteFrontendClient, workflowId: string) =>
  (await eventsOf(on, workflowId)).map(({ attributes }) => attributes?.$case.replace('EventAttributes', ''));

describe('a batch job', () => {
  test('terminates what its query finds, and nothing else', async () => {
    const ids = await startRuns(client, 'Doomed', 12);
    await startRuns(client, 'Spared', 2);
    const jobId = await startJob(client, params('Doomed', 'terminate', { PageSize: 5 }));
    expect(await resultOf(client, jobId)).toMatchObject({
      TotalEstimate: 12,
      SuccessCount: 12,
      ErrorCount: 0,
      PageToken: null,
    });
    for (const id of ids) {
      const { workflowExecutionInfo } = await describeRun(client, DOMAIN, id);
      expect(workflowExecutionInfo?.closeStatus).toBe(Status.WORKFLOW_EXECUTION_CLOSE_STATUS_TERMINATED);
    }
    expect((await eventsOf(client, ids[0] ?? '')).at(-1)?.attributes).toMatchObject({
      value: { reason: 'spring cleaning', identity: 'cadence-batcher' },
    });
    expect((await describeRun(client, DOMAIN, 'Spared-000')).workflowExecutionInfo?.closeTime).toBeUndefined();
  });

  test('signals, with the input as it was given', async () => {
    await startRuns(client, 'Listener', 3);
    const signal = { SignalParams: { SignalName: 'hello', Input: '"to you"' } };
    expect(await resultOf(client, await startJob(client, params('Listener', 'signal', signal)))).toMatchObject({
      SuccessCount: 3,
    });
    const signalled = (await eventsOf(client, 'Listener-001')).at(-1)?.attributes;
    expect(signalled).toMatchObject({ value: { signalName: 'hello', input: { data: Buffer.from('"to you"') } } });
  });

  test('cancels, and takes a run that is cancelled already as done', async () => {
    await startRuns(client, 'Tired', 3);
    const input = params('Tired', 'cancel');
    expect(await resultOf(client, await startJob(client, input))).toMatchObject({ SuccessCount: 3, ErrorCount: 0 });
    expect(await resultOf(client, await startJob(client, input))).toMatchObject({ SuccessCount: 3, ErrorCount: 0 });
    const kinds = await kindsOf(client, 'Tired-002');
    expect(kinds.filter((kind) => kind === 'workflowExecutionCancelRequested')).toHaveLength(1);
  });

  test('resets to the last decision, and counts what it cannot reset', async () => {
    await startRuns(client, 'Lost', 2);
    const task = await client.worker.pollForDecisionTask(
      PollForDecisionTaskRequest.fromPartial({ domain: DOMAIN, taskList: { name: 'list-of-Lost' }, identity: 'test' }),
      { timeoutMs: 10_000 },
    );
    await client.worker.respondDecisionTaskCompleted(
      RespondDecisionTaskCompletedRequest.fromPartial({ taskToken: task.taskToken, identity: 'test' }),
    );
    const id = task.workflowExecution?.workflowId ?? '';
    const before = (await describeRun(client, DOMAIN, id)).workflowExecutionInfo?.workflowExecution?.runId;
    const jobId = await startJob(
      client,
      params('Lost', 'reset', { ResetParams: { ResetType: 'LastDecisionCompleted' } }),
    );
    expect(await resultOf(client, jobId)).toMatchObject({ SuccessCount: 1, ErrorCount: 1 });
    expect((await describeRun(client, DOMAIN, id)).workflowExecutionInfo?.workflowExecution?.runId).not.toBe(before);
  });

  test('resets to the time, the bad build, or the run before that it is told', async () => {
    const decide = async (type: string, attributes: Decision['attributes']) => {
      const task = await client.worker.pollForDecisionTask(
        PollForDecisionTaskRequest.fromPartial({
          domain: DOMAIN,
          taskList: { name: `list-of-${type}` },
          identity: 'test',
          binaryChecksum: 'bad',
        }),
        { timeoutMs: 10_000 },
      );
      const decisions = attributes === undefined ? [] : [{ attributes }];
      await client.worker.respondDecisionTaskCompleted(
        RespondDecisionTaskCompletedRequest.fromPartial({
          taskToken: task.taskToken,
          decisions,
          binaryChecksum: 'bad',
        }),
      );
    };
    const runOf = async (id: string) =>
      (await describeRun(client, DOMAIN, id)).workflowExecutionInfo?.workflowExecution?.runId;
    const how: readonly (readonly [string, object])[] = [
      ['Timed', { ResetType: 'DecisionCompletedTime', EarliestTime: '2020-01-01T00:00:00Z' }],
      ['Built', { ResetType: 'BadBinary', BadBinaryChecksum: 'bad' }],
      ['Chained', { ResetType: 'LastContinuedAsNew' }],
    ];
    for (const [type, ResetParams] of how) {
      await startRuns(client, type, 1);
      const again = ContinueAsNewWorkflowExecutionDecisionAttributes.fromPartial({
        workflowType: { name: type },
        taskList: { name: `list-of-${type}` },
        executionStartToCloseTimeout: seconds(600),
        taskStartToCloseTimeout: seconds(10),
      });
      await decide(
        type,
        type === 'Chained' ? { $case: 'continueAsNewWorkflowExecutionDecisionAttributes', value: again } : undefined,
      );
      const query = `WorkflowType = '${type}' AND CloseTime = missing`;
      await until(async () => {
        const found = await client.visibility.listWorkflowExecutions(
          ListWorkflowExecutionsRequest.fromPartial({ domain: DOMAIN, query }),
        );
        return found.executions.map(({ workflowExecution }) => workflowExecution?.runId);
      }).toEqual([await runOf(`${type}-000`)]);
      const before = await runOf(`${type}-000`);
      expect(await resultOf(client, await startJob(client, params(type, 'reset', { ResetParams })))).toMatchObject({
        SuccessCount: 1,
        ErrorCount: 0,
      });
      expect(await runOf(`${type}-000`)).not.toBe(before);
    }
  });

  test('shows how far it is, keeps to its rate, and can be stopped', async () => {
    await startRuns(client, 'Slow', 40);
    const startedMs = Date.now();
    const jobId = await startJob(
      client,
      params('Slow', 'signal', {
        RPS: 10,
        SignalParams: { SignalName: 's', Input: '' },
        ActivityHeartBeatTimeout: 1_000_000_000,
      }),
    );
    const progress = async () => {
      const { pendingActivities } = await describeRun(client, 'cadence-batcher', jobId);
      const details = pendingActivities[0]?.heartbeatDetails?.data;
      return details === undefined ? undefined : JSON.parse(Buffer.from(details).toString());
    };
    await until(async () => (await progress())?.SuccessCount).toBeGreaterThanOrEqual(5);
    const seen = await progress();
    const elapsedSeconds = (Date.now() - startedMs) / 1000;
    expect(seen).toMatchObject({ TotalEstimate: 40, CurrentPage: 0, ErrorCount: 0 });
    expect(seen.SuccessCount).toBeLessThanOrEqual(elapsedSeconds * 10 + 1);
    await client.workflow.terminateWorkflowExecution(
      TerminateWorkflowExecutionRequest.fromPartial({
        domain: 'cadence-batcher',
        workflowExecution: { workflowId: jobId },
        reason: 'enough',
      }),
    );
    expect((await describeRun(client, 'cadence-batcher', jobId)).workflowExecutionInfo?.closeStatus).toBe(
      Status.WORKFLOW_EXECUTION_CLOSE_STATUS_TERMINATED,
    );
    const signalled = async () => {
      let count = 0;
      for (let i = 0; i < 40; i++) {
        const { workflowExecutionInfo } = await describeRun(client, DOMAIN, `Slow-${String(i).padStart(3, '0')}`);
        if (Number(workflowExecutionInfo?.historyLength) > 2) count++;
      }
      return count;
    };
    // Its worker hears of it with the next heartbeat.
    await until(async () => {
      const before = await signalled();
      return (await signalled()) - before;
    }).toBe(0);
    expect(await signalled()).toBeLessThan(40);
  });

  test('fails at once when it cannot be done', async () => {
    const wrong: readonly (readonly [object, RegExp])[] = [
      [params('X', 'dance'), /not supported batch type: dance/],
      [params('X', 'signal'), /must provide signal name/],
      [
        params('X', 'terminate', { Query: '' }),
        /must provide required parameters: BatchType\/Reason\/DomainName\/Query/,
      ],
      [params('X', 'terminate', { Query: 'Colour = 1' }), /Colour/],
      [params('X', 'terminate', { DomainName: 'nowhere' }), /Domain nowhere does not exist/],
      [
        params('X', 'reset', { ResetParams: { ResetType: 'BadBinary' } }),
        /reset type BadBinary needs BadBinaryChecksum/,
      ],
      [params('X', 'reset', { ResetParams: { ResetType: 'Yesterday' } }), /reset type Yesterday is not one of/],
    ];
    for (const [input, text] of wrong) {
      const close = await closeOf(client, 'cadence-batcher', await startJob(client, input));
      expect(close?.$case).toBe('workflowExecutionFailedEventAttributes');
      if (close?.$case !== 'workflowExecutionFailedEventAttributes') continue;
      expect(Buffer.from(close.value.failure?.details ?? []).toString()).toMatch(text);
    }
  });
});

test('a job goes on after a restart, and does nothing twice', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'antiphon-batch-'));
  const file = path.join(folder, 'antiphon.db');
  let restarted = await openServer(file);
  try {
    const ids = await startRuns(restarted.client, 'Kept', 40);
    const jobId = await startJob(
      restarted.client,
      params('Kept', 'signal', {
        RPS: 20,
        PageSize: 7,
        SignalParams: { SignalName: 'once', Input: '' },
        ActivityHeartBeatTimeout: 2_000_000_000,
      }),
    );
    const signals = async (id: string) =>
      (await kindsOf(restarted.client, id)).filter((kind) => kind === 'workflowExecutionSignaled').length;
    await until(async () => (await Promise.all(ids.map(signals))).reduce((sum, n) => sum + n, 0)).toBeGreaterThan(8);
    await restarted.stop();
    restarted = await openServer(file);
    expect(await resultOf(restarted.client, jobId)).toMatchObject({ SuccessCount: 40, ErrorCount: 0 });
    expect(new Set(await Promise.all(ids.map(signals)))).toEqual(new Set([1]));
  } finally {
    await restarted.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
