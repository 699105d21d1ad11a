// One SQLite file: opened by one process for writing (a lock file says so; the kernel drops it with the process), in
// WAL mode, synced per group commit by default, readable only by its owner. All drivers on the file share this connection
// and its group commit.
import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { StoreError } from '#base';
import type { Env } from '#env';
import { loadSchemaVersions } from '../schema-files.ts';
import { lacksVersions, pendingVersions } from '../schema-target.ts';
import { statementError } from './errors.ts';
import { createGroupCommit } from './group-commit.ts';
import { createLogSync, type LogSync } from './log-sync.ts';
import { appliedVersions, applySchema } from './schema.ts';

export interface SqliteOptions {
  /** The file; ':memory:' for a store that ends with the process. */
  readonly path: string;
  /** FULL syncs every group commit. NORMAL may lose the last commits when the machine (not the process) dies. */
  readonly synchronous?: 'FULL' | 'NORMAL';
  readonly busyTimeoutMs?: number;
  readonly cacheBytes?: number;
  /** Refuses writes that would grow the file beyond so many pages (4 KiB each). */
  readonly maxPageCount?: number;
  /** For tools beside a running server: takes no lock and writes nothing. */
  readonly readOnly?: boolean;
  /**
   * 'apply' (default) brings the schema up to date; 'require' refuses a file that is not; 'ignore' is for the
   * schema tool.
   */
  readonly schema?: 'apply' | 'require' | 'ignore';
  /** How the log is synced when `synchronous` is FULL; tests put a disk of their own here. */
  readonly createLogSync?: (databasePath: string) => LogSync;
}

export interface SqliteDatabase {
  readonly connection: Database.Database;
  read<T>(what: string, query: () => T): Promise<T>;
  /** Joins the transaction of this turn; resolves when it is durable. */
  write<T>(what: string, apply: () => T): Promise<T>;
  onUndo(callback: () => void): void;
  /** Commits what waits and closes the file. Idempotent. */
  close(): void;
}

/** Flags of `antiphon schema` that lead to the file. */
export const sqliteSchemaFlags = (path: string): string => `--store sqlite --path ${path}`;

const WAL_PAGES_BETWEEN_CHECKPOINTS = 4000;
// What is not in it comes from the kernel's cache in microseconds, while SQLite looks through all of it at the end of each transaction that
// moved pages.
const CACHE_BYTES = 16 * 1024 * 1024;

/**
 * Creates the file for its owner only, before SQLite would with the process's umask; -wal and -shm inherit its
 * mode.
 */
function createPrivateFile(path: string): void {
  const folder = dirname(path);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    closeSync(openSync(path, 'a', 0o600));
    chmodSync(path, 0o600);
    const descriptor = openSync(folder, 'r');
    fsyncSync(descriptor);
    closeSync(descriptor);
  } catch (error) {
    throw new StoreError('Unavailable', `cannot write ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** A lock that dies with the process: an exclusive transaction on a file of its own. */
function takeProcessLock(path: string): Database.Database {
  const lockPath = `${path}.lock`;
  createPrivateFile(lockPath);
  const lock = new Database(lockPath, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    throw new StoreError('Unavailable', `${path} is in use by another process`, { cause: error });
  }
  return lock;
}

function openConnection(options: SqliteOptions): Database.Database {
  const connection = new Database(options.path, {
    timeout: options.busyTimeoutMs ?? 5000,
    readonly: options.readOnly ?? false,
  });
  connection.pragma(`cache_size = -${Math.ceil((options.cacheBytes ?? CACHE_BYTES) / 1024)}`);
  connection.pragma('temp_store = MEMORY');
  if (options.readOnly) return connection;
  connection.pragma('journal_mode = WAL');
  // FULL is NORMAL and our own sync after each group (log-sync.ts).
  connection.pragma('synchronous = NORMAL');
  connection.pragma(`wal_autocheckpoint = ${WAL_PAGES_BETWEEN_CHECKPOINTS}`);
  connection.pragma(`journal_size_limit = ${64 * 1024 * 1024}`);
  return connection;
}

function prepareSchema(connection: Database.Database, options: SqliteOptions, nowMs: number): void {
  const mode = options.schema ?? 'apply';
  if (mode === 'ignore') return;
  if (mode === 'apply' && !options.readOnly) {
    applySchema(connection, nowMs);
    return;
  }
  const applied = appliedVersions(connection);
  const pending = pendingVersions(applied ?? [], loadSchemaVersions('sqlite'));
  if (pending.length === 0) return;
  const target = { name: options.path, flags: sqliteSchemaFlags(options.path) };
  throw lacksVersions(target, pending, applied !== undefined);
}

export function openSqliteDatabase(options: SqliteOptions, env: Env): SqliteDatabase {
  const isFile = options.path !== ':memory:';
  const isLocked = isFile && !options.readOnly;
  const lock = isLocked ? takeProcessLock(options.path) : undefined;
  let connection: Database.Database;
  try {
    if (isLocked) createPrivateFile(options.path);
    connection = openConnection(options);
    try {
      prepareSchema(connection, options, env.clock.nowMs());
      if (options.maxPageCount !== undefined) connection.pragma(`max_page_count = ${Math.trunc(options.maxPageCount)}`);
    } catch (error) {
      connection.close();
      throw error;
    }
  } catch (error) {
    lock?.close();
    throw statementError(`open ${options.path}`, error);
  }
  const isSynced = isLocked && options.synchronous !== 'NORMAL';
  const log = isSynced ? (options.createLogSync ?? createLogSync)(options.path) : undefined;
  const group = createGroupCommit(connection, env, log);
  return {
    connection,
    read: group.read,
    write: group.write,
    onUndo: group.onUndo,
    close: () => {
      if (!connection.open) return;
      try {
        group.close();
      } finally {
        log?.close();
        connection.close();
        lock?.close();
      }
    },
  };
}
