// Opens the stores of a region that is kept in PostgreSQL or MySQL: everything, visibility too, in one database.
import type { SqlServerConfig } from '#config';
import type { Env } from '#env';
import { createMysqlStore } from '#persistence/mysql';
import { createPostgresStore } from '#persistence/postgres';
import { createSearchAttributeSource, createServerVisibility } from '#visibility';
import type { TlsRegistry } from './tls.ts';

export async function openSqlStores(driver: 'postgres' | 'mysql', config: SqlServerConfig, env: Env, tls: TlsRegistry) {
  const server = { ...config, tls: tls.options(config.tls) };
  const store = driver === 'postgres' ? await createPostgresStore(server, env) : await createMysqlStore(server, env);
  const searchAttributes = createSearchAttributeSource(env, store.keyValues);
  const visibility = createServerVisibility(store.database, env, {
    searchAttributes: () => searchAttributes.current(),
  });
  return { store, visibility, searchAttributes };
}
