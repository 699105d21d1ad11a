// The open and the closed runs of a domain, newest first, in buckets of an hour. A bucket is found by its row; empty ones of the past are
// forgotten when a listing meets them. Where very many rows were deleted (runs that closed), a replica refuses to step over them in one read:
// the hour is then read in smaller windows.
import type { VisibilityRecord } from '../ports.ts';
import { decodeRecord } from './records.ts';
import type { CassandraStatement, SharedCassandraSession } from './session.ts';

export type TimeTable = 'open' | 'closed';

/** Before which row the listing goes on; newest first. */
export type TimePosition = readonly [timeMs: number, workflowId: string, runId: string];

export interface TimeRow {
  readonly position: TimePosition;
  readonly record: VisibilityRecord;
}

interface StoredRow {
  readonly time_ms: { toNumber(): number };
  readonly workflow_id: string;
  readonly run_id: string;
  readonly record: Buffer;
}

const HOUR_MS = 3_600_000;
const BUCKET_MAX = 2 ** 31 - 1;
/** Buckets younger than it are not forgotten; nor is a bucket's row that was written so shortly ago. */
const FORGET_AFTER_MS = 48 * HOUR_MS;
const GRACE_MS = HOUR_MS;
const ROWS_PER_PAGE = 500;
const ROWS_FOR_COUNT = 5_000;

const NAMES = { open: 'open_runs', closed: 'closed_runs' } as const;
const KEY = 'domain_id = ? AND bucket = ?';
const ROW = `${KEY} AND time_ms = ? AND workflow_id = ? AND run_id = ?`;

const statementsOf = (table: string) => ({
  put: `INSERT INTO ${table} (domain_id, bucket, time_ms, workflow_id, run_id, record) VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?`,
  remove: `DELETE FROM ${table} USING TIMESTAMP ? WHERE ${ROW}`,
  list: `SELECT time_ms, workflow_id, run_id, record FROM ${table}
    WHERE ${KEY} AND (time_ms, workflow_id, run_id) < (?, ?, ?) AND (time_ms) >= (?)`,
});
const CQL = { open: statementsOf(NAMES.open), closed: statementsOf(NAMES.closed) } as const;
const PUT_BUCKET = 'INSERT INTO run_buckets (domain_id, is_open, bucket) VALUES (?, ?, ?)';
const LIST_BUCKETS =
  'SELECT bucket FROM run_buckets WHERE domain_id = ? AND is_open = ? AND bucket >= ? AND bucket <= ?';
const FORGET_BUCKET = 'DELETE FROM run_buckets USING TIMESTAMP ? WHERE domain_id = ? AND is_open = ? AND bucket = ?';

export const bucketOf = (timeMs: number): number => Math.min(Math.max(0, Math.floor(timeMs / HOUR_MS)), BUCKET_MAX);

type Key = Pick<VisibilityRecord, 'domainId' | 'workflowId' | 'runId'>;

export function putStatement(
  table: TimeTable,
  key: Key,
  timeMs: number,
  record: Buffer,
  timestamp: number,
): CassandraStatement {
  const { domainId, workflowId, runId } = key;
  return { query: CQL[table].put, params: [domainId, bucketOf(timeMs), timeMs, workflowId, runId, record, timestamp] };
}

export function removeStatement(table: TimeTable, key: Key, timeMs: number, timestamp: number): CassandraStatement {
  const { domainId, workflowId, runId } = key;
  return { query: CQL[table].remove, params: [timestamp, domainId, bucketOf(timeMs), timeMs, workflowId, runId] };
}

export const putBucketStatement = (table: TimeTable, domainId: string, bucket: number): CassandraStatement => ({
  query: PUT_BUCKET,
  params: [domainId, table === 'open', bucket],
});

/** Rows from `before` (exclusive) down to `fromMs`, newest first. */
export async function* readTable(
  session: SharedCassandraSession,
  nowMs: number,
  table: TimeTable,
  domainId: string,
  range: { readonly before: TimePosition; readonly fromMs: number; readonly isCount?: boolean },
): AsyncGenerator<TimeRow> {
  const { before, fromMs } = range;
  const params = [domainId, table === 'open', bucketOf(fromMs), bucketOf(before[0])];
  const buckets = await session.read<{ bucket: number }>('visibility buckets', LIST_BUCKETS, params);
  const fetchSize = range.isCount === true ? ROWS_FOR_COUNT : ROWS_PER_PAGE;
  for (const { bucket } of buckets) {
    const endMs = (bucket + 1) * HOUR_MS;
    const start: TimePosition = before[0] < endMs ? before : [endMs, '', ''];
    const lowMs = Math.max(fromMs, bucket * HOUR_MS);
    let isEmpty = true;
    for await (const row of readBucket(session, table, domainId, { bucket, start, lowMs, fetchSize })) {
      isEmpty = false;
      yield row;
    }
    const isWhole = start !== before && lowMs === bucket * HOUR_MS;
    if (isEmpty && isWhole && endMs < nowMs - FORGET_AFTER_MS) {
      const timestamp = (nowMs - GRACE_MS) * 1_000;
      const forget = [timestamp, domainId, table === 'open', bucket];
      await session.write('forget an empty bucket', [{ query: FORGET_BUCKET, params: forget }]);
    }
  }
}

async function* readBucket(
  session: SharedCassandraSession,
  table: TimeTable,
  domainId: string,
  part: { readonly bucket: number; readonly start: TimePosition; readonly lowMs: number; readonly fetchSize: number },
): AsyncGenerator<TimeRow> {
  const { bucket, lowMs, fetchSize } = part;
  let position = part.start;
  let widthMs = Math.max(1, position[0] - lowMs);
  for (;;) {
    const floorMs = Math.max(lowMs, position[0] - widthMs);
    try {
      const params = [domainId, bucket, ...position, floorMs];
      for await (const page of session.pages<StoredRow>('list runs', CQL[table].list, params, fetchSize)) {
        for (const row of page) {
          position = [row.time_ms.toNumber(), row.workflow_id, row.run_id];
          yield { position, record: decodeRecord(row.record) };
        }
      }
    } catch (error) {
      if (!session.isTombstoneFailure(error) || widthMs <= 1) throw error;
      widthMs = Math.ceil(widthMs / 16);
      continue;
    }
    if (floorMs <= lowMs) return;
    position = [floorMs, '', ''];
    widthMs *= 4;
  }
}
