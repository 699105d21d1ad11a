// Hosts as processes of the command line on one PostgreSQL: services apart, a host told to stop, one killed, one frozen past its lease, and
// several workers behind one port. What clients were told stays true.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRealEnv } from '#env';
import { createRemoteFrontendClient, type RemoteFrontendClient } from '#rpc';
import { bundleCli, type Cli } from '../../support/cli.ts';
import { makeTestDatabase, type TestDatabase } from '../../support/sql-databases.ts';
import { registerDomain, until } from './hosts.ts';
import { isWhole, startSteadyLoad } from './steady-load.ts';
import { createTraffic } from './traffic.ts';

const SHARDS = 8;
const env = createRealEnv();
let cli: Cli;
let database: TestDatabase;
let configFile: string;
const running = new Set<Server>();

interface Server {
  readonly child: ChildProcess;
  readonly address: string;
  readonly rpcAddress: string;
  readonly client: RemoteFrontendClient;
}

beforeAll(async () => {
  cli = await bundleCli({});
  database = await makeTestDatabase('postgres', env);
  configFile = path.join(path.dirname(cli.entry), 'hosts.yaml');
  const config = {
    persistence: { driver: 'postgres', postgres: { ...database.options, tls: { enabled: false } } },
    history: { shards: SHARDS },
    frontend: { address: '127.0.0.1:0' },
    metrics: { address: '' },
    membership: { heartbeatMs: 300, leaseMs: 2_000 },
    domains: { retentionSecondsMin: 1 },
    log: { level: 'warn' },
  };
  fs.writeFileSync(configFile, JSON.stringify(config));
});

afterAll(async () => {
  for (const server of [...running]) await end(server, 'SIGKILL');
  await database.drop();
  cli.remove();
});

async function launch(args: readonly string[] = [], rpcAddress = '127.0.0.1:0'): Promise<Server> {
  const child = spawn(process.execPath, [cli.entry, 'server', 'start', '-c', configFile, '-o', 'jsonl', ...args], {
    env: { PATH: process.env.PATH, ANTIPHON_RPC_ADDRESS: rpcAddress },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const [line] = (await Promise.race([
    once(lines, 'line'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`the server ended with ${code}`))),
  ])) as [string];
  const { address, rpcAddress: own = '' } = JSON.parse(line) as { address: string; rpcAddress?: string };
  const client = createRemoteFrontendClient(address === '' ? own : address, { env });
  const server = { child, address, rpcAddress: own, client };
  running.add(server);
  return server;
}

async function end(server: Server, signal: NodeJS.Signals): Promise<void> {
  running.delete(server);
  server.client.close();
  if (server.child.exitCode !== null) return;
  server.child.kill(signal);
  await once(server.child, 'exit');
}

const openShards = async ({ client }: Server): Promise<number> => {
  const { hosts } = await client.hosts.listHosts({});
  return new Set(hosts.filter(({ isLeaving }) => !isLeaving).flatMap(({ openShardIds }) => openShardIds)).size;
};

describe('hosts as processes', () => {
  test('serve with their services apart, and go on when one stops, is killed, or stands still past its lease', async () => {
    const frontends = [await launch(['--services', 'frontend']), await launch(['--services', 'frontend'])];
    const back = [
      await launch(['--services', 'history,matching,worker']),
      await launch(['--services', 'history,matching']),
    ];
    const [edge] = frontends as [Server];
    await until('every shard is open', async () => (await openShards(edge)) === SHARDS);
    await registerDomain(edge, 'shop');
    const traffic = createTraffic(() => frontends.map(({ client }) => client), 'shop', 4);
    try {
      const load = startSteadyLoad(traffic);
      await load.goesOn(5);
      await end(back[1] as Server, 'SIGTERM');
      await until('one host has all', async () => (await openShards(edge)) === SHARDS, 60_000);
      back[1] = await launch(['--services', 'history,matching,worker']);
      await until('two have all', async () => (await openShards(edge)) === SHARDS, 60_000);
      await end(back[0] as Server, 'SIGKILL');
      await until('the other one took over', async () => (await openShards(edge)) === SHARDS, 60_000);
      back[0] = await launch(['--services', 'history,matching,worker']);
      await until('two have all', async () => (await openShards(edge)) === SHARDS, 60_000);
      (back[0] as Server).child.kill('SIGSTOP');
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      (back[0] as Server).child.kill('SIGCONT');
      await until('both are there again', async () => (await openShards(edge)) === SHARDS, 60_000);
      await load.goesOn(5, 60_000);
      expect((await load.finish()).filter((events) => !isWhole(events))).toEqual([]);
    } finally {
      await traffic.stop();
      for (const server of [...frontends, ...back]) await end(server, 'SIGTERM');
    }
  });

  test('are several behind one port with --workers, each with shards of its own', async () => {
    const server = await launch(['--workers', '2']);
    try {
      await until('both have shards', async () => {
        const { hosts } = await server.client.hosts.listHosts({});
        return hosts.length === 2 && hosts.every(({ openShardIds }) => openShardIds.length === SHARDS / 2);
      });
    } finally {
      await end(server, 'SIGTERM');
    }
    expect(server.child.exitCode).toBe(0);
  });

  test('refuse a store that they cannot share, and services that cannot reach the others', async () => {
    const alone = await cli.run('server', 'start', '--services', 'history');
    expect(alone.stderr).toContain('needs rpc.address');
    const workers = await cli.run('server', 'start', '--workers', '2');
    expect(workers.stderr).toContain('needs a store that processes share');
    const open = await cli.runWith(
      { environment: { ANTIPHON_RPC_ADDRESS: '0.0.0.0:0' } },
      ...['server', 'start', '-c', configFile],
    );
    expect(open.stderr).toContain('refusing to listen on 0.0.0.0:0: other hosts could not prove who they are');
  });
});
