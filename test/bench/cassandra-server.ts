// A Cassandra server for measurements, of `npm run services`: an instance of its own, started when needed and given up at the end. Every site makes
// its keyspaces and drops them.
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { createRealEnv } from '#env';
import { type CassandraSchemaOptions, createCassandraSchemaTarget, openCassandraSession } from '#persistence/cassandra';
import { createSchemaTool } from '#schema';
import { repositoryRoot } from './server-process.ts';

type Runner = typeof import('../../scripts/services/runner.mjs');

export interface CassandraServer {
  readonly pid: number;
  readonly host: string;
  readonly port: number;
  readonly localDataCenter: string;
  /** Starts it again after it was killed, on its data; it has another pid then. */
  restart(): Promise<CassandraServer>;
  stop(): Promise<void>;
}

/** `npm run services` as a module. Not bundled: it finds its files beside itself. */
export const servicesRunner = (): Promise<Runner> =>
  import(pathToFileURL(path.join(repositoryRoot, 'scripts/services/runner.mjs')).href) as Promise<Runner>;

export async function startCassandra(instance: string): Promise<CassandraServer> {
  const { start, release } = await servicesRunner();
  const progress = (line: string): void => console.error(`cassandra: ${line}`);
  const { pid, ports, variables } = await start('cassandra', { instance, progress, userPid: process.pid });
  return {
    pid,
    host: '127.0.0.1',
    port: ports.native as number,
    localDataCenter: variables.CASSANDRA_LOCAL_DATACENTER as string,
    restart: () => startCassandra(instance),
    stop: () => release('cassandra', process.pid, { instance, progress }),
  };
}

const env = createRealEnv();

export interface Keyspaces {
  readonly history: string;
  readonly visibility: string;
}

/** Names that nobody has. */
export function nameKeyspaces(prefix: string): Keyspaces {
  const history = `${prefix}_${randomBytes(5).toString('hex')}`;
  return { history, visibility: `${history}_visibility` };
}

/** The keyspaces of a region, with this release's tables. */
export async function makeKeyspaces(server: CassandraServer): Promise<Keyspaces> {
  const keyspaces = nameKeyspaces('antiphon');
  for (const part of ['history', 'visibility'] as const) {
    const options: CassandraSchemaOptions = {
      contactPoints: [`${server.host}:${server.port}`],
      localDataCenter: server.localDataCenter,
      keyspace: keyspaces[part],
      part,
      replicas: { [server.localDataCenter]: 1 },
    };
    const target = createCassandraSchemaTarget(options, env);
    try {
      await target.create?.();
      await createSchemaTool(target, env).setup();
    } finally {
      await target.close();
    }
  }
  return keyspaces;
}

export async function dropKeyspaces(server: CassandraServer, { history, visibility }: Keyspaces): Promise<void> {
  const { host, port, localDataCenter } = server;
  const session = await openCassandraSession({ contactPoints: [`${host}:${port}`], localDataCenter }, env);
  try {
    for (const keyspace of [history, visibility]) {
      await session.define('drop', `DROP KEYSPACE IF EXISTS ${keyspace}`);
    }
  } finally {
    await session.close();
  }
}
