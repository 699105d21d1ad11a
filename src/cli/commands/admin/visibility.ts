// admin visibility: the index that runs are found by.
import { setTimeout as delay } from 'node:timers/promises';
import { DescribeShardDistributionRequest } from '@antiphon/proto/admin';
import { ReindexShardRequest, type ReindexShardResponse } from '@antiphon/proto/audit';
import type { Command } from 'commander';
import type { Connection } from '../../connection.ts';
import { isTransient } from '../../failure.ts';
import { addCommand } from '../../spec/command.ts';
import { or, whole } from '../../spec/flags.ts';

const SHARD_PAGE = 10_000;

// A page may be written again, so a server or an index that is busy or away for a minute costs time, and not the work of hours.
const ATTEMPTS_MAX = 10;
const PAUSE_MS_MIN = 500;
const PAUSE_MS_MAX = 10_000;

async function shardIds({ admin }: Connection): Promise<readonly number[]> {
  const ids: number[] = [];
  for (let pageId = 0; ; pageId++) {
    const request = DescribeShardDistributionRequest.fromPartial({ pageSize: SHARD_PAGE, pageId });
    const { shards, numberOfShards } = await admin.describeShardDistribution(request);
    ids.push(...Object.keys(shards).map(Number));
    if (ids.length >= numberOfShards || Object.keys(shards).length === 0) return ids.sort((a, b) => a - b);
  }
}

async function reindexPage(
  { index }: Connection,
  request: ReindexShardRequest,
  onWait: (text: string) => void,
): Promise<ReindexShardResponse> {
  let pauseMs = PAUSE_MS_MIN;
  for (let attempt = 1; ; attempt++) {
    try {
      return await index.reindexShard(request);
    } catch (error) {
      if (!isTransient(error) || attempt === ATTEMPTS_MAX) throw error;
      onWait(`shard ${request.shardId}: tried again in ${pauseMs / 1_000} s: ${error.message}`);
      await delay(pauseMs);
      pauseMs = Math.min(PAUSE_MS_MAX, pauseMs * 2);
    }
  }
}

async function reindexShard(
  connection: Connection,
  shardId: number,
  pageSize: number,
  onWait: (text: string) => void,
): Promise<number> {
  let written = 0;
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const request = ReindexShardRequest.fromPartial({ shardId, pageSize, nextPageToken });
    const page = await reindexPage(connection, request, onWait);
    written += Number(page.written);
    nextPageToken = page.nextPageToken;
  } while (nextPageToken.length > 0);
  return written;
}

export function addVisibilityCommands(visibility: Command): void {
  addCommand(visibility, {
    name: 'reindex',
    summary: 'write the record of every run again, from what the runs are now',
    details:
      'Fills a new index while writing goes on: what is newer stays. Waits about a minute for a server or an index that is busy or away. ' +
      'It may be repeated; after an error --shard-id goes on.',
    examples: ['admin visibility reindex', 'admin visibility reindex --shard-id 3'],
    flags: {
      shardId: whole('shard-id sid', 'only this shard'),
      concurrency: or(whole('concurrency', 'shards at once'), 2),
      pageSize: or(whole('pagesize ps', 'runs of one request'), 500),
    },
    async run({ flags, context, connection }) {
      const shards = flags.shardId === undefined ? await shardIds(connection) : [flags.shardId];
      const queue = [...shards];
      let written = 0;
      const worker = async (): Promise<void> => {
        for (let shardId = queue.shift(); shardId !== undefined; shardId = queue.shift()) {
          const count = await reindexShard(connection, shardId, flags.pageSize, (text) => context.output.note(text));
          written += count;
          context.output.note(`shard ${shardId}: ${count} runs`);
        }
      };
      await Promise.all(Array.from({ length: Math.min(flags.concurrency, shards.length) }, worker));
      context.output.done(`${written} runs of ${shards.length} shards written to the index`, {
        runs: written,
        shards: shards.length,
      });
    },
  });
}
