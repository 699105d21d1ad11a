// The configuration of the connection to PostgreSQL, and to MySQL or MariaDB: one form for both. The password comes from the environment, or from a
// config file that only the server can read.
import { type ConnectionTls, connectionTlsSchema, faultOfConnectionTls } from './tls-schema.ts';

export interface SqlServerConfig {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly maxConnections: number;
  readonly timeoutMs: number;
  readonly tls: ConnectionTls;
}

/** `env` is the prefix of its environment variables. */
export const sqlServerSchema = (title: string, port: number, env: string) =>
  ({
    host: { doc: `Host of ${title}.`, format: String, default: '127.0.0.1', env: `${env}_HOST` },
    port: { doc: 'Its port.', format: 'port', default: port, env: `${env}_PORT` },
    database: { doc: 'Database; one per region.', format: String, default: 'antiphon', env: `${env}_DATABASE` },
    user: { doc: 'User to log in as.', format: String, default: 'antiphon', env: `${env}_USER` },
    password: { doc: "The user's password.", format: String, default: '', env: `${env}_PASSWORD`, sensitive: true },
    maxConnections: {
      doc: 'Connections of one process at most. Commits of different shards run side by side, each on one.',
      format: 'nat',
      default: 16,
      env: `${env}_MAX_CONNECTIONS`,
    },
    timeoutMs: {
      doc: 'How long an answer may take. After it the outcome of a write is unknown, and its shard is acquired again.',
      format: 'nat',
      default: 10_000,
      env: `${env}_TIMEOUT_MS`,
    },
    tls: connectionTlsSchema(title, `${env}_TLS`),
  }) as const;

/** What is wrong; undefined: nothing. */
export function faultOfSqlServer({ host, database, user, maxConnections, tls }: SqlServerConfig): string | undefined {
  if (host === '') return 'host is missing';
  if (database === '') return 'database is missing';
  if (user === '') return 'user is missing';
  if (maxConnections < 2) return 'maxConnections must be at least 2';
  const tlsFault = faultOfConnectionTls(tls);
  return tlsFault === undefined ? undefined : `tls.${tlsFault}`;
}
