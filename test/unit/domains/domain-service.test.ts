// The domain API (semantics §1.12, §5): registration, updates by mask, failover, replication of domains.
import {
  ArchivalStatus,
  DeleteDomainRequest,
  DeprecateDomainRequest,
  DescribeDomainRequest,
  FailoverDomainRequest,
  ListDomainsRequest,
  ListFailoverHistoryRequest,
  RegisterDomainRequest,
  UpdateDomainRequest,
} from '@antiphon/proto';
import type { DomainRecord } from '@antiphon/proto/internal';
import { describe, expect, it } from 'vitest';
import {
  createDomainCache,
  createDomainService,
  type DomainOperation,
  type DomainOptions,
  type ReplicatedDomain,
} from '#domains';
import { createSimulatedEnv } from '#env';
import { createMemoryStore } from '#persistence/memory';
import { inCluster } from './records.ts';

const DAY = 86_400n;
const days = (count: bigint) => ({ seconds: count * DAY, nanos: 0 });

type Register = Partial<RegisterDomainRequest>;

function region(name: string, options: Partial<DomainOptions> = {}) {
  const env = createSimulatedEnv({ seed: name.charCodeAt(0) });
  const store = createMemoryStore().domains;
  const clusters = inCluster(name);
  const cache = createDomainCache({ env, store, clusters });
  const published: { record: DomainRecord; operation: DomainOperation }[] = [];
  const service = createDomainService(
    { env, store, cache, clusters, publish: (record, operation) => void published.push({ record, operation }) },
    { failoverCoolDownMs: 0, ...options },
  );
  return {
    env,
    store,
    cache,
    service,
    published,
    register: (fields: Register = {}) =>
      service.register({
        ...RegisterDomainRequest.fromPartial({ name: 'orders' }),
        workflowExecutionRetentionPeriod: days(3n),
        ...fields,
      }),
    registerGlobal: () =>
      service.register(
        RegisterDomainRequest.fromPartial({
          name: 'orders',
          workflowExecutionRetentionPeriod: days(3n),
          isGlobalDomain: true,
          clusters: [{ clusterName: 'a' }, { clusterName: 'b' }],
        }),
      ),
    describe: async (domainName = 'orders') => {
      const request = DescribeDomainRequest.fromPartial({ describeBy: { $case: 'name', value: domainName } });
      return (await service.describe(request)).domain!;
    },
    update: async (updateMask: string[], fields: Partial<UpdateDomainRequest> = {}) =>
      (await service.update({ ...UpdateDomainRequest.fromPartial({ name: 'orders' }), updateMask, ...fields })).domain!,
    failover: (toCluster: string, timeoutSeconds?: bigint) =>
      service.failover(
        FailoverDomainRequest.fromPartial({
          domainName: 'orders',
          domainActiveClusterName: toCluster,
          ...(timeoutSeconds === undefined ? {} : { failoverTimeout: { seconds: timeoutSeconds, nanos: 0 } }),
        }),
      ),
  };
}

type Region = ReturnType<typeof region>;

async function replicate(from: Region, to: Region): Promise<void> {
  for (const { record, operation } of from.published.splice(0)) {
    await to.service.applyReplicated(operation, changeOf(record));
  }
}

const changeOf = (record: DomainRecord): ReplicatedDomain => ({
  domain: record.domain!,
  configVersion: record.configVersion,
  failoverVersion: Number(record.domain!.failoverVersion),
  previousFailoverVersion: record.previousFailoverVersion,
});

