// The configuration of the connection to Cassandra. Of TLS the keys are those of every connection; the password comes from the environment, or
// from a config file that only the server can read.
import { type ConnectionTls, connectionTlsSchema, faultOfConnectionTls } from './tls-schema.ts';

export interface CassandraConfig {
  readonly contactPoints: readonly string[];
  readonly localDataCenter: string;
  readonly keyspace: string;
  readonly visibilityKeyspace: string;
  readonly username: string;
  readonly password: string;
  readonly tls: ConnectionTls;
  readonly consistency: 'LOCAL_QUORUM' | 'QUORUM';
  readonly serialConsistency: 'LOCAL_SERIAL' | 'SERIAL';
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

export const cassandraSchema = {
  contactPoints: {
    doc: 'Some nodes, host or host:port; the others are found through them.',
    format: Array,
    default: ['127.0.0.1:9042'] as string[],
    env: 'ANTIPHON_CASSANDRA_CONTACT_POINTS',
  },
  localDataCenter: {
    doc: "The data center whose nodes are asked, as Cassandra's snitch names it.",
    format: String,
    default: 'datacenter1',
    env: 'ANTIPHON_CASSANDRA_LOCAL_DATA_CENTER',
  },
  keyspace: {
    doc: 'Keyspace of everything but visibility; one per region.',
    format: String,
    default: 'antiphon',
    env: 'ANTIPHON_CASSANDRA_KEYSPACE',
  },
  visibilityKeyspace: {
    doc: 'Keyspace of visibility.',
    format: String,
    default: 'antiphon_visibility',
    env: 'ANTIPHON_CASSANDRA_VISIBILITY_KEYSPACE',
  },
  username: {
    doc: 'Role to log in as; empty: the cluster asks for none.',
    format: String,
    default: '',
    env: 'ANTIPHON_CASSANDRA_USERNAME',
  },
  password: {
    doc: "The role's password.",
    format: String,
    default: '',
    env: 'ANTIPHON_CASSANDRA_PASSWORD',
    sensitive: true,
  },
  tls: connectionTlsSchema('Cassandra', 'ANTIPHON_CASSANDRA_TLS'),
  consistency: {
    doc: 'Of reads and writes: LOCAL_QUORUM (of the local data center) or QUORUM (of all copies).',
    format: ['LOCAL_QUORUM', 'QUORUM'],
    default: 'LOCAL_QUORUM',
    env: 'ANTIPHON_CASSANDRA_CONSISTENCY',
  },
  serialConsistency: {
    doc: 'Of conditions: LOCAL_SERIAL, or SERIAL with consistency QUORUM when hosts of one region use several data centers.',
    format: ['LOCAL_SERIAL', 'SERIAL'],
    default: 'LOCAL_SERIAL',
    env: 'ANTIPHON_CASSANDRA_SERIAL_CONSISTENCY',
  },
  connectTimeoutMs: {
    doc: 'How long a connection may take.',
    format: 'nat',
    default: 5_000,
    env: 'ANTIPHON_CASSANDRA_CONNECT_TIMEOUT_MS',
  },
  requestTimeoutMs: {
    doc: 'How long an answer may take. After it the outcome of a write is unknown, and its shard is acquired again.',
    format: 'nat',
    default: 10_000,
    env: 'ANTIPHON_CASSANDRA_REQUEST_TIMEOUT_MS',
  },
} as const;

/** What is wrong; undefined: nothing. */
export function faultOfCassandra(cassandra: CassandraConfig): string | undefined {
  if (cassandra.contactPoints.length === 0) return 'contactPoints is empty';
  if (cassandra.keyspace === cassandra.visibilityKeyspace) return 'visibilityKeyspace must not be keyspace';
  if (cassandra.username === '' && cassandra.password !== '') return 'password needs username';
  if (cassandra.serialConsistency === 'SERIAL' && cassandra.consistency !== 'QUORUM') {
    return 'serialConsistency SERIAL needs consistency QUORUM: a read would miss what another data center committed';
  }
  const tlsFault = faultOfConnectionTls(cassandra.tls);
  return tlsFault === undefined ? undefined : `tls.${tlsFault}`;
}
