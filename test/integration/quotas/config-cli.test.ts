// `antiphon admin config` as an operator types it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '#config';
import { type RunningServer, startServer } from '#server';
import { bundleCli, type Cli } from '../../support/cli.ts';

let server: RunningServer;
let cli: Cli;

beforeAll(async () => {
  server = await startServer(
    loadConfig({
      environment: {},
      overrides: {
        frontend: { address: '127.0.0.1:0' },
        metrics: { address: '' },
        http: { address: '' },
        persistence: { driver: 'memory' },
        log: { level: 'silent' },
      },
    }),
  );
  cli = await bundleCli({ ANTIPHON_ADDRESS: server.address });
});

afterAll(async () => {
  cli.remove();
  await server.stop();
});

const config = (...args: string[]) => cli.run('admin', 'config', ...args);
const valueOfShop = async () =>
  (await config('get', 'frontend.domainrps', '--filter', 'domainName=shop')).stdout.trim();

describe('admin config', () => {
  it('changes the value of one case, shows it, and takes it back', async () => {
    expect(await valueOfShop()).toBe('20000');
    const set = await config('update', 'frontend.domainrps', '--value', '5', '--filter', 'domainName=shop');
    expect(set).toMatchObject({ code: 0, stdout: expect.stringContaining('set frontend.domainrps') });
    await config('update', '--name', 'frontend.domainrps', '--value', '7');
    expect(await valueOfShop()).toBe('5');
    const rows = JSON.parse((await config('list', '-o', 'json')).stdout);
    expect(rows).toEqual([
      { name: 'frontend.domainrps', value: 5, filters: 'domainName=shop' },
      { name: 'frontend.domainrps', value: 7, filters: '' },
    ]);
    await config('restore', 'frontend.domainrps', '--filter', '{"domainName":"shop"}');
    expect(await valueOfShop()).toBe('7');
    await config('restore', '--dynamic_config_name', 'frontend.domainrps');
    expect((await config('list')).stdout).toContain('Nothing is set');
  });

  it('takes values in Cadence’s form, which replace all there are', async () => {
    await config('update', 'matching.longPollExpirationInterval', '--value', '30s');
    const one = '{"Value":"10s","Filters":[{"Name":"domainName","Value":"shop"}]}';
    const two = '{"Value":"20s","Filters":[{"Name":"taskType","Value":1}]}';
    const { code } = await config('u', '--name', 'matching.longPollExpirationInterval', '--value', one, '--value', two);
    expect(code).toBe(0);
    const rows = JSON.parse((await config('l', '-o', 'json')).stdout);
    expect(rows.map((row: { filters: string }) => row.filters)).toEqual(['domainName=shop', 'taskType=1']);
    expect((await config('g', 'matching.longPollExpirationInterval')).stdout.trim()).toBe('1m0s');
  });

  it.each([
    [['update', 'frontend.domanrps', '--value', '5'], 5, 'did you mean frontend.domainrps?'],
    [['update', 'frontend.domainrps', '--value', 'many'], 5, 'must be a whole number, and is "many"'],
    [['update', 'frontend.domainrps', '--value', '{"Value":'], 2, 'not JSON'],
    [['update', 'frontend.domainrps'], 2, '--value (--dynamic_config_value) is required'],
    [['get', 'frontend.domainrps', '--filter', 'shop'], 2, 'expected domainName=shop'],
    [['restore', 'frontend.rps'], 3, 'unable to find key'],
  ])('says what is wrong with %j', async (args, code, text) => {
    const result = await config(...args);
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(text);
  });

  it('lists every key with its default, without a server', async () => {
    const { stdout } = await config('listall', '-o', 'json');
    const rows: { name: string; default: unknown }[] = JSON.parse(stdout);
    expect(rows.find(({ name }) => name === 'limit.blobSize.error')?.default).toBe(2 * 1024 * 1024);
    expect(rows.length).toBeGreaterThan(60);
  });
});
