// npm run bench: measures a real server process over the wire and prints a table; JSON beside it.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { DEFAULT_SCENARIOS, type Row, SCENARIOS as SINGLE_TENANT } from './scenarios.ts';
import { tenant } from './tenant.ts';

const SCENARIOS: typeof SINGLE_TENANT = { ...SINGLE_TENANT, tenant };

const HELP = `npm run bench -- [options] [scenario…]

Scenarios: ${Object.keys(SCENARIOS).join(', ')} (default: ${DEFAULT_SCENARIOS.join(', ')})
  --seconds N          measured window (default 20)
  --warm-up N          seconds before it (default 5)
  --open N             open workflows of idle and recover (default 100000)
  --json FILE          write the rows here (default .cache/bench/latest.json)
  --compare FILE       print ratios against the rows of an earlier run
  --profile            CPU profile of the server in .cache/bench, and its top functions
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '20' },
    'warm-up': { type: 'string', default: '5' },
    open: { type: 'string', default: '100000' },
    json: { type: 'string', default: '.cache/bench/latest.json' },
    compare: { type: 'string' },
    profile: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const figure = (value: number): string =>
  !Number.isFinite(value)
    ? '–'
    : Math.abs(value) >= 100
      ? value.toFixed(0)
      : Math.abs(value) >= 10
        ? value.toFixed(1)
        : value.toFixed(2);

function printRow(row: Row, before: Row | undefined): void {
  const parts = Object.entries(row.values).map(([name, value]) => {
    const old = before?.values[name];
    const ratio = old ? ` (×${(value / old).toFixed(2)})` : '';
    return `${name} ${figure(value)}${ratio}`;
  });
  console.log(`${row.scenario.padEnd(24)} ${parts.join('  ')}`);
}

/** Self time by function, from a V8 .cpuprofile. */
function topFunctions(file: string, limit: number): void {
  const profile = JSON.parse(fs.readFileSync(file, 'utf8')) as {
    nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
    samples: number[];
  };
  const byId = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
  const self = new Map<string, number>();
  for (const sample of profile.samples) {
    const frame = byId.get(sample);
    const name = `${frame?.functionName || '(anonymous)'} ${frame?.url.split('/').slice(-2).join('/') ?? ''}:${(frame?.lineNumber ?? 0) + 1}`;
    self.set(name, (self.get(name) ?? 0) + 1);
  }
  const sorted = [...self].sort((a, b) => b[1] - a[1]).slice(0, limit);
  for (const [name, samples] of sorted)
    console.log(`  ${((samples / profile.samples.length) * 100).toFixed(1).padStart(5)}%  ${name}`);
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
  const before: Row[] = values.compare
    ? (JSON.parse(fs.readFileSync(values.compare, 'utf8')) as { rows: Row[] }).rows
    : [];
  const profileFolder = path.resolve('.cache/bench/profiles');
  if (values.profile) fs.rmSync(profileFolder, { recursive: true, force: true });
  const options = {
    seconds: Number(values.seconds),
    warmUpSeconds: Number(values['warm-up']),
    openWorkflows: Number(values.open),
    nodeArguments: values.profile ? ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`] : [],
  };
  console.log(
    `${os.cpus().length} × ${os.cpus()[0]?.model}, Node ${process.version}, SQLite, synchronous=FULL, load generator included`,
  );
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
  fs.mkdirSync(path.dirname(values.json), { recursive: true });
  fs.writeFileSync(values.json, `${JSON.stringify({ node: process.version, options, rows }, undefined, 2)}\n`);
  if (values.profile) {
    for (const file of fs.readdirSync(profileFolder)) {
      console.log(`\n${file}:`);
      topFunctions(path.join(profileFolder, file), 30);
    }
  }
}

await main();
