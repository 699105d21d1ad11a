// What the frontend makes of good requests, and of callers that go away, ask too much or stand in the wrong region.
import {
  GetWorkflowExecutionHistoryRequest,
  History,
  type HistoryEvent,
  ListArchivedWorkflowExecutionsRequest,
  ListOpenWorkflowExecutionsRequest,
  PollForDecisionTaskRequest,
  PollForDecisionTaskResponse,
  QueryResultType,
  RecordActivityTaskHeartbeatRequest,
  RespondActivityTaskCanceledRequest,
  RespondActivityTaskCompletedByIDRequest,
  RespondActivityTaskCompletedRequest,
  RespondActivityTaskFailedRequest,
  RespondDecisionTaskCompletedRequest,
  RespondQueryTaskCompletedRequest,
  RestartWorkflowExecutionRequest,
  SignalWithStartWorkflowExecutionRequest,
  SignalWorkflowExecutionRequest,
  StartWorkflowExecutionRequest,
  TaskListKind,
  WorkflowExecutionStartedEventAttributes,
  WorkflowIdReusePolicy,
} from '@antiphon/proto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Archiver } from '#archival';
import { alreadyCompleted, DomainNotActiveError } from '#base';
import { QUOTA_KEYS, staticDefault } from '#dynamicconfig';
import { createLocalFrontendClient, encodeQueryTaskToken, encodeTaskToken, SYSTEM_PRINCIPAL } from '#rpc';
import { type Harness, startHarness } from './harness.ts';

const RUN_ID = '5b0a7b8e-7b9c-4c59-9d43-0d7f7a1f2a11';
const seconds = (value: number, nanos = 0) => ({ seconds: BigInt(value), nanos });
const event = (id: number, value?: WorkflowExecutionStartedEventAttributes): HistoryEvent => ({
  eventId: BigInt(id),
  eventTime: undefined,
  version: -24n,
  taskId: 0n,
  attributes:
    value === undefined
      ? { $case: 'timerFiredEventAttributes', value: { timerId: `t${id}`, startedEventId: 1n } }
      : { $case: 'workflowExecutionStartedEventAttributes', value },
});
const blob = (...events: HistoryEvent[]): Uint8Array => History.encode({ events }).finish();
const start = (fields: Partial<StartWorkflowExecutionRequest> = {}): StartWorkflowExecutionRequest => ({
  ...StartWorkflowExecutionRequest.fromPartial({
    domain: 'shop',
    workflowId: 'order-1',
    workflowType: { name: 'Order' },
    taskList: { name: 'orders' },
    requestId: RUN_ID,
  }),
  executionStartToCloseTimeout: seconds(60),
  taskStartToCloseTimeout: seconds(10),
  ...fields,
});

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());
beforeEach(() => {
  harness.calls.length = 0;
  harness.answers = {};
});
const token = async () =>
  encodeTaskToken({
    domainId: await harness.domainId('shop'),
    workflowId: 'order-1',
    runId: RUN_ID,
    scheduleId: 5,
    scheduleAttempt: 1,
  });

