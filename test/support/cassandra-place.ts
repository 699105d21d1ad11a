// Where the shared Cassandra of the tests is; it is started if it isn't there.
import type { CassandraPlace } from './cassandra-keyspace-at.ts';
import { useService, variable } from './services.ts';

export async function cassandraPlace(): Promise<CassandraPlace> {
  const service = await useService('cassandra');
  return {
    contactPoints: [variable(service, 'CASSANDRA_CONTACT_POINTS')],
    localDataCenter: variable(service, 'CASSANDRA_LOCAL_DATACENTER'),
  };
}
