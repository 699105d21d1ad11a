// How the schema tool reaches a store: as the server does. Drivers are loaded when they are asked for.
import type { CassandraConfig, VisibilityConfig } from '#config';
import type { Env } from '#env';
import type { CassandraOptions } from '#persistence/cassandra';
import type { OpenSearchConnection } from '#visibility';

export async function cassandraSchemaConnection(config: CassandraConfig): Promise<CassandraOptions> {
  const { cassandraConnection } = await import('./cassandra-stores.ts');
  return cassandraConnection(config);
}

/** Certificates are read once: the tool ends before they do. */
export async function openSearchSchemaConnection(
  config: VisibilityConfig['opensearch'],
  env: Env,
): Promise<OpenSearchConnection> {
  const [{ openSearchConnection }, { createTlsRegistry }] = await Promise.all([
    import('./visibility.ts'),
    import('./tls.ts'),
  ]);
  const registry = createTlsRegistry(env);
  const { tls, ...connection } = openSearchConnection(config, registry);
  const certificates = tls?.();
  registry.close();
  return certificates === undefined ? connection : { ...connection, tls: () => certificates };
}
