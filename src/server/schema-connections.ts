// How the schema tool reaches a store: as the server does. Drivers are loaded when they are asked for. Certificates are read once: the tool ends
// before they do.
import type { CassandraConfig, SqlServerConfig, VisibilityConfig } from '#config';
import type { Env } from '#env';
import type { CassandraOptions } from '#persistence/cassandra';
import type { SqlServerOptions } from '#persistence/sql';
import type { OpenSearchConnection } from '#visibility';
import { createTlsRegistry, type TlsRegistry } from './tls.ts';

function withTls<T>(env: Env, connect: (tls: TlsRegistry) => T): T {
  const tls = createTlsRegistry(env);
  try {
    return connect(tls);
  } finally {
    tls.close();
  }
}

export async function cassandraSchemaConnection(config: CassandraConfig, env: Env): Promise<CassandraOptions> {
  const { cassandraConnection } = await import('./cassandra-stores.ts');
  return withTls(env, (tls) => cassandraConnection(config, tls));
}

export const sqlSchemaConnection = (config: SqlServerConfig, env: Env): SqlServerOptions =>
  withTls(env, (tls) => ({ ...config, tls: tls.options(config.tls) }));

export async function openSearchSchemaConnection(
  config: VisibilityConfig['opensearch'],
  env: Env,
): Promise<OpenSearchConnection> {
  const { openSearchConnection } = await import('./visibility.ts');
  return withTls(env, (tls) => openSearchConnection(config, tls));
}
