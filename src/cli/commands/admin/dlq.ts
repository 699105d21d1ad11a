// admin dlq count, read, purge, merge: replication messages that this region could not apply.
import {
  CountDLQMessagesRequest,
  DLQType,
  MergeDLQMessagesRequest,
  PurgeDLQMessagesRequest,
  ReadDLQMessagesRequest,
  ReplicationTaskType,
} from '@antiphon/proto/admin';
import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { CliError, isServiceError, usageError } from '../../failure.ts';
import { readFile } from '../../payload.ts';
import { addCommand, PRINT_FLAGS } from '../../spec/command.ts';
import { on, oneOf, or, required, text, type ValuesOf, whole } from '../../spec/flags.ts';
import { enumName } from '../../ui/enum-name.ts';
import { confirm } from '../../ui/prompt.ts';
import type { Row } from '../../ui/row-printer.ts';

const dlqType = or(oneOf('dlq-type dt', 'messages of histories, or of domains', ['history', 'domain']), 'history');

const RANGE_FLAGS = {
  shards: text('shards shard-id', 'numbers of shards, as 0-3,7; - reads them from stdin', 'list'),
  dlqType,
  sourceCluster: required(text('source-cluster sc', 'the region that the messages came from', 'name')),
  lastMessageId: whole('last-message-id lm', 'up to this message'),
};
type RangeValues = ValuesOf<typeof RANGE_FLAGS>;

const typeOf = (type: 'history' | 'domain'): DLQType =>
  type === 'domain' ? DLQType.DLQ_TYPE_DOMAIN : DLQType.DLQ_TYPE_REPLICATION;

const SHARDS_MAX = 100_000;

function shardsOf({ shards, dlqType: type }: RangeValues): readonly number[] {
  if (shards === undefined) {
    if (type === 'domain') return [0];
    throw usageError('say which shards: --shards 0-3');
  }
  const parts = (shards === '-' ? readFile('-').replaceAll('\n', ',') : shards).split(',').map((part) => part.trim());
  const found = new Set<number>();
  for (const part of parts.filter((each) => each !== '')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    const [from, to] = match ? [Number(match[1]), Number(match[2] ?? match[1])] : [1, 0];
    if (from > to || to - from > SHARDS_MAX) throw usageError(`--shards: "${part}" is no number and no range as 0-3`);
    for (let shard = from; shard <= to; shard++) found.add(shard);
  }
  return [...found].sort((a, b) => a - b);
}

const rangeOf = (flags: RangeValues, shardId: number) => ({
  type: typeOf(flags.dlqType),
  shardId,
  sourceCluster: flags.sourceCluster,
  ...(flags.lastMessageId === undefined ? {} : { inclusiveEndMessageId: BigInt(flags.lastMessageId) }),
});

export function addDlqCommands(dlq: Command): void {
  addCount(dlq);
  addRead(dlq);
  addPurge(dlq);
  addMerge(dlq);
}

function addCount(dlq: Command): void {
  addCommand(dlq, {
    name: 'count',
    aliases: ['c'],
    summary: 'how many messages there are, and where',
    flags: { dlqType, force: on('force', 'count now, instead of telling the last count'), ...PRINT_FLAGS },
    async run({ flags, context, connection }) {
      const response = await connection.admin.countDlqMessages(
        CountDLQMessagesRequest.fromPartial({ forceFetch: flags.force }),
      );
      if (flags.dlqType === 'domain') {
        context.output.line(String(response.domain), { domain: Number(response.domain) });
        return;
      }
      const rows = response.history
        .map((entry) => ({ sourceCluster: entry.sourceCluster, shardId: entry.shardId, count: Number(entry.count) }))
        .sort((a, b) => a.sourceCluster.localeCompare(b.sourceCluster) || b.count - a.count || a.shardId - b.shardId);
      context.output.rows(['sourceCluster', 'shardId', 'count'], rows, 'No message: everything was applied.');
    },
  });
}