describe('starting', () => {
  test('sets the defaults of the wire and truncates to seconds', async () => {
    harness.answers.startWorkflow = async () => ({ runId: RUN_ID });
    const request = start({
      executionStartToCloseTimeout: seconds(60, 900_000_000),
      delayStart: seconds(0, 500_000_000),
    });
    await expect(harness.client.workflow.startWorkflowExecution(request)).resolves.toEqual({ runId: RUN_ID });
    const [sent, options] = harness.calls[0]!.args as [StartWorkflowExecutionRequest, { domainId: string }];
    expect(options.domainId).toBe(await harness.domainId('shop'));
    expect(sent).toMatchObject({
      executionStartToCloseTimeout: seconds(60),
      delayStart: seconds(0),
      jitterStart: undefined,
      // As it was given: the event says no more than the caller.
      taskList: { name: 'orders', kind: TaskListKind.TASK_LIST_KIND_INVALID },
      workflowIdReusePolicy: WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
    });
  });

  test('signal-with-start needs no UUID as request id', async () => {
    harness.answers.signalWithStart = async () => ({ runId: RUN_ID });
    const request = SignalWithStartWorkflowExecutionRequest.fromPartial({
      startRequest: start({ requestId: 'mine' }),
      signalName: 'paid',
    });
    await expect(harness.client.workflow.signalWithStartWorkflowExecution(request)).resolves.toEqual({ runId: RUN_ID });
  });

  test('restart starts a new run like the first event of the old one', async () => {
    const first = WorkflowExecutionStartedEventAttributes.fromPartial({
      workflowType: { name: 'Order' },
      taskList: { name: 'orders' },
      input: { data: Uint8Array.of(1) },
      executionStartToCloseTimeout: seconds(60),
      taskStartToCloseTimeout: seconds(10),
      cronSchedule: '@daily',
    });
    harness.answers.getHistory = async () => ({
      historyBlobs: [blob(event(1, first))],
      nextPageToken: new Uint8Array(),
    });
    harness.answers.startWorkflow = async () => ({ runId: RUN_ID });
    await harness.client.workflow.restartWorkflowExecution(
      RestartWorkflowExecutionRequest.fromPartial({ domain: 'shop', workflowExecution: { workflowId: 'order-1' } }),
    );
    const sent = harness.calls[1]?.args[0] as StartWorkflowExecutionRequest;
    expect(sent).toMatchObject({
      workflowId: 'order-1',
      workflowType: { name: 'Order' },
      cronSchedule: '@daily',
      workflowIdReusePolicy: WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING,
    });
    expect(sent.delayStart).toBeUndefined();
    expect(sent.requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect([...(sent.input?.data ?? [])]).toEqual([1]);
  });
});

describe('polling', () => {
  const poll = (name: string) =>
    PollForDecisionTaskRequest.fromPartial({ domain: 'shop', taskList: { name }, identity: 'tests' });

  test('an idle poll ends empty before its deadline', async () => {
    const answer = await harness.client.worker.pollForDecisionTask(poll('idle'), { timeoutMs: 2500 });
    expect(answer.taskToken).toHaveLength(0);
    expect(answer.history).toBeUndefined();
  });

  test('stopping the frontend answers the polls that wait, and refuses new calls', async () => {
    const own = await startHarness();
    const waiting = own.client.worker.pollForDecisionTask(poll('idle'), { timeoutMs: 30_000 });
    await expect.poll(async () => (await own.client.meta.health({})).ok).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 50));
    own.frontend.stop();
    expect((await waiting).taskToken).toHaveLength(0);
    await expect(own.client.workflow.startWorkflowExecution(start())).rejects.toMatchObject({
      kind: 'InternalService',
      message: 'Shutting down',
    });
    expect(await own.client.meta.health({})).toEqual({ ok: false, message: 'shutting down' });
    await own.stop();
  });
});

