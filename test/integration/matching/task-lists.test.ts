// Task lists through the gRPC door of a whole region: priority and fairness in request metadata and headers, partitions, rates, isolation groups.
import { randomUUID } from 'node:crypto';
import {
  type Decision,
  DescribeTaskListRequest,
  DescribeWorkflowExecutionRequest,
  IsolationGroupState,
  ListTaskListPartitionsRequest,
  PollForActivityTaskRequest,
  PollForDecisionTaskRequest,
  RespondDecisionTaskCompletedRequest,
  SignalWithStartWorkflowExecutionRequest,
  SignalWorkflowExecutionRequest,
  StartWorkflowExecutionRequest,
  TaskListKind,
  TaskListType,
} from '@antiphon/proto';
import {
  GetDomainIsolationGroupsRequest,
  GetGlobalIsolationGroupsRequest,
  UpdateDomainIsolationGroupsRequest,
  UpdateGlobalIsolationGroupsRequest,
  UpdateTaskListPartitionConfigRequest,
} from '@antiphon/proto/admin';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDynamicConfig, ENABLES_ISOLATION, staticDefault } from '#dynamicconfig';
import { createRealEnv } from '#env';
import { createRemoteFrontendClient, type RemoteFrontendClient } from '#rpc';
import { openTarget, type Target } from '../frontend/bad-input/target.ts';

const env = createRealEnv();
const seconds = (value: number) => ({ seconds: BigInt(value), nanos: 0 });
const text = (value: string) => ({ data: new TextEncoder().encode(value) });
const { TASK_LIST_TYPE_ACTIVITY: ACTIVITY, TASK_LIST_TYPE_DECISION: DECISION } = TaskListType;
const { TASK_LIST_KIND_NORMAL: NORMAL, TASK_LIST_KIND_STICKY: STICKY } = TaskListKind;

let target: Target;
let client: RemoteFrontendClient;
const clients: RemoteFrontendClient[] = [];
const withHeaders = (headers: Record<string, string>): RemoteFrontendClient => {
  const made = createRemoteFrontendClient(target.address, { env, headers });
  clients.push(made);
  return made;
};

beforeAll(async () => {
  const config = createDynamicConfig({ env }, { defaults: [staticDefault(ENABLES_ISOLATION, true)] });
  target = await openTarget({ config });
  client = withHeaders({});
});
afterAll(async () => {
  for (const made of clients) made.close();
  await target.close();
});

const startOf = (workflowId: string, list: string, header?: Record<string, string>): StartWorkflowExecutionRequest => ({
  ...StartWorkflowExecutionRequest.fromPartial({
    domain: 'shop',
    workflowId,
    workflowType: { name: 'Order' },
    taskList: { name: list },
    requestId: randomUUID(),
    header: header && { fields: Object.fromEntries(Object.entries(header).map(([key, value]) => [key, text(value)])) },
  }),
  executionStartToCloseTimeout: seconds(60),
  taskStartToCloseTimeout: seconds(10),
});

const pollDecision = (list: string, from = client) =>
  from.worker.pollForDecisionTask(
    PollForDecisionTaskRequest.fromPartial({ domain: 'shop', taskList: { name: list }, identity: 'w' }),
    { timeoutMs: 5000 },
  );

const workflowIds = async (list: string, count: number): Promise<string[]> => {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) ids.push((await pollDecision(list)).workflowExecution?.workflowId ?? '');
  return ids;
};

const describeList = (name: string, type: TaskListType = DECISION) =>
  client.workflow.describeTaskList(
    DescribeTaskListRequest.fromPartial({
      domain: 'shop',
      taskList: { name, kind: NORMAL },
      taskListType: type,
      includeTaskListStatus: true,
    }),
  );

async function backlogIs(name: string, count: number): Promise<void> {
  await expect.poll(async () => Number((await describeList(name)).taskListStatus?.backlogCountHint)).toBe(count);
}

