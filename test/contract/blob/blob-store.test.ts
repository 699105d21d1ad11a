import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { BlobAlreadyExists, type BlobStore, createBlobStores } from '#blob';
import { createFilesystemBlobStore, filesystemOpener } from '#blob/filesystem';
import { createMemoryBlobStore } from '#blob/memory';
import { realRandom } from '#env';

const folders: string[] = [];
const temporaryFolder = (): string => {
  const folder = mkdtempSync(path.join(tmpdir(), 'antiphon-blob-'));
  folders.push(folder);
  return folder;
};
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const bytes = (text: string): Uint8Array => Buffer.from(text);
const textOf = (content: Uint8Array | undefined): string | undefined =>
  content === undefined ? undefined : Buffer.from(content).toString();

const drivers: Readonly<Record<string, () => BlobStore>> = {
  memory: createMemoryBlobStore,
  filesystem: () => createFilesystemBlobStore({ random: realRandom }, { root: temporaryFolder() }),
};

describe.each(Object.entries(drivers))('blob store %s', (_name, create) => {
  it('gives back what was put, and undefined for what was not', async () => {
    const store = create();
    await store.put('a/b/c.json', bytes('one'));
    expect(textOf(await store.get('a/b/c.json'))).toBe('one');
    expect(await store.exists('a/b/c.json')).toBe(true);
    expect(await store.get('a/b')).toBeUndefined();
    expect(await store.get('a/x')).toBeUndefined();
    expect(await store.exists('a/b/c.json/d')).toBe(false);
  });

  it('never overwrites an object, whoever comes first', async () => {
    const store = create();
    const puts = await Promise.allSettled(['1', '2', '3', '4'].map((text) => store.put('same', bytes(text))));
    expect(puts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const put of puts) if (put.status === 'rejected') expect(put.reason).toBeInstanceOf(BlobAlreadyExists);
    const winner = puts.findIndex(({ status }) => status === 'fulfilled');
    expect(textOf(await store.get('same'))).toBe(String(winner + 1));
  });

  it('lists keys in ascending order, by prefix, after a key, limited', async () => {
    const store = create();
    const keys = ['a-b/1', 'a.b', 'a/1', 'a/1.x/2', 'a/10', 'a/b/1', 'a/b/2', 'a/b-1', 'b'];
    for (const key of keys) await store.put(key, bytes(key));
    const sorted = [...keys].sort();
    expect(await store.list('', { limit: 100 })).toEqual(sorted);
    expect(await store.list('a/', { limit: 100 })).toEqual(sorted.filter((key) => key.startsWith('a/')));
    expect(await store.list('a/b', { limit: 100 })).toEqual(sorted.filter((key) => key.startsWith('a/b')));
    expect(await store.list('nothing/', { limit: 100 })).toEqual([]);
    const paged: string[] = [];
    for (;;) {
      const last = paged.at(-1);
      const page = await store.list('', last === undefined ? { limit: 2 } : { afterKey: last, limit: 2 });
      if (page.length === 0) break;
      paged.push(...page);
    }
    expect(paged).toEqual(sorted);
  });

  it('forgets a removed object, and removing twice is harmless', async () => {
    const store = create();
    await store.put('a/b', bytes('x'));
    await store.remove('a/b');
    await store.remove('a/b');
    expect(await store.exists('a/b')).toBe(false);
    expect(await store.list('', { limit: 10 })).toEqual([]);
  });

  it.each([
    '',
    '/etc/passwd',
    '../up',
    'a/../b',
    'a//b',
    'a/',
    'a/.hidden',
    '.tmp/x',
    'a\\b',
    'a\0b',
    'ä',
    'x'.repeat(1025),
  ])('refuses the key %j', async (key) => {
    const store = create();
    await expect(store.put(key, bytes('x'))).rejects.toMatchObject({ kind: 'BadRequest' });
    await expect(store.get(key)).rejects.toMatchObject({ kind: 'BadRequest' });
  });
});

describe('blob stores by URI', () => {
  it('opens file:// folders, one store a URI', async () => {
    const uri = pathToFileURL(path.join(temporaryFolder(), 'archive of all')).href;
    const stores = createBlobStores({ file: filesystemOpener({ random: realRandom }) });
    await stores.open(uri).put('a', bytes('1'));
    expect(stores.open(uri)).toBe(stores.open(uri));
    expect(textOf(await stores.open(uri).get('a'))).toBe('1');
  });

  it.each([
    '',
    'nonsense',
    's3://bucket/x',
    'file://host/x',
    'file:///',
    'file:///allowed/../etc',
    'file:///etc',
    'file:///allowed/%2e%2e/etc',
  ])('refuses %j', (uri) => {
    const stores = createBlobStores({ file: filesystemOpener({ random: realRandom }, { roots: ['/allowed'] }) });
    expect(() => stores.open(uri)).toThrow();
  });
});
