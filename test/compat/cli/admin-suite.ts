// `cadence admin …`: the commands that ask a server. Those that open a database by themselves are out of scope (coverage.ts).
import { describe, expect, it } from 'vitest';
import { type CadenceCli, jsonIn, rowWith, TASK_LIST } from './support.ts';

const eventually = { timeout: 20_000, interval: 200 };

export function adminSuite(cli: () => CadenceCli): void {
  describe('cadence admin', () => {
    clusters(cli);
    runs(cli);
    groupsAndConfig(cli);
    shards(cli);
  });
}

function clusters(cli: () => CadenceCli): void {
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

  it('cluster failover start, query, pause, resume, abort, rollback, list: drive the failover manager', async () => {
    const { ok } = cli();
    for (const name of ['managed-1', 'managed-2']) {
      await ok('--do', name, 'domain', 'register', '--domain_data', 'IsManagedByCadence=true');
    }
    const failover = async (...args: string[]): Promise<string> =>
      (await ok('admin', 'cluster', 'failover', ...args)).stdout;
    // There is no region-b: both domains fail to move, one after the other, a minute apart.
    const pace = ['--failover_batch_size', '1', '--failover_wait_time_second', '60'];
    const started = await failover('start', '--tc', 'region-b', '--sc', 'region-a', ...pace);
    expect(started).toMatch(/wid: cadence-failover-manager\nrid: [0-9a-f-]{36}/);
    expect(await failover('pause')).toContain('Failover paused');
    expect(await failover('resume')).toContain('Failover resumed');
    await expect
      .poll(async () => (await cli().run('admin', 'cluster', 'failover', 'query')).stdout, eventually)
      .toMatch(/"TotalDomains": 2[\s\S]*"TargetCluster": "region-b"[\s\S]*"FailedDomains": \[\s+"managed-1"/);
    expect(await failover('rollback', ...pace)).toContain('Failover workflow started');
    // The rollback finds nothing to move back and ends; then there is one to abort.
    const again = () =>
      cli().run('admin', 'cluster', 'failover', 'start', '--tc', 'region-b', '--sc', 'region-a', ...pace);
    await expect.poll(async () => (await again()).code, eventually).toBe(0);
    expect(await failover('abort', '--reason', 'enough')).toContain('Failover aborted');
    await expect.poll(() => failover('query'), eventually).toContain('"State": "aborted"');
    await expect.poll(() => failover('list'), eventually).toMatch(/(cadence-failover-manager[\s\S]*){2}/);
  });

  it('cluster failover_fast: moves managed domains after a yes', async () => {
    const { runWith } = cli();
    const no = await runWith({ stdin: 'n\n' }, 'admin', 'cluster', 'failover_fast', '--target_cluster', 'region-a');
    expect(no.text).toContain('failover all managed domains');
  });

  it('cluster rebalance start: starts the rebalance workflow', async () => {
    expect((await cli().ok('admin', 'cluster', 'rebalance', 'start')).stdout).toContain('cadence-rebalance-workflow');
  });
}

function runs(cli: () => CadenceCli): void {
  it('tasklist list, describe and update-partition: show pollers, levels and partitions', async () => {
    const { ok } = cli();
    await expect
      .poll(async () => rowWith((await ok('admin', 'tasklist', 'list')).stdout, TASK_LIST), eventually)
      .toEqual([TASK_LIST, '1', '1']);
    const { stdout } = await ok('admin', 'tasklist', 'describe', '--tl', TASK_LIST, '--tlt', 'activity');
    expect(rowWith(stdout, 'Activity')[1]).toBe('1');
    const update = ['admin', 'tasklist', 'update-partition', '--tl', 'wide', '--nrp', '2', '--nwp', '2'];
    expect((await cli().fails(...update)).text).toContain('no pollers');
    expect((await ok(...update, '--force')).stdout).toMatch(
      /updated {2}wide : Activity[\s\S]*updated {2}wide : Decision/,
    );
    expect((await ok('admin', 'tasklist', 'describe', '--tl', 'wide')).stdout).toMatch(/map\[0:.* 1:.*\]|1:&\{/);
  });

  it('workflow refresh-tasks and describe: succeed', async () => {
    const { ok, start } = cli();
    await start('counter', 'administered');
    expect((await ok('admin', 'workflow', 'refresh-tasks', '-w', 'administered')).stdout).toContain('succeeded');
    expect((await ok('admin', 'workflow', 'describe', '-w', 'administered')).stdout).toContain('"shardId"');
  });
}

function groupsAndConfig(cli: () => CadenceCli): void {
  it('isolation-groups: drains and heals groups, of all domains and of one', async () => {
    const { ok } = cli();
    const groups = async (...args: string[]): Promise<string> =>
      (await ok('admin', 'isolation-groups', ...args)).stdout;
    expect(await groups('get-global')).toContain('No groups found');
    await groups('update-global', '--set-drains', 'zone-1');
    expect(await groups('get-global')).toMatch(/zone-1 +Drained/);
    await groups('update-global', '--remove-all-drains');
    expect(await groups('get-global')).toContain('No groups found');
    await groups('update-domain', '--json', '[{"Name": "zone-2", "State": 2}, {"Name": "zone-3", "State": 1}]');
    expect(await groups('get-domain')).toMatch(/zone-2 +Drained\nzone-3 +Healthy/);
    await groups('update-domain', '--remove-all-drains');
  });

  it('config get, update, restore, list, listall: change a limit', async () => {
    const { ok } = cli();
    const config = async (...args: string[]): Promise<string> => (await ok('admin', 'config', ...args)).text;
    const name = 'frontend.domainrps';
    const before = (await config('get', '--name', name)).trim();
    await config('update', '--name', name, '--value', '{"Value":4321,"Filters":[]}');
    await expect.poll(() => config('get', '--name', name), eventually).toContain('4321');
    expect(await config('list')).toContain(name);
    await config('restore', '--name', name);
    await expect.poll(async () => (await config('get', '--name', name)).trim(), eventually).toBe(before);
    expect(await config('listall')).toContain('frontend.rps');
  });
}

function shards(cli: () => CadenceCli): void {
  const cases: [args: string[], served: RegExp][] = [
    [['admin', 'shard', 'list'], /Total Number of Shards: \d+/],
    [['admin', 'shard', 'closeShard', '--shard_id', '1'], /^$/],
    [['admin', 'shard', 'removeTask', '--shard_id', '1', '--task_id', '999999', '--task_type', '2'], /^$/],
    [['admin', 'history_host', 'describe', '--shard_id', '1', '--print_full'], /"numberOfShards"|NumberOfShards/],
    [['admin', 'queue', 'describe', '--shard_id', '1', '--cluster', 'region-a', '--queue_type', '2'], /./],
    [['admin', 'queue', 'reset', '--shard_id', '1', '--cluster', 'region-a', '--queue_type', '2'], /succeeded/],
    [['admin', 'dlq', 'count'], /SOURCE CLUSTER|^\s*$/],
    [['admin', 'dlq', 'read', '--source_cluster', 'region-b'], /SHARD ID|^\s*$/],
    [
      ['admin', 'dlq', 'purge', '--source_cluster', 'region-b'],
      /Successfully purge DLQ Messages in shard 0|region-b is not a source/,
    ],
    [
      ['admin', 'dlq', 'merge', '--source_cluster', 'region-b'],
      /Successfully merged all messages in shard 0|region-b is not a source/,
    ],
    [['admin', 'async-wf-queue', 'get'], /[Aa]sync workflow queue config/],
    [['admin', 'async-wf-queue', 'update', '--json', '{"Enabled": false}'], /Successfully updated/],
    [['admin', 'cluster', 'add-search-attr', '--search_attr_key', 'CliSuiteKey', '--search_attr_type', '1'], /Success/],
    [['admin', 'workflow', 'fix_corruption', '-w', 'administered'], /^$/],
    [['admin', 'workflow', 'delete', '-w', 'to-delete', '--remote'], /^$/],
  ];

  it.each(cases)('%j: succeeds', async (args, served) => {
    const { runWith, start } = cli();
    if (args.includes('to-delete')) await start('counter', 'to-delete');
    // Shards of the DLQ commands come on stdin; add-search-attr asks.
    const { code, text, stdout } = await runWith({ stdin: args.includes('dlq') ? '0\n' : 'y\n' }, ...args);
    expect(code, text).toBe(0);
    expect(stdout).toMatch(served);
  });

  it('history_host getshard: computes a shard by itself', async () => {
    const { ok } = cli();
    const { stdout } = await ok('admin', 'history_host', 'getshard', '-w', 'found', '--number_of_shards', '4');
    expect(stdout).toMatch(/ShardID for workflowID: found is \d/);
  });
}
