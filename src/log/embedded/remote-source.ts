// The log of another region, pulled from its frontend: AdminAPI.GetReplicationMessages with a partition in place of Cadence's shard, and
// GetDomainReplicationMessages. A request without tokens answers which partitions there are.
import type { ReplicationMessages } from '@antiphon/proto/admin';
import { ReplicationTask } from '@antiphon/proto/admin';
import type { FrontendClient } from '#rpc';
import { DOMAIN_TOPIC, HISTORY_TOPIC, type LogMessage, type LogSource } from '../ports.ts';

export type RemoteAdminClient = Pick<
  FrontendClient['admin'],
  'getReplicationMessages' | 'getDomainReplicationMessages' | 'getWorkflowExecutionRawHistoryV2'
>;

// Beyond the wait asked for: the way there and back, and a busy source.
const CALL_MARGIN_MS = 10_000;

const msOf = (time: { seconds: bigint; nanos: number } | undefined): number =>
  time === undefined ? 0 : Number(time.seconds) * 1000 + Math.floor(time.nanos / 1e6);

function keyOf(task: ReplicationTask): string {
  switch (task.attributes?.$case) {
    case 'domainTaskAttributes':
      return task.attributes.value.id;
    case 'historyTaskV2Attributes':
    case 'syncActivityTaskAttributes': {
      const { domainId, workflowExecution } = task.attributes.value;
      return `${domainId}/${workflowExecution?.workflowId ?? ''}`;
    }
    default:
      return '';
  }
}

function messageOf(task: ReplicationTask): LogMessage {
  return {
    offset: Number(task.sourceTaskId),
    key: keyOf(task),
    value: ReplicationTask.encode(task).finish(),
    timeMs: msOf(task.creationTime),
  };
}

export function createEmbeddedLogSource(
  admin: RemoteAdminClient,
  options: { sourceCluster: string; currentCluster: string },
): LogSource {
  const clusterName = options.currentCluster;

  const fetchHistory = async (
    partition: number,
    position: { afterOffset: number; appliedOffset: number },
    callOptions: { timeoutMs: number; signal: AbortSignal },
  ): Promise<ReplicationMessages | undefined> => {
    const token = {
      shardId: partition,
      lastRetrievedMessageId: BigInt(position.afterOffset),
      lastProcessedMessageId: BigInt(position.appliedOffset),
    };
    const { shardMessages } = await admin.getReplicationMessages({ tokens: [token], clusterName }, callOptions);
    return shardMessages[partition];
  };

  const fetchDomains = async (
    position: { afterOffset: number; appliedOffset: number },
    callOptions: { timeoutMs: number; signal: AbortSignal },
  ): Promise<ReplicationMessages | undefined> => {
    const request = {
      lastRetrievedMessageId: BigInt(position.afterOffset),
      lastProcessedMessageId: BigInt(position.appliedOffset),
      clusterName,
    };
    return (await admin.getDomainReplicationMessages(request, callOptions)).messages;
  };

  return {
    sourceCluster: options.sourceCluster,
    async partitionCount(topic) {
      if (topic === DOMAIN_TOPIC) return 1;
      const { shardMessages } = await admin.getReplicationMessages(
        { tokens: [], clusterName },
        { timeoutMs: CALL_MARGIN_MS },
      );
      return Object.keys(shardMessages).length;
    },
    async fetch(topic, partition, position, { waitMs, signal }) {
      const callOptions = { timeoutMs: waitMs + CALL_MARGIN_MS, signal };
      const messages =
        topic === HISTORY_TOPIC
          ? await fetchHistory(partition, position, callOptions)
          : await fetchDomains(position, callOptions);
      const tasks = messages?.replicationTasks ?? [];
      const lastRetrieved = Math.max(Number(messages?.lastRetrievedMessageId ?? 0n), position.afterOffset);
      return {
        messages: tasks.map(messageOf),
        reachedOffset: lastRetrieved,
        // The wire says whether there is more, not how much.
        lastOffset: messages?.hasMore === true ? lastRetrieved + 1 : lastRetrieved,
        sourceTimeMs: msOf(messages?.syncShardStatus?.timestamp),
      };
    },
  };
}
