// The Cassandra driver: one keyspace per region, its schema made by the schema tool.
import type { Env } from '#env';
import type { Store } from '../ports.ts';
import { requireSchema } from '../schema-target.ts';
import { createCassandraAudit } from './audit.ts';
import { createCurrentRunFilters } from './current-run-scan.ts';
import { createCassandraDomains } from './domains.ts';
import { createCassandraExecutions } from './executions.ts';
import { createCassandraHistory } from './history.ts';
import { createCassandraKeyValues } from './key-values.ts';
import { createCassandraLog } from './log.ts';
import { createCassandraSchemaTarget } from './schema-target.ts';
import { type CassandraOptions, type CassandraSession, openCassandraSession } from './session.ts';
import { createCassandraShards } from './shards.ts';
import { createCassandraTaskLists } from './task-lists.ts';

export { type CassandraSchemaOptions, createCassandraSchemaTarget } from './schema-target.ts';
export {
  type CassandraOptions,
  type CassandraSession,
  CONSISTENCIES,
  openCassandraSession,
  SERIAL_CONSISTENCIES,
  type Statement,
  toBlob,
  toNumber,
  type Value,
} from './session.ts';

/** Unavailable, naming the command that helps, when the keyspace is not at this release's version. */
export async function createCassandraStore(options: CassandraOptions & { keyspace: string }, env: Env): Promise<Store> {
  await requireCassandraSchema({ ...options, part: 'history' }, env);
  return portsOf(await openCassandraSession(options, env), env);
}

export async function requireCassandraSchema(
  options: Parameters<typeof createCassandraSchemaTarget>[0],
  env: Env,
): Promise<void> {
  const target = createCassandraSchemaTarget(options, env);
  try {
    await requireSchema(target);
  } finally {
    await target.close();
  }
}

function portsOf(session: CassandraSession, env: Env): Store {
  const history = createCassandraHistory(session);
  const log = createCassandraLog(session);
  const currentRunFilters = createCurrentRunFilters(session, env);
  const executions = createCassandraExecutions(session);
  return {
    shards: createCassandraShards(session, { history, executions, currentRunFilters }),
    history,
    taskLists: createCassandraTaskLists(session),
    domains: createCassandraDomains(session, env),
    log,
    keyValues: createCassandraKeyValues(session),
    audit: createCassandraAudit(log),
    close: () => {
      currentRunFilters.close();
      return session.close();
    },
  };
}
