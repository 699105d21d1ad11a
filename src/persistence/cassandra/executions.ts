// Runs and current runs in a shard's partition: the statements of a commit, loading, listing. A run that this owner has seen since it got
// the shard needs no condition of its own, since nobody else can have removed it; for any other the batch itself checks that the row is
// there, or is not.
import { LRUCache } from 'lru-cache';
import { StoreError } from '#base';
import { checksum, verified } from '../checksum.ts';
import type { CurrentRun, ExecutionWrite, LoadedExecution, RunKey, ShardCommit } from '../ports.ts';
import type { CassandraSession, Statement, Value } from './session.ts';
import { toBlob, toNumber } from './session.ts';
import { CQL, PART, runParameters } from './shard-rows.ts';

type Long = { toNumber(): number };

export interface RunRow {
  readonly part: number;
  readonly item: string;
  readonly next_event_id: Long | null;
  readonly crc: number | null;
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

const RUNS_KNOWN = 20_000;

/** Runs that certainly exist as long as the shard is ours. */
export type KnownRuns = LRUCache<string, true>;
export const createKnownRuns = (): KnownRuns => new LRUCache({ max: RUNS_KNOWN });
export const nameOf = (key: RunKey): string => `${key.domainId}\0${key.workflowId}\0${key.runId}`;

const IF_ABSENT = ' IF is_open = null';
const IF_PRESENT = ' IF is_open != null';

function addExecution(statements: Statement[], shardId: number, write: ExecutionWrite, known: KnownRuns): void {
  const { key, record, nextEventId, isOpen } = write;
  const place = runParameters(shardId, key);
  const condition = write.isNew ? IF_ABSENT : known.has(nameOf(key)) ? '' : IF_PRESENT;
  statements.push({
    query: CQL.putRun + condition,
    params: [nextEventId, isOpen, checksum(record, key.runId, nextEventId) | 0, toBlob(record), ...place],
  });
  for (const requestId of write.addedSignalRequestIds) {
    statements.push({ query: CQL.putSignalRequest, params: [...place, requestId] });
  }
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
   * after another, and a batch whose fence holds follows the last of them.
   */
  addStatements(statements: Statement[], shardId: number, commit: ShardCommit, known: KnownRuns): Promise<void>;
  load(shardId: number, key: RunKey): Promise<LoadedExecution | undefined>;
  loadCurrentRun(shardId: number, domainId: string, workflowId: string): Promise<CurrentRun | undefined>;
}

/** The rows of one run as the port gives them; undefined when its record is not among them. */
export function executionOf(shardId: number, key: RunKey, rows: readonly RunRow[]): LoadedExecution | undefined {
  const main = rows.find(({ part }) => part === PART.record);
  if (main === undefined || main.value === null || main.crc === null) return undefined;
  const nextEventId = toNumber(main.next_event_id);
  const record = verified(
    main.value,
    main.crc >>> 0,
    { owner: key.runId, number: nextEventId },
    () => `the execution ${key.domainId}/${key.workflowId}/${key.runId} of shard ${shardId}`,
  );
  const signalRequestIds = rows.filter(({ part }) => part === PART.signalRequest).map(({ item }) => item);
  return { record, nextEventId, signalRequestIds };
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

  return {
    addStatements: async (statements, shardId, commit, known) => {
      const deleted = new Set(commit.deletedRuns.map(nameOf));
      for (const write of foldWrites(commit.executions)) {
        if (!deleted.has(nameOf(write.key))) addExecution(statements, shardId, write, known);
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
    },
    load: async (shardId, key) => {
      const rows = await session.read<RunRow>('loadExecution', CQL.loadRun, runParameters(shardId, key));
      return executionOf(shardId, key, rows);
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
