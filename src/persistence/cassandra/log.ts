// The log port on Cassandra. A partition of a log is cut into buckets of a fixed number of offsets, each a partition of the table: what is not
// yet consumed may be more than one partition should hold. An append is a condition on the last offset of its bucket, so offsets are
// dense and none is handed out twice; one that crosses the end of a bucket is two. A head row names the last bucket and what was trimmed.
import { StoreError } from '#base';
import type { LogEntry, LogStore } from '../ports.ts';
import { createChains } from './chains.ts';
import { type CassandraSession, type Statement, toBlob, toNumber, type Value } from './session.ts';

type Long = { toNumber(): number };
type NewEntry = { readonly key: string; readonly value: Uint8Array; readonly timeMs: number };

interface EntryRow {
  readonly entry_offset: Long;
  readonly entry_key: string;
  readonly time_ms: Long;
  readonly value: Buffer;
}

interface Head {
  readonly lastBucket: number;
  readonly trimmedOffset: number;
}

const OFFSETS_PER_BUCKET = 500;
const APPEND_TRIES = 50;

const BUCKET = 'topic = ? AND partition = ? AND bucket = ?';
const LOG = 'topic = ? AND partition = ?';
const HEAD = `SELECT last_bucket, trimmed_offset FROM log_heads WHERE ${LOG}`;
const CREATE_HEAD =
  'INSERT INTO log_heads (topic, partition, last_bucket, trimmed_offset) VALUES (?, ?, 0, 0) IF NOT EXISTS';
const RAISE_BUCKET = `UPDATE log_heads SET last_bucket = ? WHERE ${LOG} IF last_bucket < ?`;
const RAISE_TRIMMED = `UPDATE log_heads SET trimmed_offset = ? WHERE ${LOG} IF trimmed_offset < ?`;
const LAST_OFFSET = `SELECT last_offset FROM log_entries WHERE ${BUCKET} LIMIT 1`;
const ADVANCE = `UPDATE log_entries SET last_offset = ? WHERE ${BUCKET} IF last_offset = ?`;
const APPEND =
  'INSERT INTO log_entries (topic, partition, bucket, entry_offset, entry_key, time_ms, value) VALUES (?, ?, ?, ?, ?, ?, ?)';
const ENTRY = 'SELECT entry_offset, entry_key, time_ms, value FROM log_entries';
const READ = `${ENTRY} WHERE ${BUCKET} AND entry_offset > ? LIMIT ?`;
const READ_BACK = `${ENTRY} WHERE ${BUCKET} AND entry_offset < ? ORDER BY entry_offset DESC LIMIT ?`;
const REPLACE = `UPDATE log_entries SET value = ? WHERE ${BUCKET} AND entry_offset = ? IF time_ms != null`;
const TRIM_BUCKET = `UPDATE log_entries SET trimmed_offset = ? WHERE ${BUCKET} IF last_offset >= ?`;
const TRIM_ENTRIES = `DELETE FROM log_entries WHERE ${BUCKET} AND entry_offset <= ?`;
const DROP_BUCKET = `UPDATE log_entries SET last_offset = null, trimmed_offset = null WHERE ${BUCKET} IF last_offset = ?`;
const DROP_ENTRIES = `DELETE FROM log_entries WHERE ${BUCKET}`;
const POSITION = 'SELECT applied_offset FROM log_positions WHERE consumer = ? AND topic = ? AND partition = ?';
const CREATE_POSITION =
  'INSERT INTO log_positions (consumer, topic, partition, applied_offset) VALUES (?, ?, ?, ?) IF NOT EXISTS';
const RAISE_POSITION = `UPDATE log_positions SET applied_offset = ? WHERE consumer = ? AND ${LOG} IF applied_offset < ?`;

const bucketOf = (offset: number): number => Math.floor((offset - 1) / OFFSETS_PER_BUCKET);
const lastOffsetOf = (bucket: number): number => (bucket + 1) * OFFSETS_PER_BUCKET;