describe('RegisterDomain', () => {
  it('makes a local domain with a version 7 id and the empty failover version', async () => {
    const a = region('a');
    const { domainId } = await a.register({ description: 'shop', data: { team: 'x' } });
    expect(domainId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const domain = await a.describe();
    expect(domain).toMatchObject({ id: domainId, description: 'shop', failoverVersion: -24n, isGlobalDomain: false });
    expect(domain.clusters.map((cluster) => cluster.clusterName)).toEqual(['a']);
    expect((await a.cache.byName('orders')).isActiveHere).toBe(true);
    expect(a.published).toEqual([]);
  });

  it('makes a global domain with the version of its active cluster and publishes it', async () => {
    const a = region('a');
    await a.register({
      isGlobalDomain: true,
      activeClusterName: 'b',
      clusters: [{ clusterName: 'a' }, { clusterName: 'b' }],
    });
    expect((await a.describe()).failoverVersion).toBe(1n);
    expect((await a.cache.byName('orders')).isActiveHere).toBe(false);
    expect(a.published.map((entry) => entry.operation)).toEqual(['create']);
  });

  it.each<[string, Register, string]>([
    ['no name', { name: '' }, 'Domain not set on request.'],
    ['a name of 1001 letters', { name: 'x'.repeat(1001) }, 'Domain length exceeds limit.'],
    [
      'no retention',
      { workflowExecutionRetentionPeriod: undefined },
      'A valid retention period is not set on request.',
    ],
    ['31 days', { workflowExecutionRetentionPeriod: days(31n) }, 'RetentionDays is invalid.'],
    ['an unknown cluster', { isGlobalDomain: true, clusters: [{ clusterName: 'z' }] }, 'Invalid cluster name: z'],
    [
      'an inherited property as cluster',
      { isGlobalDomain: true, clusters: [{ clusterName: 'toString' }] },
      'Invalid cluster name: toString',
    ],
    [
      'an active cluster outside its clusters',
      { isGlobalDomain: true, clusters: [{ clusterName: 'b' }] },
      'Active cluster is not contained in all clusters.',
    ],
    ['a local domain active elsewhere', { activeClusterName: 'b' }, 'Invalid local domain active cluster'],
  ])('refuses %s and writes nothing', async (_what, fields, message) => {
    const a = region('a');
    await expect(a.register(fields)).rejects.toMatchObject({ kind: 'BadRequest', message });
    expect(await a.store.listDomains()).toEqual([]);
  });

  it('refuses a name with other signs', async () => {
    await expect(region('a').register({ name: 'a b' })).rejects.toMatchObject({ kind: 'BadRequest' });
  });

  it('refuses a second one of the name', async () => {
    const a = region('a');
    await a.register();
    await expect(a.register()).rejects.toMatchObject({ kind: 'DomainAlreadyExists' });
  });

  it('refuses a global domain on a cluster that is not the primary', async () => {
    await expect(region('b').registerGlobal()).rejects.toMatchObject({
      message: 'Cluster is not primary cluster, cannot do domain registration or domain update.',
    });
  });

  it('allows seconds of retention where the config does', async () => {
    const a = region('a', { retentionMsMin: 1000 });
    await a.register({ workflowExecutionRetentionPeriod: { seconds: 5n, nanos: 0 } });
    expect((await a.cache.byName('orders')).retentionMs).toBe(5000);
  });

  it('takes the archival default of its cluster', async () => {
    const historyArchival = { isConfigured: true, defaultEnabled: true, defaultUri: 'file:///archive' };
    const a = region('a', { historyArchival });
    await a.register();
    const domain = await a.describe();
    expect(domain.historyArchivalUri).toBe('file:///archive');
    expect(domain.visibilityArchivalStatus).toBe(ArchivalStatus.ARCHIVAL_STATUS_DISABLED);
    const moved = a.update(['history_archival_uri'], { historyArchivalUri: 'file:///other' });
    await expect(moved).rejects.toMatchObject({ message: 'Cannot update existing archival URI' });
  });
});

describe('UpdateDomain', () => {
  it('changes only what the mask names', async () => {
    const a = region('a');
    await a.register({ description: 'old', ownerEmail: 'me@example.com', data: { kept: '1' } });
    const domain = await a.update(['description', 'data'], {
      description: 'new',
      ownerEmail: 'ignored@example.com',
      data: { more: '2' },
    });
    expect(domain).toMatchObject({ description: 'new', ownerEmail: 'me@example.com', data: { kept: '1', more: '2' } });
    expect((await a.store.findDomain({ name: 'orders' }))!.configVersion).toBe(1);
  });

  it('writes nothing when nothing changes', async () => {
    const a = region('a');
    await a.register({ description: 'same' });
    const before = await a.store.notificationVersion();
    await a.update(['description'], { description: 'same' });
    await a.update([], { description: 'other' });
    expect(await a.store.notificationVersion()).toBe(before);
  });

  it('merges bad binaries up to ten and deletes one by its checksum', async () => {
    const a = region('a');
    await a.register();
    await a.update(['bad_binaries'], { badBinaries: { binaries: { abc: { reason: 'broken', operator: 'me' } } } });
    expect((await a.cache.byName('orders')).badBinaries).toEqual(new Set(['abc']));
    const many = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`bin-${i}`, { reason: 'r', operator: 'o' }]));
    await expect(a.update(['bad_binaries'], { badBinaries: { binaries: many } })).rejects.toMatchObject({
      message: 'Total resetBinaries cannot exceed the max limit: 10',
    });
    await expect(a.update(['delete_bad_binary'], { deleteBadBinary: 'nope' })).rejects.toMatchObject({
      message: "Bad binary checksum nope doesn't exists.",
    });
    await a.update(['delete_bad_binary'], { deleteBadBinary: 'abc' });
    expect((await a.cache.byName('orders')).badBinaries.size).toBe(0);
  });

  it('refuses to fail over and configure at once, and cluster changes of a local domain', async () => {
    const a = region('a');
    await a.registerGlobal();
    await expect(
      a.update(['active_cluster_name', 'description'], { activeClusterName: 'b', description: 'x' }),
    ).rejects.toMatchObject({
      message: 'Cannot set active cluster to current cluster when other parameters are set.',
    });
    const local = region('a');
    await local.register();
    const text = 'Local domains cannot perform failovers or change replication configuration';
    await expect(local.update(['active_cluster_name'], { activeClusterName: 'b' })).rejects.toMatchObject({
      message: text,
    });
    await expect(local.update(['clusters'], { clusters: [{ clusterName: 'b' }] })).rejects.toMatchObject({
      message: text,
    });
  });

  it('asks for a pause between two updates of a global domain', async () => {
    const a = region('a', { failoverCoolDownMs: 60_000 });
    await a.registerGlobal();
    const tooSoon = a.update(['description'], { description: 'x' });
    await expect(tooSoon).rejects.toMatchObject({ kind: 'ServiceBusy', message: 'Domain update too frequent.' });
    await a.env.advance(60_000);
    await a.update(['description'], { description: 'x' });
  });

  it('of an unknown domain says so', async () => {
    await expect(region('a').update(['description'])).rejects.toMatchObject({
      kind: 'EntityNotExists',
      message: 'Domain orders does not exist.',
    });
  });
});