describe('answers of workers', () => {
  test('a new decision comes back with its history, and local activities with tokens', async () => {
    harness.answers.respondDecisionTaskCompleted = async () => ({
      newTask: {
        response: PollForDecisionTaskResponse.fromPartial({ taskToken: Uint8Array.of(1), startedEventId: 9n }),
        historyBlobs: [blob(event(1), event(2)), blob(event(3))],
      },
      localActivities: new Map([['a1', { scheduleId: 8, scheduledTimeMs: 1000, startedTimeMs: 1500 }]]),
    });
    const answer = await harness.client.worker.respondDecisionTaskCompleted(
      RespondDecisionTaskCompletedRequest.fromPartial({ taskToken: await token(), returnNewDecisionTask: true }),
    );
    expect(answer.decisionTask?.history?.events.map((each) => each.eventId)).toEqual([1n, 2n, 3n]);
    const local = answer.activitiesToDispatchLocally.a1!;
    expect(local.startedTime).toEqual(seconds(1, 500_000_000));
    expect(JSON.parse(Buffer.from(local.taskToken).toString())).toMatchObject({
      scheduleId: 8,
      activityId: 'a1',
      runId: RUN_ID,
    });
  });

  test.each([
    ['respondActivityTaskCompleted', 'COMPLETE_RESULT_EXCEEDS_LIMIT'],
    ['respondActivityTaskCanceled', 'CANCEL_DETAILS_EXCEEDS_LIMIT'],
    ['respondActivityTaskFailed', 'FAILURE_DETAILS_EXCEEDS_LIMIT'],
    ['recordActivityTaskHeartbeat', 'HEARTBEAT_EXCEEDS_LIMIT'],
  ] as const)('%s over the blob limit fails the activity with %s', async (method, reason) => {
    harness.answers.respondActivityTaskFailed = async () => {};
    const taskToken = await token();
    const big = { data: new Uint8Array(2 * 1024 * 1024 + 1).fill(7) };
    const { worker } = harness.client;
    const answer = await {
      respondActivityTaskCompleted: () =>
        worker.respondActivityTaskCompleted(
          RespondActivityTaskCompletedRequest.fromPartial({ taskToken, result: big }),
        ),
      respondActivityTaskCanceled: () =>
        worker.respondActivityTaskCanceled(RespondActivityTaskCanceledRequest.fromPartial({ taskToken, details: big })),
      respondActivityTaskFailed: () =>
        worker.respondActivityTaskFailed(
          RespondActivityTaskFailedRequest.fromPartial({ taskToken, failure: { reason: 'x', details: big.data } }),
        ),
      recordActivityTaskHeartbeat: () =>
        worker.recordActivityTaskHeartbeat(RecordActivityTaskHeartbeatRequest.fromPartial({ taskToken, details: big })),
    }[method]();
    expect(harness.calls).toHaveLength(1);
    expect(harness.calls[0]?.method).toBe('respondActivityTaskFailed');
    const [task, { failure }] = harness.calls[0]!.args as [
      unknown,
      { failure: { reason: string; details: Uint8Array } },
    ];
    expect(task).toMatchObject({ scheduleId: 5, attempt: 1, runId: RUN_ID });
    expect(failure.reason).toBe(reason);
    expect(failure.details).toHaveLength(2 * 1024 * 1024);
    if (method === 'recordActivityTaskHeartbeat') expect(answer).toEqual({ cancelRequested: true });
  });

  test('by id, the activity is named by its id alone', async () => {
    harness.answers.respondActivityTaskCompleted = async () => {};
    await harness.client.worker.respondActivityTaskCompletedById(
      RespondActivityTaskCompletedByIDRequest.fromPartial({
        domain: 'shop',
        workflowExecution: { workflowId: 'order-1' },
        activityId: 'pay',
      }),
    );
    expect(harness.calls[0]?.args[0]).toEqual({
      domainId: await harness.domainId('shop'),
      workflowId: 'order-1',
      runId: '',
      activityId: 'pay',
    });
  });

  test('AlreadyCompleted reaches only clients that know it', async () => {
    const request = SignalWorkflowExecutionRequest.fromPartial({
      domain: 'shop',
      workflowExecution: { workflowId: 'order-1' },
      signalName: 'paid',
    });
    const failing = {
      signalWorkflow: async () => {
        throw alreadyCompleted();
      },
    };
    harness.answers = failing;
    await expect(harness.client.workflow.signalWorkflowExecution(request)).rejects.toMatchObject({
      kind: 'WorkflowExecutionAlreadyCompleted',
    });
    const old = await startHarness({
      headers: { 'cadence-client-name': 'uber-go', 'cadence-client-feature-version': '1.5.0' },
    });
    old.answers = failing;
    await expect(old.client.workflow.signalWorkflowExecution(request)).rejects.toMatchObject({
      kind: 'EntityNotExists',
      message: 'Workflow execution already completed.',
    });
    await old.stop();
  });
});

