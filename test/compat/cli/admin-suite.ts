// `cadence admin …`: the commands that ask a server. Those that open a database by themselves are out of scope (see not-applicable.ts).
import { describe, expect, it } from 'vitest';
import { type CadenceCli, jsonIn, rowWith, TASK_LIST } from './support.ts';

const eventually = { timeout: 20_000, interval: 200 };

export function adminSuite(cli: () => CadenceCli): void {
  describe('cadence admin', () => {
    it('cluster describe: names the members and the store', async () => {
      const described = jsonIn((await cli().ok('admin', 'cluster', 'describe')).stdout);
      expect(described).toMatchObject({ supportedClientVersions: { goSdk: '1.7.0' } });
      expect(JSON.stringify(described)).toContain('cadence-history');
    });

    it('domain list: shows every domain, or those with a prefix', async () => {
      const { ok } = cli();
      await ok('--do', 'listed-1', 'domain', 'register', '--gd', 'false');
      expect(rowWith((await ok('admin', 'domain', 'list', '--all')).stdout, 'cli')[0]).toBe('cli');
      const some = (await ok('admin', 'domain', 'list', '--prefix', 'listed', '--print_full')).stdout;
      expect(rowWith(some, 'listed-1')).toContain('REGISTERED');
      expect(some).not.toMatch(/^\s*cli\b/m);
      expect(JSON.parse((await ok('admin', 'domain', 'list', '--print_json')).stdout)).toBeInstanceOf(Array);
    });

    it('tasklist list and describe: show pollers and levels', async () => {
      const { ok } = cli();
      await expect
        .poll(async () => rowWith((await ok('admin', 'tasklist', 'list')).stdout, TASK_LIST), eventually)
        .toEqual([TASK_LIST, '1', '1']);
      const { stdout } = await ok('admin', 'tasklist', 'describe', '--tl', TASK_LIST, '--tlt', 'activity');
      expect(rowWith(stdout, 'Activity')[1]).toBe('1');
    });

    it('workflow refresh-tasks: succeeds', async () => {
      const { ok, start } = cli();
      await start('counter', 'admin-refreshed');
      expect((await ok('admin', 'workflow', 'refresh-tasks', '-w', 'admin-refreshed')).stdout).toContain('succeeded');
    });

    it('history_host getshard: computes the shard that the server uses', async () => {
      const { ok } = cli();
      const { stdout } = await ok('admin', 'history_host', 'getshard', '-w', 'found', '--number_of_shards', '4');
      expect(stdout).toMatch(/ShardID for workflowID: found is \d/);
    });

    it('config listall: lists the keys it knows', async () => {
      expect((await cli().ok('admin', 'config', 'listall')).stdout).toContain('frontend.rps');
    });
  });
}
