// npm run bench: measures a real server process over the wire and prints a table; JSON beside it. With --against, another commit's server is
// measured in turns with this one, by the same load generator: what disturbs the machine disturbs both.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { buildEarlier, findCommit } from './earlier-build.ts';
import { printProfiles } from './profile.ts';
import { printPairs, printRow } from './report.ts';
import { type BenchOptions, DEFAULT_SCENARIOS, type Row, SCENARIOS as SINGLE_TENANT } from './scenarios.ts';
import { tenant } from './tenant.ts';

const SCENARIOS: typeof SINGLE_TENANT = { ...SINGLE_TENANT, tenant };

const HELP = `npm run bench -- [options] [scenario…]

Scenarios: ${Object.keys(SCENARIOS).join(', ')} (default: ${DEFAULT_SCENARIOS.join(', ')})
  --seconds N          measured window (default 20)
  --warm-up N          seconds before it (default 5)
  --operations N       a window of so many operations instead, after half as many to warm up: the same work on a busy machine
  --open N             open workflows of idle and recover (default 100000)
  --json FILE          write the rows here (default .cache/bench/latest.json)
  --compare FILE       print ratios against the rows of an earlier run
  --against REF        measure the server of this commit too, in turns, and print the ratios with their spread
  --rounds N           pairs of --against (default 3)
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
    json: { type: 'string', default: '.cache/bench/latest.json' },
    compare: { type: 'string' },
    against: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    'at-once': { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const profileFolder = path.resolve('.cache/bench/profiles');

async function measure(names: readonly string[], options: BenchOptions): Promise<readonly Row[]> {
  const before: Row[] = values.compare
    ? (JSON.parse(fs.readFileSync(values.compare, 'utf8')) as { rows: Row[] }).rows
    : [];
  const rows: Row[] = [];
  for (const name of names) {
    for (const row of (await SCENARIOS[name]?.(options)) ?? []) {
      rows.push(row);
      printRow(
        row,
        before.find((old) => old.scenario === row.scenario),
      );
    }
  }
  return rows;
}

/** Both servers in turns, or at once; whoever is first in one round is second in the next. */
async function measurePair(
  measureOne: (options: BenchOptions) => Promise<readonly Row[]>,
  before: BenchOptions,
  now: BenchOptions,
  nowFirst: boolean,
): Promise<readonly { readonly before: Row; readonly now: Row }[]> {
  const order = nowFirst ? [now, before] : [before, now];
  const results: (readonly Row[])[] = [];
  if (values['at-once']) results.push(...(await Promise.all(order.map(measureOne))));
  else for (const options of order) results.push(await measureOne(options));
  const [rowsBefore = [], rowsNow = []] = nowFirst ? results.reverse() : results;
  // The same scenario gives the same rows.
  return rowsNow.map((row, index) => ({ before: rowsBefore[index] as Row, now: row }));
}

/** Rounds of pairs with the server of another commit. Gives this commit's rows. */
async function measureAgainst(ref: string, names: readonly string[], options: BenchOptions): Promise<readonly Row[]> {
  const commit = findCommit(process.cwd(), ref);
  if (commit === undefined) {
    console.error(`there is no commit ${ref}`);
    process.exitCode = 2;
    return [];
  }
  const entry = buildEarlier(process.cwd(), commit);
  const earlier = { ...options, entry };
  const pairs: { readonly before: Row; readonly now: Row }[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const name of names) {
      const scenario = SCENARIOS[name];
      if (scenario === undefined) continue;
      for (const pair of await measurePair(scenario, earlier, options, round % 2 === 1)) {
        pairs.push(pair);
        printRow(pair.now, pair.before);
      }
    }
  }
  console.log(
    `\n${commit.slice(0, 12)} → this one: medians, and the ratios of ${values.rounds} rounds ${values['at-once'] ? 'at once' : 'in turns'}`,
  );
  const scenarios = new Set(pairs.map(({ now }) => now.scenario));
  for (const scenario of scenarios) printPairs(pairs.filter(({ now }) => now.scenario === scenario));
  return pairs.map(({ now }) => now);
}

async function main(): Promise<void> {
  if (values.help) {
    console.log(HELP);
    return;
  }
  const names = positionals.length > 0 ? positionals : [...DEFAULT_SCENARIOS];
  const unknown = names.filter((name) => SCENARIOS[name] === undefined);
  if (unknown.length > 0) {
    console.error(`unknown scenario: ${unknown.join(', ')}\n\n${HELP}`);
    process.exitCode = 2;
    return;
  }
  if (values.profile) fs.rmSync(profileFolder, { recursive: true, force: true });
  const options: BenchOptions = {
    seconds: Number(values.seconds),
    warmUpSeconds: Number(values['warm-up']),
    operations: values.operations === undefined ? undefined : Number(values.operations),
    openWorkflows: Number(values.open),
    nodeArguments: values.profile ? ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`] : [],
  };
  console.log(
    `${os.cpus().length} × ${os.cpus()[0]?.model}, Node ${process.version}, SQLite, synchronous=FULL, load generator included`,
  );
  const rows =
    values.against === undefined ? await measure(names, options) : await measureAgainst(values.against, names, options);
  fs.mkdirSync(path.dirname(values.json), { recursive: true });
  fs.writeFileSync(values.json, `${JSON.stringify({ node: process.version, options, rows }, undefined, 2)}\n`);
  if (values.profile) printProfiles(profileFolder);
}

await main();
