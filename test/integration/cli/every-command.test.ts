// Every command of `antiphon` that asks a server, over the wire against a whole server with a worker: what it answers, in JSON.
// The last test fails when a command was added that nobody tries here.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { completeLater } from '@antiphon/sdk/activity';
import { bundleWorkflows, createStderrLogger, createWorker, type Worker } from '@antiphon/sdk/worker';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '#config';
import { type RunningServer, startServer } from '#server';
import { createProgram } from '../../../src/cli/program.ts';
import { createInProcessCli, type InProcessCli } from '../../support/cli-in-process.ts';

const DOMAIN = 'cli';
const TASK_LIST = 'cli-tasks';
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'antiphon-cli-every-'));
const eventually = { timeout: 30_000, interval: 100 };

let server: RunningServer;
let worker: Worker;
let inDefault: InProcessCli;
const tried = new Set<string>();

beforeAll(async () => {
  server = await startServer(
    loadConfig({
      environment: {},
      overrides: {
        cluster: { current: 'region-a', primary: 'region-a' },
        frontend: { address: '127.0.0.1:0' },
        metrics: { address: '' },
        persistence: { driver: 'sqlite', sqlite: { path: path.join(folder, 'antiphon.db') } },
        archival: { enabled: true, uri: `file://${path.join(folder, 'archive')}`, delayMs: 0 },
        domains: { preregister: [DOMAIN], retentionSecondsMin: 1, failoverCoolDownMs: 0 },
        log: { level: 'silent' },
      },
    }),
  );
  inDefault = createInProcessCli(server.address);
  worker = await createWorker({
    address: server.address,
    domain: DOMAIN,
    taskList: TASK_LIST,
    workflowBundle: await bundleWorkflows({ workflowsPath: 'test/support/cli-workflows.ts' }),
    activities: { manual: () => completeLater() },
    log: createStderrLogger('error'),
  });
  worker.start();
});

