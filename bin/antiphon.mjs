#!/usr/bin/env node
// The `antiphon` command: the bundled CLI of dist/.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const entry = path.join(path.dirname(fileURLToPath(import.meta.url)), '../dist/src/cli/main.js');
if (!fs.existsSync(entry)) {
  process.stderr.write('antiphon is not built yet. Run: npm install && npm run build\n');
  process.exit(1);
}
await import(pathToFileURL(entry).href);
