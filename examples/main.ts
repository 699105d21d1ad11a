// npm run example -- NAME [--address host:port] [--domain NAME] [--http URL]: runs one example against a server.
import fs from 'node:fs';
import { parseArgs } from 'node:util';

const names = fs
  .readdirSync(import.meta.dirname)
  .filter((name) => fs.existsSync(new URL(`./${name}/run.ts`, import.meta.url)));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    address: { type: 'string', default: '127.0.0.1:7833' },
    domain: { type: 'string', default: 'default' },
    http: { type: 'string', default: 'http://127.0.0.1:8800' },
  },
});
const name = positionals[0] ?? '';
if (names.includes(name)) {
  const { run } = (await import(`./${name}/run.ts`)) as {
    run(address: string, domain: string, http: string): Promise<void>;
  };
  await run(values.address, values.domain, values.http);
  console.log(`${name}: done, its result was checked`);
} else {
  console.error(
    `npm run example -- NAME [--address host:port] [--domain NAME] [--http URL]\nExamples: ${names.join(', ')}`,
  );
  process.exitCode = 2;
}
