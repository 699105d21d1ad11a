import { describe, expect, it } from 'vitest';
import { createSimulatedEnv } from '#env';
import { createMembership, type Membership, type MembershipOptions } from '#membership';
import { type Store, withFaults } from '#persistence';
import { createMemoryImage, createMemoryStore } from '#persistence/memory';

function world() {
  const env = createSimulatedEnv({ seed: 1 });
  const image = createMemoryImage();
  let seed = 0;
  const join = async (id: string, options: Partial<MembershipOptions> = {}) => {
    const hostEnv = env.host({ seed: ++seed });
    const fault: { kind: 'write' | 'all' | undefined } = { kind: undefined };
    const store: Store = withFaults(createMemoryStore(hostEnv, image), {
      scheduler: hostEnv.scheduler,
      decide: ({ port, method }) => {
        const isHit = port === 'keyValues' && (fault.kind === 'all' || (fault.kind === 'write' && method === 'put'));
        return isHit ? { fail: 'before' } : undefined;
      },
    });
    const membership = createMembership(
      { env: hostEnv, keyValues: store.keyValues },
      { id, address: id, roles: ['history', 'matching'], version: 'test', frontendAddress: '' },
      options,
    );
    await settled(env, membership.start());
    return { id, membership, env: hostEnv, fault };
  };
  return { env, join };
}

async function settled<T>(env: ReturnType<typeof createSimulatedEnv>, work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = (): void => {
    isDone = true;
  };
  work.then(done, done);
  while (!isDone) await env.advance(10);
  return work;
}

const ids = (membership: Membership): string[] => membership.view().hosts.map(({ id }) => id);

describe('membership', () => {
  it('shows each host all others after one heartbeat, and itself at once', async () => {
    const { env, join } = world();
    const a = await join('a');
    expect(ids(a.membership)).toEqual(['a']);
    const b = await join('b');
    expect(ids(b.membership)).toEqual(['a', 'b']);
    await env.advance(1_200);
    expect(ids(a.membership)).toEqual(['a', 'b']);
  });

  it('drops a host that is dead within its lease and a heartbeat, not before, and takes it back', async () => {
    const { env, join } = world();
    const a = await join('a');
    const b = await join('b');
    await env.advance(3_000);
    b.env.kill();
    await env.advance(3_500);
    expect(ids(a.membership)).toEqual(['a', 'b']);
    await env.advance(3_000);
    expect(ids(a.membership)).toEqual(['a']);
    await join('b');
    await env.advance(1_200);
    expect(ids(a.membership)).toEqual(['a', 'b']);
  });

  it('drops a host that refuses connections once its row stands still for two heartbeats, though it may have written one since', async () => {
    const { env, join } = world();
    const a = await join('a');
    const b = await join('b');
    await env.advance(3_000);
    a.membership.suspect('b');
    // Of a heartbeat that nobody has seen yet.
    await env.advance(1_050);
    b.env.kill();
    await env.advance(1_500);
    expect(ids(a.membership)).toEqual(['a', 'b']);
    await env.advance(2_000);
    expect(ids(a.membership)).toEqual(['a']);
    await join('b');
    await env.advance(1_200);
    expect(ids(a.membership)).toEqual(['a', 'b']);
  });

  it('keeps a host that refuses connections and goes on writing its row, and gives it its whole lease when it takes them again', async () => {
    const { env, join } = world();
    const a = await join('a');
    const b = await join('b');
    let changes = 0;
    a.membership.onChange(() => changes++);
    for (let tenth = 0; tenth < 300; tenth++) {
      a.membership.suspect('b');
      await env.advance(100);
    }
    await env.advance(3_000);
    b.env.kill();
    await env.advance(3_500);
    expect(ids(a.membership)).toEqual(['a', 'b']);
    expect(changes).toBe(1);
    a.membership.suspect('nobody');
  });

  it('lets nobody age while the store does not answer', async () => {
    const { env, join } = world();
    const a = await join('a');
    const b = await join('b');
    await env.advance(2_000);
    let changes = 0;
    a.membership.onChange(() => changes++);
    a.fault.kind = 'all';
    b.fault.kind = 'all';
    await env.advance(60_000);
    expect(a.membership.isCurrent()).toBe(false);
    a.fault.kind = undefined;
    await env.advance(2_000);
    b.fault.kind = undefined;
    await env.advance(10_000);
    expect(changes).toBe(0);
    expect(ids(a.membership)).toEqual(['a', 'b']);
    expect(a.membership.isCurrent()).toBe(true);
  });

  it('tells a host that cannot write its row that others take it for dead', async () => {
    const { env, join } = world();
    const a = await join('a');
    const b = await join('b');
    b.fault.kind = 'write';
    await env.advance(7_500);
    expect(b.membership.isCurrent()).toBe(false);
    expect(ids(a.membership)).toEqual(['a']);
    b.fault.kind = undefined;
    await env.advance(2_500);
    expect(ids(a.membership)).toEqual(['a', 'b']);
    expect(b.membership.isCurrent()).toBe(true);
  });

  it('shows who leaves, and is told at once who was told to look', async () => {
    const { env, join } = world();
    const a = await join('a');
    const b = await join('b');
    await env.advance(1_500);
    await settled(env, b.membership.leave());
    await settled(env, a.membership.lookNow());
    expect(a.membership.view().hosts.find(({ id }) => id === 'b')?.isLeaving).toBe(true);
    await settled(env, b.membership.stop());
    await settled(env, a.membership.lookNow());
    expect(ids(a.membership)).toEqual(['a']);
  });

  it('does not compare clocks', async () => {
    const { env, join } = world();
    const a = await join('a');
    const b = await join('b');
    a.env.setSkew(3_600_000);
    b.env.setSkew(-3_600_000);
    await env.advance(30_000);
    expect(ids(a.membership)).toEqual(['a', 'b']);
    expect(ids(b.membership)).toEqual(['a', 'b']);
  });

  it('shows pins of shards to all', async () => {
    const { env, join } = world();
    const a = await join('a');
    const b = await join('b');
    await settled(env, a.membership.pin(3, 'b'));
    await env.advance(1_500);
    expect([...b.membership.view().pins]).toEqual([[3, 'b']]);
    await settled(env, b.membership.pin(3, 'a'));
    await settled(env, b.membership.pin(3, undefined));
    await env.advance(1_500);
    expect(a.membership.view().pins.size).toBe(0);
  });

  it('takes away the rows of hosts that are long dead', async () => {
    const { env, join } = world();
    const a = await join('a');
    const b = await join('b');
    b.env.kill();
    await env.advance(120_000);
    const c = await join('c');
    expect(ids(c.membership)).toEqual(['a', 'c']);
    expect(ids(a.membership)).toContain('a');
  });
});
