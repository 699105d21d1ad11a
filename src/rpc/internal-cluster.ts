// What the hosts of a region tell each other beside the work itself: membership, hand-over of shards, background work; and what operators do
// with the shards of another host. As messages.
import { HistoryAdminServiceService as Admin, ClusterServiceService as Cluster } from '@antiphon/proto/internal';
import type { HistoryAdmin, TaskQueueName } from './history-admin.ts';
import {
  EMPTY,
  type InternalMethods,
  internalMethod as method,
  NOTHING,
  ofRun,
  refOf,
  runOf,
  same,
} from './internal-method.ts';

export interface HostDescription {
  readonly openShardIds: readonly number[];
  readonly cachedDomains: number;
}

/** What a host does for the others. */
export interface ClusterPeer {
  /** Somebody's membership has changed: look now. */
  lookNow(hostId: string): Promise<void>;
  /** Lets go of those shards that it has, all accepted work durable. Resolves with them when it has. `hostId` will own them. */
  releaseShards(shardIds: readonly number[], hostId: string): Promise<readonly number[]>;
  describeHost(): Promise<HostDescription>;
  /** Work that this host is to do has come: on a task list of the service's own workflows, or (empty name) an async request. */
  noticeWork(domainId: string, taskListName: string): Promise<void>;
  /**
   * Resolves with the shards it had throughout, when all that they decided before the call is in the replication log. `failoverVersion` is the
   * domain's: the host has seen it before it looks.
   */
  drainReplication(domainId: string, failoverVersion: number): Promise<readonly number[]>;
}

const NO_TOKEN = new Uint8Array();

export const CLUSTER_METHODS: InternalMethods<ClusterPeer> = {
  lookNow: method(Cluster.lookNow, {
    isRepeatable: true,
    request: (hostId) => ({ hostId }),
    args: ({ hostId }) => [hostId],
    reply: EMPTY,
    result: NOTHING,
  }),
  releaseShards: method(Cluster.releaseShards, {
    isRepeatable: true,
    request: (shardIds, hostId) => ({ shardIds: [...shardIds], hostId }),
    args: ({ shardIds, hostId }) => [shardIds, hostId],
    reply: (released) => ({ released: [...released] }),
    result: ({ released }) => released,
  }),
  describeHost: method(Cluster.describeHost, {
    isRepeatable: true,
    request: EMPTY,
    args: () => [],
    reply: ({ openShardIds, cachedDomains }) => ({ openShardIds: [...openShardIds], cachedDomains }),
    result: same,
  }),
  noticeWork: method(Cluster.noticeWork, {
    isRepeatable: true,
    request: (domainId, taskListName) => ({ domainId, taskListName }),
    args: ({ domainId, taskListName }) => [domainId, taskListName],
    reply: EMPTY,
    result: NOTHING,
  }),
  drainReplication: method(Cluster.drainReplication, {
    isRepeatable: true,
    request: (domainId, failoverVersion) => ({ domainId, failoverVersion }),
    args: ({ domainId, failoverVersion }) => [domainId, failoverVersion],
    reply: (shardIds) => ({ shardIds: [...shardIds] }),
    result: ({ shardIds }) => shardIds,
  }),
};

export const HISTORY_ADMIN_METHODS: InternalMethods<HistoryAdmin> = {
  closeShard: method(Admin.closeShard, {
    request: (shardId) => ({ shardId }),
    args: ({ shardId }) => [shardId],
    reply: EMPTY,
    result: NOTHING,
  }),
  describeQueue: method(Admin.describeQueue, {
    isRepeatable: true,
    request: (shardId, queue) => ({ shardId, queue }),
    args: ({ shardId, queue }) => [shardId, queue as TaskQueueName], // Written by the line above.
    reply: (lines) => ({ lines: [...lines] }),
    result: ({ lines }) => lines,
  }),
  removeTask: method(Admin.removeTask, {
    request: (shardId, task) => ({ shardId, ...task }),
    args: ({ shardId, queue, ...task }) => [shardId, { ...task, queue: queue as TaskQueueName }], // As above.
    reply: EMPTY,
    result: NOTHING,
  }),
  deleteRun: method(Admin.deleteRun, {
    ...ofRun,
    reply: (deleted) => ({ ...deleted, faults: [] }),
    result: ({ faults: _, ...deleted }) => deleted,
  }),
  deleteCorruptRun: method(Admin.deleteCorruptRun, {
    ...ofRun,
    reply: (deleted) => ({ ...deleted, faults: [...deleted.faults] }),
    result: same,
  }),
  reindexVisibility: method(Admin.reindexVisibility, {
    isRepeatable: true,
    request: (shardId, token, limit) => ({ shardId, token: token ?? NO_TOKEN, limit }),
    args: ({ shardId, token, limit }) => [shardId, token.length === 0 ? undefined : token, limit],
    reply: ({ written, nextToken }) => ({ written, nextToken: nextToken ?? NO_TOKEN }),
    result: ({ written, nextToken }) => ({ written, nextToken: nextToken.length === 0 ? undefined : nextToken }),
  }),
  reapplyEvents: method(Admin.reapplyEvents, {
    isRepeatable: true,
    request: (run, events) => ({ run: refOf(run), events: { events: [...events] } }),
    args: ({ run, events }) => [runOf(run), events?.events ?? []],
    reply: EMPTY,
    result: NOTHING,
  }),
};
