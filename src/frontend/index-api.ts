// IndexAPI: what operators do with the index that runs are found by.
import { badRequest, unimplemented } from '#base';
import type { Handlers, SERVICE_DEFINITIONS } from '#rpc';
import { ADMIN_CALL, type Pipeline } from './pipeline.ts';
import type { FrontendDeps } from './ports.ts';

const PAGE_SIZE_MAX = 1000;
const PAGE_SIZE_DEFAULT = 100;

export function createIndexApi(
  { historyAdmin }: Pick<FrontendDeps, 'historyAdmin'>,
  { serve, byNothing }: Pipeline,
): Handlers<(typeof SERVICE_DEFINITIONS)['index']> {
  return {
    reindexShard: serve('index', 'reindexShard', ADMIN_CALL, byNothing, async (request) => {
      if (historyAdmin === undefined) throw unimplemented('This process has no history service of its own.');
      const { shardId, pageSize, nextPageToken } = request;
      if (pageSize < 0 || pageSize > PAGE_SIZE_MAX)
        throw badRequest(`PageSize must be between 0 and ${PAGE_SIZE_MAX}.`);
      if (!historyAdmin.shardIds().includes(shardId)) throw badRequest(`Shard ${shardId} does not exist.`);
      const token = nextPageToken.length === 0 ? undefined : nextPageToken;
      const page = await historyAdmin.reindexVisibility(shardId, token, pageSize || PAGE_SIZE_DEFAULT);
      return { written: BigInt(page.written), nextPageToken: page.nextToken ?? new Uint8Array() };
    }),
  };
}
