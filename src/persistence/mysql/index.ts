// The driver of MySQL 8 and MariaDB 10.8 or newer: the ports of ../sql. It starts on this release's schema only.
import type { Env } from '#env';
import { createSqlDatabase } from '../sql/database.ts';
import { openSqlStore } from '../sql/open-store.ts';
import type { SqlServerOptions } from '../sql/server-options.ts';
import type { SqlStore } from '../sql/store.ts';
import { connectMysql } from './connection.ts';
import { createMysqlDialect } from './dialect.ts';
import { createMysqlSchemaTarget } from './schema-target.ts';

export { createMysqlSchemaTarget } from './schema-target.ts';

export const createMysqlStore = (options: SqlServerOptions, env: Env): Promise<SqlStore> =>
  openSqlStore(createMysqlSchemaTarget(options), () =>
    createSqlDatabase(createMysqlDialect(), () => connectMysql(options), env, options),
  );
