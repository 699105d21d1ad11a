// Active-active domains (semantics §5.9): cluster attributes are registered, moved, shown and replicated, each with a version of its own.
// In the group `a` has the versions 0, 10, 20 … and `b` 1, 11, 21 ….
import {
  DescribeDomainRequest,
  type Domain,
  FailoverDomainRequest,
  ListFailoverHistoryRequest,
  RegisterDomainRequest,
  UpdateDomainRequest,
} from '@antiphon/proto';
import type { DomainRecord } from '@antiphon/proto/internal';
import { describe, expect, it } from 'vitest';
import { domainOfNewRun, domainOfRun, failoverLevel, isActiveHereForSome } from '#core';
import { createDomainCache, createDomainService, type DomainOptions } from '#domains';
import { createSimulatedEnv } from '#env';
import { createMemoryStore } from '#persistence/memory';
import { inCluster } from './records.ts';

type Places = Readonly<Record<string, string>>;

const attributes = (places: Places, scope = 'region') => ({
  activeClustersByClusterAttribute: {
    [scope]: {
      clusterAttributes: Object.fromEntries(
        Object.entries(places).map(([name, activeClusterName]) => [name, { activeClusterName }]),
      ),
    },
  },
});

const policy = (name: string) => ({ clusterAttribute: { scope: 'region', name } });

function placesOf(domain: Domain | undefined): Places {
  const scopes = Object.entries(domain?.activeClusters?.activeClustersByClusterAttribute ?? {});
  return Object.fromEntries(
    scopes.flatMap(([scope, { clusterAttributes }]) =>
      Object.entries(clusterAttributes).map(([name, info]) => [
        `${scope}.${name}`,
        `${info.activeClusterName} ${info.failoverVersion}`,
      ]),
    ),
  );
}

function region(name: 'a' | 'b', options: Partial<DomainOptions> = {}) {
  const env = createSimulatedEnv({ seed: name.charCodeAt(0) });
  const store = createMemoryStore().domains;
  const clusters = inCluster(name);
  const cache = createDomainCache({ env, store, clusters });
  const published: DomainRecord[] = [];
  const service = createDomainService(
    { env, store, cache, clusters, publish: (record) => void published.push(record) },
    { failoverCoolDownMs: 0, ...options },
  );
  return {
    published,
    cache,
    service,
    register: (fields: Parameters<typeof RegisterDomainRequest.fromPartial>[0] = {}) =>
      service.register(
        RegisterDomainRequest.fromPartial({
          name: 'orders',
          workflowExecutionRetentionPeriod: { seconds: 259_200n },
          isGlobalDomain: true,
          clusters: [{ clusterName: 'a' }, { clusterName: 'b' }],
          activeClusters: attributes({ us: 'a', eu: 'b' }),
          ...fields,
        }),
      ),
    describe: async () => {
      const request = DescribeDomainRequest.fromPartial({ describeBy: { $case: 'name', value: 'orders' } });
      return (await service.describe(request)).domain as Domain;
    },
    failover: async (fields: Parameters<typeof FailoverDomainRequest.fromPartial>[0]) =>
      (await service.failover(FailoverDomainRequest.fromPartial({ domainName: 'orders', ...fields }))).domain as Domain,
    update: (updateMask: string[], fields: Parameters<typeof UpdateDomainRequest.fromPartial>[0]) =>
      service.update(UpdateDomainRequest.fromPartial({ name: 'orders', updateMask, ...fields })),
    receive: (record: DomainRecord) =>
      service.applyReplicated('update', {
        domain: record.domain as Domain,
        configVersion: record.configVersion,
        failoverVersion: Number(record.domain?.failoverVersion),
        previousFailoverVersion: record.previousFailoverVersion,
      }),
    move: (places: Places) => ({ activeClusters: attributes(places) }),
  };
}

type Region = ReturnType<typeof region>;

async function exchange(one: Region, other: Region): Promise<void> {
  for (const record of [...one.published]) await other.receive(record);
  for (const record of [...other.published]) await one.receive(record);
}

const fails = (message: string) => ({ kind: 'BadRequest', message });