afterAll(async () => {
  await worker.shutdown();
  await server.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

const leaves = (command: Command, at = ''): string[] =>
  command.commands.flatMap((child) => {
    const own = `${at} ${child.name()}`.trim();
    return child.commands.length > 0 ? leaves(child, own) : [own];
  });
const LEAVES = leaves(createProgram());

const note = (args: readonly string[]): void => {
  const words = args.join(' ');
  const leaf = LEAVES.filter((each) => `${words} `.startsWith(`${each} `)).sort((a, b) => b.length - a.length)[0];
  if (leaf) tried.add(leaf);
};
const ok = (...args: string[]): Promise<string> => {
  note(args);
  return inDefault.ok('-d', DOMAIN, ...args);
};
const json = <T = Record<string, unknown>>(...args: string[]): Promise<T> => {
  note(args);
  return inDefault.json<T>('-d', DOMAIN, ...args);
};
const run = (...args: string[]) => {
  note(args);
  return inDefault.run('-d', DOMAIN, ...args);
};

async function start(type: string, workflowId: string, ...more: string[]): Promise<string> {
  const names = ['--type', type, '--task-list', TASK_LIST, '-w', workflowId, '--et', '120'];
  return (await json<{ runId: string }>('workflow', 'start', ...names, ...more)).runId;
}
const events = async (workflowId: string): Promise<readonly { eventType: string; attributes: object }[]> =>
  json('workflow', 'show', workflowId);
const types = async (workflowId: string): Promise<readonly string[]> =>
  (await events(workflowId)).map(({ eventType }) => eventType);
const hasDecided = (workflowId: string) =>
  expect.poll(() => types(workflowId), eventually).toContain('DecisionTaskCompleted');

describe('starting', () => {
  it('takes everything that Cadence takes, in its words', async () => {
    const file = path.join(folder, 'input.json');
    fs.writeFileSync(file, '7');
    await ok(
      ...[
        'workflow',
        'start',
        '-tl',
        TASK_LIST,
        '-wt',
        'counter',
        '--execution_timeout=90',
        '-wid',
        'full',
        '-dt',
        '7',
      ],
      ...['-wrp', '1', '-if', file, '--memo_key', 'owner place', '--memo', '"kim" 3', '--search_attr_key'],
      ...['CustomKeywordField | CustomIntField', '--search_attr_value', 'blue | 5', '--retry_attempts', '3'],
      ...['--retry_interval', '2', '--retry_backoff', '1.5', '--header_key', 'trace', '--header_value', '"abc"'],
      ...['--delay_start_seconds', '1', '--jitter_start_seconds', '1', '--cron', '@every 1h', '-cop', '1'],
    );
    expect((await events('full'))[0]?.attributes).toMatchObject({
      input: 7,
      executionStartToCloseTimeout: '90s',
      taskStartToCloseTimeout: '7s',
      memo: { fields: { owner: 'kim', place: 3 } },
      searchAttributes: { indexedFields: { CustomKeywordField: 'blue', CustomIntField: 5 } },
      retryPolicy: { initialInterval: '2s', backoffCoefficient: 1.5, maximumAttempts: 3 },
      header: { fields: { trace: 'abc' } },
      cronSchedule: '@every 1h',
    });
    await ok('workflow', 'terminate', 'full');
  });

  it('runs a workflow to its end, and starts one by a signal', async () => {
    const names = ['--tl', TASK_LIST, '--wt', 'echo', '-w', 'run-1', '-i', '"back"'];
    const lines = (await ok('workflow', 'run', ...names, '-o', 'jsonl')).trim().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
      eventType: 'WorkflowExecutionCompleted',
      attributes: { result: 'back' },
    });
    await ok(
      ...['workflow', 'signalwithstart', '--tl', TASK_LIST, '--wt', 'counter', '-w', 'sws', '-n', 'add', '-si', '11'],
    );
    await expect.poll(async () => (await json('workflow', 'query', 'sws', 'sum')).result, eventually).toBe(11);
  });
});

