// The servers that `npm run services` knows. Each says what it lacks on this machine, how it is fetched, with which command it is started in a
// folder of its own, when it is ready, and by which variables its clients find it.
import { cassandra } from './cassandra.mjs';
import { kafka } from './kafka.mjs';
import { mariadb } from './mariadb.mjs';
import { opensearch } from './opensearch.mjs';
import { postgres } from './postgres.mjs';
import { s3 } from './s3.mjs';

const servers = [cassandra, kafka, s3, opensearch, postgres, mariadb];

export const serverNames = servers.map((server) => server.name);

export function serverOf(name) {
  const server = servers.find((one) => one.name === name);
  if (server === undefined) throw new Error(`unknown service ${name}: there are ${serverNames.join(', ')}`);
  return server;
}
