// Servers for a suite of clients as they run in production: region-a of three hosts on Cassandra with lists in OpenSearch, and region-b of one, on keyspaces
// and indexes of their own. Prints the variables by which the suite finds them as one line of JSON; on SIGTERM all is stopped and removed.
// Usage: cassandra-regions.ts [--hosts 3]
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createRealEnv } from '#env';
import { createSchemaTool } from '#schema';
import { createOpenSearchClient, createOpenSearchSchemaTarget } from '#visibility';
import {
  type CassandraServer,
  dropKeyspaces,
  type Keyspaces,
  makeKeyspaces,
  servicesRunner,
  startCassandra,
} from '../bench/cassandra-server.ts';
import { startHost } from '../bench/cassandra-target.ts';
import { freePort, makeFolder, type ServerProcess } from '../bench/server-process.ts';

const { values } = parseArgs({ options: { hosts: { type: 'string', default: '3' } } });
const INSTANCE = 'main';
const SHARDS = 16;
const HOSTS_OF_B = 1;

const env = createRealEnv();

interface RegionPlan {
  readonly name: 'region-a' | 'region-b';
  readonly ports: readonly number[];
  readonly keyspaces: Keyspaces;
  readonly index: string;
}

const addressOf = ({ ports }: RegionPlan): string => `127.0.0.1:${ports[0]}`;

async function planRegion(name: RegionPlan['name'], hosts: number, cassandra: CassandraServer): Promise<RegionPlan> {
  const keyspaces = await makeKeyspaces(cassandra);
  const ports = await Promise.all(Array.from({ length: hosts }, freePort));
  return { name, ports, keyspaces, index: keyspaces.history.replaceAll('_', '-') };
}

async function makeIndex(url: string, index: string): Promise<void> {
  const connection = { urls: [url], timeoutMs: 30_000 };
  const target = createOpenSearchSchemaTarget(env, { connection, index, shards: 1, replicas: 0 });
  try {
    await createSchemaTool(target, env).setup();
  } finally {
    await target.close();
  }
}

/** As `antiphon dev` has it: short retention, no cool-down of failovers, archives in a folder that all hosts of a region see. */
const sectionsOf = (plan: RegionPlan, plans: readonly RegionPlan[], url: string, folder: string) => ({
  cluster: {
    current: plan.name,
    primary: 'region-a',
    members: Object.fromEntries(
      plans.map((member, index) => [
        member.name,
        { enabled: true, initialFailoverVersion: index, rpcAddress: addressOf(member) },
      ]),
    ),
  },
  domains: { retentionSecondsMin: 1, failoverCoolDownMs: 0 },
  archival: { enabled: true, uri: `file://${path.join(folder, 'archive')}`, delayMs: 1000 },
  visibility: { write: 'opensearch', read: 'opensearch', opensearch: { urls: [url], index: plan.index } },
  log: { level: 'warn' },
});

const startRegion = (
  plan: RegionPlan,
  sections: Readonly<Record<string, unknown>>,
  cassandra: CassandraServer,
): Promise<ServerProcess[]> =>
  Promise.all(
    plan.ports.map((port) =>
      startHost({ ...cassandra, keyspaces: plan.keyspaces }, { shards: SHARDS, isCluster: true, port, sections }),
    ),
  );

const stopAsked = new Promise<void>((resolve) => process.once('SIGTERM', resolve));
const cassandra = await startCassandra(INSTANCE);
const { start, release } = await servicesRunner();
const progress = (line: string): void => console.error(`opensearch: ${line}`);
const openSearch = await start('opensearch', { instance: INSTANCE, progress, userPid: process.pid });
const url = openSearch.variables.OPENSEARCH_URL as string;
const folder = makeFolder();
const plans = [
  await planRegion('region-a', Number(values.hosts), cassandra),
  await planRegion('region-b', HOSTS_OF_B, cassandra),
];
const servers: ServerProcess[] = [];
for (const plan of plans) {
  await makeIndex(url, plan.index);
  servers.push(...(await startRegion(plan, sectionsOf(plan, plans, url, folder), cassandra)));
}
const [a, b] = plans as [RegionPlan, RegionPlan];
console.log(
  JSON.stringify({
    ANTIPHON_ADDRESS: a.ports.map((port) => `127.0.0.1:${port}`).join(','),
    ANTIPHON_REGION_B_ADDRESS: addressOf(b),
    ANTIPHON_COMPAT_ADVANCED_VISIBILITY: '1',
  }),
);
await stopAsked;
await Promise.all(servers.map((server) => server.kill('SIGTERM')));
const client = createOpenSearchClient(env, { urls: [url], timeoutMs: 30_000 });
for (const plan of plans) {
  await dropKeyspaces(cassandra, plan.keyspaces);
  await client.send('DELETE', `/${plan.index}`);
}
client.close();
fs.rmSync(folder, { recursive: true, force: true });
await release('opensearch', process.pid, { instance: INSTANCE, progress });
await cassandra.stop();
