// Builds, then runs the chaos tests with the arguments given.
import { execFileSync, spawn } from 'node:child_process';

execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
const run = spawn(process.execPath, ['--enable-source-maps', 'dist/test/chaos/main.js', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
// It stops what it started, and ends.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => run.kill(signal));
run.on('close', (code) => process.exit(code ?? 1));
