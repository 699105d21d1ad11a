// Installs and builds what is missing or out of date, so that `npm start` and `npm test` work on a fresh clone.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

function step(title, command, args) {
  const started = performance.now();
  process.stdout.write(`${title} … `);
  const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (result.status !== 0) {
    process.stdout.write(`failed\n${result.stdout}\n${result.stderr}\n`);
    process.exit(1);
  }
  process.stdout.write(`${((performance.now() - started) / 1000).toFixed(0)} s\n`);
}

/** npm ci, unless what package-lock.json asks for is there. */
export async function ensureInstalled() {
  const stamp = 'node_modules/.antiphon-installed';
  const lock = fs.readFileSync('package-lock.json', 'utf8');
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === lock) return;
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Antiphon needs Node 20.19 or newer; this is ${process.version}.`);
    process.exit(1);
  }
  step('installing packages (SQLite is compiled: about a minute)', 'npm', ['ci', '--no-audit', '--no-fund']);
  fs.writeFileSync(stamp, lock);
}

const newest = (folder) => {
  let time = 0;
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isFile() && !/(^|\/)(node_modules|dist|gen)\//.test(file))
      time = Math.max(time, fs.statSync(file).mtimeMs);
  }
  return time;
};

/** Builds dist/ when a source is newer than it. */
export async function ensureBuilt() {
  const built = 'dist/src/cli/main.js';
  const sources = [
    'src',
    'replication',
    'archival',
    'sdk',
    'proto',
    'examples',
    'scripts',
    'test/bench',
    'test/chaos',
    'schema',
  ];
  const time = Math.max(...sources.filter((folder) => fs.existsSync(folder)).map(newest));
  if (fs.existsSync(built) && fs.statSync(built).mtimeMs > time) return;
  step('building', 'npm', ['run', '--silent', 'build']);
}
