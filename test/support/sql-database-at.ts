// A database of its own on a running PostgreSQL or MariaDB, made and dropped by tests and by the bench.
import { randomBytes } from 'node:crypto';
import mysql from 'mysql2/promise';
import pg from 'pg';
import type { Env } from '#env';
import type { SchemaTarget } from '#persistence';
import { createMysqlSchemaTarget, createMysqlStore } from '#persistence/mysql';
import { createPostgresSchemaTarget, createPostgresStore } from '#persistence/postgres';
import type { SqlServerOptions, SqlStore } from '#persistence/sql';
import { createSchemaTool } from '#schema';

export const SQL_STORES = ['postgres', 'mysql'] as const;
export type SqlStoreName = (typeof SQL_STORES)[number];

export interface TestDatabase {
  readonly options: SqlServerOptions;
  target(): SchemaTarget;
  /** `changes`: another way there. */
  open(env: Env, changes?: Partial<SqlServerOptions>): Promise<SqlStore>;
  drop(): Promise<void>;
}

async function execute(name: SqlStoreName, url: string, statement: string): Promise<void> {
  if (name === 'postgres') {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(statement);
    await client.end();
    return;
  }
  const connection = await mysql.createConnection(url);
  await connection.query(statement);
  await connection.end();
}

/** One of `url`'s server that is not there yet. */
export function databaseAt(name: SqlStoreName, url: string): TestDatabase {
  const { hostname, port, username, password } = new URL(url);
  const database = `antiphon_test_${randomBytes(6).toString('hex')}`;
  const options: SqlServerOptions = {
    host: hostname,
    port: Number(port),
    database,
    user: username,
    password,
    maxConnections: 8,
    timeoutMs: 20_000,
  };
  const quoted = name === 'postgres' ? `"${database}"` : `\`${database}\``;
  const force = name === 'postgres' ? ' WITH (FORCE)' : '';
  return {
    options,
    target: () => (name === 'postgres' ? createPostgresSchemaTarget(options) : createMysqlSchemaTarget(options)),
    open: (env, changes = {}) => {
      const changed = { ...options, ...changes };
      return name === 'postgres' ? createPostgresStore(changed, env) : createMysqlStore(changed, env);
    },
    drop: () => execute(name, url, `DROP DATABASE IF EXISTS ${quoted}${force}`),
  };
}

/** Makes it, with this release's schema. */
export async function makeDatabase<T extends TestDatabase>(database: T, env: Env): Promise<T> {
  const target = database.target();
  try {
    await target.create?.();
    await createSchemaTool(target, env).setup();
    return database;
  } catch (error) {
    await database.drop();
    throw error;
  } finally {
    await target.close();
  }
}
