// Opens the stores of a region that is kept in PostgreSQL or MySQL: everything, visibility too, in one database.
import type { SqlServerConfig } from '#config';
import type { Env } from '#env';
import { createMysqlStore } from '#persistence/mysql';
import { createPostgresStore } from '#persistence/postgres';
import { createSearchAttributeSource, createServerVisibility } from '#visibility';

export async function openSqlStores(driver: 'postgres' | 'mysql', config: SqlServerConfig, env: Env) {
  const store = driver === 'postgres' ? await createPostgresStore(config, env) : await createMysqlStore(config, env);
  const searchAttributes = createSearchAttributeSource(env, store.keyValues);
  const visibility = createServerVisibility(store.database, env, {
    searchAttributes: () => searchAttributes.current(),
  });
  return { store, visibility, searchAttributes };
}
