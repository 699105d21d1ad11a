import { describe, expect, it } from 'vitest';
import { assignShards, createRing } from '#membership';

const hostIds = (count: number): string[] => Array.from({ length: count }, (_, index) => `10.0.0.${index + 1}:7900`);
const shardIds = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const NO_PINS: ReadonlyMap<number, string> = new Map();

const loads = (owners: ReadonlyMap<number, string>): number[] => {
  const counts = new Map<string, number>();
  for (const host of owners.values()) counts.set(host, (counts.get(host) ?? 0) + 1);
  return [...counts.values()];
};

const moved = (before: ReadonlyMap<number, string>, after: ReadonlyMap<number, string>): number =>
  [...before].filter(([shardId, host]) => after.get(shardId) !== host).length;

describe('the ring', () => {
  it('gives nothing to nobody', () => {
    expect(createRing([]).ownerOf('list')).toBeUndefined();
    expect(assignShards([0, 1], [], NO_PINS).size).toBe(0);
  });

  it('does not depend on the order in which hosts are named', () => {
    const ring = createRing(hostIds(5));
    const other = createRing(hostIds(5).reverse());
    for (let index = 0; index < 500; index++)
      expect(other.ownerOf(`list-${index}`)).toBe(ring.ownerOf(`list-${index}`));
  });

  it.each([2, 3, 4, 8])('spreads 20,000 keys over %i hosts within a tenth of even', (count) => {
    const ring = createRing(hostIds(count));
    const counts = new Map<string, number>();
    for (let index = 0; index < 20_000; index++) {
      const owner = ring.ownerOf(`domain/decision/list-${index}`) ?? '';
      counts.set(owner, (counts.get(owner) ?? 0) + 1);
    }
    const even = 20_000 / count;
    expect(counts.size).toBe(count);
    for (const load of counts.values()) expect(Math.abs(load - even)).toBeLessThan(even / 10);
  });

  it('moves only the keys of a host that goes, and only to a host that comes', () => {
    const before = createRing(hostIds(4));
    const after = createRing(hostIds(5));
    let gained = 0;
    for (let index = 0; index < 5_000; index++) {
      const [from, to] = [before.ownerOf(`k${index}`), after.ownerOf(`k${index}`)];
      if (from === to) continue;
      expect(to).toBe('10.0.0.5:7900');
      gained++;
    }
    expect(gained).toBeGreaterThan(800);
    expect(gained).toBeLessThan(1_200);
  });
});

describe('the shards', () => {
  it.each([
    [4, 2],
    [4, 3],
    [16, 4],
    [64, 4],
    [64, 5],
    [1000, 7],
  ])('%i of them are spread over %i hosts within a tenth of even', (shards, hosts) => {
    const owners = assignShards(shardIds(shards), hostIds(hosts), NO_PINS);
    const even = shards / hosts;
    expect(owners.size).toBe(shards);
    expect(Math.max(...loads(owners))).toBeLessThanOrEqual(Math.max(Math.ceil(even), Math.floor(even * 1.1)));
  });

  it('move little more than they must when a host goes or comes', () => {
    for (const [shards, hosts] of [
      [64, 4],
      [256, 8],
      [1000, 10],
    ] as const) {
      const all = assignShards(shardIds(shards), hostIds(hosts), NO_PINS);
      const fewer = assignShards(shardIds(shards), hostIds(hosts - 1), NO_PINS);
      const least = shards / hosts;
      expect(moved(all, fewer)).toBeLessThan(least * 2);
      expect(moved(fewer, all)).toBeLessThan(least * 2);
    }
  });

  it('go where operators pin them, as long as that host is there', () => {
    const pins = new Map([
      [3, '10.0.0.2:7900'],
      [4, '10.0.0.9:7900'],
    ]);
    const owners = assignShards(shardIds(16), hostIds(3), pins);
    expect(owners.get(3)).toBe('10.0.0.2:7900');
    expect(hostIds(3)).toContain(owners.get(4));
    const allOnOne = assignShards(shardIds(4), hostIds(2), new Map(shardIds(4).map((id) => [id, '10.0.0.1:7900'])));
    expect(new Set(allOnOne.values())).toEqual(new Set(['10.0.0.1:7900']));
  });
});
