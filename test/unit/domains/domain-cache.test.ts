// The domain cache: read through, refreshed, in order.
import { describe, expect, it } from 'vitest';
import type { DomainView } from '#core';
import { createDomainCache } from '#domains';
import { createSimulatedEnv } from '#env';
import { createMemoryStore } from '#persistence/memory';
import { domainRecord, GROUP } from './records.ts';

function setUp() {
  const env = createSimulatedEnv({ seed: 1 });
  const store = createMemoryStore().domains;
  const cache = createDomainCache({ env, store, clusters: GROUP });
  return { env, store, cache };
}

describe('the domain cache', () => {
  it('asks the store for a domain it does not know, once for all who ask', async () => {
    const { store, cache } = setUp();
    await store.createDomain(domainRecord({}));
    let reads = 0;
    const find = store.findDomain;
    store.findDomain = (by) => {
      reads++;
      return find(by);
    };
    const [one, two] = await Promise.all([cache.byName('orders'), cache.byName('orders')]);
    expect(one).toBe(two);
    expect(reads).toBe(1);
    expect(cache.peekById('domain-1')).toBe(one);
    await expect(cache.byName('nobody')).rejects.toMatchObject({ message: 'Domain nobody does not exist.' });
  });

  it('tells of changes that others made, in their order, and forgets what is deleted', async () => {
    const { env, store, cache } = setUp();
    const heard: [string, boolean | undefined, boolean][] = [];
    cache.onChange((before: DomainView | undefined, after) => {
      heard.push([after.name, before?.isActiveHere, after.isActiveHere]);
    });
    const one = await store.createDomain(domainRecord({ id: '1', name: 'one' }));
    const two = await store.createDomain(domainRecord({ id: '2', name: 'two' }));
    cache.start();
    await env.advance(2000);
    await store.updateDomain(domainRecord({ id: '2', name: 'two', activeCluster: 'b' }), two.notificationVersion);
    await store.updateDomain(domainRecord({ id: '1', name: 'one', activeCluster: 'b' }), one.notificationVersion);
    await env.advance(2000);
    expect(heard).toEqual([
      ['one', undefined, true],
      ['two', undefined, true],
      ['two', true, false],
      ['one', true, false],
    ]);
    await store.deleteDomain('1');
    await env.advance(2000);
    expect(cache.peekByName('one')).toBeUndefined();
    cache.stop();
  });

  it('never goes back to an older record', async () => {
    const { store, cache } = setUp();
    const old = await store.createDomain(domainRecord({}));
    cache.put(await store.updateDomain(domainRecord({ activeCluster: 'b' }), old.notificationVersion));
    cache.put(old);
    expect((await cache.byName('orders')).activeCluster).toBe('b');
  });
});
