// `antiphon schema`, as Antiphon and as Cadence's tools write it, on a SQLite file: every store is driven by the same commands.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadSchemaVersions } from '#persistence';
import { createInProcessCli } from '../../support/cli-in-process.ts';

const cli = createInProcessCli('127.0.0.1:1');
const newest = loadSchemaVersions('sqlite').length;
let folder: string;
let file: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'antiphon-schema-'));
  file = path.join(folder, 'store.db');
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

type Row = { version: number; state: string };
const states = async (): Promise<readonly string[]> =>
  (await cli.json<Row[]>('schema', 'status', file)).map(({ state }) => state);

describe('antiphon schema', () => {
  it('shows, tries, sets up and prints', async () => {
    expect(new Set(await states())).toEqual(new Set(['pending']));
    expect(await cli.ok('schema', 'dry-run', '--path', file)).toContain(`${newest} (`);
    expect(fs.existsSync(file)).toBe(false);
    await cli.ok('schema', 'setup', '--store', 'sqlite', '--path', file);
    expect(new Set(await states())).toEqual(new Set(['applied']));
    expect(await cli.ok('schema', 'update', file)).toContain('is up to date');
    expect(await cli.ok('schema', 'print', '1', '--store', 'sqlite')).toContain('CREATE TABLE executions');
    expect(await cli.ok('schema', 'print', '--store', 'postgres')).toContain('-- postgres schema version 1');
  });

  it('takes the words of Cadence, flags before the command too', async () => {
    await cli.ok('schema', '--plugin', 'sqlite', '--path', file, 'setup-schema', '-v', '0.0', '-q');
    expect(new Set(await states())).toEqual(new Set(['pending']));
    const own = path.resolve('schema/sqlite/v1');
    await cli.ok('schema', '--path', file, 'update-schema', '-d', own, '-v', '2.0');
    expect((await states()).slice(0, 3)).toEqual(['applied', 'applied', 'pending']);
    expect(await cli.ok('schema', '--path', file, 'update-schema', '-y')).toContain('would apply 3 ');
    await cli.ok('schema', '--path', file, 'update-schema');
    expect(new Set(await states())).toEqual(new Set(['applied']));
  });

  it('reads where the store is from the configuration of its server', async () => {
    const config = path.join(folder, 'server.yaml');
    fs.writeFileSync(config, `persistence: { driver: sqlite, sqlite: { path: ${file} } }\n`);
    await cli.ok('schema', 'setup', '-c', config);
    expect(new Set(await states())).toEqual(new Set(['applied']));
  });

  it.each([
    [
      'an update of what was never set up',
      ['update'],
      5,
      /was never set up: run "antiphon schema setup --store sqlite/,
    ],
    ['a version that is none', ['setup', '-v', 'newest'], 2, /--version is "newest": expected a version such as 2/],
    ['a version that there is not', ['setup', '-v', '99'], 5, /there is no schema version 99: the newest is/],
    ['a folder that is no schema', ['setup', '-d', '.'], 5, /has no manifest\.json/],
    ['a configuration that is not there', ['setup', '-c', 'nowhere.yaml'], 2, /there is no config file nowhere\.yaml/],
    ['making what needs no making', ['create'], 1, /is made by its first server/],
  ])('refuses %s', async (_, words, code, text) => {
    const [command = '', ...flags] = words;
    const result = await cli.run('schema', command, '--path', file, ...flags);
    expect(result.stderr).toMatch(text);
    expect(result.code).toBe(code);
  });

  it('goes neither back nor over a store that has versions', async () => {
    await cli.ok('schema', 'setup', '--path', file);
    const again = await cli.run('schema', 'setup', '--path', file);
    expect([again.code, again.stderr]).toEqual([5, expect.stringContaining('already: run "antiphon schema update')]);
    const back = await cli.run('schema', 'update', file, '-v', '1');
    expect([back.code, back.stderr]).toEqual([5, expect.stringContaining('none goes back to 1')]);
  });

  it('says where no server answers', async () => {
    const flags = ['--store', 'postgres', '--ep', '127.0.0.1', '--port', '1', '--db', 'antiphon'];
    const { code, stderr } = await cli.run('schema', 'status', ...flags);
    expect(stderr).toMatch(/cannot connect to the PostgreSQL database antiphon on 127\.0\.0\.1:1: .*ECONNREFUSED/);
    expect(code).toBe(4);
  });
});
