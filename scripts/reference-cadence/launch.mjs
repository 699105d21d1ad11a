// Builds and starts the reference server of Cadence (main.go) on free ports, with fresh data in a scratch folder, or in keyspaces of a Cassandra server.
// The binary is kept in .cache.
// As a program: `launch.mjs start` leaves it running and prints its address, `launch.mjs stop` ends it by the pid that start wrote.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { freePorts } from '../services/free-ports.mjs';

const here = import.meta.dirname;
const cache = path.join(here, '../../.cache/reference-cadence');
const binary = path.join(cache, 'reference-cadence');
const runFile = path.join(cache, 'run.json');
const START_MS = 180_000; // with the tables of two keyspaces, on a busy machine

const START_TRIES = 3;

/** True when a Go toolchain is there. */
export const canBuild = () => spawnSync('go', ['version']).status === 0;

function build() {
  const newest = Math.max(
    ...['main.go', 'schema.go', 'go.mod'].map((file) => fs.statSync(path.join(here, file)).mtimeMs),
  );
  if (fs.existsSync(binary) && fs.statSync(binary).mtimeMs > newest) return;
  fs.mkdirSync(cache, { recursive: true });
  const result = spawnSync('go', ['build', '-o', binary, '.'], { cwd: here, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`the reference server does not build:\n${result.stderr}`);
}

const sqlite = (folder, name) => ({
  sql: {
    pluginName: 'sqlite',
    maxConns: 1,
    maxIdleConns: 1,
    maxConnLifetime: '128h',
    databaseName: `${folder}/${name}.db`,
  },
});

const keyspaceOf = ({ host, port }, keyspace) => ({
  nosql: { pluginName: 'cassandra', hosts: host, port, keyspace, connectTimeout: '10s', timeout: '10s' },
});

/** Stores as Cadence's own development configuration has them. */
const datastores = (folder, cassandra) =>
  cassandra === undefined
    ? { default: sqlite(folder, 'cadence'), visibility: sqlite(folder, 'visibility') }
    : {
        default: keyspaceOf(cassandra, cassandra.keyspace),
        visibility: keyspaceOf(cassandra, cassandra.visibilityKeyspace),
      };

async function staticConfig(folder, { cassandra, dynamicConfig }) {
  const services = {};
  const ports = await freePorts(11);
  for (const name of ['frontend', 'history', 'matching', 'worker']) {
    const rpc = { port: ports.pop(), bindOnLocalHost: true };
    if (name !== 'worker') Object.assign(rpc, { grpcPort: ports.pop(), grpcMaxMsgSize: 33_554_432 });
    services[name] = { rpc, pprof: { port: ports.pop() } };
  }
  const off = { status: 'disabled', enableRead: false };
  const address = `127.0.0.1:${services.frontend.rpc.grpcPort}`;
  const config = {
    persistence: {
      defaultStore: 'default',
      visibilityStore: 'visibility',
      numHistoryShards: 4,
      datastores: datastores(folder, cassandra),
    },
    log: { stdout: true, level: 'error', levelKey: 'level' },
    ringpop: {
      name: 'cadence',
      bootstrapMode: 'hosts',
      bootstrapHosts: ['frontend', 'history', 'matching'].map((name) => `127.0.0.1:${services[name].rpc.port}`),
      maxJoinDuration: '30s',
    },
    services,
    clusterGroupMetadata: {
      failoverVersionIncrement: 100,
      primaryClusterName: 'region-a',
      currentClusterName: 'region-a',
      clusterGroup: {
        'region-a': {
          enabled: true,
          initialFailoverVersion: 0,
          newInitialFailoverVersion: 0,
          rpcAddress: address,
          rpcTransport: 'grpc',
        },
      },
    },
    dcRedirectionPolicy: { policy: 'noop', toDC: '' },
    archival: { history: off, visibility: off },
    domainDefaults: { archival: { history: { status: 'disabled' }, visibility: { status: 'disabled' } } },
    dynamicconfig: {
      client: 'filebased',
      filebased: { filepath: path.join(here, dynamicConfig), pollInterval: '10s' },
    },
    blobstore: { filestore: { outputDirectory: `${folder}/blobs` } },
    shardDistributorClient: { hostPort: '127.0.0.1:1' },
    'shard-distributor-matching': {
      namespaces: [
        {
          namespace: 'cadence-matching',
          heartbeat_interval: '1s',
          migration_mode: 'local_pass',
          ttl_shard: '5m',
          ttl_report: '1m',
        },
      ],
    },
  };
  return { config, address };
}

/**
 * Starts the server. `detached`: it outlives this process. `cassandra`: { host, port, keyspace, visibilityKeyspace } of keyspaces that it makes and whoever
 * started it drops; otherwise on SQLite files, which go when it stops. `dynamicConfig`: a file of this folder.
 */
export async function startReference({ detached = false, cassandra, dynamicConfig = 'dynamic.yaml' } = {}) {
  build();
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(detached, { cassandra, dynamicConfig });
    } catch (error) {
      // Somebody else took one of the ports.
      if (attempt === START_TRIES || !error.message.includes('address already in use')) throw error;
    }
  }
}

async function startOnce(detached, options) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'reference-cadence-'));
  fs.mkdirSync(`${folder}/blobs`);
  fs.mkdirSync(`${folder}/config`);
  const { config, address } = await staticConfig(folder, options);
  // JSON is YAML.
  fs.writeFileSync(`${folder}/config/base.yaml`, JSON.stringify(config));
  fs.writeFileSync(`${folder}/config/development.yaml`, '{}');
  const log = fs.openSync(`${folder}/server.log`, 'a');
  const child = spawn(binary, [`${folder}/config`], { stdio: ['ignore', log, log], detached });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const untilMs = Date.now() + START_MS;
  while (!/^started$/m.test(fs.readFileSync(`${folder}/server.log`, 'utf8'))) {
    if (child.exitCode !== null || Date.now() > untilMs) {
      child.kill('SIGKILL');
      const end = fs.readFileSync(`${folder}/server.log`, 'utf8').slice(-4000);
      fs.rmSync(folder, { recursive: true, force: true });
      throw new Error(`the reference server did not start:\n${end}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  if (detached) child.unref();
  return {
    address,
    folder,
    pid: child.pid,
    async stop() {
      child.kill('SIGTERM');
      await exited;
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  if (process.argv[2] === 'start') {
    const { address, folder, pid } = await startReference({ detached: true });
    fs.writeFileSync(runFile, JSON.stringify({ address, folder, pid }));
    console.log(`${address} (pid ${pid}, log ${folder}/server.log)`);
    process.exit(0);
  } else if (process.argv[2] === 'stop') {
    const { folder, pid } = JSON.parse(fs.readFileSync(runFile, 'utf8'));
    process.kill(pid, 'SIGTERM');
    fs.rmSync(folder, { recursive: true, force: true });
    fs.rmSync(runFile);
  } else {
    console.error('usage: launch.mjs start|stop');
    process.exit(2);
  }
}
