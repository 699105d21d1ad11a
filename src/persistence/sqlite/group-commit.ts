// Group commit. All writes that are asked for in one turn of the event loop share one transaction, and with it one
// sync of the disk. Each runs in its own savepoint: a lost fence undoes that write alone. Writes apply in the order
// they were called. A caller hears of its write only after COMMIT returned; an error of COMMIT itself leaves the
// outcome unknown (see errors.ts).
import type { Database } from 'better-sqlite3';
import { StoreError } from '#base';
import type { Env } from '#env';
import { commitError, statementError } from './errors.ts';

interface Job {
  readonly what: string;
  readonly apply: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export interface GroupCommit {
  write<T>(what: string, apply: () => T): Promise<T>;
  /** `callback` runs whenever applied statements were undone: what was cached from them is void. */
  onUndo(callback: () => void): void;
  /** Commits what waits, then refuses. */
  close(): void;
}

// Bounds how long one transaction keeps the event loop; the rest goes into the next turn.
const JOBS_PER_GROUP_MAX = 2000;

export function createGroupCommit(connection: Database, env: Env): GroupCommit {
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
  let isClosed = false;

  const undone = (): void => {
    for (const callback of undoCallbacks) callback();
  };
  const schedule = (): void => {
    if (isScheduled || waiting.length === 0) return;
    isScheduled = true;
    env.scheduler.after(0, () => {
      isScheduled = false;
      if (!isClosed) flush();
    });
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

  const commitGroup = (applied: readonly { job: Job; value: unknown }[]): void => {
    try {
      commit?.run();
    } catch (error) {
      undone();
      const failure = commitError(error);
      env.logger.error('a group commit failed', { error: String(failure), writes: applied.length });
      for (const { job } of applied) job.reject(failure);
      if (connection.inTransaction) rollback?.run();
      return;
    }
    for (const { job, value } of applied) job.resolve(value);
  };

  const flush = (): void => {
    const jobs = waiting.splice(0, soloJobs > 0 ? 1 : JOBS_PER_GROUP_MAX);
    soloJobs = Math.max(0, soloJobs - jobs.length);
    if (jobs.length === 0) return;
    const startMs = env.clock.monotonicMs();
    try {
      begin?.run();
    } catch (error) {
      for (const job of jobs) job.reject(statementError(job.what, error));
      schedule();
      return;
    }
    const applied: { job: Job; value: unknown }[] = [];
    for (const [index, job] of jobs.entries()) {
      const outcome = applyJob(job);
      if (outcome === 'lost') {
        // Certainly nothing of the group was written, so the others run again, each alone: the next to fail takes
        // none with it.
        const others = [...applied.map((entry) => entry.job), ...jobs.slice(index + 1)];
        waiting = [...others, ...waiting];
        soloJobs += others.length;
        schedule();
        return;
      }
      if (outcome !== 'undone') applied.push({ job, value: outcome.value });
    }
    commitGroup(applied);
    groupSize.observe(jobs.length);
    groupSeconds.observe((env.clock.monotonicMs() - startMs) / 1000);
    schedule();
  };

  return {
    write: (what, apply) =>
      new Promise((resolve, reject) => {
        if (isClosed) {
          reject(new StoreError('Unavailable', `${what}: the store is closed`));
          return;
        }
        // The promise has the type of apply's result; a job only carries it.
        waiting.push({ what, apply, resolve: resolve as (value: unknown) => void, reject });
        schedule();
      }),
    onUndo: (callback) => undoCallbacks.push(callback),
    close: () => {
      while (waiting.length > 0) flush();
      isClosed = true;
    },
  };
}
