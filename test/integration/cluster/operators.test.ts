// What operators see of the hosts of a region, and what they move.
import {
  DescribeClusterRequest,
  DescribeHistoryHostRequest,
  DescribeShardDistributionRequest,
} from '@antiphon/proto/admin';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHosts, type TestHost, type TestHosts, until } from './hosts.ts';

const SHARDS = 8;
let cluster: TestHosts;
let [a, b, edge] = [] as unknown as [TestHost, TestHost, TestHost];

const isSettled = (): boolean => {
  const open = cluster.hosts.flatMap((host) => host.openShards());
  return open.length === SHARDS && new Set(open).size === SHARDS;
};

beforeAll(async () => {
  cluster = createHosts({ shardCount: SHARDS });
  a = await cluster.open();
  b = await cluster.open();
  edge = await cluster.open(['frontend']);
  await until('every shard is open', isSettled);
});
afterAll(() => cluster.close());

describe('the hosts of a region', () => {
  test('shows every host with its services and shards', async () => {
    const { hosts, self, shardCount } = await edge.client.hosts.listHosts({});
    expect({ self, shardCount }).toEqual({ self: edge.id, shardCount: SHARDS });
    const found = new Map(hosts.map((host) => [host.id, host]));
    expect([...found.keys()].sort()).toEqual([a.id, b.id, edge.id].sort());
    expect(found.get(edge.id)).toMatchObject({ services: ['frontend'], shardIds: [], openShardIds: [], error: '' });
    for (const host of [a, b]) {
      expect(found.get(host.id)?.openShardIds).toEqual(host.openShards());
      expect(found.get(host.id)?.shardIds.length).toBe(SHARDS / 2);
    }
  });

  test('are the members of its rings, as Cadence shows them', async () => {
    const { membershipInfo } = await edge.client.admin.describeCluster(DescribeClusterRequest.fromPartial({}));
    expect(membershipInfo?.currentHost?.identity).toBe(edge.id);
    expect(membershipInfo?.reachableMembers.length).toBe(3);
    const counts = Object.fromEntries(
      (membershipInfo?.rings ?? []).map(({ role, memberCount }) => [role, memberCount]),
    );
    expect(counts).toEqual({
      'cadence-frontend': 3,
      'cadence-history': 2,
      'cadence-matching': 2,
      'cadence-worker': 2,
    });
  });

  test('own the shards that each of them names as owned', async () => {
    const request = DescribeShardDistributionRequest.fromPartial({ pageSize: 100 });
    const { shards, numberOfShards } = await edge.client.admin.describeShardDistribution(request);
    expect(numberOfShards).toBe(SHARDS);
    for (const host of [a, b]) {
      const own = Object.entries(shards).flatMap(([id, owner]) => (owner === host.id ? [Number(id)] : []));
      expect(own).toEqual([...host.openShards()].sort((x, y) => x - y));
      const described = await edge.client.admin.describeHistoryHost(
        DescribeHistoryHostRequest.fromPartial({ describeBy: { $case: 'shardId', value: own[0] ?? 0 } }),
      );
      expect(described).toMatchObject({ address: host.id, numberOfShards: own.length });
    }
  });

  test('puts a shard where an operator wants it, until it is given back', async () => {
    const shardId = a.openShards()[0] ?? 0;
    expect(await edge.client.hosts.moveShard({ shardId, hostId: b.id })).toEqual({ hostId: b.id });
    await until('the shard is there', () => b.openShards().includes(shardId) && isSettled());
    const { hosts } = await a.client.hosts.listHosts({});
    expect(hosts.find(({ id }) => id === b.id)?.pinnedShardIds).toEqual([shardId]);
    expect(await edge.client.hosts.moveShard({ shardId, hostId: '' })).toEqual({ hostId: a.id });
    await until('the shard is back', () => a.openShards().includes(shardId) && isSettled());
  });

  test('refuse a host that is not there, one that has no shards, and a shard that does not exist', async () => {
    const move = (shardId: number, hostId: string) => edge.client.hosts.moveShard({ shardId, hostId });
    await expect(move(0, 'nobody:1')).rejects.toMatchObject({ kind: 'EntityNotExists' });
    await expect(move(0, edge.id)).rejects.toMatchObject({ kind: 'BadRequest' });
    await expect(move(99, a.id)).rejects.toMatchObject({ kind: 'BadRequest', message: 'Shard 99 does not exist.' });
  });

  test('close a shard wherever it is', async () => {
    const shardId = b.openShards()[0] ?? 0;
    const rangeId = () => b.region.history.shardStatus().find((shard) => shard.shardId === shardId)?.rangeId ?? 0;
    const before = rangeId();
    await edge.client.admin.closeShard({ shardId });
    await until('it is open again', () => rangeId() > before);
  });
});
