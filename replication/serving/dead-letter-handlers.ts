// AdminAPI for dead letters: count, read, purge, merge. The shard of a request is the partition of the source's log; a page token is the
// offset to go on after.
import type {
  CountDLQMessagesResponse,
  GetDLQReplicationMessagesRequest,
  GetDLQReplicationMessagesResponse,
  MergeDLQMessagesRequest,
  MergeDLQMessagesResponse,
  PurgeDLQMessagesRequest,
  PurgeDLQMessagesResponse,
  ReadDLQMessagesRequest,
  ReadDLQMessagesResponse,
  ReplicationTask,
  ReplicationTaskInfo,
} from '@antiphon/proto/admin';
import { DLQType } from '@antiphon/proto/admin';
import { badRequest } from '#base';
import { DOMAIN_TOPIC, HISTORY_TOPIC } from '#log';
import type { DeadLetterName, DeadLetters } from '../dlq/index.ts';

const PAGE_SIZE_DEFAULT = 100;
const PAGE_SIZE_MAX = 1000;

interface Target {
  readonly type: DLQType;
  readonly shardId: number;
  readonly sourceCluster: string;
}

function nameOf(request: Target): DeadLetterName {
  const { sourceCluster, shardId } = request;
  if (request.type === DLQType.DLQ_TYPE_INVALID) throw badRequest('Queue type is not set.');
  if (sourceCluster === '') throw badRequest('SourceCluster is not set on request.');
  if (shardId < 0) throw badRequest('ShardID must not be negative.');
  if (request.type === DLQType.DLQ_TYPE_REPLICATION) return { sourceCluster, topic: HISTORY_TOPIC, partition: shardId };
  if (request.type === DLQType.DLQ_TYPE_DOMAIN) return { sourceCluster, topic: DOMAIN_TOPIC, partition: 0 };
  throw badRequest('The DLQ type is not supported.');
}

function offsetOfToken(token: Uint8Array): number {
  if (token.length === 0) return 0;
  const text = Buffer.from(token).toString('utf8');
  if (!/^\d{1,16}$/.test(text)) throw badRequest('Invalid NextPageToken.');
  return Number(text);
}

function infoOf(task: ReplicationTask, offset: number): ReplicationTaskInfo {
  const value = task.attributes?.$case === 'domainTaskAttributes' ? undefined : task.attributes?.value;
  const execution = value !== undefined && 'workflowExecution' in value ? value.workflowExecution : undefined;
  const history = task.attributes?.$case === 'historyTaskV2Attributes' ? task.attributes.value : undefined;
  const activity = task.attributes?.$case === 'syncActivityTaskAttributes' ? task.attributes.value : undefined;
  return {
    domainId: value !== undefined && 'domainId' in value ? value.domainId : '',
    workflowExecution: execution,
    taskType: task.taskType,
    taskId: BigInt(offset),
    version: history?.versionHistoryItems.at(-1)?.version ?? activity?.version ?? 0n,
    firstEventId: 0n,
    nextEventId: (history?.versionHistoryItems.at(-1)?.eventId ?? -1n) + 1n,
    scheduledId: activity?.scheduledId ?? 0n,
  };
}

/** `applierOf`: applies a task of that source once; undefined for a cluster that is not one. */
export function createDeadLetterHandlers(deps: {
  deadLetters: DeadLetters;
  applierOf: (sourceCluster: string) => ((task: ReplicationTask) => Promise<void>) | undefined;
}) {
  const { deadLetters } = deps;
  const endOf = (end: bigint | undefined): number | undefined => (end === undefined ? undefined : Number(end));
  return {
    async countDlqMessages(): Promise<CountDLQMessagesResponse> {
      const counts = await deadLetters.count();
      const history = counts
        .filter(({ topic }) => topic === HISTORY_TOPIC)
        .map(({ sourceCluster, partition, count }) => ({ sourceCluster, shardId: partition, count: BigInt(count) }));
      const domain = counts.filter(({ topic }) => topic === DOMAIN_TOPIC).reduce((sum, { count }) => sum + count, 0);
      return { history, domain: BigInt(domain) };
    },
    async readDlqMessages(request: ReadDLQMessagesRequest): Promise<ReadDLQMessagesResponse> {
      const limit = Math.min(PAGE_SIZE_MAX, request.pageSize > 0 ? request.pageSize : PAGE_SIZE_DEFAULT);
      const until = endOf(request.inclusiveEndMessageId);
      const letters = await deadLetters.list(nameOf(request), {
        afterOffset: offsetOfToken(request.nextPageToken),
        limit,
        ...(until === undefined ? {} : { untilOffset: until }),
      });
      const last = letters.at(-1);
      return {
        type: request.type,
        replicationTasks: letters.map(({ task, offset }) => ({ ...task, sourceTaskId: BigInt(offset) })),
        replicationTasksInfo: letters.map(({ task, offset }) => infoOf(task, offset)),
        nextPageToken:
          letters.length < limit || last === undefined ? Buffer.alloc(0) : Buffer.from(String(last.offset)),
      };
    },
    /** Cadence's dead letters are names of tasks that their source fills in; ours are the messages. */
    async getDlqReplicationMessages(
      request: GetDLQReplicationMessagesRequest,
    ): Promise<GetDLQReplicationMessagesResponse> {
      if (request.taskInfos.length === 0) throw badRequest('Replication task info is not set.');
      throw badRequest(
        'Dead letters are kept whole where they could not be applied: read them there, with ReadDLQMessages.',
      );
    },
    async purgeDlqMessages(request: PurgeDLQMessagesRequest): Promise<PurgeDLQMessagesResponse> {
      await deadLetters.purge(nameOf(request), endOf(request.inclusiveEndMessageId));
      return {};
    },
    async mergeDlqMessages(request: MergeDLQMessagesRequest): Promise<MergeDLQMessagesResponse> {
      const name = nameOf(request);
      const apply = deps.applierOf(name.sourceCluster);
      if (apply === undefined) throw badRequest(`Cluster ${name.sourceCluster} is not a source of replication.`);
      await deadLetters.merge(name, endOf(request.inclusiveEndMessageId), apply);
      return { nextPageToken: Buffer.alloc(0) };
    },
  };
}
