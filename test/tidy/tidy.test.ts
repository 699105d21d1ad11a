// Facts about the tree that no linter knows: sizes, headers, the door to time and randomness, generated code, documentation of codes.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const root = path.join(import.meta.dirname, '../..');
const folders = ['src', 'replication', 'archival', 'sdk', 'examples', 'test', 'scripts'];

function sources(folder: string): string[] {
  const full = path.join(root, folder);
  if (!fs.existsSync(full)) return [];
  return fs
    .readdirSync(full, { recursive: true, encoding: 'utf8' })
    .map((file) => path.join(folder, file))
    .filter((file) => /\.ts$/.test(file) && !/(^|\/)(node_modules|dist|gen)\//.test(file));
}

const files = folders.flatMap(sources).map((file) => ({ file, text: fs.readFileSync(path.join(root, file), 'utf8') }));
const isServer = (file: string): boolean => /^(src|replication|archival)\//.test(file);
const matches = (pattern: RegExp, included: (file: string) => boolean): string[] =>
  files
    .filter(({ file }) => included(file))
    .flatMap(({ file, text }) =>
      text.split('\n').flatMap((line, index) => {
        const code = line.replace(/\/\/.*$/, '').replace(/^\s*\*.*$/, '');
        return pattern.test(code) ? [`${file}:${index + 1}: ${line.trim()}`] : [];
      }),
    );

describe('the tree is tidy', () => {
  it('has sources to look at', () => {
    expect(files.length).toBeGreaterThan(60);
  });

  it('has no file over 600 lines', () => {
    expect(files.filter(({ text }) => text.split('\n').length > 601).map(({ file }) => file)).toEqual([]);
  });

  it('has no line over 140 columns', () => {
    expect(matches(/^.{141,}$/, (file) => !file.startsWith('test/'))).toEqual([]);
  });

  it('opens each server file but an index with a comment that says what it is for', () => {
    const bare = files.filter(
      ({ file, text }) => isServer(file) && !/\/index\.ts$/.test(file) && !/^(\/\/|\/\*)/.test(text),
    );
    expect(bare.map(({ file }) => file)).toEqual([]);
  });

  it('takes time, timers, randomness and ids only from src/env', () => {
    const banned =
      /\bDate\.now\(|\bMath\.random\(|\bnew Date\(\)|\bsetTimeout\(|\bsetInterval\(|\bsetImmediate\(|\brandomUUID\(|performance\.now\(/;
    // In the sandbox of workflow code the clock is the run's own.
    const exempt = ['src/env/', 'src/cli/', 'src/worker/system/workflows/'];
    expect(matches(banned, (file) => isServer(file) && !exempt.some((folder) => file.startsWith(folder)))).toEqual([]);
  });

  it('reads the environment only in src/config and the CLI', () => {
    expect(
      matches(
        /\bprocess\.env\b/,
        (file) => isServer(file) && !file.startsWith('src/config/') && !file.startsWith('src/cli/'),
      ),
    ).toEqual([]);
  });

  it('has no marker of unfinished work', () => {
    expect(matches(/\b(FIXME|XXX|TODO)\b/, (file) => !file.startsWith('test/tidy/'))).toEqual([]);
    expect(
      files
        .filter(({ file, text }) => !file.startsWith('test/tidy/') && /\/\/ *(FIXME|XXX|TODO)/.test(text))
        .map(({ file }) => file),
    ).toEqual([]);
  });

  it('never skips or focuses a test silently', () => {
    expect(
      matches(
        /\b(it|test|describe)\.(only|todo)\b/,
        (file) => file.startsWith('test/') && !file.startsWith('test/tidy/'),
      ),
    ).toEqual([]);
  });

  it('links only to files that are there', () => {
    const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md'].concat(
      fs
        .readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.md'))
        .map((file) => path.join('docs', file)),
    );
    const broken = documents.flatMap((document) => {
      const text = fs.readFileSync(path.join(root, document), 'utf8');
      return [...text.matchAll(/\]\(([\w./-]+)(#[^)]*)?\)/g)]
        .map(([, target]) => path.join(path.dirname(document), target as string))
        .filter((target) => !fs.existsSync(path.join(root, target)))
        .map((target) => `${document}: ${target}`);
    });
    expect(broken).toEqual([]);
  });

  it('names no package host and no path of a machine', () => {
    const tracked = [...files.map(({ file }) => file), 'package.json', 'README.md', 'package-lock.json'].filter(
      (file) => fs.existsSync(path.join(root, file)),
    );
    const hosts = /https?:\/\/(registry|repo\d*|proxy|deb|crates|pypi|files)\./;
    expect(
      tracked.filter(
        (file) => hosts.test(fs.readFileSync(path.join(root, file), 'utf8')) && !file.includes('tidy.test'),
      ),
    ).toEqual([]);
  });
});