describe('an active-active domain', () => {
  it('gives each attribute the first version of its cluster, and shows them', async () => {
    const a = region('a');
    await a.register();
    expect(placesOf(await a.describe())).toEqual({ 'region.us': 'a 0', 'region.eu': 'b 1' });
  });

  it('is seen by each run as its attribute is, and by runs without one as the domain is', async () => {
    const a = region('a');
    await a.register();
    const view = await a.cache.byName('orders');
    const seen = [undefined, {}, policy('us'), policy('eu')].map((each) => {
      const own = domainOfNewRun(view, each as ReturnType<typeof policy>);
      return [own.activeCluster, own.failoverVersion, own.isActiveHere];
    });
    expect(seen).toEqual([
      ['a', 0, true],
      ['a', 0, true],
      ['a', 0, true],
      ['b', 1, false],
    ]);
    expect(view.activeClusters).toEqual(['a', 'b']);
  });

  it('starts nothing with an attribute that it does not have, and lets a replicated run with one wait', async () => {
    const a = region('a');
    await a.register();
    const view = await a.cache.byName('orders');
    const text = "Cannot start workflow with a cluster attribute that is not found in the domain's metadata.";
    expect(() => domainOfNewRun(view, policy('mars'))).toThrow(text);
    expect(domainOfRun(view, policy('mars'))).toMatchObject({ activeCluster: '', isActiveHere: false });
  });

  it('is active here for some as long as one attribute is', async () => {
    const b = region('b');
    await b.receive(await recordOf(region('a')));
    const view = await b.cache.byName('orders');
    expect([view.isActiveHere, isActiveHereForSome(view)]).toEqual([false, true]);
  });

  it('moves one attribute to the next version of its new cluster, and raises its own version', async () => {
    const a = region('a');
    await a.register();
    const before = failoverLevel(await a.cache.byName('orders'));
    const domain = await a.failover(a.move({ eu: 'a' }));
    expect(placesOf(domain)).toEqual({ 'region.us': 'a 0', 'region.eu': 'a 10' });
    expect([domain.activeClusterName, domain.failoverVersion]).toEqual(['a', 10n]);
    expect(failoverLevel(await a.cache.byName('orders'))).toBeGreaterThan(before);
  });

  it('moves alone, with its attributes where they were', async () => {
    const a = region('a');
    await a.register();
    const domain = await a.failover({ domainActiveClusterName: 'b' });
    expect([domain.activeClusterName, domain.failoverVersion]).toEqual(['b', 1n]);
    expect(placesOf(domain)).toEqual({ 'region.us': 'a 0', 'region.eu': 'b 1' });
  });

  it('changes nothing when an attribute is where it is to go', async () => {
    const a = region('a');
    await a.register();
    const domain = await a.failover(a.move({ eu: 'b' }));
    expect([placesOf(domain)['region.eu'], domain.failoverVersion]).toEqual(['b 1', 0n]);
  });

  it('takes new attributes later, also when it was active-passive until then', async () => {
    const a = region('a');
    await a.register({ activeClusters: undefined });
    await a.failover({ domainActiveClusterName: 'b' });
    const { domain } = await a.update(['active_clusters'], { activeClusters: attributes({ eu: 'a' }) });
    // Not below what the domain has been.
    expect(placesOf(domain)).toEqual({ 'region.eu': 'a 10' });
    const { domain: later } = await a.update(['active_clusters'], { activeClusters: attributes({ x: 'b' }, 'city') });
    expect(Object.keys(placesOf(later)).sort()).toEqual(['city.x', 'region.eu']);
  });

  it('keeps who moved where in its failover history', async () => {
    const a = region('a');
    const { domainId } = await a.register();
    await a.failover(a.move({ eu: 'a', new: 'b' }));
    await a.failover({ domainActiveClusterName: 'b' });
    const request = ListFailoverHistoryRequest.fromPartial({ filters: { domainId } });
    const { failoverEvents } = await a.service.listFailoverHistory(request);
    expect(failoverEvents.map(({ clusterFailovers }) => clusterFailovers)).toEqual([
      [
        {
          fromCluster: { activeClusterName: 'a', failoverVersion: 0n },
          toCluster: { activeClusterName: 'b', failoverVersion: 0n },
          clusterAttribute: undefined,
        },
      ],
      [
        {
          fromCluster: { activeClusterName: 'b', failoverVersion: 1n },
          toCluster: { activeClusterName: 'a', failoverVersion: 10n },
          clusterAttribute: { scope: 'region', name: 'eu' },
        },
        {
          fromCluster: undefined,
          toCluster: { activeClusterName: 'b', failoverVersion: 1n },
          clusterAttribute: { scope: 'region', name: 'new' },
        },
      ],
    ]);
  });

  it('refuses what it cannot be', async () => {
    const a = region('a', { clusterAttributeCountMax: 3, clusterAttributeLengthMax: 6 });
    const register = (activeClusters: object, fields = {}) => a.register({ activeClusters, ...fields });
    await expect(register(attributes({ eu: 'z' }))).rejects.toMatchObject(
      fails('Cluster z not found. Domain cannot be registered in this cluster for scope "region" and attribute "eu"'),
    );
    await expect(register(attributes({ eu: 'b' }), { clusters: [{ clusterName: 'a' }] })).rejects.toMatchObject(
      fails('Active cluster is not contained in all clusters.'),
    );
    await expect(register(attributes({ '': 'b' }))).rejects.toMatchObject(
      fails('ActiveClusters: an attribute name is empty.'),
    );
    await expect(register(attributes({ eu: 'b' }, ''))).rejects.toMatchObject(
      fails('ActiveClusters: a scope is empty.'),
    );
    await expect(register(attributes({}))).rejects.toMatchObject(
      fails('ActiveClusters: scope "region" has no cluster attributes.'),
    );
    await expect(register(attributes({ euuuuuu: 'b' }, 'x'))).rejects.toMatchObject(
      fails('ActiveClusters: an attribute name exceeds the length limit of 6.'),
    );
    await expect(register(attributes({ a: 'a', b: 'b', c: 'a', d: 'b' }, 'x'))).rejects.toMatchObject(
      fails('ActiveClusters: 4 cluster attributes exceed the limit of 3.'),
    );
    await expect(register(attributes({ eu: 'b' }, 'x'), { isGlobalDomain: false, clusters: [] })).rejects.toMatchObject(
      fails('A local domain cannot have ActiveClusters.'),
    );
    await a.register({ activeClusters: attributes({ us: 'a', eu: 'b' }, 'x') });
    const move = (places: Places) => a.failover({ activeClusters: attributes(places, 'x') });
    await expect(move({ eu: 'z' })).rejects.toMatchObject(fails('Invalid active cluster name: z'));
    await expect(move({ k: 'a', l: 'b' })).rejects.toMatchObject(
      fails('ActiveClusters: 4 cluster attributes exceed the limit of 3.'),
    );
  });

  it('has no graceful failover, neither of itself nor of an attribute', async () => {
    const b = region('b');
    await b.receive(await recordOf(region('a')));
    const failoverTimeout = { seconds: 10n };
    const refused = fails('Cannot start graceful failover without updating active cluster or in local domain.');
    await expect(b.failover({ domainActiveClusterName: 'b', failoverTimeout })).rejects.toMatchObject(refused);
    await expect(b.failover({ ...b.move({ us: 'b' }), failoverTimeout })).rejects.toMatchObject(refused);
  });

  it('is the same in two regions that moved different attributes at the same time', async () => {
    const [a, b] = [region('a'), region('b')];
    await b.receive(await recordOf(a));
    await a.failover(a.move({ eu: 'a' }));
    await b.failover(b.move({ us: 'b' }));
    await exchange(a, b);
    const [here, there] = [await a.describe(), await b.describe()];
    expect(placesOf(here)).toEqual({ 'region.us': 'b 1', 'region.eu': 'a 10' });
    expect(there).toEqual(here);
  });

  it('is the same in two regions that moved one attribute apart at the same time: the larger version counts', async () => {
    const [a, b] = [region('a'), region('b')];
    await b.receive(await recordOf(a));
    await a.failover(a.move({ new: 'a' }));
    await b.failover(b.move({ new: 'b' }));
    await exchange(a, b);
    const [here, there] = [await a.describe(), await b.describe()];
    expect(placesOf(here)['region.new']).toBe('b 1');
    expect(there).toEqual(here);
  });

  it('keeps its attributes when its configuration is replicated, and loses none to an older message', async () => {
    const [a, b] = [region('a'), region('b')];
    await b.receive(await recordOf(a));
    const old = a.published[0] as DomainRecord;
    await b.failover(b.move({ us: 'b' }));
    await a.update(['description'], { description: 'new' });
    await exchange(a, b);
    await b.receive(old);
    await a.receive(old);
    expect(await a.describe()).toEqual(await b.describe());
    expect([(await b.describe()).description, placesOf(await b.describe())['region.us']]).toEqual(['new', 'b 1']);
  });
});

/** The record of the domain registered in `a`. */
async function recordOf(a: Region): Promise<DomainRecord> {
  await a.register();
  return a.published[0] as DomainRecord;
}
