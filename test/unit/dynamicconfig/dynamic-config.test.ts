import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '#core';
import {
  BLOB_SIZE_ERROR,
  createDomainLimits,
  createDynamicConfig,
  DECISION_HEARTBEAT_TIMEOUT,
  type DynamicConfigOptions,
  KEYS,
  LENGTH_KEYS,
  MATCHING_LONG_POLL,
  QUOTA_KEYS,
  staticDefault,
} from '#dynamicconfig';
import { createSimulatedEnv } from '#env';
import { createMemoryStore } from '#persistence/memory';

const DOMAIN_RPS = QUOTA_KEYS.user.domain;
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) fs.rmSync(folder, { recursive: true, force: true });
});

async function open(given: { file?: string; options?: Partial<DynamicConfigOptions> } = {}) {
  const env = createSimulatedEnv({ seed: 1 });
  const store = createMemoryStore();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'dynamic-config-'));
  folders.push(folder);
  const file = path.join(folder, 'limits.yaml');
  let edits = 0;
  const write = (text: string): void => {
    fs.writeFileSync(file, text);
    // Two edits within the resolution of the file system's clock are two edits all the same.
    const time = new Date(1_700_000_000_000 + ++edits * 1000);
    fs.utimesSync(file, time, time);
  };
  if (given.file !== undefined) write(given.file);
  const options = { ...(given.file !== undefined && { file }), ...given.options };
  const start = async () => {
    const config = createDynamicConfig({ env, keyValues: store.keyValues }, options);
    await config.start();
    return config;
  };
  return { env, store, write, start, config: await start() };
}

/** Lets a poll of the file happen, whose reading is the one real thing here. */
async function poll(env: ReturnType<typeof createSimulatedEnv>): Promise<void> {
  await env.advance(10_000);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await env.advance(0);
}

const everywhere = (value: unknown) => ({ value, constraints: {} });
const ofDomain = (domainName: string, value: unknown) => ({ value, constraints: { domainName } });

