// Which shard a workflow id belongs to: the range of the 32-bit hash space that holds its fingerprint. The map is data in the store, so that
// shards can be split later; nothing stores or sends `hash % N`.
import { assert, fingerprint32 } from '#base';
import type { ShardMap } from '#persistence';

const HASH_SPACE = 2 ** 32;

/** Equal ranges for a new store. */
export function evenShardMap(shardCount: number): ShardMap {
  assert(Number.isInteger(shardCount) && shardCount > 0, 'a store has at least one shard', { shardCount });
  const bound = (index: number): number => Math.floor((HASH_SPACE * index) / shardCount);
  return {
    epoch: 1,
    shards: Array.from({ length: shardCount }, (_, index) => ({
      shardId: index,
      from: bound(index),
      to: bound(index + 1),
    })),
  };
}

/** The lookup of a map, whose ranges must cover the hash space without gap or overlap. */
export function createShardLookup(map: ShardMap): (workflowId: string) => number {
  const ranges = [...map.shards].sort((a, b) => a.from - b.from);
  let covered = 0;
  for (const range of ranges) {
    assert(range.from === covered && range.to > range.from, 'shard ranges cover the hash space once', { map });
    covered = range.to;
  }
  assert(covered === HASH_SPACE, 'shard ranges cover the hash space once', { map });
  return (workflowId) => {
    const hash = fingerprint32(workflowId);
    let low = 0;
    let high = ranges.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((ranges[middle] as (typeof ranges)[number]).from <= hash) low = middle;
      else high = middle - 1;
    }
    return (ranges[low] as (typeof ranges)[number]).shardId;
  };
}