const partitionConfigOf = async (workflowId: string) => {
  const workflowExecution = { workflowId, runId: '' };
  const request = DescribeWorkflowExecutionRequest.fromPartial({ domain: 'shop', workflowExecution });
  return (await client.workflow.describeWorkflowExecution(request)).workflowExecutionInfo?.partitionConfig;
};

describe('priority and fairness', () => {
  test('a workflow started with priority 1 in its metadata overtakes those that wait, and keeps its fields', async () => {
    for (let i = 0; i < 10; i++) await client.workflow.startWorkflowExecution(startOf(`usual-${i}`, 'overtake'));
    const urgent = withHeaders({
      'antiphon-priority': '1',
      'antiphon-fairness-key': 'vip',
      'antiphon-fairness-weight': '2',
    });
    await urgent.workflow.startWorkflowExecution(startOf('urgent', 'overtake'));
    await backlogIs('overtake', 11);
    expect((await workflowIds('overtake', 3)).slice(0, 2)).toEqual(['urgent', 'usual-0']);
    expect(await partitionConfigOf('urgent')).toEqual({
      'antiphon-priority': '1',
      'antiphon-fairness-key': 'vip',
      'antiphon-fairness-weight': '2',
    });
    expect(await partitionConfigOf('usual-0')).toEqual({});
  });

  test('keys take turns, by message header and by signal-with-start too', async () => {
    for (let i = 0; i < 8; i++) {
      await client.workflow.startWorkflowExecution(startOf(`big-${i}`, 'turns', { 'antiphon-fairness-key': 'big' }));
    }
    const startRequest = startOf('small', 'turns', { 'antiphon-fairness-key': '"small"' });
    await client.workflow.signalWithStartWorkflowExecution(
      SignalWithStartWorkflowExecutionRequest.fromPartial({ startRequest, signalName: 'go' }),
    );
    await backlogIs('turns', 9);
    expect(await workflowIds('turns', 3)).toContain('small');
  });

  test('activities have the priority of their workflow, or one of their own', async () => {
    const schedule = (activityId: string, header?: Record<string, string>): Decision => ({
      attributes: {
        $case: 'scheduleActivityTaskDecisionAttributes',
        value: {
          activityId,
          activityType: { name: 'Pay' },
          domain: '',
          taskList: undefined,
          input: undefined,
          scheduleToCloseTimeout: seconds(30),
          scheduleToStartTimeout: seconds(30),
          startToCloseTimeout: seconds(30),
          heartbeatTimeout: undefined,
          retryPolicy: undefined,
          header: header && {
            fields: Object.fromEntries(Object.entries(header).map(([key, value]) => [key, text(value)])),
          },
          requestLocalDispatch: false,
        },
      },
    });
    await client.workflow.startWorkflowExecution(startOf('payer', 'acts', { 'antiphon-priority': '4' }));
    const { taskToken } = await pollDecision('acts');
    await client.worker.respondDecisionTaskCompleted(
      RespondDecisionTaskCompletedRequest.fromPartial({
        taskToken,
        decisions: [schedule('late'), schedule('late-too'), schedule('first', { 'antiphon-priority': '2' })],
      }),
    );
    await expect
      .poll(async () => Number((await describeList('acts', ACTIVITY)).taskListStatus?.backlogCountHint))
      .toBe(3);
    const order: string[] = [];
    for (let i = 0; i < 3; i++) {
      const polled = await client.worker.pollForActivityTask(
        PollForActivityTaskRequest.fromPartial({ domain: 'shop', taskList: { name: 'acts' }, identity: 'w' }),
        { timeoutMs: 5000 },
      );
      order.push(polled.activityId);
    }
    expect(order).toEqual(['first', 'late', 'late-too']);
  });

  test.each([
    [{ 'antiphon-priority': '6' }, 'antiphon-priority must be a whole number from 1 to 5.'],
    [{ 'antiphon-priority': '1.5' }, 'antiphon-priority must be a whole number from 1 to 5.'],
    [{ 'antiphon-fairness-key': 'k'.repeat(65) }, 'antiphon-fairness-key must have 1 to 64 characters'],
    [{ 'antiphon-fairness-weight': '0' }, 'antiphon-fairness-weight must be a number from 0.001 to 1000.'],
    [{ 'antiphon-fairness-weight': '1e3' }, 'antiphon-fairness-weight must be a number from 0.001 to 1000.'],
  ])('refuses %j with the field in the text', async (headers, message) => {
    const asked = withHeaders(headers as Record<string, string>).workflow.startWorkflowExecution(startOf('no', 'no'));
    await expect(asked).rejects.toThrow(message);
    const inHeader = client.workflow.startWorkflowExecution(startOf('no', 'no', headers as Record<string, string>));
    await expect(inHeader).rejects.toThrow(message);
  });
});