describe('dynamic config', () => {
  test('has every key at its default when nothing is set', async () => {
    const { config } = await open();
    for (const key of KEYS) expect(config.property(key).get()).toEqual(key.default);
    expect(new Set(KEYS.map(({ name }) => name)).size).toBe(KEYS.length);
  });

  test('takes constrained values of API and file first, then the API’s for everywhere, then the file’s, then the static ones', async () => {
    const { config } = await open({
      file: `
frontend.domainrps:
- value: 10
- value: 11
  constraints: {domainName: filed}
- value: 12
  constraints: {domainName: both}
`,
      options: { defaults: [staticDefault(DOMAIN_RPS, 5)] },
    });
    const rps = config.property(DOMAIN_RPS);
    expect([rps.get(), rps.ofDomain('filed'), rps.ofDomain('both'), rps.ofDomain('none')]).toEqual([10, 11, 12, 10]);
    await config.admin.update(DOMAIN_RPS.name, [everywhere(20), ofDomain('both', 22)]);
    expect([rps.get(), rps.ofDomain('filed'), rps.ofDomain('both'), rps.ofDomain('none')]).toEqual([20, 11, 22, 20]);
    await config.admin.restore(DOMAIN_RPS.name, undefined);
    expect([rps.get(), rps.ofDomain('both')]).toEqual([10, 22]);
    await config.admin.restore(DOMAIN_RPS.name, { domainName: 'both' });
    expect([rps.get(), rps.ofDomain('both')]).toEqual([10, 12]);
  });

  test('falls back to the static configuration when the file is silent', async () => {
    const { config } = await open({ file: '', options: { defaults: [staticDefault(DOMAIN_RPS, 5)] } });
    expect(config.property(DOMAIN_RPS).get()).toBe(5);
  });

  test('matches several constraints together, the first that holds', async () => {
    const { config } = await open({
      file: `
matching.longPollExpirationInterval:
- value: 1s
  constraints: {domainName: shop, taskListName: orders, taskType: activity}
- value: 2s
  constraints: {taskListName: orders}
- value: 3s
  constraints: {domainName: shop}
`,
    });
    const wait = config.property(MATCHING_LONG_POLL);
    expect(wait.of({ domainName: 'shop', taskListName: 'orders', taskType: 1 })).toBe(1000);
    expect(wait.of({ domainName: 'shop', taskListName: 'orders', taskType: 0 })).toBe(2000);
    expect(wait.of({ domainName: 'shop', taskListName: 'other', taskType: 0 })).toBe(3000);
    expect(wait.of({ domainName: 'bank', taskListName: 'other', taskType: 0 })).toBe(60_000);
    expect(wait.ofDomain('shop')).toBe(3000);
  });

  test('applies values of its own cluster only', async () => {
    const file = `
frontend.domainrps:
- value: 1
  constraints: {clusterName: region-b}
- value: 2
  constraints: {clusterName: region-a}
- value: 3
`;
    const { config } = await open({ file, options: { clusterName: 'region-a' } });
    expect(config.property(DOMAIN_RPS).get()).toBe(2);
    const other = await open({ file, options: { clusterName: 'region-c' } });
    expect(other.config.property(DOMAIN_RPS).get()).toBe(3);
  });

  test('takes up an edited file, keeps the last good one when an edit is faulty, and says the line', async () => {
    const { env, write, config } = await open({ file: 'frontend.domainrps:\n- value: 1\n' });
    const rps = config.property(DOMAIN_RPS);
    write('frontend.domainrps:\n- value: 2\n');
    await poll(env);
    expect(rps.get()).toBe(2);
    write('frontend.domainrps:\n- value: 3\nfrontend.rps:\n- value: x\n');
    await poll(env);
    expect(rps.get()).toBe(2);
    write('frontend.domainrps:\n- value: 4\n');
    await poll(env);
    expect(rps.get()).toBe(4);
    config.stop();
  });

  test('refuses to start with a faulty file', async () => {
    await expect(open({ file: 'frontend.domainrps:\n- value: x\n' })).rejects.toThrow(
      /limits\.yaml:2: frontend\.domainrps must be a whole number/,
    );
  });

  test('keeps what the API set over a restart, and shows it to other hosts', async () => {
    const { env, config, start } = await open();
    const other = await start();
    await config.admin.update(DOMAIN_RPS.name, [everywhere(7)]);
    expect(other.property(DOMAIN_RPS).get()).toBe(DOMAIN_RPS.default);
    await poll(env);
    expect(other.property(DOMAIN_RPS).get()).toBe(7);
    const restarted = await start();
    expect(restarted.property(DOMAIN_RPS).get()).toBe(7);
    for (const one of [config, other, restarted]) one.stop();
  });

  test('passes over a stored value that is none any more', async () => {
    const { store, start } = await open();
    await store.keyValues.put('dynamic-config', DOMAIN_RPS.name, Buffer.from('[{"value":"x","constraints":{}}]'), 0);
    await store.keyValues.put('dynamic-config', 'no.such.key', Buffer.from('[]'), 0);
    await store.keyValues.put('dynamic-config', 'frontend.rps', Buffer.from('{'), 0);
    const config = await start();
    expect(config.property(DOMAIN_RPS).get()).toBe(DOMAIN_RPS.default);
    await config.admin.update(DOMAIN_RPS.name, [everywhere(3)]);
    expect(config.property(DOMAIN_RPS).get()).toBe(3);
  });

  test('warns once of a key of Cadence that has no effect', async () => {
    const warned: unknown[] = [];
    const env = createSimulatedEnv({ seed: 1 });
    const logger = { ...env.logger, warn: (_: string, fields?: object) => warned.push(fields) };
    const store = createMemoryStore();
    const config = createDynamicConfig(
      { env: { ...env, logger: { ...logger, child: () => logger as never } as never }, keyValues: store.keyValues },
      {},
    );
    await config.start();
    await config.admin.update('history.cacheMaxSize', [everywhere(1)]);
    await config.admin.update('history.cacheMaxSize', [everywhere(2)]);
    expect(warned).toEqual([{ key: 'history.cacheMaxSize' }]);
    expect(config.admin.get('history.cacheMaxSize', {})).toBe(2);
  });
});