describe('histories', () => {
  const read = (fields: object = {}) =>
    GetWorkflowExecutionHistoryRequest.fromPartial({
      domain: 'shop',
      workflowExecution: { workflowId: 'order-1', runId: RUN_ID },
      ...fields,
    });

  test('a page has the events as they were stored', async () => {
    harness.answers.getHistory = async () => ({
      historyBlobs: [blob(event(1), event(2)), blob(event(3))],
      nextPageToken: new Uint8Array(),
    });
    const answer = await harness.client.workflow.getWorkflowExecutionHistory(read({ pageSize: 5000 }));
    expect(answer.history?.events.map((each) => each.eventId)).toEqual([1n, 2n, 3n]);
    expect(harness.calls[0]?.args[1]).toMatchObject({ pageSize: 1000, waitForNewEvent: false, closeEventOnly: false });
    const local = createLocalFrontendClient(harness.frontend.services, { nowMs: () => 0 });
    const same = await local.workflow.getWorkflowExecutionHistory(read());
    expect(same.history?.events).toHaveLength(3);
  });

  test('a run that retention took is read from the archive, page by page', async () => {
    const pages = [[1, 2], [3]];
    const archiver: Archiver = {
      archive: async () => {},
      async readHistory(run, page) {
        if (run.workflowId !== 'order-1') return undefined;
        const index = page.token.length === 0 ? 0 : page.token[0]!;
        return {
          historyBlobs: [blob(...pages[index]!.map((id) => event(id)))],
          nextPageToken: index === 0 ? Uint8Array.of(1) : new Uint8Array(),
        };
      },
      list: async () => ({ executions: [], nextPageToken: new Uint8Array() }),
      start: () => {},
      stop: async () => {},
    };
    const own = await startHarness({ deps: { archiver }, archives: true });
    const first = await own.client.workflow.getWorkflowExecutionHistory(read());
    expect(first).toMatchObject({ archived: true });
    expect(first.history?.events).toHaveLength(2);
    const second = await own.client.workflow.getWorkflowExecutionHistory(read({ nextPageToken: first.nextPageToken }));
    expect(second.history?.events.map((each) => each.eventId)).toEqual([3n]);
    expect(second.nextPageToken).toHaveLength(0);
    await expect(own.client.workflow.getWorkflowExecutionHistory(read({ skipArchival: true }))).rejects.toMatchObject({
      kind: 'EntityNotExists',
    });
    await expect(
      own.client.workflow.getWorkflowExecutionHistory(
        read({ workflowExecution: { workflowId: 'never', runId: RUN_ID } }),
      ),
    ).rejects.toMatchObject({ kind: 'EntityNotExists' });
    await expect(
      own.client.visibility.listArchivedWorkflowExecutions(
        ListArchivedWorkflowExecutionsRequest.fromPartial({ domain: 'shop', query: "WorkflowID = 'order-1'" }),
      ),
    ).resolves.toMatchObject({ executions: [] });
    await own.stop();
  });
});

describe('limits', () => {
  test('a domain over its rate is told to wait, another one is served', async () => {
    const own = await startHarness({ defaults: [staticDefault(QUOTA_KEYS.user.domain, 2)] });
    own.answers.startWorkflow = async () => ({ runId: RUN_ID });
    const results = await Promise.allSettled([1, 2, 3].map(() => own.client.workflow.startWorkflowExecution(start())));
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(1);
    expect(refused[0]?.reason).toMatchObject({
      kind: 'ServiceBusy',
      message: 'Too many outstanding requests to the cadence service',
    });
    await expect(own.client.workflow.startWorkflowExecution(start({ domain: 'other' }))).resolves.toBeDefined();
    await own.stop();
  });
});

