// DiagnoseWorkflowExecution over the wire: the diagnosis is a workflow of the service, and its report names what is wrong with the run.
import { randomUUID } from 'node:crypto';
import {
  DiagnoseWorkflowExecutionRequest,
  EventFilterType,
  GetWorkflowExecutionHistoryRequest,
  PollForActivityTaskRequest,
  PollForDecisionTaskRequest,
  RespondActivityTaskFailedRequest,
  RespondDecisionTaskCompletedRequest,
} from '@antiphon/proto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { orderStart } from '../../support/order-start.ts';
import { DOMAIN, openServer, seconds, type TestServer } from '../schedules/harness.ts';

let server: TestServer;
beforeAll(async () => {
  server = await openServer();
});
afterAll(() => server.stop());

const start = async (workflowId: string, executionSeconds = 600) => {
  const { runId } = await server.client.workflow.startWorkflowExecution(
    orderStart(DOMAIN, workflowId, { executionStartToCloseTimeout: seconds(executionSeconds) }),
  );
  return { workflowId, runId };
};
const decide = async (workflowId: string, activityId: string, fields: object) => {
  const taskList = { name: workflowId };
  const { taskToken } = await server.client.worker.pollForDecisionTask(
    PollForDecisionTaskRequest.fromPartial({ domain: DOMAIN, taskList, identity: 'tests' }),
  );
  const value = {
    activityId,
    activityType: { name: 'Pay' },
    taskList,
    scheduleToCloseTimeout: seconds(30),
    scheduleToStartTimeout: seconds(30),
    startToCloseTimeout: seconds(30),
    ...fields,
  };
  await server.client.worker.respondDecisionTaskCompleted(
    RespondDecisionTaskCompletedRequest.fromPartial({
      taskToken,
      decisions: [{ attributes: { $case: 'scheduleActivityTaskDecisionAttributes', value } }],
    }),
  );
};
const diagnose = (execution: object | undefined) =>
  server.client.workflow.diagnoseWorkflowExecution(
    DiagnoseWorkflowExecutionRequest.fromPartial({ domain: DOMAIN, workflowExecution: execution, identity: 'tests' }),
  );
const closed = async (domain: string, workflowExecution: object | undefined) => {
  const { history } = await server.client.workflow.getWorkflowExecutionHistory(
    GetWorkflowExecutionHistoryRequest.fromPartial({
      domain,
      workflowExecution,
      waitForNewEvent: true,
      historyEventFilterType: EventFilterType.EVENT_FILTER_TYPE_CLOSE_EVENT,
    }),
  );
  return history?.events[0]?.attributes;
};
const reportOf = async (execution: object) => {
  const { domain, diagnosticWorkflowExecution } = await diagnose(execution);
  const event = await closed(domain, diagnosticWorkflowExecution);
  if (event?.$case !== 'workflowExecutionCompletedEventAttributes') throw new Error(`it ended with ${event?.$case}`);
  return JSON.parse(Buffer.from(event.value.result?.data ?? []).toString());
};

