// Opens the stores of a region that is kept in Cassandra: one keyspace for everything, one for visibility.
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import type { CassandraConfig } from '#config';
import type { Env } from '#env';
import {
  type CassandraOptions,
  createCassandraStore,
  openCassandraSession,
  requireCassandraSchema,
} from '#persistence/cassandra';
import { createCassandraVisibility, createSearchAttributeSource } from '#visibility';

function tlsOf({ tls }: CassandraConfig): ConnectionOptions | undefined {
  if (!tls.enabled) return undefined;
  const { caFile, certFile, keyFile, serverName, enableHostVerification } = tls;
  return {
    rejectUnauthorized: enableHostVerification,
    ...(caFile !== '' && { ca: readFileSync(caFile) }),
    ...(certFile !== '' && { cert: readFileSync(certFile), key: readFileSync(keyFile) }),
    ...(serverName !== '' && { servername: serverName }),
  };
}

/** How to reach the cluster, without a keyspace. */
export function cassandraConnection(config: CassandraConfig): CassandraOptions {
  const { username, password } = config;
  return {
    contactPoints: config.contactPoints,
    localDataCenter: config.localDataCenter,
    ...(username !== '' && { credentials: { username, password } }),
    tls: tlsOf(config),
    consistency: config.consistency,
    serialConsistency: config.serialConsistency,
    connectTimeoutMs: config.connectTimeoutMs,
    requestTimeoutMs: config.requestTimeoutMs,
  };
}

export async function openCassandraStores(config: CassandraConfig, env: Env) {
  const connection = cassandraConnection(config);
  const visibilityOptions = { ...connection, keyspace: config.visibilityKeyspace };
  await requireCassandraSchema({ ...visibilityOptions, part: 'visibility' }, env);
  const store = await createCassandraStore({ ...connection, keyspace: config.keyspace }, env);
  const searchAttributes = createSearchAttributeSource(env, store.keyValues);
  const session = await openCassandraSession(visibilityOptions, env);
  const visibility = createCassandraVisibility(session, env, { searchAttributes: () => searchAttributes.current() });
  return { store, visibility, searchAttributes };
}
