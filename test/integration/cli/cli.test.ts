// The antiphon command as a person types it, against a server in this process: what it prints, on which stream, with which exit code.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '#config';
import { type RunningServer, startServer } from '#server';
import { bundleCli, type Cli, type CliResult } from '../../support/cli.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'antiphon-cli-'));
let server: RunningServer;
let cli: Cli;

beforeAll(async () => {
  server = await startServer(
    loadConfig({
      environment: {},
      overrides: {
        frontend: { address: '127.0.0.1:0' },
        metrics: { address: '127.0.0.1:0' },
        persistence: { sqlite: { path: path.join(folder, 'antiphon.db') } },
        domains: { preregister: ['default'], retentionSecondsMin: 1, failoverCoolDownMs: 0 },
        archival: { enabled: false, uri: `file://${path.join(folder, 'archive')}`, delayMs: 0 },
        log: { level: 'silent' },
      },
    }),
  );
  cli = await bundleCli({ ANTIPHON_ADDRESS: server.address });
});

afterAll(async () => {
  cli.remove();
  await server.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

const antiphon = (...args: string[]): Promise<CliResult> => cli.run(...args);

const start = (workflowId: string, ...more: string[]): Promise<CliResult> =>
  antiphon('workflow', 'start', '-t', 'greeting', '--task-list', 'nobody', '-w', workflowId, ...more);

const json = ({ stdout }: CliResult): unknown => JSON.parse(stdout);

describe('workflows', () => {
  it('starts a run and shows what it recorded, the input as it was given', async () => {
    const started = await start('w-1', '-i', '"world" {"loud": true}', '-o', 'json');
    expect(started.code).toBe(0);
    const { runId } = json(started) as { runId: string };
    expect(runId).toMatch(/^[0-9a-f-]{36}$/);
    const shown = json(await antiphon('workflow', 'show', 'w-1', '-o', 'json')) as {
      eventType: string;
      attributes: { input: unknown };
    }[];
    expect(shown.map(({ eventType }) => eventType)).toEqual(['WorkflowExecutionStarted', 'DecisionTaskScheduled']);
    expect(shown[0]?.attributes.input).toEqual(['world', { loud: true }]);
  });

  it('prints a line an event for people', async () => {
    await start('w-2');
    const { stdout } = await antiphon('workflow', 'show', 'w-2');
    expect(stdout.trimEnd().split('\n')).toHaveLength(2);
    expect(stdout).toMatch(/^ {3}1 \+ +0\.000s WorkflowExecutionStarted/);
  });

  it('signals, describes, cancels and terminates a run', async () => {
    await start('w-3');
    expect((await antiphon('workflow', 'signal', 'w-3', 'approve', '-i', '{"by": "kim"}')).stdout).toContain(
      'signalled w-3',
    );
    expect((await antiphon('workflow', 'cancel', 'w-3')).code).toBe(0);
    const described = json(await antiphon('workflow', 'describe', 'w-3', '-o', 'json')) as { status: string };
    expect(described.status).toBe('running');
    expect((await antiphon('workflow', 'terminate', 'w-3', '--reason', 'enough')).code).toBe(0);
    const events = json(await antiphon('workflow', 'show', 'w-3', '-o', 'json')) as { eventType: string }[];
    expect(events.map(({ eventType }) => eventType)).toEqual([
      'WorkflowExecutionStarted',
      'DecisionTaskScheduled',
      'WorkflowExecutionSignaled',
      'WorkflowExecutionCancelRequested',
      'WorkflowExecutionTerminated',
    ]);
  });

  it('follows a run to its end and fails when it did not complete', async () => {
    await start('w-4');
    const following = antiphon('workflow', 'show', 'w-4', '--follow', '-o', 'jsonl');
    await antiphon('workflow', 'terminate', 'w-4');
    const { code, stdout, stderr } = await following;
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { eventType: string }).eventType)
        .at(-1),
    ).toBe('WorkflowExecutionTerminated');
    expect(stderr).toContain('w-4 did not complete: terminated');
    expect(code).toBe(1);
  });

  it('lists and counts by query', async () => {
    await start('w-5', '--search-attribute', 'CustomKeywordField="blue"');
    await expect
      .poll(async () => json(await antiphon('workflow', 'list', '-q', "CustomKeywordField = 'blue'", '-o', 'json')), {
        timeout: 10_000,
      })
      .toMatchObject([{ workflowId: 'w-5', status: 'running' }]);
    expect(json(await antiphon('workflow', 'count', '-q', "WorkflowID = 'w-5'", '-o', 'json'))).toEqual({ count: 1 });
  });

  it('shows who polls a task list, or that nobody does', async () => {
    const { stdout } = await antiphon('tasklist', 'describe', 'nobody');
    expect(stdout).toContain('Nobody polls nobody');
  });
});