describe('the diagnosis of a run', () => {
  test('demands workflow id and run id', async () => {
    for (const execution of [undefined, { workflowId: 'w' }, { runId: randomUUID() }]) {
      await expect(diagnose(execution)).rejects.toMatchObject({
        kind: 'BadRequest',
        message: 'Execution is not set on request.',
      });
    }
  });

  test('names failed activities, used-up retries and whose failure it was', async () => {
    const run = await start('failing');
    await decide('failing', 'pay', {
      retryPolicy: { initialInterval: seconds(1), backoffCoefficient: 1, maximumAttempts: 1 },
      heartbeatTimeout: seconds(30),
    });
    const task = await server.client.worker.pollForActivityTask(
      PollForActivityTaskRequest.fromPartial({ domain: DOMAIN, taskList: { name: 'failing' }, identity: 'host-1' }),
    );
    await server.client.worker.respondActivityTaskFailed(
      RespondActivityTaskFailedRequest.fromPartial({
        taskToken: task.taskToken,
        failure: { reason: 'cadenceInternal:Panic' },
        identity: 'host-1',
      }),
    );
    const report = await reportOf(run);
    expect(report.DiagnosticsCompleted).toBe(true);
    expect(report.DiagnosticsResult.Failures).toMatchObject({
      Issues: [
        {
          IssueID: 0,
          InvariantType: 'Activity Failed',
          Reason: 'The failure is caused by a panic in the service code',
          Metadata: { Identity: 'host-1', ActivityType: 'Pay', ActivityScheduledID: 5 },
        },
      ],
      RootCause: [{ IssueID: 0, RootCauseType: 'There is a panic in the activity/workflow that is causing a failure' }],
    });
    expect(report.DiagnosticsResult.Retries.Issues).toMatchObject([
      { InvariantType: 'Activity Retry configured but invalid' },
      { InvariantType: 'Activity Heartbeat configured but invalid' },
      { InvariantType: 'Activity retries exhausted', Reason: 'all 1 attempts were used' },
    ]);
    expect(report.DiagnosticsResult.Timeouts).toBeNull();
  });

  test('says that nobody polls when an activity or the run timed out', async () => {
    const run = await start('lonely', 2);
    await decide('lonely', 'pay', { taskList: { name: 'nobody' }, scheduleToStartTimeout: seconds(1) });
    expect((await closed(DOMAIN, run))?.$case).toBe('workflowExecutionTimedOutEventAttributes');
    const { Timeouts } = (await reportOf(run)).DiagnosticsResult;
    expect(Timeouts.Issues).toMatchObject([
      {
        InvariantType: 'Activity task has timed out',
        Reason: 'SCHEDULE_TO_START',
        Metadata: { ActivityTimeout: { ConfiguredTimeout: 1e9, Tasklist: { name: 'nobody' } } },
      },
      {
        InvariantType: 'The Workflow Execution has timed out',
        Metadata: { ExecutionTimeout: { ConfiguredTimeout: 2e9 } },
      },
    ]);
    expect(Timeouts.RootCause[0]).toMatchObject({
      IssueID: 0,
      RootCauseType: 'There are no pollers for the tasklist',
      Metadata: { PollersMetadata: { TaskListName: 'nobody' } },
    });
  });

  test('of a run that retries says which activity fails and why', async () => {
    const run = await start('retrying');
    await decide('retrying', 'pay', {
      retryPolicy: { initialInterval: seconds(20), backoffCoefficient: 1, maximumAttempts: 5 },
    });
    const task = await server.client.worker.pollForActivityTask(
      PollForActivityTaskRequest.fromPartial({ domain: DOMAIN, taskList: { name: 'retrying' }, identity: 'host-1' }),
    );
    await server.client.worker.respondActivityTaskFailed(
      RespondActivityTaskFailedRequest.fromPartial({ taskToken: task.taskToken, failure: { reason: 'card refused' } }),
    );
    const { Pending } = (await reportOf(run)).DiagnosticsResult;
    expect(Pending.Issues).toMatchObject([
      { InvariantType: 'Activity keeps failing', Reason: 'Attempt 1 of 5 ended with: card refused' },
    ]);
  });

  test('fails, naming the reason, when there is no such run', async () => {
    const { domain, diagnosticWorkflowExecution } = await diagnose({ workflowId: 'none', runId: randomUUID() });
    const event = await closed(domain, diagnosticWorkflowExecution);
    expect(event?.$case).toBe('workflowExecutionFailedEventAttributes');
  });

  test('is named again, not doubled, while it is at work', async () => {
    const run = await start('twice');
    const [first, second] = await Promise.all([diagnose(run), diagnose(run)]);
    expect(second.diagnosticWorkflowExecution).toEqual(first.diagnosticWorkflowExecution);
    expect(first.diagnosticWorkflowExecution?.workflowId).toBe(`${DOMAIN}-${run.runId}`);
  });
});