describe('partitions', () => {
  const update = (read: number, write: number, kind: TaskListKind = NORMAL) =>
    client.admin.updateTaskListPartitionConfig(
      UpdateTaskListPartitionConfigRequest.fromPartial({
        domain: 'shop',
        taskList: { name: 'spread', kind },
        taskListType: DECISION,
        partitionConfig: { numReadPartitions: read, numWritePartitions: write },
      }),
    );
  const names = async () => {
    const request = ListTaskListPartitionsRequest.fromPartial({ domain: 'shop', taskList: { name: 'spread' } });
    const { decisionTaskListPartitions } = await client.workflow.listTaskListPartitions(request);
    return decisionTaskListPartitions.map(({ key }) => key);
  };

  test('are set by an operator, shown, and give every task; shrinking drains them', async () => {
    expect(await names()).toEqual(['spread']);
    await update(3, 3);
    expect(await names()).toEqual(['spread', '/__cadence_sys/spread/1', '/__cadence_sys/spread/2']);
    expect((await describeList('spread')).partitionConfig).toMatchObject({
      numReadPartitions: 3,
      numWritePartitions: 3,
    });
    const started = Array.from({ length: 40 }, (_, i) => `spread-${i}`);
    for (const workflowId of started) await client.workflow.startWorkflowExecution(startOf(workflowId, 'spread'));
    const inPartition = async (name: string) => Number((await describeList(name)).taskListStatus?.backlogCountHint);
    await expect
      .poll(async () => {
        const counts = await Promise.all(
          ['spread', '/__cadence_sys/spread/1', '/__cadence_sys/spread/2'].map(inPartition),
        );
        return counts.reduce((sum, count) => sum + count);
      })
      .toBe(40);
    expect(await inPartition('/__cadence_sys/spread/1')).toBeGreaterThan(0);
    await update(1, 1);
    expect(await names()).toHaveLength(3);
    expect(new Set(await workflowIds('spread', 40))).toEqual(new Set(started));
    const { pollers } = await describeList('spread');
    expect(pollers.map(({ identity }) => identity)).toEqual(['w']);
  });

  test('are refused for lists that cannot have them, and numbers that make no sense', async () => {
    await expect(update(2, 2, STICKY)).rejects.toThrow("Only normal tasklist's partition config can be updated.");
    await expect(update(2, 2, TaskListKind.TASK_LIST_KIND_INVALID)).rejects.toThrow('Task list kind not set.');
    await expect(update(1, 2)).rejects.toThrow('The number of write partitions cannot be larger');
  });
});

