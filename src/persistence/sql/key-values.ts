// The key-value port on SQL.
import { StoreError } from '#base';
import type { KeyValueStore } from '../ports.ts';
import { boundedKey } from './bounded-key.ts';
import type { SqlDatabase } from './database.ts';
import { rowOf, rowsOf, sql } from './statement.ts';

interface ValueRow {
  readonly name: string;
  readonly value: Uint8Array;
  readonly version: number;
}

const TABLE = {
  name: 'key_values',
  columns: { bucket: 'text', entry_key: 'text', entry_name: 'text', version: 'integer', value: 'bytes' },
  key: ['bucket', 'entry_key'],
} as const;

// As much of a key as is sorted by: longer ones have the same place as their beginning.
const KEY_BYTES_MAX = 700;
// No key begins with it: the end of a prefix's range.
const LAST_CHARACTER = '\u{10ffff}';

const keyOf = (key: string): string => boundedKey(key, KEY_BYTES_MAX);

export function createSqlKeyValues(database: SqlDatabase): KeyValueStore {
  const find = (bucket: string, key: string) =>
    sql('SELECT value, version FROM key_values WHERE bucket = ? AND entry_key = ?', bucket, keyOf(key));
  return {
    get: async (bucket, key) => {
      const row = rowOf<ValueRow>((await database.read('get', [find(bucket, key)]))[0]);
      return row && { value: row.value, version: row.version };
    },
    put: (bucket, key, value, expectedVersion) =>
      database.transact('put', {
        first: [
          sql('SELECT version FROM key_values WHERE bucket = ? AND entry_key = ? FOR UPDATE', bucket, keyOf(key)),
        ],
        decide: ([found]) => {
          const version = rowOf<ValueRow>(found)?.version ?? 0;
          if (version !== expectedVersion) {
            throw new StoreError('ConditionFailed', `${bucket}/${key} has version ${version}, not ${expectedVersion}`);
          }
          const row = [bucket, keyOf(key), key, version + 1, value];
          // Two who make it at once: the key refuses the second.
          const writes = database.dialect.insert(TABLE, [row], version === 0 ? 'fail' : 'replace');
          return { writes, value: undefined };
        },
      }),
    remove: async (bucket, key) => {
      await database.write(
        'remove',
        sql('DELETE FROM key_values WHERE bucket = ? AND entry_key = ?', bucket, keyOf(key)),
      );
    },
    list: async (bucket, prefix, afterKey, limit) => {
      const text = `SELECT entry_name AS name, value, version FROM key_values
        WHERE bucket = ? AND entry_key > ? AND entry_key >= ? AND entry_key < ? ORDER BY entry_key LIMIT ?`;
      const range = sql(text, bucket, keyOf(afterKey), prefix, prefix + LAST_CHARACTER, limit);
      const [result] = await database.read('list', [range]);
      return rowsOf<ValueRow>(result).map(({ name, value, version }) => ({ key: name, value, version }));
    },
  };
}
