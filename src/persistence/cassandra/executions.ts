// Runs and current runs in a shard's partition: the statements of a commit, loading, listing. A run that this owner has seen since it got
// the shard needs no condition of its own, since nobody else can have removed it; for any other the batch itself checks that the row is
// there, or is not.
import { LRUCache } from 'lru-cache';
import { StoreError } from '#base';
import { checksum, verified } from '../checksum.ts';
import type { CurrentRun, ExecutionWrite, LoadedExecution, RunKey, ShardCommit } from '../ports.ts';
import { changedParts, FIRST_PART, joinRecord, keyOf, type RecordPart, splitRecord } from './record-parts.ts';
import { type CassandraSession, type Statement, toBlob, toNumber, type Value } from './session.ts';
import { CQL, PART, runParameters, runSort } from './shard-rows.ts';

type Long = { toNumber(): number };

export interface RunRow {
  readonly part: number;
  readonly item: string;
  readonly next_event_id: Long | null;
  readonly crc: number | null;
  readonly part_count: number | null;
  readonly value: Buffer | null;
}

interface CurrentRunRow {
  readonly current_run_id: string;
  readonly create_request_id: string;
  readonly is_open: boolean;
  readonly close_status: number;
  readonly last_write_version: Long;
  readonly start_ms: Long;
}

type Parts = ReadonlyMap<string, RecordPart>;

const RUNS_KNOWN = 20_000;
const BYTES_KNOWN = 64 * 1024 * 1024;
const WHOLE: Parts = new Map();

/** What this owner knows of a shard's runs as long as the shard is its own. */
export interface KnownRuns {
  /** Runs that certainly exist, with the parts of their records as stored; none of a record that is whole. */
  readonly parts: LRUCache<string, Parts>;
  /** Every run there is that was made later is among `parts`: so one that is not there is new, and no condition needs to say so. */
  completeAfterMs: number;
}

// A run whose id was made by another host before this owner had the shard: so far that host's clock may be ahead.
const CLOCK_SKEW_MS = 60_000;

const sizeOf = (parts: Parts): number => {
  let bytes = 200;
  for (const part of parts.values()) bytes += part.bytes.length + 100;
  return bytes;
};

/** Of a shard acquired at that time; infinity when it was not this process that did. */
export function createKnownRuns(acquiredMs: number): KnownRuns {
  const known: KnownRuns = {
    parts: new LRUCache({
      max: RUNS_KNOWN,
      maxSize: BYTES_KNOWN,
      sizeCalculation: sizeOf,
      dispose: (_, name, reason) => {
        if (reason === 'evict') forgetRun(known, name);
      },
    }),
    completeAfterMs: acquiredMs + CLOCK_SKEW_MS,
  };
  return known;
}

function forgetRun(known: KnownRuns, name: string): void {
  known.completeAfterMs = Math.max(known.completeAfterMs, runSort(name.slice(name.lastIndexOf('\0') + 1)));
}

export function rememberRun(known: KnownRuns, name: string, parts: Parts): void {
  known.parts.set(name, parts);
  // Too large to be kept.
  if (!known.parts.has(name)) forgetRun(known, name);
}

export const nameOf = (key: RunKey): string => `${key.domainId}\0${key.workflowId}\0${key.runId}`;

const IF_ABSENT = ' IF is_open = null';
const IF_PRESENT = ' IF is_open != null';

/** What the batch has to check, for nobody knows it. */
function conditionOf({ isNew, key }: ExecutionWrite, isKnown: boolean, known: KnownRuns): string {
  if (isNew) return !isKnown && runSort(key.runId) > known.completeAfterMs ? '' : IF_ABSENT;
  return isKnown ? '' : IF_PRESENT;
}

