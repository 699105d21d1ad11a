// The log port on SQL. A partition's last offset has a row of its own, which appends lock and trimming does not touch.
import { required } from '#base';
import type { LogEntry, LogStore } from '../ports.ts';
import type { SqlDatabase } from './database.ts';
import { createKeyedQueue } from './keyed-queue.ts';
import { rowOf, rowsOf, sql } from './statement.ts';

const PARTITIONS = {
  name: 'log_partitions',
  columns: { topic: 'text', partition_no: 'integer', last_offset: 'integer' },
  key: ['topic', 'partition_no'],
} as const;
const ENTRIES = {
  name: 'log_entries',
  columns: {
    topic: 'text',
    partition_no: 'integer',
    entry_offset: 'integer',
    entry_key: 'text',
    time_ms: 'integer',
    value: 'bytes',
  },
  key: ['topic', 'partition_no', 'entry_offset'],
} as const;
const POSITIONS = {
  name: 'log_positions',
  columns: { consumer: 'text', topic: 'text', partition_no: 'integer', applied_offset: 'integer' },
  key: ['consumer', 'topic', 'partition_no'],
} as const;

interface OffsetRow {
  readonly last_offset: number;
}

const LAST_OFFSET = 'SELECT last_offset FROM log_partitions WHERE topic = ? AND partition_no = ?';

export function createSqlLog(database: SqlDatabase): LogStore {
  const { dialect } = database;
  const appends = createKeyedQueue();
  return {
    append: (topic, partition, entries) =>
      appends.run(`${partition}/${topic}`, () =>
        database.transact('append', {
          first: [
            ...dialect.insert(PARTITIONS, [[topic, partition, 0]], 'keep'),
            sql(`${LAST_OFFSET} FOR UPDATE`, topic, partition),
          ],
          decide: (results) => {
            const { last_offset: last } = required(rowOf<OffsetRow>(results.at(-1)), 'a log partition has its row');
            const rows = entries.map(({ key, timeMs, value }, index) => [
              topic,
              partition,
              last + index + 1,
              key,
              timeMs,
              value,
            ]);
            const offset = last + entries.length;
            const advance = sql(
              'UPDATE log_partitions SET last_offset = ? WHERE topic = ? AND partition_no = ?',
              offset,
              topic,
              partition,
            );
            return { writes: [...dialect.insert(ENTRIES, rows, 'fail'), advance], value: offset };
          },
        }),
      ),
    read: async (topic, partition, afterOffset, limit) => {
      const text = `SELECT entry_offset, entry_key, time_ms, value FROM log_entries
        WHERE topic = ? AND partition_no = ? AND entry_offset > ? ORDER BY entry_offset LIMIT ?`;
      const [result] = await database.read('read', [sql(text, topic, partition, afterOffset, limit)]);
      const rows = rowsOf<{ entry_offset: number; entry_key: string; time_ms: number; value: Uint8Array }>(result);
      return rows.map(
        (row): LogEntry => ({ offset: row.entry_offset, key: row.entry_key, value: row.value, timeMs: row.time_ms }),
      );
    },
    trim: async (topic, partition, offset) => {
      const text = 'DELETE FROM log_entries WHERE topic = ? AND partition_no = ? AND entry_offset <= ?';
      await database.write('trim', sql(text, topic, partition, offset));
    },
    lastOffset: async (topic, partition) => {
      const [result] = await database.read('lastOffset', [sql(LAST_OFFSET, topic, partition)]);
      return rowOf<OffsetRow>(result)?.last_offset ?? 0;
    },
    saveOffset: async (consumer, topic, partition, offset) => {
      const row = [consumer, topic, partition, offset];
      for (const statement of dialect.insert(POSITIONS, [row], { newest: 'applied_offset' })) {
        await database.write('saveOffset', statement);
      }
    },
    loadOffset: async (consumer, topic, partition) => {
      const text = 'SELECT applied_offset FROM log_positions WHERE consumer = ? AND topic = ? AND partition_no = ?';
      const [result] = await database.read('loadOffset', [sql(text, consumer, topic, partition)]);
      return rowOf<{ applied_offset: number }>(result)?.applied_offset ?? 0;
    },
  };
}
