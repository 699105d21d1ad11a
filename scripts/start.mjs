// npm start: installs and builds what is missing, then tells the story of two regions (scripts/story). With --once it exits when told.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBuilt, ensureInstalled } from './prepare.mjs';

process.chdir(path.join(path.dirname(fileURLToPath(import.meta.url)), '..'));
await ensureInstalled();
await ensureBuilt();
const story = spawn(
  process.execPath,
  ['--enable-source-maps', 'dist/scripts/story/main.js', ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => story.kill(signal));
story.on('close', (code) => process.exit(code ?? 1));