/** The run's own row, and the rows of what changed of its parts. Returns the parts as they are when the batch is applied. */
function addExecution(
  statements: Statement[],
  write: ExecutionWrite,
  stored: Parts,
  changed: { readonly place: Value[]; readonly condition: string },
): Parts {
  const { key, nextEventId, isOpen } = write;
  const { place, condition } = changed;
  const record = toBlob(write.record);
  const split = splitRecord(record);
  const rest = split?.rest ?? record;
  const parts = split?.parts ?? WHOLE;
  const crc = checksum(rest, key.runId, nextEventId) | 0;
  statements.push({ query: CQL.putRun + condition, params: [nextEventId, isOpen, crc, parts.size, rest, ...place] });
  if (parts.size > 0 || stored.size > 0) {
    const { written, removed } = changedParts(stored, parts);
    for (const { field, item, bytes } of written) {
      const partCrc = checksum(bytes, key.runId, Number(item)) | 0;
      statements.push({ query: CQL.putPart, params: [...place, field, item, partCrc, bytes] });
    }
    for (const { field, item } of removed) {
      statements.push({ query: CQL.deletePart, params: [...place, field, item] });
    }
  }
  for (const requestId of write.addedSignalRequestIds) {
    statements.push({ query: CQL.putSignalRequest, params: [...place, requestId] });
  }
  return parts;
}

/** Two writes of one run in a batch would have one timestamp: the later alone counts, with the signals of both. */
function foldWrites(executions: readonly ExecutionWrite[]): readonly ExecutionWrite[] {
  if (executions.length < 2) return executions;
  const byRun = new Map<string, ExecutionWrite>();
  for (const write of executions) {
    const name = nameOf(write.key);
    const earlier = byRun.get(name);
    byRun.set(
      name,
      earlier === undefined
        ? write
        : {
            ...write,
            isNew: earlier.isNew,
            addedSignalRequestIds: [...earlier.addedSignalRequestIds, ...write.addedSignalRequestIds],
          },
    );
  }
  return byRun.size === executions.length ? executions : [...byRun.values()];
}

function currentRunStatement(shardId: number, row: ShardCommit['currentRuns'][number]): Statement {
  const { runId, createRequestId, isOpen, closeStatus, lastWriteVersion, startTimeMs } = row.current;
  const place: Value[] = [shardId, row.domainId, row.workflowId];
  return {
    query: CQL.putCurrentRun,
    params: [...place, runId, createRequestId, isOpen, closeStatus, lastWriteVersion, startTimeMs],
  };
}

export interface CassandraExecutions {
  /**
   * Adds the statements of the commit's runs. Runs to delete need the current run of their workflow, which is read here: the shard's commits come one
   * after another, and a batch whose fence holds follows the last of them. Returns what is known of the written runs once the batch is applied.
   */
  addStatements(
    statements: Statement[],
    shardId: number,
    commit: ShardCommit,
    known: KnownRuns,
  ): Promise<ReadonlyMap<string, Parts>>;
  load(shardId: number, key: RunKey, known: KnownRuns | undefined): Promise<LoadedExecution | undefined>;
  loadCurrentRun(shardId: number, domainId: string, workflowId: string): Promise<CurrentRun | undefined>;
}

/** The rows of one run as the port gives them; undefined when its record is not among them. */
export function executionOf(shardId: number, key: RunKey, rows: readonly RunRow[]): LoadedExecution | undefined {
  const main = rows.find(({ part }) => part === PART.record);
  if (main === undefined || main.value === null || main.crc === null) return undefined;
  const nextEventId = toNumber(main.next_event_id);
  const describe = (): string => `the execution ${key.domainId}/${key.workflowId}/${key.runId} of shard ${shardId}`;
  const rest = verified(main.value, main.crc >>> 0, { owner: key.runId, number: nextEventId }, describe);
  const signalRequestIds = rows.filter(({ part }) => part === PART.signalRequest).map(({ item }) => item);
  const parts = rows.filter(({ part }) => part >= FIRST_PART).map((row) => partOf(key, row, describe));
  if (parts.length !== (main.part_count ?? 0)) {
    throw new StoreError('Corrupt', `${describe()} has ${parts.length} parts, not ${main.part_count ?? 0}`);
  }
  const record = parts.length === 0 ? rest : joinRecord(toBlob(rest), parts);
  return { record, nextEventId, signalRequestIds };
}

function partOf(key: RunKey, { part, item, crc, value }: RunRow, describe: () => string): Buffer {
  const where = (): string => `part ${part}/${item} of ${describe()}`;
  if (value === null || crc === null) throw new StoreError('Corrupt', `no bytes in ${where()}`);
  return toBlob(verified(value, crc >>> 0, { owner: key.runId, number: Number(item) }, where));
}

