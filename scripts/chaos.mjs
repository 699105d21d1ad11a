// Builds, then runs the chaos tests with the arguments given.
import { execFileSync, spawnSync } from 'node:child_process';

execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
const run = spawnSync(process.execPath, ['--enable-source-maps', 'dist/test/chaos/main.js', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exit(run.status ?? 1);
