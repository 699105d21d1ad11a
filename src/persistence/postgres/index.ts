// The PostgreSQL driver: the ports of ../sql on pipelined connections. It starts on this release's schema only.
import type { Env } from '#env';
import { createSqlDatabase } from '../sql/database.ts';
import { openSqlStore } from '../sql/open-store.ts';
import type { SqlServerOptions } from '../sql/server-options.ts';
import type { SqlStore } from '../sql/store.ts';
import { connectPostgres } from './connection.ts';
import { createPostgresDialect } from './dialect.ts';
import { createPostgresSchemaTarget } from './schema-target.ts';

export { createPostgresSchemaTarget } from './schema-target.ts';

export const createPostgresStore = (options: SqlServerOptions, env: Env): Promise<SqlStore> =>
  openSqlStore(createPostgresSchemaTarget(options), () =>
    createSqlDatabase(createPostgresDialect(), () => connectPostgres(options), env, options),
  );
