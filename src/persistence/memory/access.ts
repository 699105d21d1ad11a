// How a memory store's calls reach its image. With an env, writes wait for a later turn and apply there in the order
// they were called, as the group commit of a disk store does: a crash before that turn loses them. Without one they
// apply at once.
import { StoreError } from '#base';
import type { Env } from '#env';

export interface MemoryAccess {
  read<T>(query: () => T): Promise<T>;
  write<T>(apply: () => T): Promise<T>;
  /** Later calls, and writes that have not been applied yet, fail as Unavailable. */
  close(): void;
}

export function createMemoryAccess(env?: Env): MemoryAccess {
  let isClosed = false;
  let waiting: (() => void)[] = [];
  const guarded = <T>(run: () => T): T => {
    if (isClosed) throw new StoreError('Unavailable', 'the store is closed');
    return run();
  };
  const flush = (): void => {
    const jobs = waiting;
    waiting = [];
    for (const job of jobs) job();
  };
  return {
    read: async (query) => guarded(query),
    write: (apply) =>
      new Promise((resolve, reject) => {
        const job = (): void => {
          try {
            resolve(guarded(apply));
          } catch (error) {
            reject(error);
          }
        };
        if (env === undefined || isClosed) {
          job();
          return;
        }
        waiting.push(job);
        if (waiting.length === 1) env.scheduler.after(0, flush);
      }),
    close: () => {
      isClosed = true;
    },
  };
}
