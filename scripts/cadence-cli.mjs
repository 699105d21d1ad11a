// Builds Cadence's own command line from its published Go module (test/compat/cli) into .cache/cadence-cli, for the suite `cadence-cli`.
// `node scripts/cadence-cli.mjs --help-tree` also records what it offers to test/compat/cli/help.json.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LIMIT_MS } from './services/downloads.mjs';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const source = path.join(root, 'test/compat/cli');
const folder = path.join(root, '.cache/cadence-cli');

/** The path of the `cadence` binary; undefined without a Go toolchain. Go's build cache makes the second time quick. */
export function buildCadenceCli() {
  if (spawnSync('go', ['version']).status !== 0) return undefined;
  fs.mkdirSync(folder, { recursive: true });
  const built = spawnSync('go', ['build', '-o', `${folder}/`, './cmd/...'], {
    cwd: source,
    stdio: 'inherit',
    timeout: LIMIT_MS,
  });
  if (built.error?.code === 'ETIMEDOUT')
    throw new Error(`Cadence's command line is not built after ${LIMIT_MS / 60_000} minutes`);
  if (built.status !== 0) throw new Error("Cadence's command line does not build");
  return path.join(folder, 'cadence');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const binary = buildCadenceCli();
  if (binary === undefined) throw new Error('no Go toolchain');
  if (process.argv.includes('--help-tree')) {
    const { stdout } = spawnSync(path.join(folder, 'help'), { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
    fs.writeFileSync(path.join(source, 'help.json'), stdout);
  }
  console.log(binary);
}
