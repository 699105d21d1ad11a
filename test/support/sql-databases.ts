// Databases of their own for tests, on the shared PostgreSQL and MariaDB: made with this release's schema, dropped at the end.
import type { Env } from '#env';
import { useService, variable } from './services.ts';
import { databaseAt, makeDatabase, type SqlStoreName, type TestDatabase } from './sql-database-at.ts';

export { SQL_STORES, type SqlStoreName, type TestDatabase } from './sql-database-at.ts';

const SERVERS = {
  postgres: { service: 'postgres', variable: 'POSTGRES_URL' },
  mysql: { service: 'mariadb', variable: 'MARIADB_URL' },
} as const;

export const serviceOf = (name: SqlStoreName) => SERVERS[name].service;

/** A database that is not there yet. */
export const nameTestDatabase = async (name: SqlStoreName): Promise<TestDatabase> =>
  databaseAt(name, variable(await useService(SERVERS[name].service), SERVERS[name].variable));

/** A database with this release's schema. */
export const makeTestDatabase = async (name: SqlStoreName, env: Env): Promise<TestDatabase> =>
  makeDatabase(await nameTestDatabase(name), env);
