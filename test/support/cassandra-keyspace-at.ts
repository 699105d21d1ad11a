// Keyspaces of their own on a running Cassandra, made and dropped by tests, chaos and the bench: one node with one copy.
import type { Env } from '#env';
import { type CassandraSchemaOptions, createCassandraSchemaTarget, openCassandraSession } from '#persistence/cassandra';
import { createSchemaTool } from '#schema';

/** Where a server is. */
export type CassandraPlace = Pick<CassandraSchemaOptions, 'contactPoints' | 'localDataCenter'>;

/** Makes it, with this release's schema. */
export async function makeKeyspaceAt(
  place: CassandraPlace,
  keyspace: string,
  part: CassandraSchemaOptions['part'],
  env: Env,
): Promise<CassandraSchemaOptions> {
  const options = { ...place, keyspace, part, replicas: { [place.localDataCenter]: 1 } };
  const target = createCassandraSchemaTarget(options, env);
  try {
    await target.create?.();
    await createSchemaTool(target, env).setup();
    return options;
  } finally {
    await target.close();
  }
}

/** Those that are there. */
export async function dropKeyspacesAt(place: CassandraPlace, keyspaces: readonly string[], env: Env): Promise<void> {
  const session = await openCassandraSession(place, env);
  try {
    for (const keyspace of keyspaces) await session.define('drop', `DROP KEYSPACE IF EXISTS ${keyspace}`);
  } finally {
    await session.close();
  }
}