describe('looking at runs', () => {
  it('shows and follows histories', async () => {
    const runId = await start('counter', 'seen', '-i', '3');
    await hasDecided('seen');
    expect(await ok('workflow', 'show', 'seen', '--pdt', '--pev')).toMatch(
      /1 \d{4}-\d\d-\d\dT\S+ v-24 WorkflowExecutionStarted/,
    );
    expect(await json('workflow', 'show', '-w', 'seen', '-r', runId, '--event-id', '1')).toMatchObject({ eventId: 1 });
    expect((await run('workflow', 'show', 'seen', '--event-id', '99')).stderr).toContain('the run has the events 1 to');
    const points = await json<{ eventId: number }[]>('workflow', 'show', 'seen', '--reset-points-only');
    expect(points[0]?.eventId).toBe(4);
    const file = path.join(folder, 'history.json');
    await ok('workflow', 'show', 'seen', '--of', file);
    expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toHaveLength((await events('seen')).length);
    await ok('workflow', 'signal', 'seen', 'stop');
    expect(await ok('workflow', 'observe', 'seen', '--sd')).toContain('WorkflowExecutionCompleted');
  });

  it('describes, queries and prints stacks', async () => {
    await start('counter', 'asked', '-i', '40');
    await ok('workflow', 'signal', '-w', 'asked', '-n', 'add', '-i', '2');
    expect((await json('workflow', 'query', 'asked', 'sum', '--qcl', 'strong')).result).toBe(42);
    expect((await json('workflow', 'query-types', 'asked')).result).toContain('sum');
    expect(String((await json('workflow', 'stack', 'asked')).result)).toContain('counter');
    expect(await json('workflow', 'describe', 'asked')).toMatchObject({
      status: 'running',
      executionConfiguration: { executionStartToCloseTimeout: '120s' },
    });
    const points = await json<unknown[]>('workflow', 'describe', 'asked', '--reset_points_only');
    expect(points).toHaveLength(1);
    await ok('workflow', 'signal', 'asked', 'stop');
    await expect
      .poll(async () => (await run('workflow', 'query', 'asked', 'sum', '-qrc', 'not_open')).stderr, eventually)
      .toContain('the run is completed: not asked');
  });

  it('finds runs by filters, by query, page by page', async () => {
    await start('counter', 'found-1', '--search-attribute', 'CustomKeywordField="f"');
    await start('counter', 'found-2', '--search-attribute', 'CustomKeywordField="f"');
    await ok('workflow', 'terminate', 'found-2');
    type Rows = { workflowId: string; status: string }[];
    const list = async (...args: string[]) =>
      (await json<Rows>('workflow', 'list', '-q', "CustomKeywordField = 'f' ORDER BY StartTime ASC", ...args)).map(
        (row) => `${row.workflowId} ${row.status}`,
      );
    await expect.poll(() => list(), eventually).toEqual(['found-1 running', 'found-2 terminated']);
    expect(await list('--open')).toEqual(['found-1 running']);
    expect(await list('--status', 'term')).toEqual(['found-2 terminated']);
    expect(await list('--earliest-time', '1h', '-wid', 'found-2')).toEqual(['found-2 terminated']);
    expect(await list('--latest-time', '1h')).toEqual([]);
    expect(await list('--exclude_query', "WorkflowID = 'found-1'")).toEqual(['found-2 terminated']);
    expect(await list('--pagesize', '1')).toEqual(['found-1 running']);
    expect(await list('--pagesize', '1', '--more')).toHaveLength(2);
    expect(await json<Rows>('workflow', 'listall', '--wt', 'counter', '-q', "CustomKeywordField = 'f'")).toHaveLength(
      2,
    );
    expect(await json<Rows>('workflow', 'scan', '-q', "CustomKeywordField = 'f'", '-ps', '1')).toHaveLength(2);
    expect((await json('workflow', 'count', '-q', "CustomKeywordField = 'f'", '--open')).count).toBe(1);
    expect(await json<Rows>('workflow', 'listarchived', '-q', "WorkflowID = 'nobody'", '--all')).toEqual([]);
    expect(await json<Rows>('archive', 'list', '-q', "WorkflowID = 'nobody'")).toEqual([]);
    expect((await run('workflow', 'list', '--status', 'odd')).stderr).toContain('--status is "odd": expected one of');
    expect((await run('archive', 'show', 'found-2', randomUUID())).code).toBe(3);
    const full = await ok('workflow', 'list', '--print-full', '-q', "WorkflowID = 'found-1'");
    expect(full).toMatch(/searchAttributes[\s\S]*CustomKeywordField/);
  });
});

