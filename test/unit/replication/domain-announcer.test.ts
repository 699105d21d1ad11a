// Whatever becomes of the call that changed a domain, the other regions hear of the change.
import { ReplicationTask } from '@antiphon/proto/admin';
import { DomainRecord } from '@antiphon/proto/internal';
import { describe, expect, it } from 'vitest';
import { unavailable } from '#base';
import { createSimulatedEnv } from '#env';
import type { LogPublisher } from '#log';
import { createMemoryStore } from '#persistence/memory';
import { createDomainAnnouncer, createDomainPublisher } from '#replication';

const record = (id: string, failoverVersion: number, isGlobalDomain = true): DomainRecord =>
  DomainRecord.fromPartial({
    domain: { id, name: id, isGlobalDomain, failoverVersion: BigInt(failoverVersion) },
  });

function createHarness() {
  const env = createSimulatedEnv({ seed: 1 });
  const { domains } = createMemoryStore();
  const told: string[] = [];
  const listeners = new Set<() => void>();
  const world = { isDown: false };
  const log: LogPublisher = {
    partitionCount: () => 1,
    partitionOf: () => 0,
    async publish(_topic, messages) {
      if (world.isDown) throw unavailable('the log is down');
      for (const { value } of messages) {
        const { attributes } = ReplicationTask.decode(value);
        if (attributes?.$case !== 'domainTaskAttributes') throw new Error('not a domain task');
        told.push(`${attributes.value.id}@${attributes.value.failoverVersion}`);
      }
    },
  };
  const publisher = createDomainPublisher({ env, log, domains });
  const onDomainChange = (listener: () => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const announcer = createDomainAnnouncer({ env, publisher, onDomainChange });
  const changed = (): void => {
    for (const listener of listeners) listener();
  };
  return { env, domains, told, world, publisher, announcer, changed };
}

describe('domain announcer', () => {
  it('publishes all global domains at start, and then only what changed', async () => {
    const { env, domains, told, announcer, changed } = createHarness();
    const a = await domains.createDomain(record('a', 1));
    await domains.createDomain(record('b', 1));
    await domains.createDomain(record('local', 1, false));
    announcer.start();
    await env.advance(10);
    expect(told.splice(0)).toEqual(['a@1', 'b@1']);
    // A write whose outcome its caller never learned: nobody else publishes it.
    await domains.updateDomain({ ...a, ...record('a', 11) }, a.notificationVersion);
    changed();
    await env.advance(10_000);
    expect(told).toEqual(['a@11']);
    await announcer.stop();
  });

  it('leaves alone what its caller has published', async () => {
    const { env, domains, told, publisher, announcer, changed } = createHarness();
    announcer.start();
    await env.advance(10);
    const created = await domains.createDomain(record('a', 1));
    changed();
    await publisher.publish(created, 'create');
    await env.advance(10_000);
    expect(told).toEqual(['a@1']);
    await announcer.stop();
  });

  it('tries again until the log takes it', async () => {
    const { env, domains, told, world, publisher, announcer, changed } = createHarness();
    announcer.start();
    await env.advance(10);
    world.isDown = true;
    const created = await domains.createDomain(record('a', 1));
    changed();
    await expect(publisher.publish(created, 'create')).rejects.toThrow('the log is down');
    await env.advance(30_000);
    expect(told).toEqual([]);
    world.isDown = false;
    await env.advance(60_000);
    expect(told).toEqual(['a@1']);
    await announcer.stop();
  });
});
