// Every row of the compatibility table names a test that exists, and every RPC has its row.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { COMPATIBILITY, SERVICE_DEFINITIONS } from '#rpc';

const tests = path.join(import.meta.dirname, '../..');
const read = (file: string): string => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '');
const rows = Object.entries(COMPATIBILITY).flatMap(([service, methods]) =>
  Object.entries(methods).map(([method, row]) => [`${service}.${method}`, row] as const),
);

/** The recordings of a group have a key for each scenario; other files name their tests in quotes. */
function hasTest(file: string, name: string): boolean {
  if (file === 'diff')
    return read(path.join(tests, 'diff/recorded', `${name.split('/')[0]}.json`)).includes(`"${name}"`);
  const text = read(path.join(tests, `${file}.test.ts`));
  return ["'", '"', '`'].some((quote) => text.includes(`${quote}${name}${quote}`));
}

describe('the compatibility table', () => {
  test('has a row for every RPC of every service', () => {
    const all = Object.entries(SERVICE_DEFINITIONS).flatMap(([service, methods]) =>
      Object.keys(methods).map((method) => `${service}.${method}`),
    );
    expect(rows.map(([name]) => name).toSorted()).toEqual(all.toSorted());
  });

  test.each(rows)('%s names a test that exists', (_name, { file, test: name }) => {
    expect(hasTest(file, name), `${file}: ${name}`).toBe(true);
  });

  test('says why an RPC is refused', () => {
    expect(rows.filter(([, { status, differs }]) => status === 'refused' && differs === '')).toEqual([]);
  });
});