describe('acting on runs', () => {
  it('signals, cancels, terminates, restarts, refreshes', async () => {
    const runId = await start('byHand', 'acted');
    await ok('workflow', 'signal', 'acted', 'any', '-i', '{"by": "kim"}');
    await ok('workflow', 'refresh-tasks', 'acted');
    await ok('workflow', 'cancel', 'acted', '--reason', 'changed');
    await expect.poll(() => types('acted'), eventually).toContain('WorkflowExecutionCancelRequested');
    const again = await json('workflow', 'restart', '-w', 'acted', '-r', runId);
    expect(again.runId).not.toBe(runId);
    await ok('workflow', 'terminate', 'acted', '-re', 'enough');
    expect((await run('workflow', 'terminate', 'acted')).code).toBe(5);
  });

  it('answers for activities', async () => {
    for (const [workflowId, how, end] of [
      ['hand-1', ['complete', '--result', '"done"'], 'WorkflowExecutionCompleted'],
      ['hand-2', ['fail', '--reason', 'no way', '--detail', 'broken'], 'WorkflowExecutionFailed'],
    ] as const) {
      await start('byHand', workflowId);
      const pending = async () =>
        (
          await json<{ pendingActivities?: { activityId: string; state: string }[] }>(
            'workflow',
            'describe',
            workflowId,
          )
        ).pendingActivities;
      await expect.poll(pending, eventually).toMatchObject([{ state: 'started' }]);
      const activityId = (await pending())?.[0]?.activityId ?? '';
      const [verb, ...what] = how;
      await ok('workflow', 'activity', verb, '-w', workflowId, '-aid', activityId, ...what);
      await expect.poll(() => types(workflowId), eventually).toContain(end);
    }
  });

  it.each(['FirstDecisionCompleted', 'LastDecisionCompleted', 'FirstDecisionScheduled', 'LastDecisionScheduled'])(
    'resets to %s',
    async (type) => {
      const workflowId = `reset-${type}`;
      await start('counter', workflowId, '-i', '5');
      await hasDecided(workflowId);
      await json('workflow', 'reset', '-w', workflowId, '--reset_type', type, '--reason', 'x', '--skip_signal_reapply');
      await expect.poll(async () => (await json('workflow', 'query', workflowId, 'sum')).result, eventually).toBe(5);
    },
  );

  it('resets to a time, an event, a binary, the run before; and says what is missing', async () => {
    await start('counter', 'reset-more');
    await hasDecided('reset-more');
    const reset = (...args: string[]) => ['workflow', 'reset', 'reset-more', '--reason', 'x', ...args];
    const describe = async () =>
      (await json<{ binaryChecksum: string }[]>('workflow', 'describe', 'reset-more', '--reset-points-only'))[0];
    await expect.poll(describe, eventually).toBeDefined();
    await ok(
      ...reset('--reset-type', 'BadBinary', '--reset-bad-binary-checksum', (await describe())?.binaryChecksum ?? ''),
    );
    await hasDecided('reset-more');
    await ok(...reset('--reset-type', 'DecisionCompletedTime', '--earliest-time', '1h'));
    await hasDecided('reset-more');
    await ok(...reset('--event-id', '4'));
    expect((await run(...reset('--event-id', '999'))).code).toBe(5);
    expect((await run(...reset('--reset-type', 'BadBinary'))).stderr).toContain('needs --reset-bad-binary-checksum');
    expect((await run(...reset('--decision-offset', '1'))).stderr).toContain('must be 0 or less');
    expect((await run(...reset('--reset-type', 'LastContinuedAsNew'))).stderr).toContain('has no run before it');
    await start('relay', 'laps');
    const back = () => run('workflow', 'reset', 'laps', '--reason', 'x', '--reset-type', 'LastContinuedAsNew');
    await expect.poll(async () => (await back()).code, eventually).toBe(0);
  });

  it('resets many from here, leaving out what is asked', async () => {
    for (const id of ['many-1', 'many-2']) {
      await start('counter', id, '--search-attribute', 'CustomKeywordField="many"');
      await hasDecided(id);
    }
    const batch = ['workflow', 'reset-batch', '--query', "CustomKeywordField = 'many'", '--reason', 'x'];
    const type = ['--reset-type', 'LastDecisionCompleted'];
    const lines = async (...args: string[]) =>
      (await ok(...batch, ...type, '-o', 'jsonl', ...args))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    await expect.poll(async () => (await lines('--dry-run')).length, eventually).toBe(2);
    // Before the reset below: its run is listed a moment later.
    const skipped = { skipped: 'its last decision did not fail by non-determinism' };
    expect(await lines('--only-non-deterministic')).toMatchObject([skipped, skipped]);
    const file = path.join(folder, 'exclude');
    fs.writeFileSync(file, 'many-2\n');
    expect(await lines('--exclude-file', file)).toMatchObject([{ workflowId: 'many-1' }]);
    expect((await run(...batch)).stderr).toContain('--reset-type is required');
  });

  it('does batch jobs', async () => {
    for (const id of ['job-1', 'job-2']) await start('counter', id, '--search-attribute', 'CustomKeywordField="job"');
    const query = "CustomKeywordField = 'job'";
    await expect.poll(async () => (await json('workflow', 'count', '-q', query)).count, eventually).toBe(2);
    const job = ['workflow', 'batch', 'start', '-q', query, '--reason', 'tidy'];
    const { jobId } = await json<{ jobId: string }>(...job, '--bt', 'terminate', '--yes');
    const status = async () => (await json('workflow', 'batch', 'describe', jobId)).status;
    await expect.poll(status, eventually).toBe('completed');
    expect((await json('workflow', 'describe', 'job-1')).status).toBe('terminated');
    expect(await json('workflow', 'batch', 'describe', jobId)).toMatchObject({
      progress: { SuccessCount: 2, ErrorCount: 0, TotalEstimate: 2 },
    });
    const none = ['workflow', 'batch', 'start', '-q', "CustomKeywordField = 'nobody'", '--reason', 'tidy'];
    expect(await json(...none, '--bt', 'terminate', '--yes')).toEqual({ runs: 0 });
    await expect
      .poll(async () => (await json<{ jobId: string; reason: string }[]>('workflow', 'batch', 'list'))[0], eventually)
      .toMatchObject({ jobId, reason: 'tidy' });
    expect((await run('workflow', 'batch', 'terminate', jobId, '--reason', 'late')).code).toBe(5);
    expect((await run(...job, '--bt', 'signal', '--yes')).stderr).toContain('needs --signal-name');
  });
});

