// The SQLite driver, the embedded default: one file per region, WAL, synced per group commit.
import { StoreError } from '#base';
import type { Env } from '#env';
import type { Store } from '../ports.ts';
import { createSqliteAudit } from './audit.ts';
import { openSqliteDatabase, type SqliteDatabase, type SqliteOptions } from './database.ts';
import { createSqliteDomains } from './domains.ts';
import { createSqliteExecutions } from './executions.ts';
import { createSqliteHistory } from './history.ts';
import { createSqliteKeyValues } from './key-values.ts';
import { createSqliteLog } from './log.ts';
import { createSqliteShards } from './shards.ts';
import { createSqliteTaskLists } from './task-lists.ts';

export { openSqliteDatabase, type SqliteDatabase, type SqliteOptions } from './database.ts';
export type { LogSync } from './log-sync.ts';
export { createSqliteSchemaTarget } from './schema-target.ts';

export interface SqliteStore extends Store {
  /** The open file, to put visibility beside the histories, in the same transactions. */
  readonly database: SqliteDatabase;
}

export function createSqliteStore(options: SqliteOptions, env: Env): SqliteStore {
  const database = openSqliteDatabase(options, env);
  try {
    return createPorts(database);
  } catch (error) {
    // Statements are prepared here: the file's tables are not those of its schema version.
    database.close();
    throw new StoreError('Corrupt', `${options.path} cannot be used: ${String(error)}`, { cause: error });
  }
}

function createPorts(database: SqliteDatabase): SqliteStore {
  const history = createSqliteHistory(database);
  return {
    database,
    shards: createSqliteShards(database, { history, executions: createSqliteExecutions(database) }),
    history,
    taskLists: createSqliteTaskLists(database),
    domains: createSqliteDomains(database),
    log: createSqliteLog(database),
    keyValues: createSqliteKeyValues(database),
    audit: createSqliteAudit(database),
    close: async () => database.close(),
  };
}
