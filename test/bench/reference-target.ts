// The reference server of Cadence on the same Cassandra, in keyspaces of its own that Cadence's own schema tool makes: what we are measured beside.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type CassandraServer, dropKeyspaces, nameKeyspaces } from './cassandra-server.ts';
import { repositoryRoot } from './server-process.ts';
import { deploymentOf, type Target } from './target.ts';

type Launcher = typeof import('../../scripts/reference-cadence/launch.mjs');

// Not bundled: it builds the Go program beside it.
const launcher = (): Promise<Launcher> =>
  import(pathToFileURL(path.join(repositoryRoot, 'scripts/reference-cadence/launch.mjs')).href) as Promise<Launcher>;

export async function referenceTarget(server: CassandraServer): Promise<Target> {
  const { canBuild, startReference } = await launcher();
  if (!canBuild()) throw new Error('the reference server is built with Go, which is not installed');
  return {
    title: 'Cadence 1.4.0 on Cassandra, 4 shards',
    makeSite: async () => {
      const keyspaces = nameKeyspaces('cadence');
      return {
        start: async () => {
          const reference = await startReference({
            cassandra: {
              host: server.host,
              port: server.port,
              keyspace: keyspaces.history,
              visibilityKeyspace: keyspaces.visibility,
            },
            dynamicConfig: 'bench.yaml',
          });
          // It stops in its own way, whatever the signal is.
          return deploymentOf([{ ...reference, kill: () => reference.stop() }], server.pid);
        },
        remove: () => dropKeyspaces(server, keyspaces),
      };
    },
    close: async () => {},
  };
}