describe('domains and task lists', () => {
  it('registers, describes, lists, updates, deprecates', async () => {
    await ok(
      ...['domain', 'register', 'shop', '--gd', 'false', '--desc', 'sells', '--oe', 'kim@example.com', '-rd', '3'],
      ...['--domain_data', 'team=blue,tier=1', '--has', 'enabled'],
    );
    const shop = () => json('domain', 'describe', 'shop');
    expect(await shop()).toMatchObject({
      description: 'sells',
      workflowExecutionRetentionPeriod: '259200s',
      data: { team: 'blue', tier: '1' },
      historyArchivalStatus: 'enabled',
      isGlobalDomain: false,
    });
    await ok(
      '--do',
      'shop',
      'domain',
      'update',
      '--domain_data',
      'tier=2',
      '--add_bad_binary',
      'b1',
      '--reason',
      'bad',
    );
    expect(await shop()).toMatchObject({ data: { team: 'blue', tier: '2' }, badBinaries: { binaries: { b1: {} } } });
    await ok('domain', 'update', 'shop', '--remove_bad_binary', 'b1');
    const { id } = (await shop()) as { id: string };
    expect(await json('domain', 'describe', '--domain_id', id)).toMatchObject({ name: 'shop' });
    expect((await ok('admin', 'domain', 'getdomainidorname', 'shop')).trim()).toBe(id);
    await ok('workflow', 'start', '-d', 'shop', '--tl', 'none', '--wt', 'any', '-w', 'open');
    await expect
      .poll(async () => (await run('domain', 'deprecate', 'shop', '--yes')).stderr, eventually)
      .toContain('domain shop has 1 open runs');
    await ok('domain', 'deprecate', 'shop', '--force', '--yes');
    const names = async (...args: string[]) =>
      (await json<{ name: string }[]>('domain', 'list', ...args)).map(({ name }) => name);
    expect(await names()).not.toContain('shop');
    expect(await names('--deprecated')).toEqual(['shop']);
    expect(await names('--all', '--prefix', 'sh')).toEqual(['shop']);
    const { stderr, code } = await run('domain', 'delete', 'shop', '--yes');
    expect(code).toBe(5);
    expect(stderr).toContain('antiphon domain deprecate shop');
  });

  it('fails domains over, and compares two for a migration', async () => {
    await ok('domain', 'register', 'world', '--clusters', 'region-a');
    await ok('domain', 'failover', 'world', '--active_cluster', 'region-a');
    await ok('failover', 'world', '--to', 'region-a');
    expect((await run('failover', 'world', '--to', 'region-x')).stderr).toContain('region-x');
    expect(await json<unknown[]>('domain', 'list-failover-history', 'world')).toBeInstanceOf(Array);
    const there = ['--destination_address', server.address, '--destination_domain'];
    const { stdout, code, stderr } = await run('domain', 'migration', ...there, 'world', '--search_attr', 'Nope:int');
    expect(stdout).toMatch(/search attributes\s+NO\s+missing: Nope:int here, Nope:int there/);
    expect(stderr).toContain('not ready');
    expect(code).toBe(1);
    await ok('domain', 'migration', ...there, DOMAIN, '--search_attr', 'CustomIntField:int', '--tl', TASK_LIST);
  });

  it('describes task lists', async () => {
    const pollers = () => json<{ poller: string }[]>('tasklist', 'describe', '--tl', TASK_LIST, '--tlt', 'decision');
    await expect.poll(async () => (await pollers()).length, eventually).toBeGreaterThan(0);
    expect(await json<object[]>('tasklist', 'list')).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: TASK_LIST, type: 'activity' })]),
    );
    expect(await json<object[]>('tasklist', 'list-partition', TASK_LIST, '-tlt', 'activity')).toMatchObject([
      { type: 'activity' },
    ]);
    expect(await json<object[]>('admin', 'tasklist', 'list')).not.toEqual([]);
    const wide = ['admin', 'tasklist', 'update-partition', 'wide', '--nrp', '2', '--nwp', '2'];
    expect((await run(...wide)).stderr).toContain('nobody polls wide');
    await ok(...wide, '--force');
    expect(await json<object[]>('admin', 'tasklist', 'describe', 'wide', '--type', 'decision')).toMatchObject([
      { readPartitions: 2, writePartitions: 2 },
    ]);
    expect((await run('admin', 'tasklist', 'update-partition', 'wide', '--nrp', '1', '--nwp', '1')).stderr).toContain(
      'lower the write partitions first',
    );
  });
});

