// Builds, then runs the bench with the arguments given: `lists …` is the bench of visibility, everything else that of servers.
import { execFileSync, spawnSync } from 'node:child_process';

const args = process.argv.slice(2);
const program = args[0] === 'lists' ? 'lists' : 'main';
execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
const bench = spawnSync(
  process.execPath,
  ['--enable-source-maps', `dist/test/bench/${program}.js`, ...(program === 'lists' ? args.slice(1) : args)],
  {
    stdio: 'inherit',
  },
);
process.exit(bench.status ?? 1);
