// The schema of a PostgreSQL database, for the schema tool and for servers at start.
import { StoreError } from '#base';
import type { SchemaTarget } from '../schema-target.ts';
import { SqlFailure } from '../sql/connection.ts';
import { createSqlSchemaTarget } from '../sql/schema-target.ts';
import { type SqlServerOptions, sqlSchemaFlags } from '../sql/server-options.ts';
import { adHocSql, rowOf, sql } from '../sql/statement.ts';
import { connectPostgres } from './connection.ts';

const NO_DATABASE = '3D000';
const DATABASE_EXISTS = '42P04';

export const postgresName = ({ host, port, database }: SqlServerOptions): string =>
  `the PostgreSQL database ${database} on ${host}:${port}`;

const isNoDatabase = (error: unknown): boolean => error instanceof SqlFailure && error.code === NO_DATABASE;

async function createDatabase(options: SqlServerOptions): Promise<boolean> {
  const name = options.database;
  if (!/^[A-Za-z_][A-Za-z0-9_-]{0,62}$/.test(name)) {
    throw new StoreError(
      'ConditionFailed',
      `"${name}" is no name for a database: letters, digits, _ and -, at most 63`,
    );
  }
  const connection = await connectPostgres({ ...options, database: 'postgres' }, { isForTools: true });
  try {
    await connection.run([adHocSql(`CREATE DATABASE "${name}" ENCODING 'UTF8' TEMPLATE template0`, [])]);
    return true;
  } catch (error) {
    if (error instanceof SqlFailure && error.code === DATABASE_EXISTS) return false;
    throw error;
  } finally {
    await connection.end();
  }
}

async function connectToDatabase(options: SqlServerOptions) {
  const connection = await connectPostgres(options, { isForTools: true });
  const [encoding] = await connection.run([sql('SHOW server_encoding')]);
  const { server_encoding: found } = rowOf<{ server_encoding: string }>(encoding) ?? {};
  if (found !== 'UTF8') {
    await connection.end();
    throw new StoreError('Unavailable', `${postgresName(options)} has the encoding ${found}: Antiphon needs UTF8`);
  }
  return connection;
}

export const createPostgresSchemaTarget = (options: SqlServerOptions): SchemaTarget =>
  createSqlSchemaTarget({
    schema: 'postgres',
    name: postgresName(options),
    flags: sqlSchemaFlags('postgres', options),
    connect: () => connectToDatabase(options),
    create: () => createDatabase(options),
    isNoDatabase,
    findTable: (name) =>
      sql(
        'SELECT 1 AS found FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = ?',
        name,
      ),
    lock: sql(`SELECT CASE WHEN pg_try_advisory_lock(hashtext('antiphon.schema')) THEN 1 ELSE 0 END AS locked`),
    isAtomic: true,
    alreadyDone: new Set(),
  });
