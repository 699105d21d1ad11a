// The key-value port on Cassandra: every write is a condition on the version.
import { StoreError } from '#base';
import type { KeyValueStore } from '../ports.ts';
import { type CassandraSession, toBlob, toNumber } from './session.ts';

interface ValueRow {
  readonly key: string;
  readonly value: Buffer;
  readonly version: { toNumber(): number };
}

const GET = 'SELECT key, value, version FROM key_values WHERE bucket = ? AND key = ?';
const CREATE = 'INSERT INTO key_values (bucket, key, version, value) VALUES (?, ?, 1, ?) IF NOT EXISTS';
const REPLACE = 'UPDATE key_values SET version = ?, value = ? WHERE bucket = ? AND key = ? IF version = ?';
const REMOVE = 'DELETE FROM key_values WHERE bucket = ? AND key = ? IF EXISTS';
const LIST_AFTER = 'SELECT key, value, version FROM key_values WHERE bucket = ? AND key > ? AND key < ? LIMIT ?';
const LIST_FROM = 'SELECT key, value, version FROM key_values WHERE bucket = ? AND key >= ? AND key < ? LIMIT ?';

// No key begins with it: the end of a prefix's range.
const LAST_CHARACTER = '\u{10ffff}';

export function createCassandraKeyValues(session: CassandraSession): KeyValueStore {
  return {
    get: async (bucket, key) => {
      const [row] = await session.read<ValueRow>('get', GET, [bucket, key]);
      return row && { value: row.value, version: toNumber(row.version) };
    },
    put: async (bucket, key, value, expectedVersion) => {
      const blob = toBlob(value);
      const statement =
        expectedVersion === 0
          ? { query: CREATE, params: [bucket, key, blob] }
          : { query: REPLACE, params: [expectedVersion + 1, blob, bucket, key, expectedVersion] };
      const { isApplied, rows } = await session.compareAndSet('put', [statement]);
      if (isApplied) return;
      const version = toNumber(rows[0]?.version);
      throw new StoreError('ConditionFailed', `${bucket}/${key} has version ${version}, not ${expectedVersion}`);
    },
    remove: async (bucket, key) => {
      await session.compareAndSet('remove', [{ query: REMOVE, params: [bucket, key] }]);
    },
    list: async (bucket, prefix, afterKey, limit) => {
      const end = prefix + LAST_CHARACTER;
      const isInside = Buffer.compare(Buffer.from(afterKey), Buffer.from(prefix)) >= 0;
      const query = isInside && afterKey !== '' ? LIST_AFTER : LIST_FROM;
      const params = [bucket, query === LIST_AFTER ? afterKey : prefix, end, limit];
      const rows = await session.read<ValueRow>('list', query, params);
      return rows.map(({ key, value, version }) => ({ key, value, version: toNumber(version) }));
    },
  };
}
