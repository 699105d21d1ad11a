// A Cassandra server for measurements, of `npm run services`: an instance of its own, started when needed and given up at the end. Every site makes
// its keyspaces and drops them.
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { createRealEnv } from '#env';
import { type CassandraPlace, dropKeyspacesAt, makeKeyspaceAt } from '../support/cassandra-keyspace-at.ts';
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

const placeOf = ({ host, port, localDataCenter }: CassandraServer): CassandraPlace => ({
  contactPoints: [`${host}:${port}`],
  localDataCenter,
});

/** The keyspaces of a region, with this release's tables. */
export async function makeKeyspaces(server: CassandraServer): Promise<Keyspaces> {
  const keyspaces = nameKeyspaces('antiphon');
  for (const part of ['history', 'visibility'] as const) {
    await makeKeyspaceAt(placeOf(server), keyspaces[part], part, env);
  }
  return keyspaces;
}

export const dropKeyspaces = (server: CassandraServer, { history, visibility }: Keyspaces): Promise<void> =>
  dropKeyspacesAt(placeOf(server), [history, visibility], env);
