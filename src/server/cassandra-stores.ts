// Opens the stores of a region that is kept in Cassandra: one keyspace for everything, one for visibility.
import type { CassandraConfig } from '#config';
import type { Env } from '#env';
import {
  type CassandraOptions,
  createCassandraStore,
  openCassandraSession,
  requireCassandraSchema,
} from '#persistence/cassandra';
import { createCassandraVisibility, createSearchAttributeSource } from '#visibility';
import type { TlsRegistry } from './tls.ts';

/** How to reach the cluster, without a keyspace. */
export function cassandraConnection(config: CassandraConfig, tls: TlsRegistry): CassandraOptions {
  const { username, password } = config;
  return {
    contactPoints: config.contactPoints,
    localDataCenter: config.localDataCenter,
    ...(username !== '' && { credentials: { username, password } }),
    tls: tls.options(config.tls),
    consistency: config.consistency,
    serialConsistency: config.serialConsistency,
    connectTimeoutMs: config.connectTimeoutMs,
    requestTimeoutMs: config.requestTimeoutMs,
  };
}

export async function openCassandraStores(config: CassandraConfig, env: Env, tls: TlsRegistry) {
  const connection = cassandraConnection(config, tls);
  const visibilityOptions = { ...connection, keyspace: config.visibilityKeyspace };
  await requireCassandraSchema({ ...visibilityOptions, part: 'visibility' }, env);
  const store = await createCassandraStore({ ...connection, keyspace: config.keyspace }, env);
  const searchAttributes = createSearchAttributeSource(env, store.keyValues);
  const session = await openCassandraSession(visibilityOptions, env);
  const visibility = createCassandraVisibility(session, env, { searchAttributes: () => searchAttributes.current() });
  return { store, visibility, searchAttributes };
}
