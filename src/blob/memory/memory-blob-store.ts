// Objects in memory, for tests and simulation. Content is copied in and out, as a real store would.
import { keySegments } from '../object-key.ts';
import { BlobAlreadyExists, type BlobStore } from '../ports.ts';

export function createMemoryBlobStore(): BlobStore {
  const objects = new Map<string, Uint8Array>();
  return {
    async put(key, content) {
      keySegments(key);
      if (objects.has(key)) throw new BlobAlreadyExists(key);
      objects.set(key, content.slice());
    },
    async get(key) {
      keySegments(key);
      return objects.get(key)?.slice();
    },
    async exists(key) {
      keySegments(key);
      return objects.has(key);
    },
    async list(prefix, { afterKey = '', limit }) {
      return [...objects.keys()]
        .filter((key) => key.startsWith(prefix) && key > afterKey)
        .sort()
        .slice(0, limit);
    },
    async remove(key) {
      keySegments(key);
      objects.delete(key);
    },
  };
}
