// What needs a process of its own: answers on stdin, the environment, completion in a real shell.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
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
        persistence: { driver: 'memory' },
        domains: { preregister: ['default', 'other'], failoverCoolDownMs: 0 },
        log: { level: 'silent' },
      },
    }),
  );
  cli = await bundleCli({});
});

afterAll(async () => {
  cli.remove();
  await server.stop();
});

describe('the environment', () => {
  const start = ['workflow', 'start', '--tl', 'none', '--wt', 'any', '-o', 'json', '-w'];

  it("counts that of Cadence's CLI: address, domain, transport, timeout", async () => {
    const environment = {
      CADENCE_CLI_ADDRESS: server.address,
      CADENCE_CLI_DOMAIN: 'other',
      CADENCE_CLI_TRANSPORT_PROTOCOL: 'grpc',
      CADENCE_CONTEXT_TIMEOUT: '7',
    };
    expect((await cli.runWith({ environment }, ...start, 'by-environment')).code).toBe(0);
    const described = await cli.run(
      '--ad',
      server.address,
      '--do',
      'other',
      'workflow',
      'desc',
      '-w',
      'by-environment',
    );
    expect(described.code).toBe(0);
  });

  it('puts ours before that, and flags before both', async () => {
    const environment = {
      CADENCE_CLI_ADDRESS: '127.0.0.1:1',
      ANTIPHON_ADDRESS: server.address,
      ANTIPHON_DOMAIN: 'none',
    };
    expect((await cli.runWith({ environment }, ...start, 'by-flag', '--do', 'other')).code).toBe(0);
  });

  it('refuses tchannel and a timeout that is none', async () => {
    const tchannel = await cli.runWith(
      { environment: { CADENCE_CLI_TRANSPORT_PROTOCOL: 'tchannel' } },
      'domain',
      'list',
    );
    expect(tchannel.code).toBe(2);
    expect(tchannel.stderr).toContain('Antiphon speaks grpc, and not tchannel');
    expect((await cli.run('--ct', 'soon', 'domain', 'list')).stderr).toContain('--context-timeout is "soon"');
  });
});

describe('questions', () => {
  const job = (): string[] => [
    ...['--address', server.address, 'workflow', 'batch', 'start', '--bt', 'terminate', '--reason', 'x'],
    ...['-q', "WorkflowID = 'somebody'"],
  ];

  it('wants an answer where Cadence asks: yes goes on, no and silence do not', async () => {
    const start = ['workflow', 'start', '--type', 'T', '--task-list', 'list', '-w', 'somebody'];
    expect((await cli.run('--address', server.address, ...start)).code).toBe(0);
    const no = await cli.runWith({ stdin: 'no\n' }, ...job());
    expect(no).toMatchObject({ code: 1, stdout: '' });
    const silence = await cli.runWith({}, ...job());
    expect(silence.code).toBe(1);
    expect(silence.stderr).toContain('--yes');
    const yes = await cli.runWith({ stdin: 'yes\n' }, ...job());
    expect(yes.stderr).toContain('terminate 1 run of domain default? [yes/No]');
    expect(yes.stdout).toContain('started job');
    expect(yes.code).toBe(0);
  });

  it('lets scripts go on where Cadence does not ask', async () => {
    await cli.run('--address', server.address, 'domain', 'register', 'brief');
    expect((await cli.run('--address', server.address, 'domain', 'deprecate', 'brief')).code).toBe(0);
  });
});

describe('completion', () => {
  it.runIf(spawnSync('bash', ['--version']).status === 0)(
    'completes commands, aliases, flags and choices in bash',
    async () => {
      const { stdout: script } = await cli.run('completion', 'bash');
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'antiphon-completion-'));
      fs.writeFileSync(path.join(folder, 'antiphon'), script);
      const complete = (...words: string[]): string[] => {
        const program = `source ${folder}/antiphon; COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _antiphon; echo "\${COMPREPLY[@]}"`;
        const { stdout } = spawnSync('bash', ['-c', program, 'bash', 'antiphon', ...words], { encoding: 'utf8' });
        return stdout.trim().split(' ').filter(Boolean);
      };
      expect(complete('work')).toEqual(['workflow']);
      expect(complete('wf', 'rese')).toEqual(['reset', 'reset-batch']);
      expect(complete('admin', 'cl', 'fo', 'p')).toEqual(['pause']);
      expect(complete('workflow', 'list', '--sta')).toEqual(['--status']);
      expect(complete('workflow', 'reset', 'w', '--reset-type', 'Bad')).toEqual(['BadBinary']);
      expect(complete('-o', 'js')).toEqual(['json', 'jsonl']);
      expect(complete('workflow', 'reset', '--event-id', '')).toEqual([]);
      fs.rmSync(folder, { recursive: true });
    },
  );

  it.each(['zsh', 'fish'])('has a script for %s that names every group', async (shell) => {
    const { stdout, code } = await cli.run('completion', shell);
    expect(code).toBe(0);
    for (const word of ['workflow', 'admin', 'isolation-groups', 'LastContinuedAsNew', '--workflow-id']) {
      expect(stdout).toContain(word);
    }
  });
});
