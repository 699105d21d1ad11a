// The source side of the embedded transport: AdminAPI.GetReplicationMessages and GetDomainReplicationMessages over this region's log. A
// partition of the log stands where Cadence has a shard, an offset where it has a message id. A request without tokens lists the partitions.
import { setMaxListeners } from 'node:events';
import {
  type GetDomainReplicationMessagesRequest,
  type GetDomainReplicationMessagesResponse,
  type GetReplicationMessagesRequest,
  type GetReplicationMessagesResponse,
  type ReplicationMessages,
  ReplicationTask,
} from '@antiphon/proto/admin';
import { badRequest } from '#base';
import type { Env } from '#env';
import { DOMAIN_TOPIC, HISTORY_TOPIC } from '#log';
import type { EmbeddedLog } from '#log/embedded';
import type { CallContext } from '#rpc';
import { timestampOf } from '../tasks/index.ts';

export interface LogHandlerOptions {
  /** How long a request waits for a first message. */
  readonly waitMs?: number;
  readonly batchSize?: number;
}

const TOKENS_MAX = 1024;

function offsetOf(value: bigint | undefined, what: string): number {
  const offset = Number(value ?? 0n);
  if (!Number.isSafeInteger(offset)) throw badRequest(`Replication token has an impossible ${what}.`);
  // Cadence's clients begin with -1.
  return Math.max(0, offset);
}

export function createLogHandlers(deps: { env: Env; log: EmbeddedLog }, options: LogHandlerOptions = {}) {
  const { env, log } = deps;
  const { waitMs = 1_500, batchSize = 200 } = options;

  const messagesOf = async (
    topic: string,
    partition: number,
    reader: { cluster: string; afterOffset: number; appliedOffset: number },
    wait: { waitMs: number; signal: AbortSignal },
  ): Promise<ReplicationMessages> => {
    const page = await log.serve(topic, partition, reader, { limit: batchSize, ...wait });
    return {
      replicationTasks: page.entries.map((entry) => ({
        ...ReplicationTask.decode(entry.value),
        sourceTaskId: BigInt(entry.offset),
      })),
      lastRetrievedMessageId: BigInt(page.reachedOffset),
      hasMore: page.lastOffset > page.reachedOffset,
      syncShardStatus: { timestamp: timestampOf(env.clock.nowMs()) },
    };
  };

  const describePartitions = async (): Promise<GetReplicationMessagesResponse> => {
    const shardMessages: Record<number, ReplicationMessages> = {};
    for (let partition = 0; partition < log.partitionCount(HISTORY_TOPIC); partition++) {
      const lastOffset = await log.lastOffset(HISTORY_TOPIC, partition);
      shardMessages[partition] = {
        replicationTasks: [],
        lastRetrievedMessageId: 0n,
        hasMore: lastOffset > 0,
        syncShardStatus: { timestamp: timestampOf(env.clock.nowMs()) },
      };
    }
    return { shardMessages };
  };

  return {
    async getReplicationMessages(
      request: GetReplicationMessagesRequest,
      context: CallContext,
    ): Promise<GetReplicationMessagesResponse> {
      const { tokens, clusterName: cluster } = request;
      if (cluster === '') throw badRequest('Cluster name is not set.');
      if (tokens.length === 0) return describePartitions();
      if (tokens.length > TOKENS_MAX) throw badRequest('Too many replication tokens.');
      // Several tokens: who finds something ends the wait of the others.
      const found = new AbortController();
      const signal = AbortSignal.any([context.signal, found.signal]);
      setMaxListeners(TOKENS_MAX, signal);
      const served = await Promise.all(
        tokens.map(async (token): Promise<[number, ReplicationMessages]> => {
          const afterOffset = offsetOf(token.lastRetrievedMessageId, 'last retrieved message id');
          const appliedOffset = offsetOf(token.lastProcessedMessageId, 'last processed message id');
          const reader = { cluster, afterOffset, appliedOffset };
          const messages = await messagesOf(HISTORY_TOPIC, token.shardId, reader, { waitMs, signal });
          if (messages.replicationTasks.length > 0) found.abort();
          return [token.shardId, messages];
        }),
      );
      return { shardMessages: Object.fromEntries(served) };
    },
    async getDomainReplicationMessages(
      request: GetDomainReplicationMessagesRequest,
      context: CallContext,
    ): Promise<GetDomainReplicationMessagesResponse> {
      const afterOffset = offsetOf(request.lastRetrievedMessageId, 'last retrieved message id');
      const appliedOffset = offsetOf(request.lastProcessedMessageId, 'last processed message id');
      if (request.clusterName === '') throw badRequest('Cluster name is not set.');
      const reader = { cluster: request.clusterName, afterOffset, appliedOffset };
      return { messages: await messagesOf(DOMAIN_TOPIC, 0, reader, { waitMs, signal: context.signal }) };
    },
  };
}
