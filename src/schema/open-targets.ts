// The places that the schema tool works on, by store. A store may have several: Cassandra keeps histories and visibility apart. Drivers are
// loaded when they are asked for.
import type { Env } from '#env';
import type { SchemaTarget } from '#persistence';
import type { CassandraSchemaOptions } from '#persistence/cassandra';
import type { SqlServerOptions } from '#persistence/sql';
import type { OpenSearchSchemaOptions } from '#visibility';

export type SchemaSettings =
  | { readonly store: 'sqlite'; readonly path: string }
  | { readonly store: 'postgres' | 'mysql'; readonly server: SqlServerOptions }
  | { readonly store: 'cassandra'; readonly keyspaces: readonly CassandraSchemaOptions[] }
  | { readonly store: 'opensearch'; readonly index: OpenSearchSchemaOptions };

export type SchemaStore = SchemaSettings['store'];

export const SCHEMA_STORES = [
  'sqlite',
  'postgres',
  'mysql',
  'cassandra',
  'opensearch',
] as const satisfies readonly SchemaStore[];

/** Connections are made when first needed; close each target. */
export async function openSchemaTargets(settings: SchemaSettings, env: Env): Promise<readonly SchemaTarget[]> {
  switch (settings.store) {
    case 'sqlite': {
      const { createSqliteSchemaTarget } = await import('#persistence/sqlite');
      return [createSqliteSchemaTarget(settings.path, env)];
    }
    case 'postgres': {
      const { createPostgresSchemaTarget } = await import('#persistence/postgres');
      return [createPostgresSchemaTarget(settings.server)];
    }
    case 'mysql': {
      const { createMysqlSchemaTarget } = await import('#persistence/mysql');
      return [createMysqlSchemaTarget(settings.server)];
    }
    case 'cassandra': {
      const { createCassandraSchemaTarget } = await import('#persistence/cassandra');
      return settings.keyspaces.map((keyspace) => createCassandraSchemaTarget(keyspace, env));
    }
    case 'opensearch': {
      const { createOpenSearchSchemaTarget } = await import('#visibility');
      return [createOpenSearchSchemaTarget(env, settings.index)];
    }
  }
}