describe('schedules', () => {
  it('are created, changed, paused, filled up and deleted', async () => {
    await ok(
      ...['schedule', 'create', 'nightly', '--cron', '0 2 * * *', '--type', 'counter', '--task-list', TASK_LIST],
      ...['--overlap-policy', 'buffer', '--catch-up-policy', 'one', '-i', '1'],
    );
    const described = () => json('schedule', 'describe', 'nightly');
    await expect.poll(described, eventually).toMatchObject({
      state: 'active',
      spec: { cronExpression: '0 2 * * *' },
      policies: { overlapPolicy: 'buffer', catchUpPolicy: 'one' },
      action: { workflowType: { name: 'counter' }, input: 1 },
    });
    await ok('schedule', 'update', 'nightly', '--cron', '0 3 * * *');
    await ok('schedule', 'pause', 'nightly', '--reason', 'holidays');
    await expect.poll(described, eventually).toMatchObject({
      state: 'paused',
      spec: { cronExpression: '0 3 * * *' },
      policies: { overlapPolicy: 'buffer' },
    });
    await ok('schedule', 'unpause', 'nightly', '--catch-up-policy', 'skip');
    await ok('schedule', 'backfill', 'nightly', '--start-time', '3d', '--end-time', '1d');
    await expect
      .poll(async () => (await json<{ scheduleId: string }[]>('schedule', 'list'))[0]?.scheduleId, eventually)
      .toBe('nightly');
    await ok('schedule', 'delete', 'nightly', '--yes');
    await expect.poll(async () => (await run('schedule', 'describe', 'nightly')).code, eventually).toBe(3);
  });
});

