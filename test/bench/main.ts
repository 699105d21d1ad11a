// npm run bench: measures real server processes over the wire and prints a table; JSON beside it. With --against another commit's server is measured in
// turns with this one by the same load generator, with --beside-reference Cadence's: what disturbs the machine disturbs both.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startCassandra } from './cassandra-server.ts';
import { cassandraTarget } from './cassandra-target.ts';
import { buildEarlier, findCommit } from './earlier-build.ts';
import { embeddedTarget } from './embedded-target.ts';
import { printProfiles } from './profile.ts';
import { referenceTarget } from './reference-target.ts';
import { printRow } from './report.ts';
import { measureInTurns, measureSizes } from './rounds.ts';
import {
  type BenchOptions,
  DEFAULT_SCENARIOS,
  type Row,
  type Scenario,
  SCENARIOS as SINGLE_TENANT,
} from './scenarios.ts';
import { sqlTarget } from './sql-target.ts';
import type { Target } from './target.ts';
import { tenant } from './tenant.ts';
import { UsageError } from './usage-error.ts';

const SCENARIOS: Readonly<Record<string, Scenario>> = { ...SINGLE_TENANT, tenant };
const STORES = ['sqlite', 'cassandra', 'postgres', 'mysql'];
/** What is measured beside the reference, unless scenarios are named. */
const REFERENCE_SCENARIOS = ['activity', 'start', 'signal', 'chain10'];

const HELP = `npm run bench -- [options] [scenario…]

Scenarios: ${Object.keys(SCENARIOS).join(', ')} (default: ${DEFAULT_SCENARIOS.join(', ')})
  --seconds N          measured window (default 20)
  --warm-up N          seconds before it (default 5)
  --operations N       a window of so many operations instead, after half as many to warm up: the same work on a busy machine
  --open N             open workflows of idle and recover (default 100000)
  --store NAME         ${STORES.join(', ')} (default sqlite). The server of the others is started by npm run services; tenant is on SQLite always
  --hosts N            hosts on Cassandra (default 1); 1,2,4 measures each number of them in turns
  --apart              hosts that run history only, and one more with the other services: every call on a shard goes to another host
  --cpu-share F        hosts on Cassandra that have so much of a core each, as 0.25, however many there are (needs root)
  --per-host N         workflows a second of paced for each host (default 30)
  --go-workers N       worker processes of go-activity-…, whose load is the Go client's (default 3): one polls 1,000 times a second at most
  --go-pollers N       decision pollers in each of them, and as many activity pollers (default 16)
  --shards N           shards on a server (default 16)
  --instance NAME      the instance of npm run services (default bench)
  --json FILE          write the rows here (default .cache/bench/latest.json)
  --compare FILE       print ratios against the rows of an earlier run
  --against REF        measure the server of this commit too, in turns, and print the ratios with their spread
  --beside-reference   the same with the reference server of Cadence, on the same Cassandra (default: ${REFERENCE_SCENARIOS.join(', ')})
  --rounds N           pairs of --against and --beside-reference (default 3)
  --at-once            both servers of a pair at the same time: for a busy machine. Only CPU and disk tell something then
  --profile            CPU profile of the server in .cache/bench, and its top functions
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '20' },
    'warm-up': { type: 'string', default: '5' },
    operations: { type: 'string' },
    open: { type: 'string', default: '100000' },
    store: { type: 'string', default: 'sqlite' },
    hosts: { type: 'string', default: '1' },
    apart: { type: 'boolean', default: false },
    'cpu-share': { type: 'string' },
    'per-host': { type: 'string', default: '30' },
    'go-workers': { type: 'string', default: '3' },
    'go-pollers': { type: 'string', default: '16' },
    shards: { type: 'string' },
    instance: { type: 'string', default: 'bench' },
    json: { type: 'string', default: '.cache/bench/latest.json' },
    compare: { type: 'string' },
    against: { type: 'string' },
    'beside-reference': { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    'at-once': { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

// Room as a database's machine gives it; it serves both servers of a pair.
process.env.CASSANDRA_HEAP_MB ??= '2048';

const profileFolder = path.resolve('.cache/bench/profiles');

function scenariosOf(names: readonly string[]): readonly Scenario[] {
  const unknown = names.filter((name) => SCENARIOS[name] === undefined);
  if (unknown.length > 0) throw new UsageError(`unknown scenario: ${unknown.join(', ')}\n\n${HELP}`);
  return names.map((name) => SCENARIOS[name] as Scenario);
}

const nodeArguments = values.profile ? ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`] : [];
const sizes = values.hosts.split(',').map(Number);
const [hosts = 1] = sizes;
const isApart = values.apart;
const cpuShare = values['cpu-share'] === undefined ? undefined : Number(values['cpu-share']);
const shards = Number(values.shards ?? (sizes.every((count) => count === 1) ? 4 : 16));

