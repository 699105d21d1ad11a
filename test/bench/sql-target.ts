// One of our servers on a database of its own in PostgreSQL or MariaDB, of `npm run services`.
import fs from 'node:fs';
import path from 'node:path';
import { createRealEnv } from '#env';
import { databaseAt, makeDatabase, type SqlStoreName } from '../support/sql-database-at.ts';
import { servicesRunner } from './cassandra-server.ts';
import { makeFolder, startServerProcess } from './server-process.ts';
import { cpuSecondsOf, deploymentOf, diskWrittenBytesOf, type Target } from './target.ts';

const SERVERS = {
  postgres: { service: 'postgres', variable: 'POSTGRES_URL', title: 'PostgreSQL' },
  mysql: { service: 'mariadb', variable: 'MARIADB_URL', title: 'MariaDB' },
} as const;

/** The process and its children: PostgreSQL has one for each connection. */
function processTree(pid: number): readonly number[] {
  const children = fs
    .readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => fs.readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' '))
    .filter((child) => child !== '')
    .map(Number);
  return [pid, ...children];
}

const sumOver = (pids: readonly number[], read: (pid: number) => number): number =>
  pids.reduce((total, pid) => total + read(pid), 0);

export async function sqlTarget(
  store: SqlStoreName,
  options: {
    readonly instance: string;
    readonly shards: number;
    readonly entry?: string | undefined;
    readonly nodeArguments: readonly string[];
  },
): Promise<Target> {
  const { start, release } = await servicesRunner();
  const { service, variable, title } = SERVERS[store];
  const { instance, shards, entry, nodeArguments } = options;
  const progress = (line: string): void => console.error(`${service}: ${line}`);
  const server = await start(service, { instance, progress, userPid: process.pid });
  return {
    title: `${title}, one host, ${shards} shards`,
    makeSite: async () => {
      const database = await makeDatabase(databaseAt(store, server.variables[variable] as string), createRealEnv());
      const { host, port, user, password, database: name } = database.options;
      return {
        start: async () => {
          const folder = makeFolder();
          const file = path.join(folder, 'host.yaml');
          const persistence = { driver: store, [store]: { host, port, user, password, database: name } };
          // JSON is YAML.
          fs.writeFileSync(file, JSON.stringify({ persistence, history: { shards } }), { mode: 0o600 });
          const deployment = deploymentOf([
            await startServerProcess({ folder, entry, nodeArguments, configFiles: [file] }),
          ]);
          return {
            ...deployment,
            usage: () => {
              const own = deployment.usage();
              const tree = processTree(server.pid);
              return {
                ...own,
                storeCpuSeconds: sumOver(tree, cpuSecondsOf),
                diskWrittenBytes: own.diskWrittenBytes + sumOver(tree, diskWrittenBytesOf),
              };
            },
          };
        },
        remove: () => database.drop(),
      };
    },
    close: () => release(service, process.pid, { instance, progress }),
  };
}