describe('the cluster and its operation', () => {
  it('tells its health, versions, search attributes and members', async () => {
    expect(await json('cluster', 'health')).toMatchObject({ ok: true });
    expect(await json('cluster', 'versions')).toMatchObject({ goSdk: '1.7.0' });
    expect(await json<object[]>('cluster', 'get-search-attr')).toContainEqual({ key: 'CustomIntField', type: 'int' });
    expect(await json('admin', 'cluster', 'describe')).toMatchObject({ membershipInfo: {} });
  });

  it('shows runs as they are stored', async () => {
    const runId = await start('counter', 'stored');
    await hasDecided('stored');
    expect(await json('admin', 'workflow', 'describe', 'stored')).toMatchObject({ mutableState: { info: { runId } } });
    expect(
      await json<object[]>('admin', 'workflow', 'show', 'stored', '--min_event_id', '2', '--max_event_id', '3'),
    ).toHaveLength(2);
    await ok('admin', 'workflow', 'refresh-tasks', 'stored');
    expect(Number(await ok('admin', 'history_host', 'getshard', 'stored', '--number_of_shards', '4'))).toBe(
      (await json<{ shardId: number }>('admin', 'workflow', 'describe', 'stored')).shardId,
    );
  });

  it('drains isolation groups', async () => {
    const groups = (scope: string) => json<object[]>('admin', 'isolation-groups', `get-${scope}`);
    await ok('admin', 'isolation-groups', 'update-global', '--set-drains', 'zone-1,zone-2');
    expect(await groups('global')).toMatchObject([{ group: 'zone-1', state: 'drained' }, { group: 'zone-2' }]);
    await ok('admin', 'isolation-groups', 'update-global', '--remove-all-drains');
    await ok('admin', 'isolation-groups', 'update-domain', '--json', '[{"Name": "zone-3", "State": 1}]');
    expect(await groups('domain')).toEqual([{ group: 'zone-3', state: 'healthy' }]);
    await ok('admin', 'isolation-groups', 'update-domain', '--remove-all-drains');
    expect((await run('admin', 'isolation-groups', 'update-domain')).stderr).toContain('give one of');
  });

  it('moves managed domains', async () => {
    const failover = (...args: string[]): string[] => ['admin', 'cluster', 'failover', ...args];
    for (const name of ['managed-1', 'managed-2']) {
      await ok('domain', 'register', name, '--domain_data', 'IsManagedByCadence=true');
    }
    const pace = ['--fbs', '1', '--fwts', '60'];
    const begin = failover('start', '--tc', 'region-b', '--sc', 'region-a', ...pace);
    await ok(...begin);
    await ok(...failover('pause'));
    await ok(...failover('resume'));
    await expect
      .poll(async () => (await run('-o', 'json', ...failover('query'))).stdout, eventually)
      .toContain('managed-1');
    note(failover('query'));
    await ok(...failover('rollback', ...pace));
    await expect.poll(async () => (await run(...begin)).code, eventually).toBe(0);
    await ok(...failover('abort', '--reason', 'enough'));
    await expect.poll(async () => (await json(...failover('query'))).State, eventually).toBe('aborted');
    await expect.poll(async () => (await json<object[]>(...failover('list'))).length, eventually).toBeGreaterThan(1);
    await ok('admin', 'cluster', 'rebalance', 'start');
    await expect
      .poll(async () => (await json<object[]>('admin', 'cluster', 'rebalance', 'list')).length, eventually)
      .toBe(1);
    const fast = await run('admin', 'cluster', 'failover_fast', '--target_cluster', 'region-b', '--yes');
    expect(fast.stderr).toContain('2 of 2 domains were not moved');
  });

  it.each([
    [
      ['admin', 'shard', 'list'],
      [{ shardId: 0 }, { shardId: 1 }, { shardId: 2 }, { shardId: 3 }],
    ],
    [['admin', 'shard', 'describe', '1'], { shardId: 1, isOwned: true }],
    [['admin', 'shard', 'closeShard', '1', '--yes'], { shardId: 1 }],
    [['admin', 'cluster', 'hosts'], [{ services: 'frontend,history,matching,worker', shards: 4, state: 'serving' }]],
    [['admin', 'shard', 'removeTask', '--shard_id', '1', '--task_id', '999999', '--task_type', '2', '--yes'], {}],
    [['admin', 'history_host', 'describe', '--shard_id', '1', '--print_full'], { numberOfShards: 4 }],
    [['admin', 'queue', 'describe', '--shard_id', '1', '--cluster', 'region-a', '--queue_type', '3'], []],
    [['admin', 'queue', 'reset', '--shard_id', '1', '--cluster', 'region-a', '--queue_type', 'transfer', '--yes'], {}],
    [['admin', 'visibility', 'reindex'], { shards: 4 }],
    [['admin', 'dlq', 'count'], []],
    [['admin', 'dlq', 'read', '--source_cluster', 'region-b', '--shards', '0-1'], []],
    [['admin', 'dlq', 'purge', '--source_cluster', 'region-b', '--shards', '0', '--yes'], { shardId: 0 }],
    [['admin', 'async-wf-queue', 'update', '--json', '{"Enabled": false}'], { domain: DOMAIN }],
    [['admin', 'async-wf-queue', 'get'], {}],
    [['admin', 'cluster', 'add-search-attr', 'EveryKey', 'keyword', '--yes'], { key: 'EveryKey', type: 'keyword' }],
    [['admin', 'workflow', 'fix_corruption', 'sws', '--yes'], { workflowId: 'sws', executionsDeleted: false }],
    [['admin', 'workflow', 'delete', 'sws', '--yes'], { workflowId: 'sws', executionsDeleted: true }],
    [
      ['workflow', 'diagnose', 'acted'],
      { domain: 'cadence-system', workflowId: expect.stringMatching(/-[0-9a-f-]{36}$/) },
    ],
  ])('%j', async (args, expected) => {
    const answer = await json<object>(...args);
    if (Array.isArray(expected) && expected.length === 0) expect(answer).toBeInstanceOf(Array);
    else expect(answer).toMatchObject(expected);
  });

  it.each([
    [['admin', 'dlq', 'merge', '--source_cluster', 'region-b', '--shards', '0'], 1, '1 of 1 shards failed'],
    [['admin', 'shard', 'move', '1', 'elsewhere:7900', '--yes'], 5, 'Feature many hosts (rpc.address) is not enabled'],
    [['admin', 'shard', 'move', '1'], 2, 'say where to: --to <host>, or --unpin'],
    [
      ['admin', 'kafka', 'rereplicate', '--source_cluster', 'region-b', '--domain_id', randomUUID()].concat(
        ...['-w', 'sws', '-r', randomUUID()],
      ),
      5,
      'region-b is not a source of replication',
    ],
    [['admin', 'workflow', 'describe', 'sws'], 3, 'not found'],
    [['admin', 'dlq', 'read', '--source_cluster', 'region-b', '--shards', '3-1'], 2, '"3-1" is no number and no range'],
    [['admin', 'async-wf-queue', 'update', '--json', '{"Enable": true}'], 2, '--json has the key "Enable"'],
    [['admin', 'cluster', 'add-search-attr', 'EveryKey', 'number', '--yes'], 2, 'expected one of string, keyword'],
  ])('%j is refused', async (args, code, text) => {
    const result = await run(...args);
    expect(result.stderr).toContain(text);
    expect(result.code).toBe(code);
  });

  it('was tried with every command that asks a server', () => {
    // These need no server; cli.test.ts and others try them. `admin domain` is the same code as `domain`.
    const elsewhere = /^(dev|server|schema|auth|audit|completion|archive verify|admin domain|admin config)\b/;
    expect(LEAVES.filter((leaf) => !tried.has(leaf) && !elsewhere.test(leaf))).toEqual([]);
  });
});
