// A keyspace of its own for a test file, made at first use and dropped at the end; its tables are emptied for each test.
import { randomBytes } from 'node:crypto';
import { afterAll } from 'vitest';
import type { Env } from '#env';
import { type CassandraSchemaOptions, createCassandraSchemaTarget, openCassandraSession } from '#persistence/cassandra';
import { createSchemaTool } from '#schema';
import { useService, variable } from '../../support/services.ts';

export async function cassandraOptions(): Promise<{ contactPoints: string[]; localDataCenter: string }> {
  const service = await useService('cassandra');
  return {
    contactPoints: [variable(service, 'CASSANDRA_CONTACT_POINTS')],
    localDataCenter: variable(service, 'CASSANDRA_LOCAL_DATACENTER'),
  };
}

const KEPT = 'schema_versions';

export interface FreshKeyspace {
  /** The options of the file's keyspace, with the newest schema and no rows. */
  (): Promise<CassandraSchemaOptions>;
  /** The same, with the rows that it has. */
  current(): Promise<CassandraSchemaOptions>;
}

export function freshKeyspace(part: CassandraSchemaOptions['part'], env: Env): FreshKeyspace {
  let made: Promise<CassandraSchemaOptions> | undefined;
  const make = async (): Promise<CassandraSchemaOptions> => {
    const server = await cassandraOptions();
    const keyspace = `contract_${randomBytes(6).toString('hex')}`;
    const options = { ...server, keyspace, part, replicas: { [server.localDataCenter]: 1 } };
    const target = createCassandraSchemaTarget(options, env);
    try {
      await target.create?.();
      await createSchemaTool(target, env).setup();
    } finally {
      await target.close();
    }
    return options;
  };
  afterAll(async () => {
    if (made === undefined) return;
    const { keyspace, ...server } = await made;
    const session = await openCassandraSession(server, env);
    await session.define('drop', `DROP KEYSPACE ${keyspace}`);
    await session.close();
  }, 60_000);
  let isFresh = true;
  const current = (): Promise<CassandraSchemaOptions> => {
    made ??= make();
    return made;
  };
  const empty = async (): Promise<CassandraSchemaOptions> => {
    const options = await current();
    if (isFresh) {
      isFresh = false;
      return options;
    }
    const session = await openCassandraSession(options, env);
    const query = 'SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?';
    const tables = await session.read<{ table_name: string }>('tables', query, [options.keyspace]);
    const emptied = tables.filter(({ table_name }) => table_name !== KEPT);
    await Promise.all(emptied.map(({ table_name }) => session.define('empty', `TRUNCATE ${table_name}`)));
    await session.close();
    return options;
  };
  return Object.assign(empty, { current });
}
