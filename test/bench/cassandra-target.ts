// Our servers, one or several hosts of a region, on keyspaces of their own.
import fs from 'node:fs';
import path from 'node:path';
import { type CassandraServer, dropKeyspaces, type Keyspaces, makeKeyspaces } from './cassandra-server.ts';
import { limitCpu } from './cpu-share.ts';
import { freePort, makeFolder, type ServerProcess, startServerProcess } from './server-process.ts';
import { deploymentOf, type Target } from './target.ts';

interface HostSettings {
  readonly shards: number;
  /** Of requests to Cassandra. */
  readonly requestTimeoutMs?: number | undefined;
  readonly cacheBytes?: number | undefined;
  /** Whole sections of the configuration beside these. */
  readonly sections?: Readonly<Record<string, unknown>> | undefined;
}

export interface HostStore {
  readonly host: string;
  readonly port: number;
  readonly localDataCenter: string;
  readonly keyspaces: Keyspaces;
}

export interface HostOptions extends HostSettings {
  readonly entry?: string | undefined;
  readonly nodeArguments?: readonly string[];
  /** Of a core, at most. */
  readonly cpuShare?: number | undefined;
  readonly onLogLine?: ((line: string) => void) | undefined;
}

/** The configuration file of a host; every host of a region has the same but for its ports. */
export function writeHostConfig(
  file: string,
  store: HostStore,
  options: HostSettings & { readonly rpcPort?: number | undefined },
): void {
  const config = {
    persistence: {
      driver: 'cassandra',
      cassandra: {
        contactPoints: [`${store.host}:${store.port}`],
        localDataCenter: store.localDataCenter,
        keyspace: store.keyspaces.history,
        visibilityKeyspace: store.keyspaces.visibility,
        ...(options.requestTimeoutMs !== undefined && { requestTimeoutMs: options.requestTimeoutMs }),
      },
    },
    history: {
      shards: options.shards,
      ...(options.cacheBytes !== undefined && { cacheBytes: options.cacheBytes }),
    },
    ...(options.rpcPort !== undefined && { rpc: { address: `127.0.0.1:${options.rpcPort}` } }),
    ...options.sections,
  };
  // JSON is YAML.
  fs.writeFileSync(file, JSON.stringify(config));
}

export async function startHost(
  store: HostStore,
  options: HostOptions & { readonly isCluster: boolean; readonly port?: number; readonly rpcPort?: number },
): Promise<ServerProcess> {
  const folder = makeFolder();
  const file = path.join(folder, 'host.yaml');
  const rpcPort = options.isCluster ? (options.rpcPort ?? (await freePort())) : undefined;
  writeHostConfig(file, store, { ...options, rpcPort });
  const { port, entry, nodeArguments = [], cpuShare, onLogLine } = options;
  const server = await startServerProcess({
    folder,
    ...(port !== undefined && { port }),
    entry,
    nodeArguments,
    configFiles: [file],
    onLogLine,
  });
  if (cpuShare === undefined) return server;
  const removeLimit = limitCpu(server.pid, cpuShare);
  return {
    ...server,
    async kill(signal) {
      await server.kill(signal);
      removeLimit();
    },
  };
}

/** Apart: one host runs all but the shards, the others nothing else. Every call on a shard then goes to another host, however many there are. */
export interface Layout {
  readonly hosts: number;
  readonly isApart: boolean;
}

const FRONT_SERVICES = ['frontend', 'matching', 'worker'];
const SHARD_SERVICES = ['history'];

const titleOf = ({ hosts, isApart }: Layout): string =>
  `${hosts === 1 ? 'one' : hosts} ${isApart ? 'history ' : ''}${hosts === 1 ? 'host' : 'hosts'}${isApart ? ' and a frontend' : ''}`;

const shareOf = ({ cpuShare }: HostOptions): string =>
  cpuShare === undefined ? '' : ` with ${cpuShare} of a core each`;

async function startLayout(store: HostStore, options: HostOptions & Layout): Promise<readonly ServerProcess[]> {
  const { hosts, isApart } = options;
  const start = (services?: readonly string[]): Promise<ServerProcess> => {
    const sections = { ...options.sections, ...(services !== undefined && { services }) };
    return startHost(store, { ...options, sections, isCluster: isApart || hosts > 1 });
  };
  const ofShards = isApart ? SHARD_SERVICES : undefined;
  return Promise.all([
    ...(isApart ? [start(FRONT_SERVICES)] : []),
    ...Array.from({ length: hosts }, () => start(ofShards)),
  ]);
}

export const cassandraTarget = (server: CassandraServer, options: HostOptions & Layout): Target => ({
  title: `Cassandra, ${titleOf(options)}${shareOf(options)}, ${options.shards} shards`,
  makeSite: async () => {
    const keyspaces = await makeKeyspaces(server);
    const store = { ...server, keyspaces };
    return {
      start: async () => {
        const hosts = await startLayout(store, options);
        const deployment = deploymentOf(hosts, server.pid);
        return options.isApart ? { ...deployment, addresses: deployment.addresses.slice(0, 1) } : deployment;
      },
      remove: () => dropKeyspaces(server, keyspaces),
    };
  },
  close: () => server.stop(),
});
