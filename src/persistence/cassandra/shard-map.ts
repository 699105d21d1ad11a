// The shard map: one row, written once by condition. A second proposal gets the first.
import { StoreError } from '#base';
import type { ShardMap } from '../ports.ts';
import type { CassandraSession } from './session.ts';

interface MapRow {
  readonly epoch: number;
  readonly ranges: string;
}

const LOAD = 'SELECT epoch, ranges FROM shard_map WHERE id = 1';
const CREATE = 'INSERT INTO shard_map (id, epoch, ranges) VALUES (1, ?, ?) IF NOT EXISTS';

function mapOf({ epoch, ranges }: MapRow): ShardMap {
  try {
    // This driver wrote it, as triples.
    const triples = JSON.parse(ranges) as [number, number, number][];
    return { epoch, shards: triples.map(([shardId, from, to]) => ({ shardId, from, to })) };
  } catch (error) {
    throw new StoreError('Corrupt', 'undecodable shard map', { cause: error });
  }
}

export async function loadShardMap(session: CassandraSession, create: ShardMap): Promise<ShardMap> {
  const find = async (): Promise<MapRow | undefined> =>
    (await session.read<MapRow>('loadShardMap', LOAD, [], { serial: true }))[0];
  const stored = await find();
  if (stored !== undefined) return mapOf(stored);
  const ranges = JSON.stringify(create.shards.map(({ shardId, from, to }) => [shardId, from, to]));
  const { isApplied } = await session.compareAndSet('loadShardMap', [
    { query: CREATE, params: [create.epoch, ranges] },
  ]);
  if (isApplied) return create;
  const winner = await find();
  if (winner === undefined) throw new StoreError('Unavailable', 'loadShardMap: the shard map was removed meanwhile');
  return mapOf(winner);
}