describe('failover', () => {
  it('moves the version to the next of the target, from any region, and back', async () => {
    const [a, b] = [region('a'), region('b')];
    await a.registerGlobal();
    await replicate(a, b);
    await b.failover('b');
    expect((await b.describe()).failoverVersion).toBe(1n);
    expect((await b.cache.byName('orders')).isActiveHere).toBe(true);
    await replicate(b, a);
    expect(await a.describe()).toEqual(await b.describe());
    expect((await a.cache.byName('orders')).isActiveHere).toBe(false);
    await a.failover('a');
    expect((await a.describe()).failoverVersion).toBe(10n);
    await replicate(a, b);
    expect(await b.describe()).toEqual(await a.describe());
    const request = ListFailoverHistoryRequest.fromPartial({ filters: { domainId: (await b.describe()).id } });
    const events = (await b.service.listFailoverHistory(request)).failoverEvents;
    expect(events.map((event) => event.clusterFailovers[0]?.toCluster?.activeClusterName)).toEqual(['a', 'b']);
  });

  it('to where the domain is changes nothing', async () => {
    const a = region('a');
    await a.registerGlobal();
    const before = await a.store.notificationVersion();
    await a.failover('a');
    expect(await a.store.notificationVersion()).toBe(before);
  });

  it('with a timeout pends until the old side is drained', async () => {
    const [a, b] = [region('a'), region('b')];
    await a.registerGlobal();
    await replicate(a, b);
    b.service.start();
    await b.failover('b', 30n);
    const pending = await b.describe();
    expect(pending.failoverInfo?.failoverVersion).toBe(1n);
    expect((await b.cache.byName('orders')).isActiveHere).toBe(false);
    await expect(b.failover('b', 30n)).rejects.toMatchObject({ message: 'Cannot start concurrent graceful failover.' });
    await b.service.completeGracefulFailover(pending.id, 0);
    expect((await b.cache.byName('orders')).isActiveHere).toBe(false);
    await b.service.completeGracefulFailover(pending.id, 1);
    expect((await b.cache.byName('orders')).isActiveHere).toBe(true);
    b.service.stop();
  });

  it('with a timeout is forced when that is over', async () => {
    const [a, b] = [region('a'), region('b')];
    await a.registerGlobal();
    await replicate(a, b);
    b.service.start();
    await b.failover('b', 30n);
    await b.env.advance(29_000);
    expect((await b.cache.byName('orders')).isActiveHere).toBe(false);
    await b.env.advance(2000);
    expect((await b.cache.byName('orders')).isActiveHere).toBe(true);
    b.service.stop();
  });

  it('with a timeout must be asked of the target', async () => {
    const a = region('a');
    await a.registerGlobal();
    await expect(a.failover('b', 30n)).rejects.toMatchObject({
      message: 'Cannot start the graceful failover from a to-be-passive cluster.',
    });
    await expect(a.failover('a', 30n)).rejects.toMatchObject({
      message: 'Cannot start the graceful failover from an active cluster to an active cluster.',
    });
  });
});

