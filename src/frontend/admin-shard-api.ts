// Admin RPCs of history hosts, shards and their queues.
// Cadence: service/frontend/admin/handler.go, service/history/handler/handler.go
import { type DescribeHistoryHostRequest, TaskType } from '@antiphon/proto/admin';
import { badRequest, unavailable, unimplemented } from '#base';
import type { HistoryAdmin, TaskQueueName } from '#rpc';
import { msOfTimestamp } from './durations.ts';
import { ADMIN_CALL, type Pipeline } from './pipeline.ts';
import type { AdminHandlers, FrontendDeps, FrontendOptions, RegionHosts } from './ports.ts';

const SHARD_PAGE_MAX = 10_000;

export function createShardAdminApi(
  { historyAdmin, domains, hosts }: FrontendDeps,
  { hostName }: FrontendOptions,
  { serve, byNothing }: Pipeline,
): AdminHandlers {
  const operator = (): HistoryAdmin => {
    if (historyAdmin !== undefined) return historyAdmin;
    throw unimplemented('This process has no history service of its own.');
  };
  return {
    describeHistoryHost: serve('admin', 'describeHistoryHost', ADMIN_CALL, byNothing, async ({ describeBy }) => {
      if (describeBy === undefined) throw badRequest('Request is nil.');
      const admin = operator();
      const members = hosts?.list().map(({ id }) => id) ?? [hostName];
      if (describeBy.$case === 'hostAddress' && !members.includes(describeBy.value)) {
        const known = members.length === 1 ? `its host is ${members[0]}` : `its hosts are ${members.join(', ')}`;
        throw badRequest(`Host ${describeBy.value.slice(0, 200)} is not a member of this cluster: ${known}.`);
      }
      if (describeBy.$case === 'shardId') requireShard(admin, describeBy.value);
      if (describeBy.$case === 'workflowExecution' && describeBy.value.workflowId === '') {
        throw badRequest('WorkflowId is not set on request.');
      }
      const address = hosts === undefined ? hostName : hostOf(admin, hosts, describeBy);
      const described = await hosts?.describe(address);
      const shardIds = [...(described?.openShardIds ?? admin.openShardIds())];
      const cached = BigInt(described?.cachedDomains ?? domains.size());
      return {
        numberOfShards: shardIds.length,
        shardIds,
        domainCache: { numOfItemsInCacheById: cached, numOfItemsInCacheByName: cached },
        shardControllerStatus: 'started',
        address,
      };
    }),

    describeShardDistribution: serve('admin', 'describeShardDistribution', ADMIN_CALL, byNothing, async (request) => {
      const { pageSize, pageId } = request;
      if (pageSize < 0 || pageSize > SHARD_PAGE_MAX)
        throw badRequest(`PageSize must be between 0 and ${SHARD_PAGE_MAX}.`);
      if (pageId < 0) throw badRequest('PageId must not be negative.');
      const admin = operator();
      const all = admin.shardIds();
      const open = new Set(admin.openShardIds());
      const page = all.slice(pageId * pageSize, (pageId + 1) * pageSize);
      const ownerOf = (shardId: number): string | undefined =>
        hosts === undefined ? (open.has(shardId) ? hostName : undefined) : hosts.ownerOf(shardId);
      const shards = Object.fromEntries(page.map((shardId) => [shardId, ownerOf(shardId) ?? 'unknown']));
      return { numberOfShards: all.length, shards };
    }),

    closeShard: serve('admin', 'closeShard', ADMIN_CALL, byNothing, async ({ shardId }) => {
      await operator().closeShard(shardId);
      return {};
    }),

    describeQueue: serve(
      'admin',
      'describeQueue',
      ADMIN_CALL,
      byNothing,
      async ({ shardId, clusterName, taskType }) => {
        const queue = requireQueue(clusterName, taskType);
        return { processingQueueStates: [...(await operator().describeQueue(shardId, queue))] };
      },
    ),

    // Its tasks are in memory: they are read again, from the ack level on, by the shard's next lease.
    resetQueue: serve('admin', 'resetQueue', ADMIN_CALL, byNothing, async ({ shardId, clusterName, taskType }) => {
      requireQueue(clusterName, taskType);
      await operator().closeShard(shardId);
      return {};
    }),

    removeTask: serve('admin', 'removeTask', ADMIN_CALL, byNothing, async (request) => {
      const { taskType, shardId } = request;
      if (taskType === TaskType.TASK_TYPE_INVALID) throw badRequest('Request is nil.');
      if (taskType === TaskType.TASK_TYPE_REPLICATION) {
        throw badRequest('A replication task cannot be removed: what other regions get of a shard has no gaps.');
      }
      const taskId = Number(request.taskId);
      if (!Number.isSafeInteger(taskId) || taskId <= 0) throw badRequest('Invalid TaskId.');
      const fireTimeMs = msOfTimestamp(request.visibilityTime) ?? 0;
      await operator().removeTask(shardId, { queue: queueOf(taskType), taskId, fireTimeMs });
      return {};
    }),
  };
}

type DescribeBy = NonNullable<DescribeHistoryHostRequest['describeBy']>;

/** The host that is named, or that owns what is named. */
function hostOf(admin: HistoryAdmin, hosts: RegionHosts, by: DescribeBy): string {
  if (by.$case === 'hostAddress') return by.value;
  const shardId = by.$case === 'shardId' ? by.value : admin.shardOf(by.value.workflowId);
  const owner = hosts.ownerOf(shardId);
  if (owner === undefined) throw unavailable('No host of this region runs the history service, please retry');
  return owner;
}

function requireShard(admin: HistoryAdmin, shardId: number): void {
  if (!admin.shardIds().includes(shardId)) throw badRequest(`Shard ${shardId} does not exist.`);
}

function requireQueue(clusterName: string, taskType: TaskType): TaskQueueName {
  if (taskType === TaskType.TASK_TYPE_INVALID) throw badRequest('Request is nil.');
  if (clusterName === '') throw badRequest('Cluster name is not set.');
  return queueOf(taskType);
}

function queueOf(taskType: TaskType): TaskQueueName {
  if (taskType === TaskType.TASK_TYPE_TRANSFER) return 'transfer';
  if (taskType === TaskType.TASK_TYPE_TIMER) return 'timer';
  throw badRequest('Invalid task type');
}
