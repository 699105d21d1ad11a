// All static checks: format and lint, types of each runtime, module boundaries, tidy. Prints one line a check; exits 1 if any failed.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';

const bin = (name) => `node_modules/.bin/${name}`;
if (!fs.existsSync('proto/src/gen/api.ts')) await run('gen', 'node', ['proto/generate.mjs']);

const checks = [
  ['format and lint', bin('biome'), ['check', '.']],
  ['types', bin('tsc'), ['-p', 'tsconfig.json']],
  ['types of the pure core', bin('tsc'), ['-p', 'src/core/tsconfig.json']],
  ['types of the workflow sandbox', bin('tsc'), ['-p', 'sdk/workflow/tsconfig.json']],
  ['module boundaries', 'node', ['scripts/boundaries.mjs']],
  ['docs made from sources', 'node', ['--conditions=antiphon-src', '--import', 'tsx', 'scripts/docs.mjs', '--check']],
  ['tidy', bin('vitest'), ['run', '--project', 'tidy', '--reporter', 'dot']],
];

function run(name, command, args) {
  return new Promise((resolve) => {
    const started = performance.now();
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('close', (code) => {
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
      if (code !== 0) console.log(output);
      resolve(code === 0);
    });
  });
}

const queue = [...checks];
const results = [];
await Promise.all(
  Array.from({ length: Math.min(2, os.availableParallelism()) }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) results.push(await run(...next));
  }),
);
process.exit(results.every(Boolean) ? 0 : 1);
