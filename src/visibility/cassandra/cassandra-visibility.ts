// Visibility on Cassandra: Cadence's basic filters. Each record is kept by workflow, and by time among the open or the closed runs. All its
// cells carry the record's version as their timestamp, so that of two writes the newer one counts, in whatever order they come.
import { LRUCache } from 'lru-cache';
import type { Env } from '#env';
import type { AttributeValue, Condition, Selection } from '../condition.ts';
import { compareValues, type IndexedRecord, matches, valuesOf } from '../memory/evaluate.ts';
import { decodeCursor, encodeCursor } from '../page-token.ts';
import type { Listing, VisibilityRecord, VisibilityStore } from '../ports.ts';
import { SEARCH_ATTRIBUTES, type SearchAttributeRegistry } from '../search-attributes.ts';
import { selectionOf, selectionOfQuery } from '../selection.ts';
import { countPlansOf, type Plan, planOf } from './plan.ts';
import { decodeRecord, encodeRecord, indexed } from './records.ts';
import type { CassandraStatement, SharedCassandraSession } from './session.ts';
import {
  bucketOf,
  putBucketStatement,
  putStatement,
  readTable,
  removeStatement,
  type TimePosition,
  type TimeTable,
} from './time-tables.ts';

interface RunRow {
  readonly run_id: string;
  readonly record: Buffer | null;
  readonly is_removed: boolean | null;
}

type ListPage = Awaited<ReturnType<VisibilityStore['list']>>;

/** Above every version: what is removed stays so. */
const REMOVED = 2 ** 60;
const REMOVED_TTL_SECONDS = 30 * 24 * 3600;
const BUCKETS_KNOWN = 10_000;
const HOUR_MS = 3_600_000;
const BUCKET_KNOWN_MS = 24 * HOUR_MS;
/** Rows that one page of a listing looks at before it is given out short. */
const ROWS_LOOKED_AT = 5_000;
const RUNS_PER_PAGE = 500;
const REMOVALS_KNOWN = 20_000;
/** No retention is so short: of a younger run only this process, which has its shard, knows a removal. */
const YOUNG_MS = HOUR_MS;

const PUT_RUN =
  'INSERT INTO runs_by_workflow (domain_id, workflow_id, run_id, record) VALUES (?, ?, ?, ?) USING TIMESTAMP ?';
const REMOVE_RUN =
  'DELETE record FROM runs_by_workflow USING TIMESTAMP ? WHERE domain_id = ? AND workflow_id = ? AND run_id = ?';
const MARK_REMOVED = `INSERT INTO runs_by_workflow (domain_id, workflow_id, run_id, is_removed) VALUES (?, ?, ?, true)
  USING TIMESTAMP ? AND TTL ${REMOVED_TTL_SECONDS}`;
const LOAD_RUN =
  'SELECT run_id, record, is_removed FROM runs_by_workflow WHERE domain_id = ? AND workflow_id = ? AND run_id = ?';
const LOAD_RUNS = 'SELECT run_id, record, is_removed FROM runs_by_workflow WHERE domain_id = ? AND workflow_id = ?';

/** Statements by partition: those of one go out together. */
class Writes {
  readonly #byPartition = new Map<string, CassandraStatement[]>();

  add(partition: string, statement: CassandraStatement): void {
    const statements = this.#byPartition.get(partition);
    if (statements === undefined) this.#byPartition.set(partition, [statement]);
    else statements.push(statement);
  }

