// Objects as files under a root folder. An object appears whole or not at all and never changes: it is written to a temporary file,
// synced, then hard-linked to its name (which fails when the name is taken), and the folders on the way are synced before put resolves.
import { constants } from 'node:fs';
import { access, link, mkdir, open, readdir, readFile, rm, unlink } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { badRequest, StoreError } from '#base';
import type { Random } from '#env';
import type { BlobStoreOpener } from '../blob-stores.ts';
import { keySegments } from '../object-key.ts';
import { BlobAlreadyExists, type BlobStore } from '../ports.ts';

const TEMPORARY_FOLDER = '.tmp';

const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code));

/** Disk errors as store errors, by whether a retry can help. */
function diskError(error: unknown): unknown {
  if (hasCode(error, 'ENOSPC', 'EDQUOT', 'EFBIG'))
    return new StoreError('Full', 'no space for an object', { cause: error });
  if (error instanceof Error && 'code' in error) {
    return new StoreError('Unavailable', `object store failed: ${error.message}`, { cause: error });
  }
  return error;
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the folder and its missing parents, durably. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  const topmost = path.dirname(first);
  for (let current = path.dirname(folder); current.length >= topmost.length; current = path.dirname(current)) {
    await syncFolder(current);
    if (current === topmost) return;
  }
}

async function writeSynced(file: string, content: Uint8Array): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function entriesOf(folder: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    // A folder's name sorts with its slash, so that walking in this order yields keys in ascending order.
    return entries
      .filter((entry) => !entry.name.startsWith('.'))
      .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
      .sort();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw diskError(error);
  }
}

async function listKeys(root: string, prefix: string, afterKey: string, limit: number): Promise<readonly string[]> {
  const keys: string[] = [];
  const walk = async (folderKey: string): Promise<void> => {
    for (const name of await entriesOf(path.join(root, folderKey))) {
      if (keys.length >= limit) return;
      const key = folderKey + name;
      if (!name.endsWith('/')) {
        if (key.startsWith(prefix) && key > afterKey) keys.push(key);
        continue;
      }
      const mayHold = key.startsWith(prefix) || prefix.startsWith(key);
      if (mayHold && (afterKey < key || afterKey.startsWith(key))) await walk(key);
    }
  };
  const start = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  if (start !== '') keySegments(start.slice(0, -1));
  await walk(start);
  return keys;
}

export function createFilesystemBlobStore(deps: { random: Random }, options: { root: string }): BlobStore {
  const root = path.resolve(options.root);
  const fileOf = (key: string): string => path.join(root, ...keySegments(key));
  return {
    async put(key, content) {
      const file = fileOf(key);
      const temporary = path.join(root, TEMPORARY_FOLDER, deps.random.uuid());
      try {
        await makeFolder(path.join(root, TEMPORARY_FOLDER));
        await makeFolder(path.dirname(file));
        try {
          await writeSynced(temporary, content);
          await link(temporary, file);
        } finally {
          await rm(temporary, { force: true });
        }
        await syncFolder(path.dirname(file));
      } catch (error) {
        if (hasCode(error, 'EEXIST')) throw new BlobAlreadyExists(key);
        throw diskError(error);
      }
    },
    async get(key) {
      try {
        return await readFile(fileOf(key));
      } catch (error) {
        if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return undefined;
        throw diskError(error);
      }
    },
    async exists(key) {
      try {
        await access(fileOf(key));
        return true;
      } catch (error) {
        if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false;
        throw diskError(error);
      }
    },
    list: (prefix, { afterKey = '', limit }) => listKeys(root, prefix, afterKey, limit),
    async remove(key) {
      try {
        await unlink(fileOf(key));
      } catch (error) {
        if (!hasCode(error, 'ENOENT')) throw diskError(error);
      }
    },
  };
}

/** Serves `file://` URIs. With `roots`, only folders under one of them: a domain's owner must not name any folder of the host. */
export function filesystemOpener(
  deps: { random: Random },
  options: { roots?: readonly string[] } = {},
): BlobStoreOpener {
  return (url) => {
    if (url.host !== '' && url.host !== 'localhost') throw badRequest('A file:// URI must not name a host.');
    if (/%2f|%00/i.test(url.pathname)) throw badRequest('A file:// URI must not hold an encoded slash or NUL.');
    const root = path.resolve(fileURLToPath(new URL(url.pathname, 'file:///')));
    const isInside = (folder: string): boolean => {
      const relative = path.relative(path.resolve(folder), root);
      return relative === '' || (!relative.startsWith('..') && !path.isAbsolute(relative));
    };
    if (root === path.parse(root).root) throw badRequest('A file:// URI must name a folder.');
    if (options.roots !== undefined && !options.roots.some(isInside)) {
      throw badRequest(`Archival URI is outside of the folders that this cluster allows: ${url.href}`);
    }
    return createFilesystemBlobStore(deps, { root });
  };
}