/** The parts that the rows of a run have. */
function storedParts(rows: readonly Pick<RunRow, 'part' | 'item' | 'value'>[]): Parts {
  const found = rows.filter(({ part }) => part >= FIRST_PART);
  if (found.length === 0) return WHOLE;
  return new Map(
    found.map(({ part, item, value }) => [keyOf(part, item), { field: part, item, bytes: value ?? Buffer.alloc(0) }]),
  );
}

export function createCassandraExecutions(session: CassandraSession): CassandraExecutions {
  const loadCurrentRun = async (
    shardId: number,
    domainId: string,
    workflowId: string,
  ): Promise<CurrentRun | undefined> => {
    const query = CQL.loadCurrentRun;
    const [row] = await session.read<CurrentRunRow>('loadCurrentRun', query, [shardId, domainId, workflowId]);
    if (row === undefined) return undefined;
    return {
      runId: row.current_run_id,
      createRequestId: row.create_request_id,
      isOpen: row.is_open,
      closeStatus: row.close_status,
      lastWriteVersion: toNumber(row.last_write_version),
      startTimeMs: toNumber(row.start_ms),
    };
  };

  const listParts = async (place: Value[]): Promise<readonly Pick<RunRow, 'part' | 'item' | 'value'>[]> => {
    const rows = await session.read<Pick<RunRow, 'part' | 'item'>>('parts of a run', CQL.listParts, place);
    return rows.map(({ part, item }) => ({ part, item, value: null }));
  };

  return {
    addStatements: async (statements, shardId, commit, known) => {
      const deleted = new Set(commit.deletedRuns.map(nameOf));
      const after = new Map<string, Parts>();
      for (const write of foldWrites(commit.executions)) {
        const name = nameOf(write.key);
        if (deleted.has(name)) continue;
        const place = runParameters(shardId, write.key);
        const stored = known.parts.get(name);
        // Of a run that was not seen lately: which parts there are, so that none is left behind. All of them are written.
        const before = stored ?? (write.isNew ? WHOLE : storedParts(await listParts(place)));
        const condition = conditionOf(write, stored !== undefined, known);
        after.set(name, addExecution(statements, write, before, { place, condition }));
      }
      // Of several rows for one workflow the last counts.
      const currents = new Map(commit.currentRuns.map((row) => [`${row.domainId}\0${row.workflowId}`, row]));
      for (const row of currents.values()) {
        const { domainId, workflowId, current } = row;
        const isDeleted = deleted.size > 0 && deleted.has(nameOf({ domainId, workflowId, runId: current.runId }));
        if (!isDeleted) statements.push(currentRunStatement(shardId, row));
      }
      for (const key of commit.deletedRuns) {
        const { domainId, workflowId, runId } = key;
        statements.push({ query: CQL.deleteRun, params: runParameters(shardId, key) });
        const current =
          currents.get(`${domainId}\0${workflowId}`)?.current ?? (await loadCurrentRun(shardId, domainId, workflowId));
        if (current?.runId !== runId) continue;
        statements.push({ query: CQL.deleteCurrentRun, params: [shardId, domainId, workflowId] });
      }
      return after;
    },
    load: async (shardId, key, known) => {
      const rows = await session.read<RunRow>('loadExecution', CQL.loadRun, runParameters(shardId, key));
      const loaded = executionOf(shardId, key, rows);
      if (loaded !== undefined && known?.parts.has(nameOf(key)) === false) {
        rememberRun(known, nameOf(key), storedParts(rows));
      }
      return loaded;
    },
    loadCurrentRun,
  };
}

/** Why a batch with these writes was refused although the range id is right. */
export function refusedRun(
  executions: readonly ExecutionWrite[],
  existing: readonly { readonly run_id: string | null; readonly workflow_id: string | null }[],
): StoreError {
  const present = new Set(existing.map(({ workflow_id, run_id }) => `${workflow_id}\0${run_id}`));
  const culprit = executions.find(({ key, isNew }) => present.has(`${key.workflowId}\0${key.runId}`) === isNew);
  const name = culprit === undefined ? 'of the commit' : `${culprit.key.workflowId}/${culprit.key.runId}`;
  const problem = culprit?.isNew === false ? 'does not exist' : 'exists already';
  return new StoreError('ConditionFailed', `run ${name} ${problem}`);
}
