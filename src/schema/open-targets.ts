// The places that the schema tool works on, by store. A store may have several: Cassandra keeps histories and visibility apart. Drivers are
// loaded when they are asked for.
import type { Env } from '#env';
import type { SchemaTarget } from '#persistence';
import type { CassandraOptions } from '#persistence/cassandra';

export interface CassandraSchemaSettings {
  readonly store: 'cassandra';
  readonly connection: CassandraOptions;
  /** Of the parts to work on. */
  readonly keyspaces: { readonly history?: string | undefined; readonly visibility?: string | undefined };
  /** Copies per data center of a keyspace that is made. */
  readonly replicas?: Readonly<Record<string, number>> | undefined;
}

export type SchemaSettings = { readonly store: 'sqlite'; readonly path: string } | CassandraSchemaSettings;

export const SCHEMA_STORES = ['sqlite', 'cassandra'] as const satisfies readonly SchemaSettings['store'][];

async function cassandraTargets(settings: CassandraSchemaSettings, env: Env): Promise<readonly SchemaTarget[]> {
  const { createCassandraSchemaTarget } = await import('#persistence/cassandra');
  const { connection, keyspaces, replicas } = settings;
  return (['history', 'visibility'] as const).flatMap((part) => {
    const keyspace = keyspaces[part];
    return keyspace === undefined
      ? []
      : [createCassandraSchemaTarget({ ...connection, keyspace, part, replicas }, env)];
  });
}

/** Connections are made when first needed; close each target. */
export async function openSchemaTargets(settings: SchemaSettings, env: Env): Promise<readonly SchemaTarget[]> {
  if (settings.store === 'cassandra') return cassandraTargets(settings, env);
  const { createSqliteSchemaTarget } = await import('#persistence/sqlite');
  return [createSqliteSchemaTarget(settings.path, env)];
}
