// Writes docs/operate/config.md from the config schema: `node --conditions=antiphon-src --import tsx scripts/config-docs.mjs`; with --check it only
// says whether the page is up to date.
import fs from 'node:fs';
import { configSchema } from '../src/config/schema.ts';

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

if (process.argv.includes('--check')) {
  if (fs.readFileSync(FILE, 'utf8') !== text) {
    console.log(`${FILE} is out of date: npm run docs`);
    process.exit(1);
  }
} else {
  fs.mkdirSync('docs/operate', { recursive: true });
  fs.writeFileSync(FILE, text);
}
