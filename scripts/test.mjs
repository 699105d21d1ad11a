// npm test: everything, from a fresh clone. Installs and builds what is missing, runs each suite, prints a table of suites and ends in a line
// `N passed, N failed` (with skips counted). A suite whose toolchain is absent is skipped by name; with CI=true a skip is a failure.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildCadenceCli } from './cadence-cli.mjs';
import { ensureBuilt, ensureInstalled } from './prepare.mjs';
import { preparePython } from './python-client.mjs';
import { fetchWithMaven, MAVEN_OPTIONS } from './services/downloads.mjs';
import { freePorts, isFree } from './services/free-ports.mjs';
import { missing, release, start } from './services/runner.mjs';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'antiphon-test-'));
const only = process.argv.slice(2);

/** Process groups of the commands that run: they get no Ctrl-C of the terminal's by themselves. */
const groups = new Set();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    for (const pid of groups) signalGroup(pid, signal);
    process.kill(process.pid, signal);
  });
}

function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // It has just ended.
    if (error.code !== 'ESRCH') throw error;
  }
}

const DUMP_MS = 5_000;

/** Ends a command that hangs, and what it started; Java and Go write on SIGQUIT where each of their threads is. */
function endGroup(pid) {
  signalGroup(pid, 'SIGQUIT');
  setTimeout(signalGroup, DUMP_MS, pid, 'SIGKILL');
}

/**
 * Runs a command with its output shown; resolves to its exit code. `onLine` sees each line of stdout. One that has not ended after `limitMinutes`
 * is ended and has failed: a hang must cost the run a failure, not its result.
 */
function run(command, args, { env = {}, cwd = root, onLine, limitMinutes = 20 } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', onLine ? 'pipe' : 'inherit', 'inherit'],
      detached: true,
    });
    groups.add(child.pid);
    const limit = setTimeout(() => {
      console.log(`${command} ${args[0]} has not ended after ${limitMinutes} minutes: it is ended`);
      endGroup(child.pid);
    }, limitMinutes * 60_000);
    let rest = '';
    child.stdout?.on('data', (chunk) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop();
      for (const line of lines) onLine(line);
    });
    child.on('error', () => resolve(127));
    child.on('close', (code) => {
      clearTimeout(limit);
      groups.delete(child.pid);
      if (rest) onLine?.(rest);
      resolve(code ?? 1);
    });
  });
}

async function check() {
  const counts = { passed: 0, failed: 0, failures: [] };
  await run('node', ['scripts/check.mjs'], {
    onLine: (line) => {
      console.log(line);
      if (line.startsWith('ok  ')) counts.passed++;
      if (!line.startsWith('FAIL')) return;
      counts.failed++;
      counts.failures.push(line);
    },
  });
  return counts;
}

