// Single runs in the hands of operators: described, deleted, repaired, given signals; and what Cadence answers to calls it has given up.
import { randomUUID } from 'node:crypto';
import {
  CountWorkflowExecutionsRequest,
  DescribeWorkflowExecutionRequest,
  EncodingType,
  GetWorkflowExecutionHistoryRequest,
  History,
  HistoryEvent,
  TerminateWorkflowExecutionRequest,
} from '@antiphon/proto';
import {
  DeleteWorkflowRequest,
  GetCrossClusterTasksRequest,
  GetWorkflowExecutionRawHistoryV2Request,
  MaintainCorruptWorkflowRequest,
  ReapplyEventsRequest,
  RespondCrossClusterTasksCompletedRequest,
} from '@antiphon/proto/admin';
import { ExecutionRecord } from '@antiphon/proto/internal';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type AdminTarget, DOMAIN, openAdminTarget } from './region.ts';

let target: AdminTarget;
beforeAll(async () => {
  target = await openAdminTarget();
});
afterAll(() => target.close());

type Run = { workflowId: string; runId: string };
const describeRun = (workflowExecution: object) =>
  target.client.workflow.describeWorkflowExecution(
    DescribeWorkflowExecutionRequest.fromPartial({ domain: DOMAIN, workflowExecution }),
  );
const eventsOf = async (workflowExecution: object) =>
  (
    await target.client.workflow.getWorkflowExecutionHistory(
      GetWorkflowExecutionHistoryRequest.fromPartial({ domain: DOMAIN, workflowExecution }),
    )
  ).history?.events ?? [];
const deleteWorkflow = (workflowExecution: object | undefined) =>
  target.client.admin.deleteWorkflow(DeleteWorkflowRequest.fromPartial({ domain: DOMAIN, workflowExecution }));
const maintain = (workflowExecution: object | undefined) =>
  target.client.admin.maintainCorruptWorkflow(
    MaintainCorruptWorkflowRequest.fromPartial({ domain: DOMAIN, workflowExecution }),
  );
const visibleRuns = async (workflowId: string) =>
  Number(
    (
      await target.client.visibility.countWorkflowExecutions(
        CountWorkflowExecutionsRequest.fromPartial({ domain: DOMAIN, query: `WorkflowID = '${workflowId}'` }),
      )
    ).count,
  );
const loaded = ({ workflowId, runId }: Run) =>
  target.store.shards.loadExecution(target.region.history.shardOf(workflowId), {
    domainId: target.domainId,
    workflowId,
    runId,
  });
const branchOf = async (run: Run) => {
  const record = ExecutionRecord.decode((await loaded(run))?.record ?? new Uint8Array());
  const branch = record.versionHistories?.histories[0]?.branch;
  if (branch === undefined) throw new Error('the run has no branch');
  return branch;
};
const gone = { historyDeleted: true, executionsDeleted: true, visibilityDeleted: true };
const kept = { historyDeleted: false, executionsDeleted: false, visibilityDeleted: false };