function addRead(dlq: Command): void {
  addCommand(dlq, {
    name: 'read',
    aliases: ['r'],
    summary: 'the messages',
    examples: ['admin dlq read --source-cluster region-a --shards 0-3'],
    flags: { ...RANGE_FLAGS, maxMessageCount: whole('max-message-count mmc', 'at most so many'), ...PRINT_FLAGS },
    async run({ flags, context, connection }) {
      const rows: Row[] = [];
      const limit = flags.maxMessageCount ?? Number.POSITIVE_INFINITY;
      for (const shardId of shardsOf(flags)) {
        let nextPageToken: Uint8Array = new Uint8Array();
        do {
          const page = await connection.admin.readDlqMessages(
            ReadDLQMessagesRequest.fromPartial({ ...rangeOf(flags, shardId), pageSize: 1000, nextPageToken }),
          );
          const types = new Map(page.replicationTasks.map((task) => [task.sourceTaskId, task.taskType]));
          for (const info of page.replicationTasksInfo) {
            rows.push({
              shardId,
              taskId: info.taskId,
              type: enumName(ReplicationTaskType, types.get(info.taskId) ?? 0, 'REPLICATION_TASK_TYPE_'),
              domainId: info.domainId,
              workflowId: info.workflowExecution?.workflowId,
              runId: info.workflowExecution?.runId,
              version: info.version,
              firstEventId: info.firstEventId,
              nextEventId: info.nextEventId,
            });
          }
          nextPageToken = page.nextPageToken;
        } while (nextPageToken.length > 0 && rows.length < limit);
        if (rows.length >= limit) break;
      }
      context.output.rows(
        ['shardId', 'taskId', 'type', 'domainId', 'workflowId', 'runId', 'version', 'firstEventId', 'nextEventId'],
        rows.slice(0, limit),
        'No message.',
      );
    },
  });
}

/** Does `work` for each shard, telling of each, and fails in the end when one failed. */
async function eachShard(
  context: CliContext,
  flags: RangeValues,
  done: string,
  work: (shardId: number) => Promise<void>,
): Promise<void> {
  let failed = 0;
  const shards = shardsOf(flags);
  for (const shardId of shards) {
    try {
      await work(shardId);
      context.output.done(`${done} shard ${shardId}`, { shardId });
    } catch (error) {
      if (!isServiceError(error) || error.kind === 'Unavailable') throw error;
      failed++;
      context.output.line(`shard ${shardId}: ${error.message}`, { shardId, error: error.message });
    }
  }
  if (failed > 0) throw new CliError(`${failed} of ${shards.length} shards failed`);
}

function addPurge(dlq: Command): void {
  addCommand(dlq, {
    name: 'purge',
    aliases: ['p'],
    summary: 'drop the messages; what was in them is lost here',
    flags: { ...RANGE_FLAGS, yes: on('yes y', 'do not ask') },
    async run({ flags, context, connection }) {
      await confirm(`Drop messages from ${flags.sourceCluster}?`, { yes: flags.yes, inScripts: 'go-on' });
      await eachShard(context, flags, 'dropped the messages of', async (shardId) => {
        await connection.admin.purgeDlqMessages(PurgeDLQMessagesRequest.fromPartial(rangeOf(flags, shardId)));
      });
    },
  });
}

function addMerge(dlq: Command): void {
  addCommand(dlq, {
    name: 'merge',
    aliases: ['m'],
    summary: 'apply the messages again, now that the cause is gone',
    examples: ['admin dlq merge --source-cluster region-a --shards 0-3'],
    flags: RANGE_FLAGS,
    async run({ flags, context, connection }) {
      await eachShard(context, flags, 'applied the messages of', async (shardId) => {
        let nextPageToken: Uint8Array = new Uint8Array();
        do {
          const page = await connection.admin.mergeDlqMessages(
            MergeDLQMessagesRequest.fromPartial({ ...rangeOf(flags, shardId), pageSize: 1000, nextPageToken }),
          );
          nextPageToken = page.nextPageToken;
        } while (nextPageToken.length > 0);
      });
    },
  });
}
