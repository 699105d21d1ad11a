// Two regions change one domain at random, and learn of each other late, repeatedly and in any order: they end with the same record.
import { FailoverDomainRequest, RegisterDomainRequest, UpdateDomainRequest } from '@antiphon/proto';
import type { DomainRecord } from '@antiphon/proto/internal';
import { describe, expect, it } from 'vitest';
import { createDomainCache, createDomainService, FAILOVER_HISTORY_KEY } from '#domains';
import { createSimulatedEnv, seededRandom } from '#env';
import { createMemoryStore } from '#persistence/memory';
import { inCluster } from './records.ts';

function region(name: string) {
  const env = createSimulatedEnv({ seed: name.charCodeAt(0) });
  const store = createMemoryStore().domains;
  const clusters = inCluster(name);
  const cache = createDomainCache({ env, store, clusters });
  const published: DomainRecord[] = [];
  const service = createDomainService(
    { env, store, cache, clusters, publish: (record) => void published.push(record) },
    { failoverCoolDownMs: 0 },
  );
  const receive = (record: DomainRecord): Promise<void> =>
    service.applyReplicated('update', {
      domain: record.domain!,
      configVersion: record.configVersion,
      failoverVersion: Number(record.domain!.failoverVersion),
      previousFailoverVersion: record.previousFailoverVersion,
    });
  const summary = async () => {
    const { domain, configVersion } = (await store.findDomain({ name: 'orders' }))!;
    const { [FAILOVER_HISTORY_KEY]: _times, ...data } = domain!.data;
    return { ...domain, data, configVersion };
  };
  return { service, published, receive, summary, cache };
}

describe('domains of two regions', () => {
  it.each(Array.from({ length: 30 }, (_, i) => i))('converge (seed %i)', async (seed) => {
    const random = seededRandom(seed);
    const regions = [region('a'), region('b')] as const;
    const [a, b] = regions;
    await a.service.register({
      ...RegisterDomainRequest.fromPartial({ name: 'orders', isGlobalDomain: true }),
      workflowExecutionRetentionPeriod: { seconds: 86_400n, nanos: 0 },
      clusters: [{ clusterName: 'a' }, { clusterName: 'b' }],
    });
    await b.receive(a.published[0]!);
    const pickFrom = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)]!;
    for (let step = 0; step < 40; step++) {
      const dice = random.next();
      if (dice < 0.3) {
        const domainActiveClusterName = pickFrom(['a', 'b']);
        await pickFrom(regions).service.failover(
          FailoverDomainRequest.fromPartial({ domainName: 'orders', domainActiveClusterName }),
        );
      } else if (dice < 0.5) {
        await a.service.update(
          UpdateDomainRequest.fromPartial({
            name: 'orders',
            updateMask: ['description', 'data'],
            description: `step ${step}`,
            data: { [`key-${step % 3}`]: `${step}` },
          }),
        );
      } else if (dice < 0.8 && a.published.length > 0) await b.receive(pickFrom(a.published));
      else if (b.published.length > 0) await a.receive(pickFrom(b.published));
    }
    const all = [...a.published, ...b.published].sort(() => random.next() - 0.5);
    for (const record of all) for (const to of regions) await to.receive(record);
    expect(await b.summary()).toEqual(await a.summary());
    const active = await Promise.all(regions.map(async ({ cache }) => (await cache.byName('orders')).isActiveHere));
    expect(active.filter(Boolean).length).toBe(1);
  });
});
