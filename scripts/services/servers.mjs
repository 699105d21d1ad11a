// The servers that `npm run services` knows. Each says what it lacks on this machine, how it is fetched, with which command it is started in a
// folder of its own, when it is ready, and by which variables its clients find it.
import { cassandra } from './cassandra.mjs';
import { mariadb } from './mariadb.mjs';
import { postgres } from './postgres.mjs';

const servers = [cassandra, postgres, mariadb];

export const serverNames = servers.map((server) => server.name);

export function serverOf(name) {
  const server = servers.find((one) => one.name === name);
  if (server === undefined) throw new Error(`unknown service ${name}: there are ${serverNames.join(', ')}`);
  return server;
}
