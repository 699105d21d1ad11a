// The key-value port on SQLite.
import { StoreError } from '#base';
import type { KeyValueStore } from '../ports.ts';
import type { SqliteDatabase } from './database.ts';

interface ValueRow {
  readonly value: Buffer;
  readonly version: number;
}

// No key begins with it: the end of a prefix's range.
const LAST_CHARACTER = '\u{10ffff}';

export function createSqliteKeyValues(database: SqliteDatabase): KeyValueStore {
  const { connection } = database;
  const find = connection.prepare<[string, string], ValueRow>(
    'SELECT value, version FROM key_values WHERE bucket = ? AND key = ?',
  );
  const put = connection.prepare<[string, string, number, Uint8Array]>(
    'INSERT OR REPLACE INTO key_values (bucket, key, version, value) VALUES (?, ?, ?, ?)',
  );
  const remove = connection.prepare<[string, string]>('DELETE FROM key_values WHERE bucket = ? AND key = ?');
  const list = connection.prepare<[string, string, string, string, number], ValueRow & { key: string }>(
    `SELECT key, value, version FROM key_values
     WHERE bucket = ? AND key > ? AND key >= ? AND key < ? ORDER BY key LIMIT ?`,
  );
  return {
    get: (bucket, key) => database.read('get', () => find.get(bucket, key)),
    put: (bucket, key, value, expectedVersion) =>
      database.write('put', () => {
        const version = find.get(bucket, key)?.version ?? 0;
        if (version !== expectedVersion) {
          throw new StoreError('ConditionFailed', `${bucket}/${key} has version ${version}, not ${expectedVersion}`);
        }
        put.run(bucket, key, version + 1, value);
      }),
    remove: (bucket, key) =>
      database.write('remove', () => {
        remove.run(bucket, key);
      }),
    list: (bucket, prefix, afterKey, limit) =>
      database.read('list', () => list.all(bucket, afterKey, prefix, prefix + LAST_CHARACTER, limit)),
  };
}
