// Hosts, shards and queues as operators see and handle them over the wire.

import { DescribeWorkflowExecutionRequest, SignalWorkflowExecutionRequest } from '@antiphon/proto';
import {
  DescribeHistoryHostRequest,
  DescribeQueueRequest,
  DescribeShardDistributionRequest,
  RemoveTaskRequest,
  ResetQueueRequest,
  TaskType,
} from '@antiphon/proto/admin';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AdminTarget, DOMAIN, HOST, openAdminTarget, seconds } from './region.ts';

let target: AdminTarget;
beforeAll(async () => {
  target = await openAdminTarget();
});
afterAll(() => target.close());

const cluster = { clusterName: 'region-a' };
const rangeIdOf = (shardId: number) =>
  target.region.history.shardStatus().find((status) => status.shardId === shardId)?.rangeId ?? 0;
const signal = (workflowId: string) =>
  target.client.workflow.signalWorkflowExecution(
    SignalWorkflowExecutionRequest.fromPartial({
      domain: DOMAIN,
      workflowExecution: { workflowId },
      signalName: 'still there?',
    }),
  );

describe('history hosts', () => {
  test('are described by address, shard or workflow', async () => {
    const { admin } = target.client;
    for (const describeBy of [
      { $case: 'hostAddress', value: HOST } as const,
      { $case: 'shardId', value: 1 } as const,
      { $case: 'workflowExecution', value: { workflowId: 'any', runId: '' } } as const,
    ]) {
      const host = await admin.describeHistoryHost(DescribeHistoryHostRequest.fromPartial({ describeBy }));
      expect(host).toMatchObject({ numberOfShards: 3, shardControllerStatus: 'started', address: HOST });
      expect(host.shardIds.toSorted()).toEqual([0, 1, 2]);
      expect(Number(host.domainCache?.numOfItemsInCacheById)).toBeGreaterThan(0);
    }
  });

  test('that are not there are refused by name', async () => {
    const { admin } = target.client;
    await expect(admin.describeHistoryHost({ describeBy: undefined })).rejects.toThrow('Request is nil.');
    for (const [describeBy, text] of [
      [{ $case: 'hostAddress', value: 'elsewhere' }, 'Host elsewhere is not a member'],
      [{ $case: 'shardId', value: 99 }, 'Shard 99 does not exist.'],
      [{ $case: 'workflowExecution', value: { workflowId: '', runId: '' } }, 'WorkflowId is not set on request.'],
    ] as const) {
      await expect(admin.describeHistoryHost({ describeBy })).rejects.toThrow(text);
    }
  });

  test('and where each shard is, are shown in pages', async () => {
    const page = (pageSize: number, pageId: number) =>
      target.client.admin.describeShardDistribution(DescribeShardDistributionRequest.fromPartial({ pageSize, pageId }));
    expect(await page(2, 0)).toEqual({ numberOfShards: 3, shards: { 0: HOST, 1: HOST } });
    expect(await page(2, 1)).toEqual({ numberOfShards: 3, shards: { 2: HOST } });
    await expect(page(-1, 0)).rejects.toThrow('PageSize');
    await expect(page(2, -1)).rejects.toThrow('PageId');
  });
});

