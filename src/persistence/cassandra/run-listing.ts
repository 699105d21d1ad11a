// Lists the runs of a shard, in the order they were made. Where very many were deleted a replica refuses to step over what is left of
// them in one read; the time is then cut into smaller windows until each is within bounds, and widened again after.

import { StoreError } from '#base';
import type { LoadedExecution, Page, RunKey } from '../ports.ts';
import { executionOf, type RunRow } from './executions.ts';
import type { CassandraSession, Value } from './session.ts';
import { KIND } from './shard-rows.ts';

interface ListedRow extends RunRow {
  readonly sort: { toNumber(): number };
  readonly domain_id: string;
  readonly workflow_id: string;
  readonly run_id: string;
}

/** Where to go on: after the rows of a run. */
type Position = [sort: number, domainId: string, workflowId: string, runId: string];

const COLUMNS = 'sort, domain_id, workflow_id, run_id, part, item, next_event_id, crc, part_count, value';
const LIST = `SELECT ${COLUMNS} FROM shard_rows WHERE shard_id = ? AND kind = ${KIND.run}
  AND (sort, id, domain_id, workflow_id, run_id) > (?, 0, ?, ?, ?) AND (sort) < (?)`;

const LOWEST_SORT = -(2 ** 32) - 1;
/** Above every millisecond that a version 7 UUID has. */
const HIGHEST_SORT = 2 ** 48;
const FETCH_SIZE = 200;

const START: Position = [LOWEST_SORT, '', '', ''];

const encodePosition = (position: Position): Uint8Array => Buffer.from(JSON.stringify(position));

function decodePosition(token: Uint8Array): Position {
  try {
    const [sort, ...names] = JSON.parse(Buffer.from(token).toString()) as unknown[];
    if (Number.isSafeInteger(sort) && names.length === 3 && names.every((name) => typeof name === 'string')) {
      return [sort, ...names] as Position; // checked right above
    }
  } catch (error) {
    throw new StoreError('ConditionFailed', 'invalid page token of a listing of runs', { cause: error });
  }
  throw new StoreError('ConditionFailed', 'invalid page token of a listing of runs');
}

/** Puts the rows of a run together; `position` is that of the last whole run. */
class Collector {
  readonly items: (RunKey & LoadedExecution)[] = [];
  position: Position;
  readonly #shardId: number;
  #rows: ListedRow[] = [];

  constructor(shardId: number, position: Position) {
    this.#shardId = shardId;
    this.position = position;
  }

  /** True when the row is not of the run that was begun. */
  endsBefore(row: ListedRow): boolean {
    const first = this.#rows[0];
    if (first === undefined) return false;
    return first.run_id !== row.run_id || first.workflow_id !== row.workflow_id || first.domain_id !== row.domain_id;
  }

  add(row: ListedRow): void {
    this.#rows.push(row);
  }

  /** The run that was begun is whole. */
  finish(): void {
    const first = this.#rows[0];
    if (first === undefined) return;
    const key = { domainId: first.domain_id, workflowId: first.workflow_id, runId: first.run_id };
    const loaded = executionOf(this.#shardId, key, this.#rows);
    if (loaded !== undefined) this.items.push({ ...key, ...loaded });
    this.position = [first.sort.toNumber(), key.domainId, key.workflowId, key.runId];
    this.#rows = [];
  }

  /** The read broke off: the run that was begun is read again. */
  discard(): void {
    this.#rows = [];
  }
}

export async function listRuns(
  session: CassandraSession,
  shardId: number,
  token: Uint8Array | undefined,
  limit: number,
): Promise<Page<RunKey & LoadedExecution>> {
  const runs = new Collector(shardId, token === undefined ? START : decodePosition(token));
  const fetchSize = Math.min(limit * 2, FETCH_SIZE);
  let width = HIGHEST_SORT - runs.position[0];
  while (runs.position[0] < HIGHEST_SORT - 1) {
    const end = Math.min(runs.position[0] + width, HIGHEST_SORT);
    const params: Value[] = [shardId, ...runs.position, end];
    try {
      for await (const page of session.pages<ListedRow>('listExecutions', LIST, params, fetchSize)) {
        for (const row of page) {
          if (runs.endsBefore(row)) {
            runs.finish();
            if (runs.items.length >= limit) return { items: runs.items, nextToken: encodePosition(runs.position) };
          }
          runs.add(row);
        }
      }
    } catch (error) {
      if (!session.isTombstoneFailure(error) || width <= 1) throw error;
      runs.discard();
      width = Math.ceil(width / 16);
      continue;
    }
    runs.finish();
    runs.position = [end - 1, LAST_TEXT, '', ''];
    width = Math.min(width * 4, HIGHEST_SORT - runs.position[0]);
  }
  return { items: runs.items };
}

// No domain id is above it: every run of that moment has been seen.
const LAST_TEXT = '\u{10ffff}';
