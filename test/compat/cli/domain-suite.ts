// `cadence domain …`, `cadence tasklist …` and `cadence cluster …`.
import { describe, expect, it } from 'vitest';
import { type CadenceCli, rowWith, TASK_LIST } from './support.ts';

const eventually = { timeout: 20_000, interval: 200 };

export function domainSuite(cli: () => CadenceCli): void {
  describe('cadence domain', () => {
    changes(cli);
    it('failover and list-failover-history: only for global domains', async () => {
      const { ok, fails } = cli();
      await ok('--do', 'world', 'domain', 'register', '--active_cluster', 'region-a', '--clusters', 'region-a');
      expect((await ok('--do', 'world', 'domain', 'describe')).stdout).toContain('IsGlobal(XDC)Domain: true');
      expect((await fails('domain', 'failover', '--active_cluster', 'region-b')).text).toContain(
        'FailoverDomain failed',
      );
      // To where it is already: nothing moves, and nothing fails.
      expect((await ok('--do', 'world', 'domain', 'failover', '--active_cluster', 'region-a')).stdout).toContain(
        'Domain world successfully failed over.',
      );
      expect((await ok('--do', 'world', 'domain', 'list-failover-history')).text).toContain('world');
    });
    it('deprecate: starts the workflow that deprecates it and ends its runs', async () => {
      const { ok } = cli();
      await ok('--do', 'old', 'domain', 'register', '--gd', 'false');
      await ok('--do', 'old', 'workflow', 'start', '--tl', 'none', '--wt', 'any', '--et', '600', '-w', 'left-open');
      expect((await ok('--do', 'old', 'domain', 'deprecate')).stdout).toContain('Domain deprecation is in progress.');
      await expect
        .poll(async () => (await ok('--do', 'old', 'domain', 'describe')).stdout, eventually)
        .toContain('Status: DEPRECATED');
      await expect
        .poll(async () => (await ok('--do', 'old', 'workflow', 'describe', '-w', 'left-open')).stdout, eventually)
        .toContain('"CloseStatus": "TERMINATED"');
    });
    it('delete: asks, and refuses a domain that is in use', async () => {
      const { runWith, ok } = cli();
      await ok('--do', 'gone', 'domain', 'register', '--gd', 'false');
      const no = await runWith({ stdin: 'no\n' }, '--do', 'gone', 'domain', 'delete');
      expect(no.text).toContain('Domain deletion cancelled');
      const yes = await runWith({ stdin: 'yes\n' }, '--do', 'gone', 'domain', 'delete');
      expect(yes.text).toContain('Operation Delete domain failed');
    });
  });

  describe('cadence tasklist', () => {
    it('describe: lists the pollers, or says that there are none', async () => {
      const { ok, fails } = cli();
      await expect
        .poll(async () => (await ok('tasklist', 'describe', '--tl', TASK_LIST)).stdout, eventually)
        .toMatch(/DECISION POLLER IDENTITY/i);
      expect((await ok('tasklist', 'describe', '--tl', TASK_LIST, '--tlt', 'activity')).stdout).toMatch(
        /ACTIVITY POLLER/i,
      );
      expect((await fails('tasklist', 'describe', '--tl', 'unused')).text).toContain('No poller for tasklist: unused');
    });
    it('list-partition: shows where the list is', async () => {
      expect((await cli().ok('tasklist', 'list-partition', '--tl', TASK_LIST)).stdout).toContain(TASK_LIST);
    });
  });

  describe('cadence cluster', () => {
    it('get-search-attr: lists keys and their types', async () => {
      const { stdout } = await cli().ok('cluster', 'get-search-attr');
      expect(rowWith(stdout, 'CustomIntField')).toEqual(['CustomIntField', 'INT']);
      expect(rowWith(stdout, 'WorkflowType')).toEqual(['WorkflowType', 'KEYWORD']);
    });
  });
}

function changes(cli: () => CadenceCli): void {
  it('register, describe and update: keep what was asked for', async () => {
    const { ok, fails } = cli();
    const { stdout } = await ok(
      ...['--do', 'shop', 'domain', 'register', '--global_domain', 'false', '--description', 'sells'],
      ...['--owner_email', 'kim@example.com', '--domain_data', 'team=blue,tier=1'],
    );
    expect(stdout).toContain('Domain shop successfully registered.');
    expect((await ok('--do', 'shop', 'domain', 'describe')).stdout).toMatch(
      /Name: shop[\s\S]*Description: sells[\s\S]*OwnerEmail: kim@example.com[\s\S]*DomainData: map\[team:blue tier:1\][\s\S]*Status: REGISTERED[\s\S]*RetentionInDays: 3[\s\S]*IsGlobal\(XDC\)Domain: false/,
    );
    expect((await fails('--do', 'shop', 'domain', 'register')).text).toContain('already registered');
    const updated = await ok(
      ...['--do', 'shop', 'domain', 'update', '--description', 'sells more', '--domain_data', 'tier=2'],
      ...['--add_bad_binary', 'abc123', '--reason', 'crashes'],
    );
    expect(updated.stdout).toContain('Domain shop successfully updated.');
    expect((await ok('--do', 'shop', 'domain', 'describe')).stdout).toMatch(
      /Description: sells more[\s\S]*team:blue tier:2[\s\S]*Bad binaries to reset:[\s\S]*abc123[\s\S]*crashes/,
    );
    await ok('--do', 'shop', 'domain', 'update', '--remove_bad_binary', 'abc123');
    expect((await ok('--do', 'shop', 'domain', 'describe')).stdout).not.toContain('abc123');
  });

  it('describe: by id, as JSON, and of one that is not there', async () => {
    const { ok, fails } = cli();
    const json = JSON.parse((await ok('--do', 'cli', 'domain', 'describe', '--print_json')).stdout) as {
      domainInfo: { name: string; uuid: string };
    };
    expect(json.domainInfo.name).toBe('cli');
    const byId = await cli().runWith(
      { environment: { CADENCE_CLI_DOMAIN: '' } },
      ...['domain', 'describe', '--domain_id', json.domainInfo.uuid],
    );
    expect(byId.stdout).toContain('Name: cli');
    expect((await fails('--do', 'nowhere', 'domain', 'describe')).text).toContain('Domain nowhere does not exist.');
  });
}
