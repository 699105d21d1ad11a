// What a person reads when a server does not start: one sentence about the cause, no stack, and nothing half-started behind it.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '#config';
import { type RunningServer, startServer } from '#server';
import { bundleCli, type Cli } from '../../support/cli.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'antiphon-start-'));
let cli: Cli;
let server: RunningServer;

beforeAll(async () => {
  cli = await bundleCli({ ANTIPHON_METRICS_ADDRESS: '', ANTIPHON_PERSISTENCE: 'memory' });
  server = await startServer(
    loadConfig({
      environment: {},
      overrides: {
        frontend: { address: '127.0.0.1:0' },
        http: { address: '127.0.0.1:0' },
        metrics: { address: '127.0.0.1:0' },
        persistence: { driver: 'memory' },
        domains: { preregister: ['default'] },
        log: { level: 'silent' },
      },
    }),
  );
});

afterAll(async () => {
  await server.stop();
  cli.remove();
  fs.rmSync(folder, { recursive: true, force: true });
});

function configFile(name: string, content: string): string {
  const file = path.join(folder, name);
  fs.writeFileSync(file, content);
  return file;
}

describe('a server that cannot start', () => {
  it('refuses an address that other machines reach before it opens anything', async () => {
    const config = configFile('open.yaml', 'frontend: { address: "0.0.0.0:0" }\n');
    const { code, stderr, stdout } = await cli.run('server', 'start', '-c', config);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: refusing to listen on 0\.0\.0\.0:0: .*Set `frontend\.insecure: true`/);
    expect(stdout + stderr).not.toMatch(/\n {4}at |shard is open/);
  });

  it('names the file that it cannot write', async () => {
    const inFile = path.join(configFile('file', ''), 'antiphon.db');
    const config = configFile(
      'folder.yaml',
      `frontend: { address: "127.0.0.1:0" }\npersistence: { driver: sqlite, sqlite: { path: ${inFile} } }\n`,
    );
    const { code, stderr } = await cli.runWith(
      { environment: { ANTIPHON_PERSISTENCE: 'sqlite' } },
      'server',
      'start',
      '-c',
      config,
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: cannot write .*antiphon\.db\.lock: /);
    expect(stderr).not.toContain('\n    at ');
  });

  it('says that an address is taken, and nothing of the libraries beneath', async () => {
    const config = configFile('taken.yaml', `frontend: { address: "${server.address}" }\n`);
    const { code, stderr } = await cli.run('server', 'start', '-c', config);
    expect(code).toBe(1);
    expect(stderr).toContain(`error: cannot listen on ${server.address}: it is taken, perhaps by another server\n`);
    expect(stderr).not.toContain('No address added');
  });
});

it('says that a port of HTTP is not the one of gRPC', async () => {
  const { code, stderr } = await cli.run('domain', 'list', '--address', server.metricsAddress);
  expect(code).toBe(4);
  expect(stderr).toContain(`error: What answers at ${server.metricsAddress} does not speak gRPC, or only over TLS.\n`);
});

it('lists the retention of domains as a duration', async () => {
  const { stdout } = await cli.run('domain', 'list', '--address', server.address, '-o', 'json');
  const rows = JSON.parse(stdout) as { name: string; retention: string }[];
  expect(rows.find(({ name }) => name === 'default')?.retention).toBe('7d');
  const table = await cli.run('domain', 'list', '--address', server.address);
  expect(table.stdout).toMatch(/default .* 7d /);
});

it('shows the example on the HTTP page with the address that was asked', async () => {
  const page = await (await fetch(`http://${server.httpAddress}/`)).text();
  expect(page).toContain(`curl -s ${server.httpAddress}/api/v1/domains/default/workflows`);
});
