// Our servers, one or several hosts of a region, on keyspaces of their own.
import fs from 'node:fs';
import path from 'node:path';
import { type CassandraServer, dropKeyspaces, type Keyspaces, makeKeyspaces } from './cassandra-server.ts';
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
  const { port, entry, nodeArguments = [] } = options;
  return startServerProcess({ folder, ...(port !== undefined && { port }), entry, nodeArguments, configFiles: [file] });
}

export const cassandraTarget = (
  server: CassandraServer,
  options: HostOptions & { readonly hosts: number },
): Target => ({
  title: `Cassandra, ${options.hosts === 1 ? 'one host' : `${options.hosts} hosts`}, ${options.shards} shards`,
  makeSite: async () => {
    const keyspaces = await makeKeyspaces(server);
    const store = { ...server, keyspaces };
    return {
      start: async () => {
        const isCluster = options.hosts > 1;
        const hosts = await Promise.all(
          Array.from({ length: options.hosts }, () => startHost(store, { ...options, isCluster })),
        );
        return deploymentOf(hosts, server.pid);
      },
      remove: () => dropKeyspaces(server, keyspaces),
    };
  },
  close: () => server.stop(),
});
