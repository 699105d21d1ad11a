// A keyspace of its own for a test file, made at first use and dropped at the end; its tables are emptied for each test.
import { randomBytes } from 'node:crypto';
import { afterAll } from 'vitest';
import type { Env } from '#env';
import { type CassandraSchemaOptions, openCassandraSession } from '#persistence/cassandra';
import { dropKeyspacesAt, makeKeyspaceAt } from '../../support/cassandra-keyspace-at.ts';
import { cassandraPlace } from '../../support/cassandra-place.ts';

const KEPT = 'schema_versions';

export interface FreshKeyspace {
  /** The options of the file's keyspace, with the newest schema and no rows. */
  (): Promise<CassandraSchemaOptions>;
  /** The same, with the rows that it has. */
  current(): Promise<CassandraSchemaOptions>;
}

export function freshKeyspace(part: CassandraSchemaOptions['part'], env: Env): FreshKeyspace {
  let made: Promise<CassandraSchemaOptions> | undefined;
  const make = async (): Promise<CassandraSchemaOptions> =>
    makeKeyspaceAt(await cassandraPlace(), `contract_${randomBytes(6).toString('hex')}`, part, env);
  afterAll(async () => {
    if (made === undefined) return;
    const { keyspace, ...place } = await made;
    await dropKeyspacesAt(place, [keyspace], env);
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
