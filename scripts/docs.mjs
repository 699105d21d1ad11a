// npm run docs: writes the pages that are made from sources (config, metrics, dynamic config, CLI reference, differences, compatibility); with
// --check it only says whether the pages are up to date.
import fs from 'node:fs';
import path from 'node:path';
import { cliReference } from '../src/cli/reference.ts';
import { configSchema } from '../src/config/schema.ts';
import { compatibilityPage } from './compatibility-page.mjs';
import { differencesPage } from './differences-page.mjs';
import { dynamicConfigPage } from './dynamic-config-page.mjs';

const FILE = 'docs/operate/config.md';

const rows = [];
(function walk(node, path) {
  for (const [key, value] of Object.entries(node)) {
    const name = path ? `${path}.${key}` : key;
    if (value && typeof value === 'object' && 'doc' in value) {
      const type =
        typeof value.format === 'function'
          ? value.format.name || 'text'
          : Array.isArray(value.format)
            ? value.format.join(' \\| ')
            : String(value.format);
      const shown =
        type === 'address'
          ? 'host:port'
          : type === 'nat'
            ? 'integer ≥ 0'
            : value.format === String
              ? 'text'
              : value.format === Boolean
                ? 'true \\| false'
                : value.format === Array
                  ? 'list'
                  : type;
      rows.push(
        `| \`${name}\` | ${shown} | \`${JSON.stringify(value.default)}\` | ${value.env ? `\`${value.env}\`` : '–'} | ${value.doc} |`,
      );
    } else {
      walk(value, name);
    }
  }
})(configSchema, '');

const text = `# Configuration

Made from \`src/config/schema.ts\` by \`npm run docs\`. Precedence, lowest first: defaults, the files of \`--config\` in their order, environment variables.
A file with an unknown key or a wrong value is refused, naming the key.

| key | value | default | environment | what it is |
|---|---|---|---|---|
${rows.join('\n')}
`;

const METRIC = /\b(counter|gauge|histogram)\(\s*'([a-z_]+)',\s*'((?:[^'\\]|\\.)*)'/g;
const metrics = ['src', 'replication', 'archival']
  .flatMap((folder) =>
    fs
      .readdirSync(folder, { recursive: true })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => path.join(folder, file)),
  )
  .flatMap((file) =>
    [...fs.readFileSync(file, 'utf8').matchAll(METRIC)].map(([, kind, name, help]) => ({ kind, name, help })),
  )
  .sort((a, b) => a.name.localeCompare(b.name));

const metricsText = `# Metrics

Served at \`/metrics\` of the address \`metrics.address\`, each with the label \`cluster\`. Made from the sources by \`npm run docs\`.
\`cadence_requests\`, \`cadence_latency\` and \`cadence_errors*\` have the labels \`operation\` and \`domain\`, as Cadence's dashboards expect; the metrics of replication
name the source cluster and partition. Node's own metrics (\`process_*\`, \`nodejs_*\`) are there too. A histogram's unit is in its name: \`_ms\`, \`_seconds\`, \`_latency\`
(seconds), otherwise a count.

| metric | kind | what it is |
|---|---|---|
${metrics.map(({ name, kind, help }) => `| \`${name}\` | ${kind} | ${help.replace(/\.$/, '')} |`).join('\n')}
| \`cadence_errors\` and \`cadence_errors_<kind>\` | counter | API calls that ended in an error, all and by kind |
`;

let isCurrent = true;
for (const [file, content] of [
  [FILE, text],
  ['docs/operate/metrics.md', metricsText],
  ['docs/operate/dynamic-config.md', dynamicConfigPage()],
  ['docs/guide/cli-reference.md', cliReference()],
  ['docs/internals/differences.md', differencesPage()],
  ['docs/reference/compatibility.md', compatibilityPage()],
]) {
  if (!process.argv.includes('--check')) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
  } else if (!fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== content) {
    console.log(`${file} is out of date: npm run docs`);
    isCurrent = false;
  }
}
if (!isCurrent) process.exit(1);
