// Syncs SQLite's write-ahead log off the event loop. SQLite itself runs with synchronous=NORMAL, which keeps the file whole after a power
// cut but syncs the log only before a checkpoint; the sync that makes a commit durable is ours, so that the process works on while the disk
// does. Nobody hears of a commit before it (group-commit.ts).
// The file stays the same as long as the connection is open: SQLite overwrites its log from the start, it does not replace it.
import { closeSync, fdatasync, fdatasyncSync, openSync } from 'node:fs';

export interface LogSync {
  /** Resolves when all that was committed before the call is on disk. One at a time. */
  sync(): Promise<void>;
  /** The same, waiting here: for the end of the process. */
  syncNow(): void;
  close(): void;
}

export function createLogSync(databasePath: string): LogSync {
  let descriptor: number | undefined;
  let isSyncing = false;
  let isClosed = false;
  // Opened at the first commit, which has made the file.
  const open = (): number => {
    descriptor ??= openSync(`${databasePath}-wal`, 'r');
    return descriptor;
  };
  const release = (): void => {
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
  };
  return {
    sync: () =>
      new Promise((resolve, reject) => {
        isSyncing = true;
        fdatasync(open(), (error) => {
          isSyncing = false;
          if (isClosed) release();
          if (error === null) resolve();
          else reject(error);
        });
      }),
    syncNow: () => fdatasyncSync(open()),
    close: () => {
      isClosed = true;
      // A descriptor in use by a sync must not be closed under it.
      if (!isSyncing) release();
    },
  };
}