  send(session: SharedCassandraSession, what: string): Promise<void> {
    return session.writeAll(what, this.#byPartition.values());
  }
}

const partitionOf = (table: TimeTable, domainId: string, timeMs: number): string =>
  `${table}:${bucketOf(timeMs)}:${domainId}`;

function addRecord(writes: Writes, record: VisibilityRecord): void {
  const { domainId, workflowId, runId, startTimeMs, closeTimeMs, version } = record;
  const bytes = encodeRecord(record);
  writes.add(`run:${domainId}\0${workflowId}`, {
    query: PUT_RUN,
    params: [domainId, workflowId, runId, bytes, version],
  });
  const open = partitionOf('open', domainId, startTimeMs);
  if (closeTimeMs === undefined) {
    writes.add(open, putStatement('open', record, startTimeMs, bytes, version));
    return;
  }
  writes.add(open, removeStatement('open', record, startTimeMs, version));
  const closed = partitionOf('closed', domainId, closeTimeMs);
  writes.add(closed, putStatement('closed', record, closeTimeMs, bytes, version));
}

/** Values first, missing ones last, then by run id. */
function compareForOrder(
  a: IndexedRecord,
  b: IndexedRecord,
  { attribute, descending }: Selection['orderBy'],
  nowMs: number,
) {
  const [left] = valuesOf(a, attribute, nowMs);
  const [right] = valuesOf(b, attribute, nowMs);
  if (left === undefined || right === undefined) {
    if (left !== right) return left === undefined ? 1 : -1;
  } else {
    const order = compareValues(left, right);
    if (order !== 0) return descending ? -order : order;
  }
  return compareValues(a.record.runId, b.record.runId);
}

export function createCassandraVisibility(
  session: SharedCassandraSession,
  env: Env,
  options: { readonly searchAttributes?: () => SearchAttributeRegistry } = {},
): VisibilityStore {
  const registry = options.searchAttributes ?? (() => SEARCH_ATTRIBUTES);
  /** Buckets whose row this process wrote: not of the past, where a reader may have forgotten them. */
  const known = new LRUCache<string, true>({ max: BUCKETS_KNOWN });

  const removals = new LRUCache<string, true>({ max: REMOVALS_KNOWN });

  const isRemoved = async ({ domainId, workflowId, runId, startTimeMs }: VisibilityRecord): Promise<boolean> => {
    if (removals.has(runId)) return true;
    if (env.clock.nowMs() - startTimeMs < YOUNG_MS) return false;
    const [row] = await session.read<RunRow>('visibility of a run', LOAD_RUN, [domainId, workflowId, runId]);
    return row?.is_removed === true;
  };

  /** Before their rows: a listing looks for rows only in buckets that it knows of. */
  const putBuckets = async (records: readonly VisibilityRecord[]): Promise<void> => {
    const writes = new Writes();
    const names: string[] = [];
    const nowMs = env.clock.nowMs();
    for (const { domainId, startTimeMs, closeTimeMs } of records) {
      const table: TimeTable = closeTimeMs === undefined ? 'open' : 'closed';
      const timeMs = closeTimeMs ?? startTimeMs;
      const name = partitionOf(table, domainId, timeMs);
      if (known.has(name) || names.includes(name)) continue;
      writes.add(`${table}:${domainId}`, putBucketStatement(table, domainId, bucketOf(timeMs)));
      if (timeMs > nowMs - BUCKET_KNOWN_MS) names.push(name);
    }
    await writes.send(session, 'visibility buckets');
    for (const name of names) known.set(name, true, { ttl: BUCKET_KNOWN_MS });
  };

  const runsOfWorkflow = async (domainId: string, workflowId: string): Promise<IndexedRecord[]> => {
    const found: IndexedRecord[] = [];
    for await (const page of session.pages<RunRow>('list runs', LOAD_RUNS, [domainId, workflowId], RUNS_PER_PAGE)) {
      for (const { record, is_removed } of page) {
        if (record !== null && is_removed !== true) found.push(indexed(decodeRecord(record), registry()));
      }
    }
    return found;
  };
  const isMatch = (row: IndexedRecord, where: Condition | undefined, nowMs: number): boolean =>
    where === undefined || matches(row, where, nowMs);

  const listWorkflow = async (
    domainId: string,
    listing: Listing,
    { where, orderBy }: Selection,
    plan: Extract<Plan, { kind: 'workflow' }>,
    page: { readonly size: number; readonly token?: Uint8Array | undefined },
  ): Promise<ListPage> => {
    const nowMs = env.clock.nowMs();
    const runs = (await runsOfWorkflow(domainId, plan.workflowId))
      .filter((row) => isMatch(row, where, nowMs))
      .sort((a, b) => compareForOrder(a, b, orderBy, nowMs));
    const [lastRunId] = page.token === undefined ? [undefined] : decodeCursor(domainId, listing, page.token, 1);
    const first = lastRunId === undefined ? 0 : runs.findIndex(({ record }) => record.runId === lastRunId) + 1;
    const records = runs.slice(first, first + page.size).map(({ record }) => record);
    const last = first + page.size < runs.length ? records.at(-1) : undefined;
    return last === undefined ? { records } : { records, nextToken: encodeCursor(domainId, listing, [last.runId]) };
  };

  const listByTime = async (
    domainId: string,
    listing: Listing,
    { where }: Selection,
    plan: Extract<Plan, { kind: 'open' | 'closed' }>,
    page: { readonly size: number; readonly token?: Uint8Array | undefined },
  ): Promise<ListPage> => {
    const nowMs = env.clock.nowMs();
    const before = page.token === undefined ? firstPosition(plan.toMs) : positionOf(domainId, listing, page.token);
    const records: VisibilityRecord[] = [];
    let lookedAt = 0;
    let last: TimePosition | undefined;
    const rows = readTable(session, nowMs, plan.kind, domainId, { before, fromMs: plan.fromMs });
    for await (const { position, record } of rows) {
      if (last !== undefined && (records.length >= page.size || lookedAt >= ROWS_LOOKED_AT)) {
        return { records, nextToken: encodeCursor(domainId, listing, [...last]) };
      }
      lookedAt++;
      last = position;
      if (isMatch(indexed(record, registry()), where, nowMs)) records.push(record);
    }
    return { records };
  };

  return {
    upsert: async (records) => {
      const removed = await Promise.all(records.map(isRemoved));
      const kept = records.filter((_, index) => removed[index] === false);
      await putBuckets(kept);
      const writes = new Writes();
      for (const record of kept) addRecord(writes, record);
      await writes.send(session, 'visibility');
    },
    remove: async (domainId, workflowId, runId) => {
      const key = { domainId, workflowId, runId };
      const place = [domainId, workflowId, runId];
      removals.set(runId, true);
      const [row] = await session.read<RunRow>('visibility of a run', LOAD_RUN, place);
      const writes = new Writes();
      if (row !== undefined && row.record !== null) {
        const { startTimeMs, closeTimeMs } = decodeRecord(row.record);
        writes.add('open', removeStatement('open', key, startTimeMs, REMOVED));
        if (closeTimeMs !== undefined) writes.add('closed', removeStatement('closed', key, closeTimeMs, REMOVED));
      }
      await writes.send(session, 'remove a run');
      // Last: with the record the run's places are gone, too.
      await session.write('remove a run', [
        { query: MARK_REMOVED, params: [...place, REMOVED] },
        { query: REMOVE_RUN, params: [REMOVED, ...place] },
      ]);
    },
    list: async (domainId, listing, page) => {
      const selection = selectionOf(listing, registry(), env.clock.nowMs());
      const plan = planOf(selection);
      return plan.kind === 'workflow'
        ? listWorkflow(domainId, listing, selection, plan, page)
        : listByTime(domainId, listing, selection, plan, page);
    },
    count: async (domainId, query) => {
      const nowMs = env.clock.nowMs();
      const { where } = selectionOfQuery(query, registry(), nowMs);
      let count = 0;
      for (const plan of countPlansOf(where)) {
        if (plan.kind === 'workflow') {
          const runs = await runsOfWorkflow(domainId, plan.workflowId);
          count += runs.filter((row) => isMatch(row, where, nowMs)).length;
          continue;
        }
        const range = { before: firstPosition(plan.toMs), fromMs: plan.fromMs, isCount: true };
        for await (const { record } of readTable(session, nowMs, plan.kind, domainId, range)) {
          if (isMatch(indexed(record, registry()), where, nowMs)) count++;
        }
      }
      return count;
    },
    close: () => session.close(),
  };
}

/** Above every row of that moment. */
const firstPosition = (toMs: number): TimePosition => [toMs, '\u{10ffff}', ''];

function positionOf(domainId: string, listing: Listing, token: Uint8Array): TimePosition {
  const values: readonly (AttributeValue | null)[] = decodeCursor(domainId, listing, token, 3);
  const [timeMs, workflowId, runId] = values;
  return [Number(timeMs), String(workflowId), String(runId)];
}
