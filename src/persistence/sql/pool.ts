// Connections to one server: opened when needed, up to a bound, used by one at a time, the latest first. Who finds none free waits, no longer
// than one call may take. A connection that was lost is dropped; the next caller opens another.
import { StoreError } from '#base';
import type { Env } from '#env';
import type { SqlConnection } from './connection.ts';

export interface SqlPoolOptions {
  readonly maxConnections: number;
  /** Longest wait for a free connection, and for a new one. */
  readonly timeoutMs: number;
}

interface Waiter {
  readonly take: (connection: SqlConnection) => void;
  readonly fail: (error: unknown) => void;
}

export interface SqlPool {
  /** Rejects with Unavailable: nothing was sent. */
  acquire(): Promise<SqlConnection>;
  release(connection: SqlConnection): void;
  /** Instead of release, when it cannot be used again. */
  discard(connection: SqlConnection): void;
  /** Refuses from now on, and closes each connection as it comes back. */
  close(): Promise<void>;
}

export function createSqlPool(env: Env, connect: () => Promise<SqlConnection>, options: SqlPoolOptions): SqlPool {
  const idle: SqlConnection[] = [];
  const waiting: Waiter[] = [];
  let open = 0;
  let isClosed = false;
  let whenEmpty: (() => void) | undefined;

  const dropped = (): void => {
    open--;
    if (open === 0) whenEmpty?.();
  };
  const unavailable = (cause: unknown): StoreError =>
    new StoreError('Unavailable', `cannot connect to the store: ${(cause as Error).message}`, { cause });

  /** Never rejects, and does not wait for a server that is silent. */
  const goodbye = (connection: SqlConnection): Promise<void> =>
    new Promise((resolve) => {
      const timer = env.scheduler.after(options.timeoutMs, () => {
        connection.destroy();
        resolve();
      });
      const done = (): void => {
        timer.cancel();
        resolve();
      };
      connection.end().then(done, done);
    });
  const discard = (connection: SqlConnection): void => {
    connection.destroy();
    dropped();
    // Those who wait shall not wait for one that never comes back.
    if (waiting.length > 0 && !isClosed && open < options.maxConnections) grow();
  };

  /** Opens one for the first who waits. */
  const grow = (): void => {
    open++;
    connect().then(
      (connection) => {
        connection.onLost(() => {
          const index = idle.indexOf(connection);
          if (index === -1) return;
          idle.splice(index, 1);
          dropped();
        });
        release(connection);
      },
      (error: unknown) => {
        dropped();
        waiting.shift()?.fail(unavailable(error));
      },
    );
  };
  const release = (connection: SqlConnection): void => {
    if (!connection.isUsable) {
      discard(connection);
      return;
    }
    if (isClosed) {
      void goodbye(connection).then(dropped);
      return;
    }
    const next = waiting.shift();
    if (next === undefined) idle.push(connection);
    else next.take(connection);
  };
  const wait = (): Promise<SqlConnection> =>
    new Promise((resolve, reject) => {
      const timer = env.scheduler.after(options.timeoutMs, () => {
        waiting.splice(waiting.indexOf(waiter), 1);
        reject(new StoreError('Unavailable', `no connection to the store was free for ${options.timeoutMs} ms`));
      });
      const waiter: Waiter = {
        take: (connection) => {
          timer.cancel();
          resolve(connection);
        },
        fail: (error) => {
          timer.cancel();
          reject(error);
        },
      };
      waiting.push(waiter);
      if (open < options.maxConnections) grow();
    });

  return {
    acquire: async () => {
      if (isClosed) throw new StoreError('Unavailable', 'the store is closed');
      return idle.pop() ?? (await wait());
    },
    release,
    discard,
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      for (const waiter of waiting.splice(0)) waiter.fail(new StoreError('Unavailable', 'the store is closed'));
      for (const connection of idle.splice(0)) release(connection);
      if (open > 0) {
        await new Promise<void>((resolve) => {
          whenEmpty = resolve;
        });
      }
    },
  };
}
