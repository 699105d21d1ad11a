// What operators do between two regions: dead letters merged, a run's events sent again.
import {
  CountDLQMessagesRequest,
  DeleteWorkflowRequest,
  DLQType,
  MergeDLQMessagesRequest,
  ResendReplicationTasksRequest,
} from '@antiphon/proto/admin';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Store } from '#persistence';
import { createMemoryStore } from '#persistence/memory';
import { createDeadLetters } from '#replication';
import {
  historyOf,
  openTwoRegions,
  registerDomain,
  signal,
  start,
  type TwoRegions,
  untilEqual,
} from './two-regions.ts';

const DOMAIN = 'orders';
let regions: TwoRegions;
let storeOfB: Store;
beforeAll(async () => {
  regions = await openTwoRegions({
    store: (name, env) => {
      const store = createMemoryStore(env);
      if (name === 'b') storeOfB = store;
      return store;
    },
  });
  await registerDomain(regions, DOMAIN);
});
afterAll(() => regions.close());

/** A run that the second region had and lost. */
async function lostRun(workflowId: string): Promise<string> {
  const runId = await start(regions.a, DOMAIN, workflowId);
  await signal(regions.a, DOMAIN, workflowId, 'one');
  await untilEqual(regions, DOMAIN, workflowId, runId);
  const workflowExecution = { workflowId, runId };
  await regions.b.client.admin.deleteWorkflow(DeleteWorkflowRequest.fromPartial({ domain: DOMAIN, workflowExecution }));
  expect(await historyOf(regions.b, DOMAIN, workflowId, runId)).toHaveLength(0);
  return runId;
}

test('a run is sent again whole', async () => {
  const runId = await lostRun('resent');
  const { id: domainId } = await regions.b.region.domains.byName(DOMAIN);
  const request = ResendReplicationTasksRequest.fromPartial({
    domainId,
    workflowExecution: { workflowId: 'resent', runId },
    remoteCluster: 'a',
  });
  await regions.b.client.admin.resendReplicationTasks(request);
  await regions.b.client.admin.resendReplicationTasks(request);
  await untilEqual(regions, DOMAIN, 'resent', runId);
});

test('a dead letter is merged: applied, gaps filled, and gone', async () => {
  const runId = await lostRun('merged');
  const { shardMessages } = await regions.a.client.admin.getReplicationMessages({ tokens: [], clusterName: 'b' });
  expect(Object.keys(shardMessages)).not.toHaveLength(0);
  const { id: domainId } = await regions.b.region.domains.byName(DOMAIN);
  const raw = await regions.a.region.history.getRawHistory({
    run: { domainId, workflowId: 'merged', runId },
    pageSize: 10,
    token: new Uint8Array(),
  });
  const last = raw.batches.at(-1) ?? new Uint8Array();
  const letters = createDeadLetters({ keyValues: storeOfB.keyValues });
  await letters.add(
    { sourceCluster: 'a', topic: 'history', partition: 0 },
    {
      offset: 7,
      error: 'poison',
      attempts: 10,
      timeMs: 1,
      task: {
        taskType: 6,
        sourceTaskId: 7n,
        creationTime: undefined,
        attributes: {
          $case: 'historyTaskV2Attributes',
          value: {
            taskId: 7n,
            domainId,
            workflowExecution: { workflowId: 'merged', runId },
            versionHistoryItems: raw.versionHistoryItems.map(({ eventId, version }) => ({
              eventId: BigInt(eventId),
              version: BigInt(version),
            })),
            events: { encodingType: 3, data: Buffer.from(last) },
            newRunEvents: undefined,
          },
        },
      },
    },
  );
  const { admin } = regions.b.client;
  expect((await admin.countDlqMessages(CountDLQMessagesRequest.fromPartial({}))).history).toMatchObject([
    { count: 1n },
  ]);
  await admin.mergeDlqMessages(
    MergeDLQMessagesRequest.fromPartial({ type: DLQType.DLQ_TYPE_REPLICATION, shardId: 0, sourceCluster: 'a' }),
  );
  await untilEqual(regions, DOMAIN, 'merged', runId);
  expect((await admin.countDlqMessages(CountDLQMessagesRequest.fromPartial({}))).history).toEqual([]);
});
