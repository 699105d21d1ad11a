// The places that the schema tool works on, by store. A store may have several: Cassandra keeps histories and visibility apart. Drivers are
// loaded when they are asked for.
import type { Env } from '#env';
import type { SchemaTarget } from '#persistence';

export type SchemaSettings = { readonly store: 'sqlite'; readonly path: string };

export const SCHEMA_STORES = ['sqlite'] as const satisfies readonly SchemaSettings['store'][];

/** Connections are made when first needed; close each target. */
export async function openSchemaTargets(settings: SchemaSettings, env: Env): Promise<readonly SchemaTarget[]> {
  const { createSqliteSchemaTarget } = await import('#persistence/sqlite');
  return [createSqliteSchemaTarget(settings.path, env)];
}
