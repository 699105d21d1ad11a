// Group commit. All writes that are asked for in one turn of the event loop, or while the disk syncs the group before, share one transaction
// and one sync. When one of them fails (a lost fence) the group is undone and applied again with a savepoint around each, so that the failure undoes
// that write alone: a savepoint copies each page that is changed within it. Writes apply in the order they were called. A caller
// hears of its write, and a reader gets what it saw, only after the sync; an error of COMMIT or of the sync leaves the outcome unknown
// (see errors.ts). After a failed sync nobody knows what the disk has, so the store refuses everything until it is opened again.
import type { Database } from 'better-sqlite3';
import { type Deferred, deferred, StoreError } from '#base';
import type { Env } from '#env';
import { commitError, statementError } from './errors.ts';
import type { LogSync } from './log-sync.ts';

interface Job {
  readonly what: string;
  readonly apply: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Applied {
  readonly job: Job;
  readonly value: unknown;
}

/** A committed group that may not be on disk yet. */
interface Unsynced {
  readonly applied: readonly Applied[];
  readonly startMs: number;
  readonly synced: Deferred<void>;
}

export interface GroupCommit {
  write<T>(what: string, apply: () => T): Promise<T>;
  /** Runs the query now and gives its result once all that it can have seen is durable. */
  read<T>(what: string, query: () => T): Promise<T>;
  /** `callback` runs whenever applied statements were undone: what was cached from them is void. */
  onUndo(callback: () => void): void;
  /** Commits what waits, then refuses. */
  close(): void;
}

// Bounds how long one transaction keeps the event loop; the rest goes into the next turn.
const JOBS_PER_GROUP_MAX = 2000;

/** `log` undefined: a commit counts as durable when SQLite says so (memory, synchronous=NORMAL). */
export function createGroupCommit(connection: Database, env: Env, log: LogSync | undefined): GroupCommit {
  const [begin, commit, rollback] = ['BEGIN IMMEDIATE', 'COMMIT', 'ROLLBACK'].map((sql) => connection.prepare(sql));
  const [savepoint, release, undo] = ['SAVEPOINT job', 'RELEASE job', 'ROLLBACK TO job'].map((sql) =>
    connection.prepare(sql),
  );
  const groupSize = env.metrics.histogram('store_group_size', 'Writes per group commit');
  const groupSeconds = env.metrics.histogram('store_group_commit_seconds', 'Time of one group commit, sync included');
  const undoCallbacks: (() => void)[] = [];
  let waiting: Job[] = [];
  // So many of the waiting jobs get a transaction of their own.
  let soloJobs = 0;
  let isScheduled = false;
  let unsynced: Unsynced | undefined;
  let refusal: StoreError | undefined;

  const undone = (): void => {
    for (const callback of undoCallbacks) callback();
  };
  const schedule = (): void => {
    if (isScheduled || unsynced !== undefined || waiting.length === 0) return;
    isScheduled = true;
    env.scheduler.after(0, () => {
      isScheduled = false;
      if (refusal === undefined) flush();
    });
  };

  /** False: no transaction was begun, and the callers know. */
  const beginGroup = (jobs: readonly Job[]): boolean => {
    try {
      begin?.run();
      return true;
    } catch (error) {
      for (const job of jobs) job.reject(statementError(job.what, error));
      return false;
    }
  };

  /** Undefined: one of them failed, and nothing of any was written. */
  const applyTogether = (jobs: readonly Job[]): readonly Applied[] | undefined => {
    try {
      return jobs.map((job) => ({ job, value: job.apply() }));
    } catch {
      // Which one it was, and what is to be said to its caller, comes out when each is applied for itself.
      undone();
      if (connection.inTransaction) rollback?.run();
      return undefined;
    }
  };

  /** Applies one job; 'lost' when SQLite undid the whole transaction with it. */
  const applyJob = (job: Job): { value: unknown } | 'undone' | 'lost' => {
    try {
      savepoint?.run();
      const value = job.apply();
      release?.run();
      return { value };
    } catch (error) {
      undone();
      job.reject(statementError(job.what, error));
      if (!connection.inTransaction) return 'lost';
      undo?.run();
      release?.run();
      return 'undone';
    }
  };

  /** False: nothing of the group counts, and its callers know. */
  const commitGroup = (applied: readonly Applied[]): boolean => {
    try {
      commit?.run();
      return true;
    } catch (error) {
      undone();
      const failure = commitError(error);
      env.logger.error('a group commit failed', { error: String(failure), writes: applied.length });
      for (const { job } of applied) job.reject(failure);
      if (connection.inTransaction) rollback?.run();
      return false;
    }
  };

  /** Undefined: nothing of any was written, and those that are not to blame wait again. */
  const applyEach = (jobs: readonly Job[]): readonly Applied[] | undefined => {
    const applied: Applied[] = [];
    for (const [index, job] of jobs.entries()) {
      const outcome = applyJob(job);
      if (outcome === 'lost') {
        // Certainly nothing of the group was written, so the others run again, each alone: the next to fail takes
        // none with it.
        const others = [...applied.map((entry) => entry.job), ...jobs.slice(index + 1)];
        waiting = [...others, ...waiting];
        soloJobs += others.length;
        return undefined;
      }
      if (outcome !== 'undone') applied.push({ job, value: outcome.value });
    }
    return applied;
  };

  /** Applies and commits what waits. */
  const applyGroup = (): Omit<Unsynced, 'synced'> | undefined => {
    const jobs = waiting.splice(0, soloJobs > 0 ? 1 : JOBS_PER_GROUP_MAX);
    soloJobs = Math.max(0, soloJobs - jobs.length);
    if (jobs.length === 0) return undefined;
    const startMs = env.clock.monotonicMs();
    if (!beginGroup(jobs)) return undefined;
    let applied = applyTogether(jobs);
    if (applied === undefined) {
      if (!beginGroup(jobs)) return undefined;
      applied = applyEach(jobs);
    }
    if (applied === undefined) return undefined;
    groupSize.observe(jobs.length);
    return commitGroup(applied) ? { applied, startMs } : undefined;
  };

  const finish = ({ applied, startMs }: Omit<Unsynced, 'synced'>): void => {
    for (const { job, value } of applied) job.resolve(value);
    groupSeconds.observe((env.clock.monotonicMs() - startMs) / 1000);
  };

  const failSync = (group: Unsynced, error: unknown): void => {
    env.logger.error('the log could not be synced: the store is closed', { error, writes: group.applied.length });
    const failure = new StoreError('Timeout', `sync: ${String(error)}; the outcome is unknown`, { cause: error });
    refusal = new StoreError('Unavailable', 'the log could not be synced', { cause: error });
    group.synced.reject(failure);
    for (const { job } of group.applied) job.reject(failure);
    for (const job of waiting.splice(0)) job.reject(refusal);
  };

  const flush = (): void => {
    const group = applyGroup();
    if (group === undefined || log === undefined) {
      if (group !== undefined) finish(group);
      schedule();
      return;
    }
    const current: Unsynced = { ...group, synced: deferred() };
    // Readers hear of it, if there are any.
    current.synced.promise.catch(() => {});
    unsynced = current;
    log.sync().then(
      () => {
        if (unsynced !== current) return;
        unsynced = undefined;
        finish(current);
        current.synced.resolve();
        schedule();
      },
      (error: unknown) => {
        if (unsynced !== current) return;
        unsynced = undefined;
        failSync(current, error);
      },
    );
  };

  /** At the end of the process nothing is gained by not waiting. */
  const flushNow = (): void => {
    const groups: Omit<Unsynced, 'synced'>[] = unsynced === undefined ? [] : [unsynced];
    while (waiting.length > 0) {
      const group = applyGroup();
      if (group !== undefined) groups.push(group);
    }
    if (groups.length > 0) log?.syncNow();
    for (const group of groups) finish(group);
    unsynced?.synced.resolve();
    unsynced = undefined;
  };

  return {
    write: (what, apply) =>
      new Promise((resolve, reject) => {
        if (refusal !== undefined) {
          reject(new StoreError(refusal.kind, `${what}: ${refusal.message}`, { cause: refusal }));
          return;
        }
        // The promise has the type of apply's result; a job only carries it.
        waiting.push({ what, apply, resolve: resolve as (value: unknown) => void, reject });
        schedule();
      }),
    read: async (what, query) => {
      if (refusal !== undefined) throw new StoreError(refusal.kind, `${what}: ${refusal.message}`, { cause: refusal });
      try {
        const result = query();
        if (unsynced !== undefined) await unsynced.synced.promise;
        return result;
      } catch (error) {
        throw statementError(what, error);
      }
    },
    onUndo: (callback) => undoCallbacks.push(callback),
    close: () => {
      if (refusal !== undefined) return;
      try {
        flushNow();
      } catch (error) {
        if (unsynced !== undefined) failSync(unsynced, error);
        throw statementError('close', error);
      } finally {
        refusal ??= new StoreError('Unavailable', 'the store is closed');
      }
    },
  };
}
