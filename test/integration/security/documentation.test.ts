// The commands of docs/operate/security.md, run as they stand in a new folder: what a newcomer types works. Only ports come from outside, by the
// environment variables that the commands would read anyway.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleCli, type Cli } from '../../support/cli.ts';
import { hasOpenssl } from '../../support/security/certificates.ts';

const root = path.join(import.meta.dirname, '../../..');
const page = fs.readFileSync(path.join(root, 'docs/operate/security.md'), 'utf8');
const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text]) => text as string);
const missing = [hasOpenssl ? '' : 'openssl', spawnSync('go', ['version']).status === 0 ? '' : 'Go'].filter(Boolean);
const isSkipped = missing.length > 0 && process.env.CI !== 'true';

/** Commands of a block: a heredoc belongs to its command. */
const commandsOf = (block: string): readonly string[] =>
  block
    .replace(/<<'END'[\s\S]*?^END$/gm, '')
    .split('\n')
    .filter((line) => line.trim() !== '');

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'antiphon-docs-'));
let cli: Cli | undefined;
let environment: NodeJS.ProcessEnv = {};
let server: ChildProcess | undefined;

async function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as net.AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

const bash = (text: string): ChildProcess =>
  // A group of its own, so that what it starts ends with it.
  spawn('bash', ['-euo', 'pipefail', '-c', text], { cwd: folder, env: environment, detached: true });

/** Resolves with what a finished script printed. */
function run(text: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = bash(text);
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    child.on('close', (code) => resolve({ code, output }));
  });
}

beforeAll(async () => {
  if (isSkipped) return;
  const address = `127.0.0.1:${await freePort()}`;
  cli = await bundleCli({});
  fs.mkdirSync(path.join(folder, 'bin'));
  fs.writeFileSync(path.join(folder, 'bin/antiphon'), `#!/bin/sh\nexec node '${cli.entry}' "$@"\n`, { mode: 0o755 });
  fs.symlinkSync(path.join(root, 'test'), path.join(folder, 'test'));
  environment = {
    ...process.env,
    PATH: `${path.join(folder, 'bin')}:${process.env.PATH}`,
    ANTIPHON_FRONTEND_ADDRESS: address,
    ANTIPHON_METRICS_ADDRESS: '127.0.0.1:0',
    ANTIPHON_ADDRESS: address,
  };
});
afterAll(() => {
  if (server?.pid !== undefined) process.kill(-server.pid, 'SIGTERM');
  cli?.remove();
  fs.rmSync(folder, { recursive: true, force: true });
});

describe('docs/operate/security.md', () => {
  test('needs less than ten commands', () => {
    expect(blocks).toHaveLength(2);
    expect(blocks.flatMap(commandsOf).length).toBeLessThan(10);
  });

  test.skipIf(isSkipped)('works as it stands (needs openssl and Go)', async () => {
    expect(missing).toEqual([]);
    const [inOne = '', inAnother = ''] = blocks;
    server = bash(inOne);
    let said = '';
    await new Promise<void>((resolve, reject) => {
      server?.stdout?.on('data', (chunk) => {
        said += chunk;
        if (said.includes('serves gRPC on')) resolve();
      });
      server?.stderr?.on('data', (chunk) => (said += chunk));
      server?.once('close', (code) => reject(new Error(`the server ended with ${code}:\n${said}`)));
    });
    const { code, output } = await run(inAnother);
    expect(output).toContain('Hello, world, over TLS');
    expect(output).toContain('greet');
    expect(code).toBe(0);
    // Without what the page sets up, nobody gets in.
    const plain = await run('antiphon workflow list');
    expect(plain.code).not.toBe(0);
    const strange = await run(`ANTIPHON_TLS_CA="$PWD/secure/ca.pem" antiphon --domain payments workflow list`);
    expect(strange.output).toContain('Request unauthorized.');
  });
});