describe('shards', () => {
  test('are closed and open again with their workflows', async () => {
    await target.start('survives');
    const shardId = target.region.history.shardOf('survives');
    const before = rangeIdOf(shardId);
    await target.client.admin.closeShard({ shardId });
    await signal('survives');
    expect(rangeIdOf(shardId)).toBeGreaterThan(before);
    await expect(target.client.admin.closeShard({ shardId: 77 })).rejects.toThrow('Shard 77 does not exist.');
  });

  test('describe their queues', async () => {
    const describeQueue = (fields: object) =>
      target.client.admin.describeQueue(DescribeQueueRequest.fromPartial({ shardId: 0, ...cluster, ...fields }));
    const transfer = await describeQueue({ taskType: TaskType.TASK_TYPE_TRANSFER });
    expect(transfer.processingQueueStates[0]).toMatch(/^ack level \d+, last committed task \d+, unfinished \d+$/);
    const timer = await describeQueue({ taskType: TaskType.TASK_TYPE_TIMER });
    expect(timer.processingQueueStates[0]).toMatch(/^ack level \d{4}-.*, in memory \d+$/);
    await expect(describeQueue({})).rejects.toThrow('Request is nil.');
    await expect(describeQueue({ taskType: TaskType.TASK_TYPE_REPLICATION })).rejects.toThrow('Invalid task type');
    await expect(describeQueue({ taskType: TaskType.TASK_TYPE_TIMER, clusterName: '' })).rejects.toThrow(
      'Cluster name is not set.',
    );
    await expect(describeQueue({ taskType: TaskType.TASK_TYPE_TIMER, shardId: 9 })).rejects.toThrow('does not exist');
  });

  test('read a queue again when it is reset', async () => {
    await target.start('reset-queue');
    const shardId = target.region.history.shardOf('reset-queue');
    const before = rangeIdOf(shardId);
    const request = ResetQueueRequest.fromPartial({ shardId, ...cluster, taskType: TaskType.TASK_TYPE_TRANSFER });
    await target.client.admin.resetQueue(request);
    await signal('reset-queue');
    expect(rangeIdOf(shardId)).toBeGreaterThan(before);
    await expect(
      target.client.admin.resetQueue({ ...request, taskType: TaskType.TASK_TYPE_CROSS_CLUSTER }),
    ).rejects.toThrow('Invalid task type');
    await expect(target.client.admin.resetQueue({ ...request, clusterName: '' })).rejects.toThrow('Cluster name');
  });

  test('give up a task that an operator removes: a run without its timeout does not time out', async () => {
    const run = await target.start('immortal', { executionStartToCloseTimeout: seconds(2) });
    const shardId = target.region.history.shardOf('immortal');
    const timersOf = async () =>
      (await target.store.shards.loadTimerTasks(shardId, { fireTimeMs: 0, taskId: 0 }, 2 ** 52, 1000)).filter(
        ({ runId }) => runId === run.runId,
      );
    const timers = await timersOf();
    expect(timers).toHaveLength(1);
    for (const { taskId, fireTimeMs } of timers) {
      await target.client.admin.removeTask(
        RemoveTaskRequest.fromPartial({
          shardId,
          taskType: TaskType.TASK_TYPE_TIMER,
          taskId: BigInt(taskId),
          visibilityTime: { seconds: BigInt(Math.floor(fireTimeMs / 1000)), nanos: (fireTimeMs % 1000) * 1e6 },
        }),
      );
    }
    expect(await timersOf()).toEqual([]);
    const other = await target.start('mortal', { executionStartToCloseTimeout: seconds(2) });
    const closeTime = async (workflowExecution: object) =>
      (
        await target.client.workflow.describeWorkflowExecution(
          DescribeWorkflowExecutionRequest.fromPartial({ domain: DOMAIN, workflowExecution }),
        )
      ).workflowExecutionInfo?.closeTime;
    await expect.poll(() => closeTime(other), { timeout: 10_000 }).toBeDefined();
    expect(await closeTime(run)).toBeUndefined();
  });

  test('refuse to remove what is no task', async () => {
    const remove = (fields: object) =>
      target.client.admin.removeTask(RemoveTaskRequest.fromPartial({ shardId: 0, taskId: 5n, ...fields }));
    await expect(remove({})).rejects.toThrow('Request is nil.');
    await expect(remove({ taskType: TaskType.TASK_TYPE_CROSS_CLUSTER })).rejects.toThrow('Invalid task type');
    await expect(remove({ taskType: TaskType.TASK_TYPE_REPLICATION })).rejects.toThrow('cannot be removed');
    await expect(remove({ taskType: TaskType.TASK_TYPE_TRANSFER, taskId: -5n })).rejects.toThrow('Invalid TaskId.');
    await expect(remove({ taskType: TaskType.TASK_TYPE_TRANSFER, shardId: 9 })).rejects.toThrow('does not exist');
    await expect(remove({ taskType: TaskType.TASK_TYPE_TRANSFER })).resolves.toEqual({});
  });
});