describe('isolation groups', () => {
  const groups = (state: IsolationGroupState) => ({ isolationGroups: [{ name: 'zone-1', state }] });
  const { ISOLATION_GROUP_STATE_DRAINED: DRAINED, ISOLATION_GROUP_STATE_HEALTHY: HEALTHY } = IsolationGroupState;
  const drainEverywhere = (state: IsolationGroupState) =>
    client.admin.updateGlobalIsolationGroups(
      UpdateGlobalIsolationGroupsRequest.fromPartial({ isolationGroups: groups(state) }),
    );

  test('that are drained start and signal nothing, and their workers get nothing until they are served again', async () => {
    const zone = withHeaders({ 'cadence-client-isolation-group': 'zone-1' });
    await zone.workflow.startWorkflowExecution(startOf('in-zone', 'zones'));
    expect(await partitionConfigOf('in-zone')).toEqual({ 'isolation-group': 'zone-1' });
    await drainEverywhere(DRAINED);
    expect(await client.admin.getGlobalIsolationGroups(GetGlobalIsolationGroupsRequest.create())).toEqual({
      isolationGroups: groups(DRAINED),
    });
    const refusal = 'Domain shop is drained from isolation group zone-1.';
    await expect(zone.workflow.startWorkflowExecution(startOf('refused', 'zones'))).rejects.toThrow(refusal);
    const signal = SignalWorkflowExecutionRequest.fromPartial({
      domain: 'shop',
      workflowExecution: { workflowId: 'in-zone', runId: '' },
      signalName: 'go',
    });
    await expect(zone.workflow.signalWorkflowExecution(signal)).rejects.toThrow(refusal);
    const request = PollForDecisionTaskRequest.fromPartial({
      domain: 'shop',
      taskList: { name: 'zones' },
      identity: 'w',
    });
    const held = await zone.worker.pollForDecisionTask(request, { timeoutMs: 2500 });
    expect(held.taskToken).toHaveLength(0);
    // Any other worker may have the zone's work.
    expect((await pollDecision('zones')).workflowExecution?.workflowId).toBe('in-zone');
    await drainEverywhere(HEALTHY);
    await zone.workflow.startWorkflowExecution(startOf('again', 'zones'));
    expect((await pollDecision('zones', zone)).workflowExecution?.workflowId).toBe('again');
  });

  test('are drained for one domain alone', async () => {
    const update = (domain: string, state: IsolationGroupState) =>
      client.admin.updateDomainIsolationGroups(
        UpdateDomainIsolationGroupsRequest.fromPartial({ domain, isolationGroups: groups(state) }),
      );
    await update('other', DRAINED);
    const asked = GetDomainIsolationGroupsRequest.fromPartial({ domain: 'other' });
    expect(await client.admin.getDomainIsolationGroups(asked)).toEqual({ isolationGroups: groups(DRAINED) });
    const zone = withHeaders({ 'cadence-client-isolation-group': 'zone-1' });
    await expect(
      zone.workflow.startWorkflowExecution({ ...startOf('other-1', 'zones'), domain: 'other' }),
    ).rejects.toThrow('Domain other is drained from isolation group zone-1.');
    await zone.workflow.startWorkflowExecution(startOf('shop-1', 'zones'));
    await update('other', HEALTHY);
    await zone.workflow.startWorkflowExecution({ ...startOf('other-1', 'zones'), domain: 'other' });
  });

  test.each([
    [{ isolationGroups: [{ name: '', state: HEALTHY }] }, 'IsolationGroups has a group without a name.'],
    [
      { isolationGroups: [{ name: 'a', state: IsolationGroupState.ISOLATION_GROUP_STATE_INVALID }] },
      'IsolationGroup a must be HEALTHY or DRAINED.',
    ],
    [
      { isolationGroups: [...groups(HEALTHY).isolationGroups, ...groups(DRAINED).isolationGroups] },
      'IsolationGroup zone-1 is named twice.',
    ],
    [undefined, 'IsolationGroups is not set on request.'],
  ])('are checked: %j', async (isolationGroups, message) => {
    const request = UpdateGlobalIsolationGroupsRequest.fromPartial(
      isolationGroups === undefined ? {} : { isolationGroups },
    );
    await expect(client.admin.updateGlobalIsolationGroups(request)).rejects.toThrow(message);
  });
});
