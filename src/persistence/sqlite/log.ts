// The log port on SQLite. A partition's last offset has a row of its own, which trimming does not touch.
import { required } from '#base';
import type { LogEntry, LogStore } from '../ports.ts';
import type { SqliteDatabase } from './database.ts';

interface PartitionRow {
  readonly log_no: number;
  readonly last_offset: number;
}

function prepareStatements({ connection }: SqliteDatabase) {
  return {
    advance: connection.prepare<[string, number, number], PartitionRow>(
      `INSERT INTO log_partitions (topic, partition, last_offset) VALUES (?, ?, ?)
       ON CONFLICT (topic, partition) DO UPDATE SET last_offset = last_offset + excluded.last_offset
       RETURNING log_no, last_offset`,
    ),
    find: connection.prepare<[string, number], PartitionRow>(
      'SELECT log_no, last_offset FROM log_partitions WHERE topic = ? AND partition = ?',
    ),
    append: connection.prepare<[number, number, string, number, Uint8Array]>(
      'INSERT INTO log_entries VALUES (?, ?, ?, ?, ?)',
    ),
    read: connection.prepare<[number, number, number], LogEntry>(
      `SELECT entry_offset AS "offset", entry_key AS "key", value, time_ms AS timeMs FROM log_entries
       WHERE log_no = ? AND entry_offset > ? ORDER BY entry_offset LIMIT ?`,
    ),
    trim: connection.prepare<[number, number]>('DELETE FROM log_entries WHERE log_no = ? AND entry_offset <= ?'),
    savePosition: connection.prepare<[string, string, number, number]>(
      `INSERT INTO log_positions (consumer, topic, partition, applied_offset) VALUES (?, ?, ?, ?)
       ON CONFLICT (consumer, topic, partition) DO UPDATE SET applied_offset = max(applied_offset, excluded.applied_offset)`,
    ),
    position: connection
      .prepare<[string, string, number], number>(
        'SELECT applied_offset FROM log_positions WHERE consumer = ? AND topic = ? AND partition = ?',
      )
      .pluck(),
  };
}

export function createSqliteLog(database: SqliteDatabase): LogStore {
  const sql = prepareStatements(database);
  return {
    append: (topic, partition, entries) =>
      database.write('append', () => {
        const row = required(sql.advance.get(topic, partition, entries.length), 'an upsert returns its row');
        let offset = row.last_offset - entries.length;
        for (const { key, timeMs, value } of entries) sql.append.run(row.log_no, ++offset, key, timeMs, value);
        return row.last_offset;
      }),
    read: (topic, partition, afterOffset, limit) =>
      database.read('read', () => {
        const row = sql.find.get(topic, partition);
        return row === undefined ? [] : sql.read.all(row.log_no, afterOffset, limit);
      }),
    trim: (topic, partition, offset) =>
      database.write('trim', () => {
        const row = sql.find.get(topic, partition);
        if (row !== undefined) sql.trim.run(row.log_no, offset);
      }),
    lastOffset: (topic, partition) =>
      database.read('lastOffset', () => sql.find.get(topic, partition)?.last_offset ?? 0),
    saveOffset: (consumer, topic, partition, offset) =>
      database.write('saveOffset', () => {
        sql.savePosition.run(consumer, topic, partition, offset);
      }),
    loadOffset: (consumer, topic, partition) =>
      database.read('loadOffset', () => sql.position.get(consumer, topic, partition) ?? 0),
  };
}
