// Messages of other regions that could not be applied, in the hands of operators over the wire.
import {
  CountDLQMessagesRequest,
  DLQType,
  GetDLQReplicationMessagesRequest,
  GetDomainReplicationMessagesRequest,
  GetReplicationMessagesRequest,
  MergeDLQMessagesRequest,
  PurgeDLQMessagesRequest,
  ReadDLQMessagesRequest,
  ReplicationTask,
  ReplicationTaskType,
  ResendReplicationTasksRequest,
} from '@antiphon/proto/admin';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDeadLetters } from '#replication';
import { type AdminTarget, openAdminTarget } from './region.ts';

let target: AdminTarget;
beforeAll(async () => {
  target = await openAdminTarget();
  const letters = createDeadLetters({ keyValues: target.store.keyValues });
  for (const [topic, partition, count] of [
    ['history', 1, 5],
    ['domain', 0, 2],
  ] as const) {
    for (let offset = 1; offset <= count; offset++) {
      const task = ReplicationTask.fromPartial({
        taskType: ReplicationTaskType.REPLICATION_TASK_TYPE_HISTORY_V2,
        attributes: {
          $case: 'historyTaskV2Attributes',
          value: { domainId: 'd', workflowExecution: { workflowId: `w-${offset}`, runId: 'r' } },
        },
      });
      const name = { sourceCluster: 'region-b', topic, partition };
      await letters.add(name, { offset, error: 'poison', attempts: 10, timeMs: 1, task });
    }
  }
});
afterAll(() => target.close());

const history = { type: DLQType.DLQ_TYPE_REPLICATION, shardId: 1, sourceCluster: 'region-b' };
const read = (fields: object) =>
  target.client.admin.readDlqMessages(ReadDLQMessagesRequest.fromPartial({ ...history, ...fields }));
const purge = (fields: object) =>
  target.client.admin.purgeDlqMessages(PurgeDLQMessagesRequest.fromPartial({ ...history, ...fields }));
const merge = (fields: object) =>
  target.client.admin.mergeDlqMessages(MergeDLQMessagesRequest.fromPartial({ ...history, ...fields }));
const count = () => target.client.admin.countDlqMessages(CountDLQMessagesRequest.fromPartial({}));

describe('dead letters', () => {
  test('are counted by source and partition', async () => {
    expect(await count()).toEqual({ history: [{ count: 5n, shardId: 1, sourceCluster: 'region-b' }], domain: 2n });
  });

  test('are read in pages, up to an id', async () => {
    const first = await read({ pageSize: 3 });
    expect(first.replicationTasksInfo.map(({ taskId }) => Number(taskId))).toEqual([1, 2, 3]);
    expect(first.replicationTasks[0]?.attributes?.$case).toBe('historyTaskV2Attributes');
    const second = await read({ pageSize: 3, nextPageToken: first.nextPageToken });
    expect(second.replicationTasksInfo.map(({ taskId }) => Number(taskId))).toEqual([4, 5]);
    expect(second.nextPageToken).toHaveLength(0);
    expect((await read({ inclusiveEndMessageId: 2n })).replicationTasks).toHaveLength(2);
  });

  test('of which kind, and from where, must be said', async () => {
    for (const call of [read, purge, merge]) {
      await expect(call({ type: DLQType.DLQ_TYPE_INVALID })).rejects.toThrow('Queue type is not set.');
      await expect(call({ type: 9 })).rejects.toThrow('The DLQ type is not supported.');
      await expect(call({ sourceCluster: '' })).rejects.toThrow('SourceCluster is not set on request.');
      await expect(call({ shardId: -1 })).rejects.toThrow('ShardID');
    }
    await expect(read({ nextPageToken: Buffer.from('mine') })).rejects.toThrow('Invalid NextPageToken.');
  });

  test('are purged up to an id', async () => {
    await purge({ inclusiveEndMessageId: 2n });
    expect((await count()).history[0]?.count).toBe(3n);
    await purge({ type: DLQType.DLQ_TYPE_DOMAIN });
    expect((await count()).domain).toBe(0n);
  });

  test('of a cluster that is no source are not merged', async () => {
    await expect(merge({})).rejects.toThrow('Cluster region-b is not a source of replication.');
    expect((await count()).history[0]?.count).toBe(3n);
  });

  test('are not asked of their source by name', async () => {
    const { admin } = target.client;
    await expect(admin.getDlqReplicationMessages(GetDLQReplicationMessagesRequest.fromPartial({}))).rejects.toThrow(
      'Replication task info is not set.',
    );
    await expect(
      admin.getDlqReplicationMessages(GetDLQReplicationMessagesRequest.fromPartial({ taskInfos: [{ domainId: 'd' }] })),
    ).rejects.toThrow('read them there, with ReadDLQMessages');
  });
});

describe('replication', () => {
  test('is read only by a cluster that says its name and reads this one', async () => {
    const { admin } = target.client;
    const messages = (fields: object) =>
      admin.getReplicationMessages(GetReplicationMessagesRequest.fromPartial({ tokens: [{ shardId: 0 }], ...fields }));
    await expect(messages({})).rejects.toThrow('Cluster name is not set.');
    await expect(messages({ clusterName: 'mars' })).rejects.toThrow('does not read');
    const domains = (fields: object) =>
      admin.getDomainReplicationMessages(GetDomainReplicationMessagesRequest.fromPartial(fields));
    await expect(domains({})).rejects.toThrow('Cluster name is not set.');
    await expect(domains({ clusterName: 'mars' })).rejects.toThrow('does not read');
  });

  test('is sent again only for a whole name, from a cluster that sends', async () => {
    const workflowExecution = { workflowId: 'w', runId: '5b0a7b8e-7b9c-4c59-9d43-000000000000' };
    const resend = (fields: object) =>
      target.client.admin.resendReplicationTasks(
        ResendReplicationTasksRequest.fromPartial({
          domainId: target.domainId,
          workflowExecution,
          remoteCluster: 'region-b',
          ...fields,
        }),
      );
    await expect(resend({ domainId: '' })).rejects.toThrow('DomainID is not set on request.');
    await expect(resend({ workflowExecution: undefined })).rejects.toThrow('Invalid WorkflowID.');
    await expect(resend({ workflowExecution: { workflowId: 'w', runId: '' } })).rejects.toThrow('Invalid RunID.');
    await expect(resend({ remoteCluster: '' })).rejects.toThrow('Cluster name is not set.');
    await expect(resend({})).rejects.toThrow('Cluster region-b is not a source of replication.');
  });
});
