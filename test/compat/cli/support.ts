// What the suites of Cadence's command line share: a server and a worker in this process, and the binary run as a person would. Every command
// that was run with success is remembered, so that the last test can say which of Cadence's commands nobody tried.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { completeLater } from '@antiphon/sdk/activity';
import { bundleWorkflows, createStderrLogger, createWorker, type Worker } from '@antiphon/sdk/worker';
import { expect } from 'vitest';
import { loadConfig } from '#config';
import { type RunningServer, startServer } from '#server';
import { leafOf } from './coverage.ts';

const root = path.join(import.meta.dirname, '../../..');
export const binary = path.join(root, '.cache/cadence-cli/cadence');

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Both streams, as a terminal would show them. */
  readonly text: string;
}

export interface RunOptions {
  readonly stdin?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface CadenceCli {
  readonly domain: string;
  readonly address: string;
  readonly folder: string;
  /** Command paths that ended with 0. */
  readonly succeeded: Set<string>;
  /** Runs `cadence …args` in the suite's domain; `--do` of `args` replaces it. */
  run(...args: string[]): Promise<Outcome>;
  runWith(options: RunOptions, ...args: string[]): Promise<Outcome>;
  /** Runs it and expects exit code 0. */
  ok(...args: string[]): Promise<Outcome>;
  /** Runs it and expects it to fail with exit code 1. */
  fails(...args: string[]): Promise<Outcome>;
  /** Starts a workflow on the worker's task list; resolves to its run id. */
  start(type: string, workflowId: string, ...more: string[]): Promise<string>;
  /** The history as exported by `workflow show --output_filename`. */
  history(workflowId: string, runId?: string): Promise<readonly ExportedEvent[]>;
  stop(): Promise<void>;
}

export interface ExportedEvent {
  readonly eventId: number;
  readonly eventType: string;
  readonly [attributes: string]: unknown;
}

export const TASK_LIST = 'cli-suite';

/** The words before the first flag: the command. */
const commandOf = (args: readonly string[]): string => {
  const words = args[0] === '--do' ? args.slice(2) : args;
  const end = words.findIndex((word) => word.startsWith('-'));
  return (end === -1 ? words : words.slice(0, end)).join(' ');
};

export async function startCadenceCli(): Promise<CadenceCli> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'antiphon-cadence-cli-'));
  const server = await startServer(
    loadConfig({
      environment: {},
      overrides: {
        cluster: { current: 'region-a', primary: 'region-a' },
        frontend: { address: '127.0.0.1:0' },
        metrics: { address: '' },
        persistence: { driver: 'sqlite', sqlite: { path: path.join(folder, 'antiphon.db') } },
        archival: { enabled: true, uri: `file://${path.join(folder, 'archive')}`, delayMs: 0 },
        domains: { preregister: ['cli'], retentionSecondsMin: 1, failoverCoolDownMs: 0 },
        log: { level: 'silent' },
      },
    }),
  );
  const worker = await startWorker(server);
  const succeeded = new Set<string>();
  const runWith = async (options: RunOptions, ...args: string[]): Promise<Outcome> => {
    const outcome = await execute(server.address, options, args);
    if (outcome.code === 0) succeeded.add(leafOf(commandOf(args)) ?? '');
    return outcome;
  };
  const run = (...args: string[]): Promise<Outcome> => runWith({}, ...args);
  const expecting =
    (code: number) =>
    async (...args: string[]): Promise<Outcome> => {
      const outcome = await run(...args);
      expect(outcome.code, `cadence ${args.join(' ')}\n${outcome.text}`).toBe(code);
      return outcome;
    };
  const ok = expecting(0);
  return {
    domain: 'cli',
    address: server.address,
    folder,
    succeeded,
    run,
    runWith,
    ok,
    fails: expecting(1),
    async start(type, workflowId, ...more) {
      const { text } = await ok(
        ...['workflow', 'start', '--tl', TASK_LIST, '--wt', type, '--et', '120', '-w', workflowId, ...more],
      );
      const runId = /run Id: ([0-9a-f-]{36})/.exec(text)?.[1];
      expect(runId, text).toBeDefined();
      return runId as string;
    },
    async history(workflowId, runId) {
      const file = path.join(folder, `${randomUUID()}.json`);
      await ok('workflow', 'show', '-w', workflowId, ...(runId ? ['-r', runId] : []), '--of', file);
      return JSON.parse(fs.readFileSync(file, 'utf8')) as ExportedEvent[];
    },
    async stop() {
      await worker.shutdown();
      await server.stop();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startWorker({ address }: RunningServer): Promise<Worker> {
  const worker = await createWorker({
    address,
    domain: 'cli',
    taskList: TASK_LIST,
    workflowBundle: await bundleWorkflows({ workflowsPath: path.join(root, 'test/support/cli-workflows.ts') }),
    activities: { manual: () => completeLater() },
    log: createStderrLogger('error'),
  });
  worker.start();
  return worker;
}

function execute(address: string, options: RunOptions, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, args, {
      env: {
        PATH: process.env.PATH,
        USER: 'suite',
        CADENCE_CLI_ADDRESS: address,
        CADENCE_CLI_TRANSPORT_PROTOCOL: 'grpc',
        CADENCE_CLI_DOMAIN: 'cli',
        ...options.environment,
      },
    });
    let stdout = '';
    let stderr = '';
    let text = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      text += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
      text += chunk;
    });
    child.stdin.on('error', () => {}); // a command that reads no input has closed it already
    child.stdin.end(options.stdin ?? '');
    child.on('error', reject);
    child.on('close', (code) => {
      const plain = stripVTControlCharacters;
      resolve({ code: code ?? -1, stdout: plain(stdout), stderr: plain(stderr), text: plain(text) });
    });
  });
}

/** The first JSON value in a text that has other lines around it. */
export function jsonIn(text: string): Record<string, unknown> {
  const start = text.search(/^[[{]/m);
  expect(start, text).toBeGreaterThanOrEqual(0);
  const end = text.slice(start).search(/^[\]}]$/m);
  return JSON.parse(end === -1 ? text.slice(start) : text.slice(start, start + end + 1)) as Record<string, unknown>;
}

/** Cells of the row of a printed table that has a cell with this text. */
export function rowWith(text: string, cell: string): readonly string[] {
  const rows = text
    .split('\n')
    .filter((line) => line.includes('|'))
    .map((line) =>
      line
        .split('|')
        .map((each) => each.trim())
        .filter((each) => each !== ''),
    );
  const found = rows.find((row) => row.includes(cell));
  expect(found, `no row with ${cell} in\n${text}`).toBeDefined();
  return found as readonly string[];
}
