// Builds, then runs the bench with the arguments given: `lists …` and `reindex …` are about visibility, everything else about servers.
import { execFileSync, spawnSync } from 'node:child_process';

const args = process.argv.slice(2);
const program = ['lists', 'reindex'].find((name) => name === args[0]) ?? 'main';
execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
const bench = spawnSync(
  process.execPath,
  ['--enable-source-maps', `dist/test/bench/${program}.js`, ...(program === 'main' ? args : args.slice(1))],
  {
    stdio: 'inherit',
  },
);
process.exit(bench.status ?? 1);
