// The schema of a MySQL or MariaDB database, for the schema tool and for servers at start.
import { StoreError } from '#base';
import type { SchemaTarget } from '../schema-target.ts';
import { SqlFailure } from '../sql/connection.ts';
import { createSqlSchemaTarget } from '../sql/schema-target.ts';
import { type SqlServerOptions, sqlSchemaFlags } from '../sql/server-options.ts';
import { adHocSql, rowOf, sql } from '../sql/statement.ts';
import { connectMysql } from './connection.ts';

const NO_DATABASE = 'ER_BAD_DB_ERROR';

export const mysqlName = ({ host, port, database }: SqlServerOptions): string =>
  `the MySQL database ${database} on ${host}:${port}`;

const isNoDatabase = (error: unknown): boolean => error instanceof SqlFailure && error.code === NO_DATABASE;

async function createDatabase(options: SqlServerOptions): Promise<boolean> {
  const name = options.database;
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) {
    throw new StoreError(
      'ConditionFailed',
      `"${name}" is no name for a database: letters, digits, _ and -, at most 64`,
    );
  }
  const connection = await connectMysql({ ...options, database: '' });
  try {
    const [found] = await connection.run([
      sql('SELECT 1 AS found FROM information_schema.schemata WHERE schema_name = ?', name),
    ]);
    if (rowOf(found) !== undefined) return false;
    await connection.run([adHocSql(`CREATE DATABASE \`${name}\` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`, [])]);
    return true;
  } finally {
    await connection.end();
  }
}

export const createMysqlSchemaTarget = (options: SqlServerOptions): SchemaTarget =>
  createSqlSchemaTarget({
    schema: 'mysql',
    name: mysqlName(options),
    flags: sqlSchemaFlags('mysql', options),
    connect: () => connectMysql(options),
    create: () => createDatabase(options),
    isNoDatabase,
    findTable: (name) =>
      sql('SELECT 1 AS found FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?', name),
    // Locks of this kind are of the whole server: the name has the database in it, hashed where it is long.
    lock: sql(`SELECT GET_LOCK(CONCAT('antiphon.schema.', SHA1(DATABASE())), 0) AS locked`),
    isAtomic: false,
    alreadyDone: new Set(['ER_TABLE_EXISTS_ERROR', 'ER_DUP_FIELDNAME', 'ER_DUP_KEYNAME', 'ER_CANT_DROP_FIELD_OR_KEY']),
  });
