// Many hosts of one region over real gRPC: every frontend serves every workflow, shards and lists are handed over while work goes on.
import { DescribeWorkflowExecutionRequest } from '@antiphon/proto';
import { afterEach, describe, expect, test } from 'vitest';
import { createHosts, registerDomain, type TestHost, type TestHosts, until } from './hosts.ts';
import { isWhole, kinds, startSteadyLoad } from './steady-load.ts';
import { createTraffic, type Traffic } from './traffic.ts';

const SHARDS = 12;
let cluster: TestHosts;
let traffic: Traffic | undefined;

afterEach(async () => {
  await traffic?.stop();
  traffic = undefined;
  await cluster.close();
});

async function openHosts(count: number, leaseMs?: number): Promise<readonly TestHost[]> {
  cluster = createHosts({ shardCount: SHARDS, ...(leaseMs === undefined ? {} : { membership: { leaseMs } }) });
  for (let index = 0; index < count; index++) await cluster.open();
  await until('every shard is open', isSettled);
  await registerDomain(cluster.hosts[0] as TestHost, 'shop');
  return [...cluster.hosts];
}

const isSettled = (): boolean => {
  const open = cluster.hosts.flatMap((host) => host.openShards());
  return open.length === SHARDS && new Set(open).size === SHARDS;
};

const WHOLE = [
  'workflowExecutionStarted',
  'decisionTaskScheduled',
  'decisionTaskStarted',
  'decisionTaskCompleted',
  'activityTaskScheduled',
  'activityTaskStarted',
  'activityTaskCompleted',
  'decisionTaskScheduled',
  'decisionTaskStarted',
  'decisionTaskCompleted',
  'workflowExecutionCompleted',
];

describe('hosts of one region', () => {
  test('share the shards evenly, and each serves the workflows of all', async () => {
    const hosts = await openHosts(3);
    expect(hosts.map((host) => host.openShards().length)).toEqual([4, 4, 4]);
    traffic = createTraffic(() => cluster.hosts.map(({ client }) => client), 'shop', 6);
    const ids = Array.from({ length: 60 }, (_, index) => `order-${index}`);
    const runs = await Promise.all(ids.map((id) => traffic?.start(id)));
    expect(new Set(runs).size).toBe(60);
    const histories = await Promise.all(ids.map((id) => traffic?.closed(id)));
    for (const events of histories) expect(kinds(events ?? [])).toEqual(WHOLE);
    for (const { client } of hosts) {
      const request = DescribeWorkflowExecutionRequest.fromPartial({
        domain: 'shop',
        workflowExecution: { workflowId: 'order-7' },
      });
      const { workflowExecutionInfo } = await client.workflow.describeWorkflowExecution(request);
      expect(workflowExecutionInfo?.workflowExecution?.runId).toBe(runs[7]);
    }
    expect([...(traffic?.repeated ?? [])]).toEqual([]);
  });

  test('go on without an error of any workflow when one is told to stop and another one comes', async () => {
    // Whoever waited for a lease to end would take far too long.
    const hosts = await openHosts(3, 15_000);
    traffic = createTraffic(() => cluster.hosts.map(({ client }) => client), 'shop', 6);
    const load = startSteadyLoad(traffic);
    await load.goesOn(20);
    const stopping = hosts[1] as TestHost;
    const beganMs = performance.now();
    const stopped = stopping.stop();
    await until('its shards have new owners', isSettled);
    const handedOverMs = performance.now() - beganMs;
    await stopped;
    await load.goesOn(20);
    await cluster.open();
    await until('the new host has its share', () => isSettled() && (cluster.hosts[2]?.openShards().length ?? 0) === 4);
    await load.goesOn(20);
    expect((await load.finish()).filter((events) => !isWhole(events))).toEqual([]);
    expect(handedOverMs).toBeLessThan(5_000);
  });

  test('take over from a host that died, and lose nothing', async () => {
    const hosts = await openHosts(3);
    traffic = createTraffic(() => cluster.hosts.map(({ client }) => client), 'shop', 6);
    const load = startSteadyLoad(traffic);
    await load.goesOn(20);
    await (hosts[2] as TestHost).cutOff();
    const diedMs = performance.now();
    await until('its shards have new owners', isSettled);
    expect(performance.now() - diedMs).toBeLessThan(5_000);
    await load.goesOn(20);
    expect((await load.finish()).filter((events) => !isWhole(events))).toEqual([]);
  });

  test('do not wait for the lease of one whose address refuses connections', async () => {
    const hosts = await openHosts(3, 600_000);
    traffic = createTraffic(() => cluster.hosts.map(({ client }) => client), 'shop', 6);
    const load = startSteadyLoad(traffic);
    await load.goesOn(20);
    await (hosts[1] as TestHost).cutOff();
    await until('its shards have new owners', isSettled);
    await load.goesOn(20);
    expect((await load.finish()).filter((events) => !isWhole(events))).toEqual([]);
  });
});