const optionsOf = (target: Target, entry?: string, hostCount = hosts): BenchOptions => ({
  target,
  hosts: hostCount,
  perHost: Number(values['per-host']),
  entry,
  nodeArguments,
  goWorkers: Number(values['go-workers']),
  goPollers: Number(values['go-pollers']),
  shards: values.store === 'sqlite' ? 4 : shards,
  seconds: Number(values.seconds),
  warmUpSeconds: Number(values['warm-up']),
  operations: values.operations === undefined ? undefined : Number(values.operations),
  openWorkflows: Number(values.open),
});

/** Our servers on the chosen store: this build's, or another's. */
async function ownTarget(entry?: string): Promise<Target> {
  const { store } = values;
  if (store === 'sqlite') return embeddedTarget({ entry, nodeArguments });
  if (store === 'postgres' || store === 'mysql') {
    return sqlTarget(store, { instance: values.instance, shards, entry, nodeArguments });
  }
  return cassandraTarget(await startCassandra(values.instance), {
    hosts,
    isApart,
    shards,
    entry,
    nodeArguments,
    cpuShare,
  });
}

async function measure(scenarios: readonly Scenario[]): Promise<readonly Row[]> {
  const before: Row[] = values.compare
    ? (JSON.parse(fs.readFileSync(values.compare, 'utf8')) as { rows: Row[] }).rows
    : [];
  const target = await ownTarget();
  describe(target);
  try {
    const rows: Row[] = [];
    for (const scenario of scenarios) {
      for (const row of await scenario(optionsOf(target))) {
        rows.push(row);
        printRow(
          row,
          before.find((old) => old.scenario === row.scenario),
        );
      }
    }
    return rows;
  } finally {
    await target.close();
  }
}

/** In turns with `other`, whose options are its own. */
async function contend(scenarios: readonly Scenario[], other: string, before: BenchOptions): Promise<readonly Row[]> {
  const target = await ownTarget();
  describe(target);
  try {
    const rounds = Number(values.rounds);
    return await measureInTurns(scenarios, {
      other,
      before,
      now: optionsOf(target),
      rounds,
      atOnce: values['at-once'],
    });
  } finally {
    await before.target.close();
    await target.close();
  }
}

async function compareSizes(scenarios: readonly Scenario[]): Promise<readonly Row[]> {
  if (values.store !== 'cassandra') throw new UsageError('several hosts need --store cassandra');
  const server = await startCassandra(values.instance);
  try {
    const targets = sizes.map((count) =>
      cassandraTarget(server, { hosts: count, isApart, shards, nodeArguments, cpuShare }),
    );
    for (const target of targets) describe(target);
    const deployments = targets.map((target, index) => ({
      title: `${sizes[index]} hosts`,
      options: optionsOf(target, undefined, sizes[index]),
    }));
    return await measureSizes(scenarios, deployments, Number(values.rounds));
  } finally {
    await server.stop();
  }
}

async function againstCommit(scenarios: readonly Scenario[], ref: string): Promise<readonly Row[]> {
  const commit = findCommit(process.cwd(), ref);
  if (commit === undefined) throw new UsageError(`there is no commit ${ref}`);
  const entry = buildEarlier(process.cwd(), commit);
  return contend(scenarios, commit.slice(0, 12), optionsOf(await ownTarget(entry), entry));
}

async function besideReference(scenarios: readonly Scenario[]): Promise<readonly Row[]> {
  if (values.store !== 'cassandra') throw new UsageError('--beside-reference needs --store cassandra');
  const target = await referenceTarget(await startCassandra(values.instance));
  return contend(scenarios, 'Cadence 1.4.0', optionsOf(target));
}

async function measureAsAsked(scenarios: readonly Scenario[]): Promise<readonly Row[]> {
  if (cpuShare !== undefined && values.store !== 'cassandra')
    throw new UsageError('--cpu-share needs --store cassandra');
  if (values['beside-reference']) return besideReference(scenarios);
  if (values.against !== undefined) return againstCommit(scenarios, values.against);
  return sizes.length > 1 ? compareSizes(scenarios) : measure(scenarios);
}

function describe({ title }: Target): void {
  const machine = `${os.cpus().length} × ${os.cpus()[0]?.model}, Node ${process.version}`;
  console.log(`${machine}, ${title}, load generator included`);
}

async function main(): Promise<void> {
  if (values.help) {
    console.log(HELP);
    return;
  }
  if (!STORES.includes(values.store)) throw new UsageError(`unknown store ${values.store}: ${STORES.join(', ')}`);
  const isContest = values['beside-reference'];
  const scenarios = scenariosOf(
    positionals.length > 0 ? positionals : isContest ? REFERENCE_SCENARIOS : DEFAULT_SCENARIOS,
  );
  if (values.profile) fs.rmSync(profileFolder, { recursive: true, force: true });
  const rows = await measureAsAsked(scenarios);
  fs.mkdirSync(path.dirname(values.json), { recursive: true });
  fs.writeFileSync(values.json, `${JSON.stringify({ node: process.version, options: values, rows }, undefined, 2)}\n`);
  if (values.profile) printProfiles(profileFolder);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
