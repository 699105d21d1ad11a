// Schedules and batches where calls are authenticated: the service's own workers need no token, and nobody gets more through them than he has.
import { randomUUID } from 'node:crypto';
import {
  CreateScheduleRequest,
  DeleteScheduleRequest,
  DescribeScheduleRequest,
  DescribeWorkflowExecutionRequest,
  PollForDecisionTaskRequest,
  SignalWorkflowExecutionRequest,
  StartWorkflowExecutionRequest,
  WorkflowExecutionCloseStatus as Status,
} from '@antiphon/proto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RemoteFrontendClient } from '#rpc';
import { type SecureServer, startSecureServer } from '../../support/security/secure-server.ts';
import { action, creation, json, seconds, until } from './harness.ts';

let server: SecureServer;
beforeAll(async () => {
  server = await startSecureServer();
});
afterAll(() => server.stop());

const DENIED = { kind: 'AccessDenied', message: 'Request unauthorized.' };
const of = (scheduleId: string) => ({ domain: 'shop', scheduleId });
const describeSchedule = (client: RemoteFrontendClient, scheduleId: string) =>
  client.schedule.describeSchedule(DescribeScheduleRequest.fromPartial(of(scheduleId)), { timeoutMs: 20_000 });

const startAs = (client: RemoteFrontendClient, domain: string, type: string, taskList: string, input: unknown) => {
  const workflowId = randomUUID();
  return client.workflow
    .startWorkflowExecution(
      StartWorkflowExecutionRequest.fromPartial({
        domain,
        workflowId,
        requestId: randomUUID(),
        workflowType: { name: type },
        taskList: { name: taskList },
        input: json(input),
        executionStartToCloseTimeout: seconds(600),
        taskStartToCloseTimeout: seconds(10),
      }),
    )
    .then(() => workflowId);
};
const closeStatus = async (domain: string, workflowId: string) =>
  (
    await server
      .client('admin')
      .workflow.describeWorkflowExecution(
        DescribeWorkflowExecutionRequest.fromPartial({ domain, workflowExecution: { workflowId } }),
      )
  ).workflowExecutionInfo?.closeStatus;

test('a writer has schedules, which run without a token of their own; readers may only look', async () => {
  await server.client('writer').schedule.createSchedule(creation('allowed', { domain: 'shop' }));
  await until(async () => Number((await describeSchedule(server.client('reader'), 'allowed')).info?.totalRuns)).toBe(1);
  const remove = DeleteScheduleRequest.fromPartial(of('allowed'));
  for (const role of ['no token', 'reader', 'process', 'other writer'] as const) {
    await expect(server.client(role).schedule.deleteSchedule(remove)).rejects.toMatchObject(DENIED);
    await expect(
      server
        .client(role)
        .schedule.createSchedule(CreateScheduleRequest.fromPartial({ ...of('mine'), action: action() })),
    ).rejects.toMatchObject(DENIED);
  }
  await expect(describeSchedule(server.client('other reader'), 'allowed')).rejects.toMatchObject(DENIED);
  await server.client('writer').schedule.deleteSchedule(remove);
});

test('batches of any domain are for admins', async () => {
  const victim = await startAs(server.client('writer'), 'shop', 'Order', 'orders', {});
  const params = {
    DomainName: 'shop',
    Query: `WorkflowID = '${victim}'`,
    Reason: 'test',
    BatchType: 'terminate',
  };
  const job = ['cadence-sys-batch-workflow', 'cadence-sys-batcher-tasklist', params] as const;
  await expect(startAs(server.client('writer'), 'cadence-batcher', ...job)).rejects.toMatchObject(DENIED);
  await expect(startAs(server.client('other writer'), 'cadence-batcher', ...job)).rejects.toMatchObject(DENIED);

  // In his own domain the workflow finds nobody who would work on it.
  const stray = await startAs(
    server.client('other writer'),
    'other',
    'cadence-sys-batch-workflow',
    'cadence-scheduler',
    params,
  );
  const { workflow } = server.client('admin');
  await until(async () => {
    const { pendingActivities } = await workflow.describeWorkflowExecution(
      DescribeWorkflowExecutionRequest.fromPartial({ domain: 'other', workflowExecution: { workflowId: stray } }),
    );
    return pendingActivities[0]?.lastFailure?.reason;
  }).toBe('ActivityNotRegistered');
  expect(await closeStatus('shop', victim)).toBe(0);

  await until(async () => {
    const id = await startAs(server.client('admin'), 'cadence-batcher', ...job);
    await until(() => closeStatus('cadence-batcher', id)).toBe(Status.WORKFLOW_EXECUTION_CLOSE_STATUS_COMPLETED);
    return closeStatus('shop', victim);
  }).toBe(Status.WORKFLOW_EXECUTION_CLOSE_STATUS_TERMINATED);
});

test('nobody polls for the service, an admin neither', async () => {
  await expect(
    server
      .client('admin')
      .worker.pollForDecisionTask(
        PollForDecisionTaskRequest.fromPartial({ domain: 'shop', taskList: { name: 'cadence-scheduler' } }),
        { timeoutMs: 5_000 },
      ),
  ).rejects.toMatchObject({ kind: 'BadRequest' });
});

test('a workflow that only calls itself a schedule ends, and one that is sent nonsense pauses', async () => {
  const writer = server.client('writer');
  const stray = await startAs(writer, 'shop', 'cadence-scheduler', 'cadence-scheduler', { hello: 1 });
  await until(() => closeStatus('shop', stray)).toBe(Status.WORKFLOW_EXECUTION_CLOSE_STATUS_FAILED);

  await writer.schedule.createSchedule(creation('abused', { domain: 'shop', spec: { cronExpression: '@daily' } }));
  await writer.workflow.signalWorkflowExecution(
    SignalWorkflowExecutionRequest.fromPartial({
      domain: 'shop',
      workflowExecution: { workflowId: 'cadence-scheduler:abused' },
      signalName: 'scheduler-update',
      signalInput: json({ spec: { cron: 'whenever', jitterMs: 0 } }),
    }),
  );
  await expect(describeSchedule(writer, 'abused')).rejects.toMatchObject({ kind: 'BadRequest' });
  // The API puts it right again.
  await writer.schedule.updateSchedule({
    ...of('abused'),
    spec: { cronExpression: '@hourly', startTime: undefined, endTime: undefined, jitter: undefined },
    action: undefined,
    policies: undefined,
    searchAttributes: undefined,
  });
  await until(async () => (await describeSchedule(writer, 'abused')).state?.pauseInfo?.reason).toMatch(/^invalid: /);
  await writer.schedule.deleteSchedule(DeleteScheduleRequest.fromPartial(of('abused')));
});
