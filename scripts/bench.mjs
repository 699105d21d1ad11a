// Builds, then runs the bench with the arguments given.
import { execFileSync, spawnSync } from 'node:child_process';

execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
const bench = spawnSync(
  process.execPath,
  ['--enable-source-maps', 'dist/test/bench/main.js', ...process.argv.slice(2)],
  {
    stdio: 'inherit',
  },
);
process.exit(bench.status ?? 1);