describe('the admin part', () => {
  test.each([
    [
      'frontend.domanrps',
      [everywhere(1)],
      'invalid dynamic config key name: frontend.domanrps, did you mean frontend.domainrps?',
    ],
    ['frontend.domainrps', [everywhere('1')], 'frontend.domainrps must be a whole number, and is "1"'],
    [
      'frontend.domainrps',
      [{ value: 1, constraints: { shardID: 1 } }],
      'frontend.domainrps cannot be constrained by shardID',
    ],
    [
      'frontend.domainrps',
      [ofDomain('a', 1), ofDomain('a', 2)],
      'is given two values for the same case (domainName=a)',
    ],
    [
      'frontend.domainrps',
      Array.from({ length: 1001 }, (_, i) => ofDomain(`d${i}`, 1)),
      'has 1001 values, and may have 1000',
    ],
  ])('refuses a faulty update of %s', async (name, values, message) => {
    const { config } = await open();
    await expect(config.admin.update(name, values)).rejects.toMatchObject({
      kind: 'BadRequest',
      message: expect.stringContaining(message),
    });
    expect(config.admin.list()).toEqual([]);
  });

  test('gives the value that holds, in the form it is written in', async () => {
    const { config } = await open();
    expect(config.admin.get(DECISION_HEARTBEAT_TIMEOUT.name, {})).toBe('30m0s');
    await config.admin.update(DECISION_HEARTBEAT_TIMEOUT.name, [everywhere('1m'), ofDomain('shop', '90s')]);
    expect(config.admin.get(DECISION_HEARTBEAT_TIMEOUT.name, { domainName: 'shop' })).toBe('1m30s');
    expect(config.admin.get(DECISION_HEARTBEAT_TIMEOUT.name, {})).toBe('1m0s');
    expect(() => config.admin.get('nonsense', {})).toThrow('invalid dynamic config key name: nonsense');
    expect(() => config.admin.get('history.cacheMaxSize', {})).toThrow('unable to find key');
  });

  test('lists what is set, of one key or of all', async () => {
    const { config } = await open();
    await config.admin.update('frontend.rps', [everywhere(9)]);
    await config.admin.update('frontend.domainrps', [ofDomain('shop', 1)]);
    expect(config.admin.list().map(({ name }) => name)).toEqual(['frontend.domainrps', 'frontend.rps']);
    expect(config.admin.list('frontend.rps')).toEqual([{ name: 'frontend.rps', values: [everywhere(9)] }]);
    await config.admin.update('frontend.rps', []);
    expect(config.admin.list().map(({ name }) => name)).toEqual(['frontend.domainrps']);
  });

  test('does not find a value to restore where none is set', async () => {
    const { config } = await open();
    await expect(config.admin.restore('frontend.rps', undefined)).rejects.toMatchObject({ kind: 'EntityNotExists' });
  });

  test('loses no change of two hosts at once', async () => {
    const { config, start } = await open();
    const other = await start();
    await config.admin.update('frontend.domainrps', [ofDomain('a', 1), ofDomain('b', 2), everywhere(3)]);
    await other.admin.update('frontend.domainrps', [ofDomain('a', 1), ofDomain('b', 2), everywhere(3)]);
    await Promise.all([
      config.admin.restore('frontend.domainrps', { domainName: 'a' }),
      other.admin.restore('frontend.domainrps', { domainName: 'b' }),
    ]);
    const restarted = await start();
    expect(restarted.admin.list()).toEqual([{ name: 'frontend.domainrps', values: [everywhere(3)] }]);
  });
});

describe('limits of domains', () => {
  test('are the engine’s defaults when nothing is set', async () => {
    const { config } = await open();
    expect(createDomainLimits(config)('shop')).toEqual(DEFAULT_LIMITS);
  });

  test('follow changes, for the domains that are named', async () => {
    const { config } = await open();
    const limitsOf = createDomainLimits(config);
    await config.admin.update(BLOB_SIZE_ERROR.name, [ofDomain('shop', 10)]);
    await config.admin.update(LENGTH_KEYS.workflowId.name, [everywhere(20)]);
    expect(limitsOf('shop')).toMatchObject({ blobSizeBytesMax: 10, lengths: { workflowId: 20 } });
    expect(limitsOf('other')).toMatchObject({ blobSizeBytesMax: BLOB_SIZE_ERROR.default, lengths: { workflowId: 20 } });
    await config.admin.update('limit.pendingActivityCount.error', [everywhere(3)]);
    expect(limitsOf('shop').pendingActivityCountMax).toBe(0);
    await config.admin.update('limit.pendingActivityCount.enabled', [ofDomain('shop', true)]);
    expect(limitsOf('shop').pendingActivityCountMax).toBe(3);
    expect(limitsOf('other').pendingActivityCountMax).toBe(0);
  });
});