describe('domains', () => {
  it('registers, lists, updates and describes', async () => {
    expect((await antiphon('domain', 'register', 'shop', '--retention', '2d')).code).toBe(0);
    const list = json(await antiphon('domain', 'list', '-o', 'json')) as { name: string }[];
    expect(list.map(({ name }) => name)).toEqual(expect.arrayContaining(['default', 'shop']));
    expect((await antiphon('domain', 'update', 'shop', '--description', 'sells things')).code).toBe(0);
    const { stdout } = await antiphon('domain', 'describe', 'shop');
    expect(stdout).toContain('sells things');
    expect(stdout).toContain('172800s');
  });
});

describe('faults', () => {
  const cases: [what: string, args: string[], code: number, text: RegExp][] = [
    [
      'a domain that is not there',
      ['workflow', 'list', '-d', 'nowhere'],
      3,
      /Domain nowhere does not exist[\s\S]*antiphon domain list/,
    ],
    ['a run that is not there', ['workflow', 'describe', 'nothing'], 3, /Workflow execution not found/],
    ['a run id that is none', ['workflow', 'show', 'w', 'xyz'], 2, /not a run id: "xyz"/],
    [
      'input that is no JSON',
      ['workflow', 'start', '-t', 'a', '--task-list', 'b', '-i', 'world'],
      2,
      /not JSON: world[\s\S]*double quotes/,
    ],
    [
      'a missing option',
      ['workflow', 'start', '-t', 'a'],
      2,
      /--task-list \(--tl, --tasklist\) is required: task list its workers poll/,
    ],
    ['a misspelt command', ['workflow', 'strat'], 2, /unknown command 'strat'[\s\S]*Did you mean start/],
    [
      'a duration that is none',
      ['domain', 'register', 'x', '--retention', 'soon'],
      2,
      /expected a duration such as 30s/,
    ],
    [
      'a retention longer than the server takes, with what it takes',
      ['domain', 'register', 'x', '--retention', '1000'],
      5,
      /RetentionDays is invalid[\s\S]*1 to 30 days[\s\S]*domains\.retentionDaysMax/,
    ],
    [
      'a bad query, pointing at it',
      ['workflow', 'list', '-q', 'Workflow = 1'],
      5,
      /invalid search attribute "Workflow"\n {2}Workflow = 1\n {2}\^/,
    ],
    ['a domain name that is taken', ['domain', 'register', 'default'], 5, /Domain already exists/],
    [
      'a bad cron expression',
      ['workflow', 'start', '-t', 'a', '--task-list', 'b', '--cron', 'often'],
      5,
      /Invalid CronSchedule/,
    ],
    ['an update of nothing', ['domain', 'update', 'default'], 2, /nothing to change/],
    [
      'no server',
      ['workflow', 'list', '--address', '127.0.0.1:1'],
      4,
      /Cannot reach a server at 127\.0\.0\.1:1[\s\S]*antiphon dev/,
    ],
    ['an address that is none', ['workflow', 'list', '--address', 'here'], 2, /--address must be host:port/],
    ['a config file that is not there', ['server', 'start', '-c', '/nowhere.yaml'], 2, /there is no config file/],
    [
      'an archive of a domain that is not there',
      ['archive', 'verify', 'x', '--uri', folder],
      3,
      /holds nothing of a domain x/,
    ],
  ];

  it.each(cases)('names %s', async (_what, args, code, text) => {
    const result = await antiphon(...args);
    expect(result.stderr).toMatch(text);
    expect(result.stderr).not.toMatch(/\n\s+at /);
    expect(result.code).toBe(code);
    expect(result.stdout).toBe('');
  });

  it('says which address is taken, and ends', async () => {
    const taken = ['--port', '0', '--http-port', '0', '--metrics-port', server.metricsAddress.split(':')[1] ?? ''];
    const { code, stderr } = await antiphon('dev', ...taken);
    expect(stderr).toContain(`cannot listen on ${server.metricsAddress}: it is taken`);
    expect(code).toBe(1);
  });

  it('refuses a config with an unknown key, naming it', async () => {
    const file = path.join(folder, 'bad.yaml');
    fs.writeFileSync(file, 'frontend: { adress: 127.0.0.1:1 }\n');
    const result = await antiphon('server', 'start', '-c', file);
    expect(result.stderr).toContain('frontend.adress');
    expect(result.code).toBe(1);
  });
});

describe('help', () => {
  it('shows where to start and every command', async () => {
    const { code, stdout } = await antiphon('--help');
    expect(code).toBe(0);
    for (const command of ['dev', 'server', 'workflow', 'domain', 'failover', 'archive', 'schema', 'tasklist']) {
      expect(stdout).toContain(command);
    }
    expect(stdout).toContain('Start here:');
  });
});

describe('operator HTTP', () => {
  it('serves metrics with the requests it counted, and health', async () => {
    const metrics = await (await fetch(`http://${server.metricsAddress}/metrics`)).text();
    expect(metrics).toMatch(/cadence_requests\{.*operation="StartWorkflowExecution"/);
    expect((await fetch(`http://${server.metricsAddress}/health`)).status).toBe(200);
    expect((await fetch(`http://${server.metricsAddress}/other`)).status).toBe(404);
  });
});
