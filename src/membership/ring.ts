// Which live host owns what, by rendezvous hashing: every host has a score for every key, the largest owns it. So all hosts with one view agree
// without talking, and a host that comes or goes moves only what it gains or leaves. Shards are few and heavy: for them a host that has its share
// is passed over, which moves a few more.
// The ring only says who should own; what makes it safe to be wrong for a while is the fence of each shard and task list.
import { fingerprint32 } from '#base';

/** Good avalanche of two 32-bit words: scores of one key must not depend on each other. */
function mix(a: number, b: number): number {
  let h = (a ^ Math.imul(b, 0x9e3779b1)) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

export interface Ring {
  /** Undefined: there is no host. */
  ownerOf(key: string): string | undefined;
}

interface Scored {
  readonly id: string;
  readonly hash: number;
}

const scored = (hostIds: readonly string[]): readonly Scored[] =>
  [...hostIds].sort().map((id) => ({ id, hash: fingerprint32(id) }));

export function createRing(hostIds: readonly string[]): Ring {
  const hosts = scored(hostIds);
  return {
    ownerOf(key) {
      if (hosts.length <= 1) return hosts[0]?.id;
      const hash = fingerprint32(key);
      let best: string | undefined;
      let bestScore = -1;
      for (const host of hosts) {
        const score = mix(host.hash, hash);
        if (score <= bestScore) continue;
        best = host.id;
        bestScore = score;
      }
      return best;
    },
  };
}

// More than its even share that a host may have, once shares are large.
const SHARE_SLACK = 1.1;

/** `pins`: where operators want a shard; one whose host is not there counts for nothing. */
export function assignShards(
  shardIds: readonly number[],
  hostIds: readonly string[],
  pins: ReadonlyMap<number, string>,
): ReadonlyMap<number, string> {
  const owners = new Map<number, string>();
  const hosts = scored(hostIds);
  if (hosts.length === 0) return owners;
  const loads = new Map(hosts.map(({ id }) => [id, 0]));
  const give = (shardId: number, hostId: string): void => {
    owners.set(shardId, hostId);
    loads.set(hostId, (loads.get(hostId) ?? 0) + 1);
  };
  for (const shardId of shardIds) {
    const pinned = pins.get(shardId);
    if (pinned !== undefined && loads.has(pinned)) give(shardId, pinned);
  }
  const share = shardIds.length / hosts.length;
  const shareMax = Math.max(Math.ceil(share), Math.floor(share * SHARE_SLACK));
  for (const shardId of [...shardIds].sort((a, b) => a - b)) {
    if (owners.has(shardId)) continue;
    const hash = fingerprint32(`shard/${shardId}`);
    const ranked = hosts.map(({ id, hash: own }) => ({ id, score: mix(own, hash) }));
    ranked.sort((a, b) => b.score - a.score);
    // Pins may fill every host beyond its share.
    const chosen = ranked.find(({ id }) => (loads.get(id) ?? 0) < shareMax) ?? ranked[0];
    if (chosen !== undefined) give(shardId, chosen.id);
  }
  return owners;
}