async function vitest(projects, more = []) {
  const file = path.join(scratch, `${projects[0]}.json`);
  const code = await run('node_modules/.bin/vitest', [
    'run',
    ...projects.flatMap((project) => ['--project', project]),
    ...more,
    '--passWithNoTests',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${file}`,
  ]);
  if (!fs.existsSync(file)) return { passed: 0, failed: 1 };
  const report = JSON.parse(fs.readFileSync(file, 'utf8'));
  // A run that broke outside a test (a file that doesn't load, an unhandled rejection) has no failed test to show for it.
  const failed = report.numFailedTests + (code !== 0 && report.numFailedTests === 0 ? 1 : 0);
  return { passed: report.numPassedTests, failed, skipped: report.numPendingTests, failures: failuresOf(report) };
}

/** What failed, a line or more for each: the file, the test, and its error without the stack. */
function failuresOf(report) {
  return report.testResults.flatMap(({ name, message, assertionResults }) => {
    const file = path.relative(root, name);
    const failed = assertionResults.filter(({ status }) => status === 'failed');
    if (failed.length === 0) return message ? [`${file}: ${withoutStack(message)}`] : [];
    return failed.map((test) => `${file} › ${test.fullName}: ${withoutStack(test.failureMessages.join('\n'))}`);
  });
}

function withoutStack(message) {
  return message.replace(/\n\s+at .*/g, '');
}

async function simulation() {
  const counts = { passed: 0, failed: 0 };
  const code = await run(
    'node',
    ['--conditions=antiphon-src', '--import', 'tsx', 'test/simulation/main.ts', '--seeds', '30'],
    {
      onLine: (line) => {
        const summary = /^(\d+) seeds clean, (\d+) failed/.exec(line);
        if (summary) Object.assign(counts, { passed: Number(summary[1]), failed: Number(summary[2]) });
        console.log(line);
      },
    },
  );
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

/** Thirty seeds, and the simulation's own tests: determinism, seeds that found defects, seeded bugs that must be caught. */
async function simulationSuite() {
  const [seeds, own] = [await simulation(), await vitest(['simulation'])];
  const [passed, failed] = [seeds.passed + own.passed, seeds.failed + own.failed];
  return { passed, failed, skipped: own.skipped, failures: own.failures };
}

/** A free port whose next one is free as well: a second region takes that. */
async function freePortPair() {
  for (;;) {
    const [port] = await freePorts(1);
    if (await isFree(port + 1)) return port;
  }
}

/** A server of its own for a suite of clients, of one region or two; `env` tells them where it is and what it can do. */
async function devServer(name, regions = 1) {
  const port = await freePortPair();
  const data = path.join(scratch, name);
  const options = ['--data', data, '--port', String(port), '--metrics-port', '0', '--http-port', '0'];
  const command = ['bin/antiphon.mjs', 'dev', '--regions', String(regions), ...options];
  const child = spawn('node', command, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  await Promise.race([new Promise((resolve) => child.stdout.once('data', resolve)), ended]);
  if (child.exitCode !== null)
    throw new Error(`the server of ${name} ended with ${child.exitCode} before it was ready`);
  child.stdout.resume();
  const env = { ANTIPHON_ADDRESS: `127.0.0.1:${port}`, ANTIPHON_COMPAT_ADVANCED_VISIBILITY: '1' };
  if (regions > 1) env.ANTIPHON_REGION_B_ADDRESS = `127.0.0.1:${port + 1}`;
  const stop = () => {
    child.kill('SIGTERM');
    return ended;
  };
  return { env, stop };
}

/** Three thousand generated requests; `npm run fuzz` sends more. */
async function fuzz() {
  const counts = { passed: 0, failed: 0 };
  const code = await run(
    'node',
    ['--conditions=antiphon-src', '--import', 'tsx', 'test/fuzz/main.ts', '--requests', '3000'],
    {
      onLine: (line) => {
        const summary = /^(\d+) requests .* (\d+) findings$/.exec(line);
        if (summary) Object.assign(counts, { passed: summary[2] === '0' ? 1 : 0, failed: Number(summary[2]) });
        console.log(line);
      },
    },
  );
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

/** Three hosts of a region on Cassandra with lists in OpenSearch, and one of a second region. */
async function cassandraRegions() {
  const command = ['--conditions=antiphon-src', '--import', 'tsx', 'test/compat/cassandra-regions.ts'];
  const child = spawn('node', command, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const env = await new Promise((resolve) => {
    child.stdout.once('data', (line) => resolve(JSON.parse(line)));
    child.once('exit', () => resolve(undefined));
  });
  return {
    env,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

async function goClientOnCassandra() {
  const lacks = ['cassandra', 'opensearch'].flatMap((name) => missing(name) ?? []);
  if (lacks.length > 0) return { skipped: 1, reason: lacks.join('; ') };
  return goClient(cassandraRegions);
}

async function goClient(startServer = () => devServer('go', 2)) {
  if (spawnSync('go', ['version']).status !== 0) return { skipped: 1, reason: 'no Go toolchain' };
  const server = await startServer();
  if (server.env === undefined) return { failed: 1, reason: 'the servers did not start' };
  const counts = { passed: 0, failed: 0, skipped: 0, failures: [] };
  const output = new Map();
  const code = await run('go', ['test', './...', '-count=1', '-timeout', '12m', '-json'], {
    cwd: path.join(root, 'test/compat/go'),
    env: server.env,
    onLine: (line) => {
      if (!line.startsWith('{')) return console.log(line);
      const event = JSON.parse(line);
      if (event.Action === 'output') output.set(event.Test, `${output.get(event.Test) ?? ''}${event.Output}`);
      if (!event.Test || !['pass', 'fail', 'skip'].includes(event.Action)) return;
      counts[{ pass: 'passed', fail: 'failed', skip: 'skipped' }[event.Action]]++;
      console.log(`${event.Action} ${event.Test} (${event.Elapsed} s)`);
      if (event.Action !== 'fail') return;
      console.log(output.get(event.Test));
      counts.failures.push(output.get(event.Test).trimEnd());
    },
  });
  await server.stop();
  if (code !== 0 && counts.failed === 0) {
    console.log(output.get(undefined) ?? '');
    counts.failed = 1;
  }
  return counts;
}

/** The official Java client, run by Maven, which fetches what is missing. */
async function javaClient() {
  if (spawnSync('javac', ['-version']).status !== 0) return { skipped: 1, reason: 'no JDK' };
  if (spawnSync('mvn', ['-version']).status !== 0) return { skipped: 1, reason: 'no Maven' };
  const reports = path.join(root, '.cache/compat-java/surefire-reports');
  fs.rmSync(reports, { recursive: true, force: true });
  const cwd = path.join(root, 'test/compat/java');
  await fetchWithMaven(['-f', cwd, 'test', '-DskipTests'], console.log);
  const server = await devServer('java');
  const code = await run('mvn', [...MAVEN_OPTIONS, '-o', 'test'], { cwd, env: server.env, limitMinutes: 5 });
  await server.stop();
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const written = fs.existsSync(reports) ? fs.readdirSync(reports) : [];
  // What the JVM of the tests itself had to say, its threads at a hang among it, is kept by Maven from the terminal.
  for (const file of code === 0 ? [] : written.filter((name) => name.endsWith('.dumpstream'))) {
    console.log(fs.readFileSync(path.join(reports, file), 'utf8'));
  }
  for (const file of written.filter((name) => name.endsWith('.xml'))) {
    const suite = /<testsuite [^>]*>/.exec(fs.readFileSync(path.join(reports, file), 'utf8'))[0];
    const count = (name) => Number(new RegExp(` ${name}="(\\d+)"`).exec(suite)[1]);
    counts.failed += count('failures') + count('errors');
    counts.skipped += count('skipped');
    counts.passed += count('tests') - count('failures') - count('errors') - count('skipped');
  }
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

/** A client with no code of Cadence or of ours: Python's gRPC and the .proto files. */
async function rawClient() {
  const prepared = preparePython();
  if (prepared === undefined) return { skipped: 1, reason: 'no Python with venv' };
  const server = await devServer('raw');
  const log = path.join(scratch, 'raw.log');
  const script = `"$0" -m unittest -v test_wire > "$1" 2>&1`;
  const code = await run('sh', ['-c', script, prepared.python, log], {
    cwd: path.join(root, 'test/compat/python'),
    env: { ...server.env, PYTHONPATH: prepared.stubs, PYTHONDONTWRITEBYTECODE: '1' },
  });
  await server.stop();
  const output = fs.readFileSync(log, 'utf8');
  console.log(output);
  const count = (outcome) => output.match(new RegExp(`\\.\\.\\. ${outcome}`, 'g'))?.length ?? 0;
  const failed = count('FAIL') + count('ERROR');
  return { passed: count('ok'), failed: failed || (code === 0 ? 0 : 1), skipped: count('skipped') };
}

/** Cadence's own command line, built from its Go module, against us. */
async function cadenceCli() {
  if (buildCadenceCli() === undefined) return { skipped: 1, reason: 'no Go toolchain' };
  return await vitest(['compat'], ['test/compat/cli']);
}

// What tests of drivers need; scripts/services has more.
const REAL_SERVERS = ['cassandra', 'postgres', 'mariadb', 'opensearch', 's3'];

/** A suite beside real servers. One that this machine cannot run is named; the tests that need it skip themselves and are counted. */
async function withServers(suite) {
  for (const name of REAL_SERVERS) {
    const lacks = missing(name);
    if (lacks !== undefined) console.log(`without ${name}: it ${lacks}`);
    else {
      // One that fails to start fails the tests that need it, not the run.
      const options = { userPid: process.pid, progress: (line) => console.log(`${name}: ${line}`) };
      await start(name, options).catch((error) => console.log(`${name}: ${error.message}`));
    }
  }
  return await suite();
}

async function stopServers() {
  for (const name of REAL_SERVERS) {
    await release(name, process.pid, { progress: (line) => console.log(`${name}: ${line}`) });
  }
}

/** One occurrence of each of three faults; `npm run chaos -- cassandra` does all for ten minutes each. */
async function chaos() {
  const lacks = missing('cassandra');
  if (lacks !== undefined) return { skipped: 1, reason: lacks };
  const faults = ['kill', 'rolling', 'store-stop'];
  const options = ['--minutes', '0.1', '--outage', '8', '--clients', '4', '--instance', 'main'];
  let [passed, failed] = [0, 0];
  await run('node', ['--enable-source-maps', 'dist/test/chaos/main.js', 'cassandra', ...faults, ...options], {
    onLine: (line) => {
      const violations = /; (\d+) violations$/.exec(line);
      if (violations?.[1] === '0') passed++;
      else if (violations) failed++;
      console.log(line);
    },
  });
  // One that ended without a word has failed, too.
  return { passed, failed: Math.max(failed, faults.length - passed) };
}

async function story() {
  const code = await run('node', ['scripts/start.mjs', '--once']);
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

const suites = [
  ['check', check],
  ['unit', () => vitest(['unit', 'scenario'])],
  ['contract', () => withServers(() => vitest(['contract']))],
  ['simulation', simulationSuite],
  ['diff', () => vitest(['diff'])],
  ['fuzz', fuzz],
  [
    'integration',
    () => withServers(() => vitest(['integration', 'multiregion', 'compat'], ['--exclude', 'test/compat/cli/**'])),
  ],
  ['go-client', () => goClient()],
  ['go-client-cassandra', goClientOnCassandra],
  ['java-client', javaClient],
  ['raw-client', rawClient],
  ['cadence-cli', cadenceCli],
  ['chaos', chaos],
  ['story', story],
];

const unknown = only.filter((name) => !suites.some(([suite]) => suite === name));
if (unknown.length > 0) {
  console.error(`unknown suite: ${unknown.join(', ')}. Suites: ${suites.map(([name]) => name).join(', ')}`);
  process.exit(2);
}

await ensureInstalled();
await ensureBuilt();
const totals = { passed: 0, failed: 0, skipped: 0 };
const lines = [];
const failures = [];
for (const [name, suite] of suites) {
  if (only.length > 0 && !only.includes(name)) continue;
  console.log(`\n── ${name} ${'─'.repeat(60)}`);
  const started = performance.now();
  const outcome = await suite().catch((error) => {
    console.log(error);
    return { failed: 1, reason: error.message.split('\n')[0] };
  });
  const { passed = 0, failed = 0, skipped = 0, reason = '' } = outcome;
  failures.push(...(outcome.failures ?? []).map((failure) => `${name}: ${failure}`));
  totals.passed += passed;
  totals.failed += failed;
  totals.skipped += skipped;
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  lines.push(
    `${name.padEnd(20)} ${passed} passed, ${failed} failed, ${skipped} skipped  (${seconds} s)${reason && `  ${reason}`}`,
  );
}
await stopServers();
fs.rmSync(scratch, { recursive: true, force: true });
// Again at the end, because a run is longer than what a terminal or a log of CI keeps.
if (failures.length > 0) console.log(`\n── failed ${'─'.repeat(60)}\n${failures.join('\n\n')}`);
console.log(`\n${lines.join('\n')}\n`);
if (process.env.CI === 'true' && totals.skipped > 0) {
  console.log('CI=true: a skip is a failure.');
  totals.failed += totals.skipped;
  totals.skipped = 0;
}
console.log(
  `${totals.passed} passed, ${totals.failed} failed${totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''}`,
);
process.exit(totals.failed > 0 || totals.passed === 0 ? 1 : 0);