describe('a run', () => {
  test('is deleted with its history, its records and its place in lists, open or closed', async () => {
    const open = await target.start('delete-open');
    const closed = await target.start('delete-closed');
    await target.client.workflow.terminateWorkflowExecution(
      TerminateWorkflowExecutionRequest.fromPartial({ domain: DOMAIN, workflowExecution: closed }),
    );
    for (const run of [open, closed]) {
      await expect.poll(() => visibleRuns(run.workflowId)).toBe(1);
      const branch = await branchOf(run);
      expect(await deleteWorkflow(run)).toEqual(gone);
      await expect(describeRun(run)).rejects.toMatchObject({ kind: 'EntityNotExists' });
      await expect(describeRun({ workflowId: run.workflowId })).rejects.toMatchObject({ kind: 'EntityNotExists' });
      expect(await loaded(run)).toBeUndefined();
      expect(await target.store.history.listBranches(branch.treeId)).toEqual([]);
      expect(await visibleRuns(run.workflowId)).toBe(0);
    }
    await expect(target.start('delete-open')).resolves.toBeDefined();
  });

  // Found by fuzz: its history went, its row stayed, and whoever read it was told of damaged data.
  test('is deleted to the end although its shard closes on the way', async () => {
    const run = await target.start('delete-interrupted');
    const { history } = target.store;
    const deleteBranch = history.deleteBranch.bind(history);
    const shardId = target.region.history.shardOf(run.workflowId);
    const fault = vi.spyOn(history, 'deleteBranch').mockImplementationOnce(async (branch) => {
      await deleteBranch(branch);
      await target.client.admin.closeShard({ shardId });
    });
    try {
      expect(await deleteWorkflow(run)).toEqual(gone);
      expect(fault).toHaveBeenCalledTimes(2);
    } finally {
      fault.mockRestore();
    }
    expect(await loaded(run)).toBeUndefined();
    await expect(describeRun(run)).rejects.toMatchObject({ kind: 'EntityNotExists' });
  });

  test('is not deleted by a wrong name', async () => {
    await expect(deleteWorkflow(undefined)).rejects.toThrow('Execution is not set on request.');
    await expect(deleteWorkflow({ workflowId: '' })).rejects.toThrow('WorkflowId is not set on request.');
    await expect(deleteWorkflow({ workflowId: 'w', runId: 'no' })).rejects.toThrow('Invalid RunId.');
    await expect(deleteWorkflow({ workflowId: 'nowhere' })).rejects.toMatchObject({ kind: 'EntityNotExists' });
  });

  test('that is healthy stays when it is looked at', async () => {
    const run = await target.start('healthy');
    expect(await maintain(run)).toEqual(kept);
    await expect(describeRun(run)).resolves.toBeDefined();
    await expect(maintain(undefined)).rejects.toThrow('Execution is missing');
    await expect(maintain({ workflowId: 'nowhere' })).rejects.toMatchObject({ kind: 'EntityNotExists' });
  });

  test('without its history is found corrupt and goes', async () => {
    const run = await target.start('no-history');
    await target.store.history.deleteBranch(await branchOf(run));
    expect(await maintain(run)).toEqual(gone);
    await expect(describeRun(run)).rejects.toMatchObject({ kind: 'EntityNotExists' });
  });

  test('whose state is damaged is found corrupt and goes', async () => {
    const run = await target.start('damaged');
    const shardId = target.region.history.shardOf('damaged');
    const status = target.region.history.shardStatus().find((shard) => shard.shardId === shardId);
    const nothing = { nodes: [], branches: [], currentRuns: [], transferTasks: [], timerTasks: [] };
    await target.store.shards.commit(shardId, status?.rangeId ?? 0, {
      ...nothing,
      replicationTasks: [],
      deletedRuns: [],
      deletedTimers: [],
      executions: [
        {
          key: { domainId: target.domainId, ...run },
          record: Buffer.from([0xff, 0xff, 0xff]),
          nextEventId: 3,
          isOpen: true,
          addedSignalRequestIds: [],
          isNew: false,
        },
      ],
    });
    // Memory has a good state still: nothing is deleted for what only the store tells.
    expect(await maintain(run)).toEqual(kept);
    await target.client.admin.closeShard({ shardId });
    expect(await maintain(run)).toEqual(gone);
    expect(await loaded(run)).toBeUndefined();
    await expect(target.start('damaged')).resolves.toBeDefined();
  });

  test('is described with its mutable state', async () => {
    const run = await target.start('state');
    const described = await target.client.admin.describeWorkflowExecution({ domain: DOMAIN, workflowExecution: run });
    expect(described.shardId).toBe(target.region.history.shardOf('state'));
    expect(JSON.parse(described.mutableStateInDatabase)).toMatchObject({
      ExecutionInfo: { WorkflowID: 'state', RunID: run.runId },
    });
  });

  test('gives its history as raw batches', async () => {
    const run = await target.start('raw');
    const raw = (fields: object) =>
      target.client.admin.getWorkflowExecutionRawHistoryV2(
        GetWorkflowExecutionRawHistoryV2Request.fromPartial({
          domain: DOMAIN,
          workflowExecution: run,
          pageSize: 10,
          ...fields,
        }),
      );
    const { historyBatches, versionHistory } = await raw({});
    const ids = historyBatches.flatMap(({ data }) => History.decode(data).events.map(({ eventId }) => Number(eventId)));
    expect(ids).toEqual([1, 2]);
    expect(versionHistory?.items.at(-1)?.eventId).toBe(2n);
    await expect(raw({ pageSize: 0 })).rejects.toThrow('Invalid PageSize.');
    await expect(raw({ workflowExecution: { workflowId: '', runId: run.runId } })).rejects.toThrow(
      'Invalid WorkflowID.',
    );
    await expect(raw({ workflowExecution: { workflowId: 'raw', runId: '' } })).rejects.toThrow('Invalid RunID.');
    await expect(raw({ domain: '' })).rejects.toThrow('Domain not set on request.');
  });

  test('is given signals of events, each once', async () => {
    const run = await target.start('reapplied');
    const signalEvent = (eventId: number, requestId: string) =>
      HistoryEvent.fromPartial({
        eventId: BigInt(eventId),
        version: -24n,
        attributes: {
          $case: 'workflowExecutionSignaledEventAttributes',
          value: { signalName: 'lost', identity: 'tests', requestId },
        },
      });
    const events = [signalEvent(3, randomUUID()), signalEvent(4, randomUUID())];
    const reapply = (fields: object = {}) =>
      target.client.admin.reapplyEvents(
        ReapplyEventsRequest.fromPartial({
          domain: DOMAIN,
          workflowExecution: run,
          events: {
            encodingType: EncodingType.ENCODING_TYPE_PROTO3,
            data: Buffer.from(History.encode({ events }).finish()),
          },
          ...fields,
        }),
      );
    await reapply();
    await reapply();
    const signals = (await eventsOf(run)).filter(({ attributes }) => attributes?.$case.includes('Signaled'));
    expect(signals).toHaveLength(2);
    await expect(reapply({ events: undefined })).rejects.toThrow('Events are not set on request.');
    await expect(
      reapply({ events: { encodingType: EncodingType.ENCODING_TYPE_THRIFTRW, data: Buffer.from('x') } }),
    ).rejects.toThrow('ENCODING_TYPE_PROTO3');
    await expect(
      reapply({ events: { encodingType: EncodingType.ENCODING_TYPE_PROTO3, data: Buffer.from([0xff]) } }),
    ).rejects.toThrow('Events cannot be decoded.');
    await expect(reapply({ workflowExecution: { workflowId: 'none', runId: randomUUID() } })).rejects.toMatchObject({
      kind: 'EntityNotExists',
    });
  });
});

describe('cross-cluster tasks', () => {
  test('are refused as Cadence refuses them since it gave them up', async () => {
    const { admin } = target.client;
    const get = (targetCluster: string) =>
      admin.getCrossClusterTasks(GetCrossClusterTasksRequest.fromPartial({ shardIds: [0], targetCluster }));
    const respond = (targetCluster: string) =>
      admin.respondCrossClusterTasksCompleted(RespondCrossClusterTasksCompletedRequest.fromPartial({ targetCluster }));
    for (const call of [get, respond]) {
      await expect(call('')).rejects.toThrow('Cluster name is not set.');
      await expect(call('region-b')).rejects.toThrow('The cross-cluster feature has been deprecated');
    }
  });
});
