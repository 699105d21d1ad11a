import { describe, expect, test } from 'vitest';
import { createDynamicConfig, OPEN_WORKFLOW_COUNT, staticDefault } from '#dynamicconfig';
import { createSimulatedEnv } from '#env';
import { createOpenWorkflowQuota } from '#quotas';

const SHOP = { id: 'shop-id', name: 'shop' };

function open(most: number) {
  const env = createSimulatedEnv({ seed: 1 });
  const world = { open: 0, counts: 0, isDown: false };
  const config = createDynamicConfig({ env }, { defaults: [staticDefault(OPEN_WORKFLOW_COUNT, most)] });
  const quota = createOpenWorkflowQuota(env, config, async () => {
    world.counts++;
    if (world.isDown) throw new Error('down');
    return world.open;
  });
  const start = async () => {
    await quota.require(SHOP);
    world.open++;
  };
  return { env, world, start };
}

describe('the quota of open workflows', () => {
  test('lets so many start, and more when some have closed', async () => {
    const { env, world, start } = open(3);
    for (let i = 0; i < 3; i++) await start();
    await expect(start()).rejects.toMatchObject({
      kind: 'LimitExceeded',
      message: 'Domain shop has 3 open workflows, and may have 3.',
    });
    world.open = 1;
    await env.advance(5000);
    for (let i = 0; i < 2; i++) await start();
    await expect(start()).rejects.toMatchObject({ kind: 'LimitExceeded' });
    expect(world.counts).toBe(2);
  });

  test('counts once for starts that come together', async () => {
    const { world, start } = open(10);
    await Promise.all([start(), start(), start()]);
    expect(world.counts).toBe(1);
    expect(world.open).toBe(3);
  });

  test('counts nothing where there is no limit', async () => {
    const { world, start } = open(0);
    for (let i = 0; i < 10; i++) await start();
    expect(world.counts).toBe(0);
  });

  test('goes on with what it knew when counting fails', async () => {
    const { env, world, start } = open(2);
    await start();
    world.isDown = true;
    await env.advance(5000);
    await start();
    await expect(start()).rejects.toMatchObject({ kind: 'LimitExceeded' });
  });
});
