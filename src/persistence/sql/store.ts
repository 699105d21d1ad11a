// The ports of persistence on a SQL database.
import type { Store } from '../ports.ts';
import { createSqlAudit } from './audit.ts';
import type { SqlDatabase } from './database.ts';
import { createSqlDomains } from './domains.ts';
import { createSqlExecutions } from './executions.ts';
import { createSqlHistory } from './history.ts';
import { createSqlKeyValues } from './key-values.ts';
import { createSqlLog } from './log.ts';
import { createSqlShards } from './shards.ts';
import { createSqlTaskLists } from './task-lists.ts';

export interface SqlStore extends Store {
  /** Visibility lives in the same database. */
  readonly database: SqlDatabase;
}

export function createSqlStore(database: SqlDatabase): SqlStore {
  const history = createSqlHistory(database);
  const { writes: _, ...historyPort } = history;
  return {
    database,
    shards: createSqlShards(database, { history, executions: createSqlExecutions(database) }),
    history: historyPort,
    taskLists: createSqlTaskLists(database),
    domains: createSqlDomains(database),
    log: createSqlLog(database),
    keyValues: createSqlKeyValues(database),
    audit: createSqlAudit(database),
    close: () => database.close(),
  };
}
