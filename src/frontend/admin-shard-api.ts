// Admin RPCs of history hosts, shards and their queues.
// Cadence: service/frontend/admin/handler.go, service/history/handler/handler.go
import { TaskType } from '@antiphon/proto/admin';
import { badRequest, unimplemented } from '#base';
import type { HistoryAdmin, TaskQueueName } from '#rpc';
import { msOfTimestamp } from './durations.ts';
import { ADMIN_CALL, type Pipeline } from './pipeline.ts';
import type { AdminHandlers, FrontendDeps, FrontendOptions } from './ports.ts';

const SHARD_PAGE_MAX = 10_000;

export function createShardAdminApi(
  { historyAdmin, domains }: FrontendDeps,
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
      if (describeBy.$case === 'hostAddress' && describeBy.value !== hostName) {
        throw badRequest(
          `Host ${describeBy.value.slice(0, 200)} is not a member of this cluster: its host is ${hostName}.`,
        );
      }
      if (describeBy.$case === 'shardId') requireShard(admin, describeBy.value);
      if (describeBy.$case === 'workflowExecution' && describeBy.value.workflowId === '') {
        throw badRequest('WorkflowId is not set on request.');
      }
      const shardIds = [...admin.openShardIds()];
      const cached = BigInt(domains.size());
      return {
        numberOfShards: shardIds.length,
        shardIds,
        domainCache: { numOfItemsInCacheById: cached, numOfItemsInCacheByName: cached },
        shardControllerStatus: 'started',
        address: hostName,
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
      const shards = Object.fromEntries(page.map((shardId) => [shardId, open.has(shardId) ? hostName : 'unknown']));
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