export interface CassandraLog extends LogStore {
  /** Entries with offset < `beforeOffset`, newest first. */
  readBack(topic: string, partition: number, beforeOffset: number, limit: number): Promise<readonly LogEntry[]>;
  /** False when the entry is gone. */
  replace(topic: string, partition: number, offset: number, value: Uint8Array): Promise<boolean>;
  /** Entries up to it are gone. */
  trimmedOffset(topic: string, partition: number): Promise<number>;
}

const entryOf = (row: EntryRow): LogEntry => ({
  offset: toNumber(row.entry_offset),
  key: row.entry_key,
  value: row.value,
  timeMs: toNumber(row.time_ms),
});

export function createCassandraLog(session: CassandraSession): CassandraLog {
  const chains = createChains<string>();
  /** Last offsets as this process left them; wrong when another appends too, and then read again. */
  const ends = new Map<string, number>();

  const loadHead = async (topic: string, partition: number): Promise<Head> => {
    type Row = { readonly last_bucket: Long; readonly trimmed_offset: Long };
    const [row] = await session.read<Row>('head of a log', HEAD, [topic, partition], { serial: true });
    return { lastBucket: toNumber(row?.last_bucket), trimmedOffset: toNumber(row?.trimmed_offset) };
  };

  const lastOffset = async (topic: string, partition: number): Promise<number> => {
    const { lastBucket, trimmedOffset } = await loadHead(topic, partition);
    const params = [topic, partition, lastBucket];
    const [row] = await session.read<{ last_offset: Long | null }>('lastOffset', LAST_OFFSET, params, { serial: true });
    // A bucket that was named and not begun: the one before it is full.
    return row?.last_offset?.toNumber() ?? Math.max(trimmedOffset, lastBucket * OFFSETS_PER_BUCKET);
  };

  const openBucket = async (topic: string, partition: number, bucket: number): Promise<void> => {
    const log = [topic, partition];
    if (bucket === 0) {
      await session.compareAndSet('open a log', [{ query: CREATE_HEAD, params: log }]);
      return;
    }
    await session.compareAndSet('open a bucket', [{ query: RAISE_BUCKET, params: [bucket, ...log, bucket] }]);
  };

  /** Appends what fits the bucket of the next offset; undefined when another process appended meanwhile. */
  const appendOnce = async (
    topic: string,
    partition: number,
    entries: readonly NewEntry[],
    end: number,
  ): Promise<number | undefined> => {
    const bucket = bucketOf(end + 1);
    const isFresh = end === bucket * OFFSETS_PER_BUCKET;
    if (isFresh) await openBucket(topic, partition, bucket);
    const place: Value[] = [topic, partition, bucket];
    const fitting = entries.slice(0, lastOffsetOf(bucket) - end);
    const statements: Statement[] = [
      { query: ADVANCE, params: [end + fitting.length, ...place, isFresh ? null : end] },
      ...fitting.map(({ key, timeMs, value }, index) => ({
        query: APPEND,
        params: [...place, end + 1 + index, key, timeMs, toBlob(value)],
      })),
    ];
    const { isApplied } = await session.compareAndSet('append', statements);
    return isApplied ? end + fitting.length : undefined;
  };

  const append = async (topic: string, partition: number, entries: readonly NewEntry[]): Promise<number> => {
    const name = `${partition}:${topic}`;
    let end = ends.get(name) ?? (await lastOffset(topic, partition));
    let done = 0;
    try {
      for (let attempt = 0; done < entries.length; ) {
        const next = await appendOnce(topic, partition, done === 0 ? entries : entries.slice(done), end);
        if (next === undefined) {
          if (++attempt === APPEND_TRIES) throw new StoreError('Unavailable', `append: too many append to ${topic}`);
          end = await lastOffset(topic, partition);
          continue;
        }
        done += next - end;
        end = next;
      }
    } catch (error) {
      ends.delete(name);
      if (done === 0 || !(error instanceof StoreError)) throw error;
      throw new StoreError('Timeout', `${error.message}; ${done} of ${entries.length} entries were appended`, {
        cause: error,
      });
    }
    ends.set(name, end);
    return end;
  };

  const read = async (topic: string, partition: number, afterOffset: number, limit: number): Promise<LogEntry[]> => {
    const found: LogEntry[] = [];
    let after = afterOffset;
    let isFloorKnown = false;
    while (found.length < limit) {
      const bucket = bucketOf(after + 1);
      const params = [topic, partition, bucket, after, limit - found.length];
      const rows = await session.read<EntryRow>('read', READ, params);
      for (const row of rows) found.push(entryOf(row));
      if (rows.length > 0) after = found.at(-1)?.offset ?? after;
      if (after === lastOffsetOf(bucket)) continue;
      if (rows.length > 0 || isFloorKnown) break;
      // Nothing there: the end, or buckets that are gone.
      const { trimmedOffset } = await loadHead(topic, partition);
      if (trimmedOffset <= after) break;
      after = trimmedOffset;
      isFloorKnown = true;
    }
    return found;
  };

  const trim = async (topic: string, partition: number, offset: number): Promise<void> => {
    const { lastBucket, trimmedOffset } = await loadHead(topic, partition);
    const target = Math.min(offset, await lastOffset(topic, partition));
    if (target <= trimmedOffset) return;
    for (let bucket = bucketOf(trimmedOffset + 1); bucket <= bucketOf(target); bucket++) {
      const place: Value[] = [topic, partition, bucket];
      const end = lastOffsetOf(bucket);
      const statements =
        bucket < lastBucket && target >= end
          ? [
              { query: DROP_BUCKET, params: [...place, end] },
              { query: DROP_ENTRIES, params: place },
            ]
          : [
              { query: TRIM_BUCKET, params: [target, ...place, Math.min(target, end)] },
              { query: TRIM_ENTRIES, params: [...place, target] },
            ];
      await session.compareAndSet('trim', statements);
    }
    await session.compareAndSet('trim', [{ query: RAISE_TRIMMED, params: [target, topic, partition, target] }]);
  };

  return {
    append: (topic, partition, entries) =>
      chains.run(`${partition}:${topic}`, () =>
        entries.length === 0 ? lastOffset(topic, partition) : append(topic, partition, entries),
      ),
    read,
    readBack: async (topic, partition, beforeOffset, limit) => {
      const { trimmedOffset } = await loadHead(topic, partition);
      const found: LogEntry[] = [];
      let before = Math.min(beforeOffset, (await lastOffset(topic, partition)) + 1);
      while (before - 1 > trimmedOffset && found.length < limit) {
        const bucket = bucketOf(before - 1);
        const params = [topic, partition, bucket, before, limit - found.length];
        const rows = await session.read<EntryRow>('read', READ_BACK, params);
        for (const row of rows) found.push(entryOf(row));
        before = bucket * OFFSETS_PER_BUCKET + 1;
      }
      return found;
    },
    replace: async (topic, partition, offset, value) => {
      const params = [toBlob(value), topic, partition, bucketOf(offset), offset];
      return (await session.compareAndSet('replace', [{ query: REPLACE, params }])).isApplied;
    },
    trimmedOffset: async (topic, partition) => (await loadHead(topic, partition)).trimmedOffset,
    trim: (topic, partition, offset) => chains.run(`${partition}:${topic}`, () => trim(topic, partition, offset)),
    lastOffset,
    saveOffset: async (consumer, topic, partition, offset) => {
      const place: Value[] = [consumer, topic, partition];
      const raise = { query: RAISE_POSITION, params: [offset, ...place, offset] };
      const raised = await session.compareAndSet('saveOffset', [raise]);
      if (raised.isApplied || raised.rows[0]?.applied_offset != null) return;
      const create = { query: CREATE_POSITION, params: [...place, offset] };
      if ((await session.compareAndSet('saveOffset', [create])).isApplied) return;
      await session.compareAndSet('saveOffset', [raise]);
    },
    loadOffset: async (consumer, topic, partition) => {
      const params = [consumer, topic, partition];
      const [row] = await session.read<{ applied_offset: Long }>('loadOffset', POSITION, params);
      return toNumber(row?.applied_offset);
    },
  };
}
