// npm run diff:cadence: the differential harness (test/diff/main.ts) with the arguments given. Needs a Go toolchain, to build the reference.
import { spawnSync } from 'node:child_process';
import { canBuild } from './reference-cadence/launch.mjs';

const args = process.argv.slice(2);
if (!args.includes('--reference') && !canBuild()) {
  console.error(
    'diff:cadence builds the reference server with Go, which is not installed. `npm test -- diff` compares with its recorded answers.',
  );
  process.exit(2);
}
const harness = spawnSync(
  process.execPath,
  ['--conditions=antiphon-src', '--import', 'tsx', 'test/diff/main.ts', ...args],
  {
    stdio: 'inherit',
  },
);
process.exit(harness.status ?? 1);
