// How the schema tool reaches a store: as the server does. Drivers are loaded when they are asked for.
import type { CassandraConfig } from '#config';
import type { CassandraOptions } from '#persistence/cassandra';

export async function cassandraSchemaConnection(config: CassandraConfig): Promise<CassandraOptions> {
  const { cassandraConnection } = await import('./cassandra-stores.ts');
  return cassandraConnection(config);
}
