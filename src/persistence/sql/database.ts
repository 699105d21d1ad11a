// One database on a SQL server, as the ports of this driver see it: reads, and transactions of at most two round trips. The first locks and
// reads what the outcome depends on, the second writes and commits. What failed before COMMIT was sent has certainly not happened; when the
// connection is lost or the time is over after that, the outcome is unknown (StoreError Timeout).
import { StoreError } from '#base';
import { type Env, sleep } from '#env';
import { type SqlConnection, SqlFailure } from './connection.ts';
import type { SqlDialect } from './dialect.ts';
import { createSqlPool, type SqlPoolOptions } from './pool.ts';
import { type SqlResult, type SqlStatement, sql } from './statement.ts';

export interface SqlDatabaseOptions extends SqlPoolOptions {}

export interface SqlTransaction<T> {
  /** Locks and reads; none: the writes go out at once. */
  readonly first?: readonly SqlStatement[];
  /** May throw: then nothing happens. Runs again when the server asks for it. */
  decide(results: readonly SqlResult[]): SqlOutcome<T>;
}

export interface SqlOutcome<T> {
  readonly writes: readonly SqlStatement[];
  readonly value: T;
  /** In transactions of their own, in the same round trip as the commit. */
  readonly afterwards?: readonly SqlStatement[];
}

export interface SqlDatabase {
  readonly dialect: SqlDialect;
  /** One round trip; statements see what was committed before each. */
  read(what: string, statements: readonly SqlStatement[]): Promise<readonly SqlResult[]>;
  /** One statement that writes, in a transaction of its own. */
  write(what: string, statement: SqlStatement): Promise<SqlResult>;
  transact<T>(what: string, transaction: SqlTransaction<T>): Promise<T>;
  close(): Promise<void>;
}

const [BEGIN, COMMIT, ROLLBACK] = [sql('BEGIN'), sql('COMMIT'), sql('ROLLBACK')];
const ATTEMPTS_MAX = 6;
const RETRY_DELAY_MS = 5;

/** Nothing was written, or it was only a read. */
function certain(what: string, error: unknown): unknown {
  if (!(error instanceof SqlFailure)) return error;
  const message = `${what}: ${error.message}`;
  if (error.kind === 'duplicate') return new StoreError('ConditionFailed', message, { cause: error });
  return new StoreError(error.kind === 'full' ? 'Full' : 'Unavailable', message, { cause: error });
}

/** An error while a commit was under way. */
function committing(what: string, error: unknown): unknown {
  if (!(error instanceof SqlFailure) || error.kind !== 'lost') return certain(what, error);
  return new StoreError('Timeout', `${what}: ${error.message}; the outcome is unknown`, { cause: error });
}

const isLost = (error: unknown): boolean => error instanceof SqlFailure && error.kind === 'lost';
const isRetryable = (error: unknown): boolean => error instanceof SqlFailure && error.kind === 'retryable';

export function createSqlDatabase(
  dialect: SqlDialect,
  connect: () => Promise<SqlConnection>,
  env: Env,
  options: SqlDatabaseOptions,
): SqlDatabase {
  const pool = createSqlPool(env, connect, options);
  const retries = env.metrics.counter(
    'store_transaction_retries_total',
    'Transactions that the server asked to repeat',
  );

  /** A batch within its time; a connection that does not answer is cut off. */
  const run = async (connection: SqlConnection, statements: readonly SqlStatement[]): Promise<readonly SqlResult[]> => {
    const timer = env.scheduler.after(options.timeoutMs, () => connection.destroy());
    try {
      return await connection.run(statements);
    } finally {
      timer.cancel();
    }
  };
  const using = async <T>(use: (connection: SqlConnection) => Promise<T>): Promise<T> => {
    const connection = await pool.acquire();
    try {
      const result = await use(connection);
      pool.release(connection);
      return result;
    } catch (error) {
      if (isLost(error)) pool.discard(connection);
      else pool.release(connection);
      throw error;
    }
  };
  const repeated = async <T>(attempt: () => Promise<T>): Promise<T> => {
    for (let count = 1; ; count++) {
      try {
        return await attempt();
      } catch (error) {
        if (!isRetryable(error) || count === ATTEMPTS_MAX) throw error;
        retries.inc();
        await sleep(env.scheduler, RETRY_DELAY_MS * count * (1 + env.random.next()));
      }
    }
  };
  /** The connection shall be free of the failed transaction before others use it. */
  const rollBack = async (connection: SqlConnection, error: unknown): Promise<never> => {
    if (!isLost(error)) {
      await run(connection, [ROLLBACK]).catch((failure: unknown) => {
        connection.destroy();
        env.logger.debug('a rollback failed: the connection is cut off', { error: failure });
      });
    }
    throw error;
  };

  /** Sets `isCommitting` when the outcome may become unknown. */
  const attempt = <T>(transaction: SqlTransaction<T>, sent: { isCommitting: boolean }): Promise<T> =>
    using(async (connection) => {
      sent.isCommitting = false;
      const { first = [] } = transaction;
      let isBegun = false;
      try {
        let results: readonly SqlResult[] = [];
        if (first.length > 0) {
          isBegun = true;
          results = (await run(connection, [BEGIN, ...first])).slice(1);
        }
        const { writes, value, afterwards = [] } = transaction.decide(results);
        if (writes.length === 0 && afterwards.length === 0) {
          if (isBegun) await run(connection, [ROLLBACK]);
          return value;
        }
        sent.isCommitting = true;
        await run(connection, [...(isBegun ? [] : [BEGIN]), ...writes, COMMIT, ...afterwards]);
        return value;
      } catch (error) {
        return isBegun || sent.isCommitting ? rollBack(connection, error) : Promise.reject(error);
      }
    });

  return {
    dialect,
    read: async (what, statements) => {
      try {
        return await using((connection) => run(connection, statements));
      } catch (error) {
        throw certain(what, error);
      }
    },
    write: async (what, statement) => {
      try {
        const [result] = await repeated(() => using((connection) => run(connection, [statement])));
        return result ?? { rows: [], changes: 0 };
      } catch (error) {
        throw committing(what, error);
      }
    },
    transact: async (what, transaction) => {
      const sent = { isCommitting: false };
      try {
        return await repeated(() => attempt(transaction, sent));
      } catch (error) {
        throw sent.isCommitting ? committing(what, error) : certain(what, error);
      }
    },
    close: () => pool.close(),
  };
}