describe('regions', () => {
  const global = {
    name: 'shop',
    isGlobalDomain: true,
    activeClusterName: 'region-b',
    clusters: [{ clusterName: 'region-a' }, { clusterName: 'region-b' }],
  };

  test('calls on a domain that is active elsewhere are forwarded once, with the caller named', async () => {
    let remote: Harness | undefined;
    const local = await startHarness({
      domains: [global],
      deps: { remoteClusters: (cluster) => (cluster === 'region-b' ? remote?.client : undefined) },
    });
    let seen: string | undefined;
    remote = await startHarness({
      domains: [global],
      deps: {
        accessControl: {
          authenticate: (_, context) => {
            seen = context.forwardingCluster;
            return SYSTEM_PRINCIPAL;
          },
          authorize: () => {},
        },
        remoteClusters: () => local.client,
      },
    });
    remote.answers.startWorkflow = async () => ({ runId: RUN_ID });
    await expect(local.client.workflow.startWorkflowExecution(start())).resolves.toEqual({ runId: RUN_ID });
    expect(local.calls).toEqual([]);
    expect(seen).toBe('region-a');
    // The target does not send it on, though the domain is not active there either.
    remote.answers.startWorkflow = async () => {
      throw new DomainNotActiveError('shop', 'region-a', 'region-b');
    };
    await expect(local.client.workflow.startWorkflowExecution(start())).rejects.toMatchObject({
      kind: 'DomainNotActive',
      activeCluster: 'region-b',
    });
    await remote.stop();
    await local.stop();
  });

  test('reads stay here, and a run that may only be late says where it is', async () => {
    const local = await startHarness({ domains: [global] });
    await expect(
      local.client.workflow.describeWorkflowExecution({
        domain: 'shop',
        workflowExecution: { workflowId: 'order-1', runId: '' },
        queryConsistencyLevel: 0,
      }),
    ).rejects.toMatchObject({
      kind: 'EntityNotExists',
      message: 'Workflow execution not found in non-active cluster',
      currentCluster: 'region-a',
      activeCluster: 'region-b',
    });
    await local.stop();
  });

  test('with the policy noop nothing is forwarded', async () => {
    const local = await startHarness({
      domains: [global],
      options: { forwarding: 'noop' },
      deps: {
        remoteClusters: () => {
          throw new Error('asked for a remote cluster');
        },
      },
    });
    local.answers.startWorkflow = async () => {
      throw new DomainNotActiveError('shop', 'region-a', 'region-b');
    };
    await expect(local.client.workflow.startWorkflowExecution(start())).rejects.toMatchObject({
      kind: 'DomainNotActive',
    });
    await local.stop();
  });
});

describe('the rest of the API', () => {
  test('describes domains, the cluster, task lists and search attributes', async () => {
    const { client } = harness;
    const { domain } = await client.domain.describeDomain({ describeBy: { $case: 'name', value: 'shop' } });
    expect(domain?.name).toBe('shop');
    expect((await client.domain.listDomains({ pageSize: 0, nextPageToken: new Uint8Array() })).domains).toHaveLength(2);
    expect((await client.workflow.getClusterInfo({})).supportedClientVersions).toEqual({
      goSdk: '1.7.0',
      javaSdk: '1.5.0',
    });
    expect((await client.visibility.getSearchAttributes({})).keys).toMatchObject({
      WorkflowType: 2,
      CustomIntField: 3,
    });
    expect((await client.admin.describeCluster({})).membershipInfo?.rings).toHaveLength(4);
    const taskList = { name: 'orders', kind: 0, baseName: '' } as const;
    const described = await client.workflow.describeTaskList({
      domain: 'shop',
      taskList,
      taskListType: 1,
      includeTaskListStatus: true,
    });
    expect(described.taskListStatus).toBeDefined();
    expect(await client.workflow.listTaskListPartitions({ domain: 'shop', taskList })).toMatchObject({
      decisionTaskListPartitions: [{ key: 'orders' }],
    });
  });

  test('lists nothing where there is nothing', async () => {
    const range = { earliestTime: seconds(0), latestTime: seconds(2_000_000_000) };
    const request = ListOpenWorkflowExecutionsRequest.fromPartial({ domain: 'shop', startTimeFilter: range });
    expect(await harness.client.visibility.listOpenWorkflowExecutions(request)).toMatchObject({ executions: [] });
    expect(await harness.client.visibility.countWorkflowExecutions({ domain: 'shop', query: '' })).toEqual({
      count: 0n,
    });
  });

  test('a query result that is too large becomes a failed one', async () => {
    const taskToken = encodeQueryTaskToken({
      domainId: await harness.domainId('shop'),
      workflowId: 'order-1',
      runId: RUN_ID,
      taskList: 'orders',
      taskId: 'gone',
    });
    const result = {
      resultType: QueryResultType.QUERY_RESULT_TYPE_ANSWERED,
      answer: { data: new Uint8Array(3 * 1024 * 1024) },
    };
    await expect(
      harness.client.worker.respondQueryTaskCompleted(
        RespondQueryTaskCompletedRequest.fromPartial({ taskToken, result }),
      ),
    ).rejects.toMatchObject({ kind: 'EntityNotExists', message: 'query task not found, or already expired' });
  });

  test('an unknown domain is named', async () => {
    await expect(harness.client.workflow.startWorkflowExecution(start({ domain: 'nowhere' }))).rejects.toMatchObject({
      kind: 'EntityNotExists',
      message: 'Domain nowhere does not exist.',
    });
  });
});
