// npm run chaos: kills real processes under load and lets the checkers judge what is left. However it ends, nothing that it started stays.
import { parseArgs } from 'node:util';
import { startCassandra } from '../bench/cassandra-server.ts';
import { percentiles } from '../bench/measure.ts';
import { interruption } from '../support/owned-processes.ts';
import { type CassandraChaosResult, runCassandraChaos } from './cassandra.ts';
import { FAULTS, type Fault } from './faults.ts';
import { killHosts } from './hosts.ts';
import { killRegions } from './regions.ts';
import type { ChaosResult } from './verdict.ts';

const HELP = `npm run chaos -- hosts     [--kills 100] [--clients 8]    one host on SQLite, killed again and again
npm run chaos -- regions   [--rounds 50] [--clients 6]    a region killed, failed over, returned
npm run chaos -- cassandra [--minutes 10] [--hosts 3] [--clients 8] [fault…]
  hosts of a region on a Cassandra server of npm run services; each fault for so many minutes. Faults:
${Object.entries(FAULTS)
  .map(([name, { title }]) => `    ${name.padEnd(12)} ${title}`)
  .join('\n')}
  --shards N     shards (default 16)
  --outage S     seconds that Cassandra is stopped or slow (default 30)
  --freeze S     seconds that a host is frozen (default 15)
  --instance N   instance of npm run services (default chaos)
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kills: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '50' },
    minutes: { type: 'string', default: '10' },
    hosts: { type: 'string', default: '3' },
    shards: { type: 'string', default: '16' },
    outage: { type: 'string', default: '30' },
    freeze: { type: 'string', default: '15' },
    instance: { type: 'string', default: 'chaos' },
    clients: { type: 'string' },
    help: { type: 'boolean' },
  },
});

function report(name: string, result: ChaosResult): void {
  for (const { checker, workflowId, story } of result.violations.slice(0, 50))
    console.log(`VIOLATION ${checker} ${workflowId}\n  ${story}`);
  console.log(
    `${name}: ${result.kills} kills; ${result.acknowledged} acknowledged, ${result.unknown} unknown, ${result.refused} refused calls; ` +
      `${result.runs} runs, ${result.events} events; ${result.violations.length} violations`,
  );
  if (result.violations.length > 0) process.exitCode = 1;
}

function reportCassandra({ title }: Fault, result: CassandraChaosResult): void {
  for (const [what, durations] of result.durations) {
    const { p50Ms } = percentiles(durations);
    console.log(`  ${what}: median ${p50Ms.toFixed(0)} ms, at most ${Math.max(...durations).toFixed(0)} ms`);
  }
  if (result.answers.size > 0) {
    const answers = [...result.answers].map(([status, count]) => `${status} ${count}`).join(', ');
    console.log(`  calls during the outages were answered: ${answers}`);
  }
  console.log(
    `  attempts of one call without an answer: at most ${result.longestStreak}; ` +
      `largest RSS of a host ${(result.largestRssBytes / 2 ** 20).toFixed(0)} MiB`,
  );
  report(title, result);
}

const interrupted = interruption();
const unlessInterrupted = <T>(work: Promise<T>): Promise<T> => Promise.race([work, interrupted]);

/** One kind of fault after another, each on hosts and keyspaces of its own. */
async function cassandraChaos(names: readonly string[]): Promise<void> {
  const faults = (names.length > 0 ? names : Object.keys(FAULTS)).map((name) => {
    const fault = FAULTS[name];
    if (fault === undefined) throw new Error(`unknown fault ${name}: ${Object.keys(FAULTS).join(', ')}`);
    return fault;
  });
  // One node with one copy: what it acknowledged must be on its disk, or its death would lose it.
  process.env.CASSANDRA_COMMITLOG_SYNC ??= 'batch';
  let cassandra = await startCassandra(values.instance);
  const options = {
    hosts: Number(values.hosts),
    shards: Number(values.shards),
    minutes: Number(values.minutes),
    clients: Number(values.clients ?? 8),
    outageMs: Number(values.outage) * 1000,
    freezeMs: Number(values.freeze) * 1000,
    log,
  };
  try {
    for (const fault of faults) {
      const done = await unlessInterrupted(runCassandraChaos(fault, cassandra, options));
      cassandra = done.cassandra;
      reportCassandra(fault, done.result);
    }
  } finally {
    await cassandra.stop();
  }
}

const log = (text: string): void => console.log(text);

async function run([mode, ...names]: readonly string[]): Promise<void> {
  if (mode === 'hosts') {
    const work = killHosts({ kills: Number(values.kills), clients: Number(values.clients ?? 8), log });
    report(mode, await unlessInterrupted(work));
  } else if (mode === 'regions') {
    const work = killRegions({ rounds: Number(values.rounds), clients: Number(values.clients ?? 6), log });
    report(mode, await unlessInterrupted(work));
  } else if (mode === 'cassandra') {
    await cassandraChaos(names);
  } else {
    console.log(HELP);
    process.exitCode = values.help ? 0 : 2;
  }
}

try {
  await run(positionals);
} catch (error) {
  console.error(error);
  // Load and faults are still under way.
  process.exit(1);
}