describe('replicated domains', () => {
  it('converge whatever the order and repetition of changes', async () => {
    const [a, b] = [region('a'), region('b')];
    await a.registerGlobal();
    await a.update(['description'], { description: 'one' });
    await a.failover('b');
    await a.update(['description'], { description: 'two' });
    const changes = a.published.map(({ record }) => changeOf(record));
    for (const change of [...changes].reverse()) await b.service.applyReplicated('update', change);
    for (const change of changes) await b.service.applyReplicated('update', change);
    expect(await b.describe()).toEqual(await a.describe());
  });

  it('with a name that is another domain here are refused', async () => {
    const [a, b] = [region('a'), region('b')];
    await b.register();
    await a.registerGlobal();
    await expect(replicate(a, b)).rejects.toMatchObject({ name: 'NameUuidCollision' });
  });
});

describe('the end of a domain', () => {
  it('comes by deprecation, then deletion', async () => {
    const a = region('a');
    await a.register();
    const name = { name: 'orders' };
    await expect(a.service.delete(DeleteDomainRequest.fromPartial(name))).rejects.toMatchObject({ kind: 'BadRequest' });
    await a.service.deprecate(DeprecateDomainRequest.fromPartial(name));
    expect((await a.cache.byName('orders')).isDeprecated).toBe(true);
    await a.service.delete(DeleteDomainRequest.fromPartial(name));
    await expect(a.cache.byName('orders')).rejects.toMatchObject({ message: 'Domain orders does not exist.' });
  });
});

describe('ListDomains', () => {
  it('pages by name', async () => {
    const a = region('a');
    for (const name of ['c', 'a', 'e', 'b', 'd']) await a.register({ name });
    const names: string[] = [];
    let nextPageToken: Uint8Array = Buffer.alloc(0);
    do {
      const page = await a.service.list(ListDomainsRequest.fromPartial({ pageSize: 2, nextPageToken }));
      names.push(...page.domains.map((domain) => domain.name));
      nextPageToken = page.nextPageToken;
    } while (nextPageToken.length > 0);
    expect(names).toEqual(['a', 'b', 'c', 'd', 'e']);
  });
});
