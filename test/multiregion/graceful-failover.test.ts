// A graceful failover ends when the region that hands the domain over has nothing more to give, not when its time is over.
import { FailoverDomainRequest } from '@antiphon/proto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  eventKinds,
  historyOf,
  openTwoRegions,
  registerDomain,
  signal,
  start,
  type TwoRegions,
  untilEqual,
} from './two-regions.ts';

const DOMAIN = 'handed-over';
const RUNS = 12;
const SIGNALS = 10;

let regions: TwoRegions;
beforeEach(async () => {
  regions = await openTwoRegions();
  await registerDomain(regions, DOMAIN);
});
afterEach(() => regions.close());

const handOver = () =>
  regions.b.client.domain.failoverDomain(
    FailoverDomainRequest.fromPartial({
      domainName: DOMAIN,
      domainActiveClusterName: 'b',
      failoverTimeout: { seconds: 300n, nanos: 0 },
    }),
  );
const viewOf = (name: 'a' | 'b') => regions[name].region.domains.byName(DOMAIN);
const isPending = async () => !(await viewOf('b')).isActiveHere;

test('everything that was acknowledged before is there when the new region begins', async () => {
  const { a, b, until } = regions;
  const ids = Array.from({ length: RUNS }, (_, index) => `run-${index}`);
  const runs = new Map<string, string>();
  for (const id of ids) runs.set(id, await start(a, DOMAIN, id));
  for (let n = 0; n < SIGNALS; n++) await Promise.all(ids.map((id) => signal(a, DOMAIN, id, `s${n}`)));
  await handOver();
  expect(await isPending()).toBe(true);
  await until('the new region is active', async () => !(await isPending()));
  expect((await viewOf('a')).isActiveHere).toBe(false);
  for (const [id, runId] of runs) {
    const kinds = eventKinds(await historyOf(b, DOMAIN, id, runId));
    expect(kinds.filter((kind) => kind === 'workflowExecutionSignaled')).toHaveLength(SIGNALS);
  }
  await signal(b, DOMAIN, 'run-0', 'after');
  await untilEqual(regions, DOMAIN, 'run-0', runs.get('run-0') ?? '');
});

test('while the regions do not reach each other, it pends', async () => {
  regions.setConnected(false);
  await handOver();
  const consumers = async () => (await regions.b.region.worker.replicationStatus()).consumers;
  await regions.until('the cut is noticed', async () => (await consumers()).every(({ isConnected }) => !isConnected));
  expect(await isPending()).toBe(true);
  regions.setConnected(true);
  await regions.until('the new region is active', async () => !(await isPending()));
});
