// The key-value port in memory.
import { StoreError } from '#base';
import type { KeyValueStore } from '../ports.ts';
import type { MemoryAccess } from './access.ts';
import type { MemoryImage } from './image.ts';
import { compareBytes } from './sorted-rows.ts';

export function createMemoryKeyValues(image: MemoryImage, access: MemoryAccess): KeyValueStore {
  return {
    get: (bucket, key) => access.read(() => image.keyValues.get(bucket)?.get(key)),
    put: (bucket, key, value, expectedVersion) =>
      access.write(() => {
        const rows = image.keyValues.get(bucket) ?? new Map<string, { value: Uint8Array; version: number }>();
        const version = rows.get(key)?.version ?? 0;
        if (version !== expectedVersion) {
          throw new StoreError('ConditionFailed', `${bucket}/${key} has version ${version}, not ${expectedVersion}`);
        }
        rows.set(key, { value, version: version + 1 });
        image.keyValues.set(bucket, rows);
      }),
    remove: (bucket, key) =>
      access.write(() => {
        image.keyValues.get(bucket)?.delete(key);
      }),
    list: (bucket, prefix, afterKey, limit) =>
      access.read(() =>
        [...(image.keyValues.get(bucket) ?? [])]
          .filter(([key]) => key.startsWith(prefix) && compareBytes(key, afterKey) > 0)
          .sort(([a], [b]) => compareBytes(a, b))
          .slice(0, limit)
          .map(([key, row]) => ({ key, ...row })),
      ),
  };
}
