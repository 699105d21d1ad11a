// The configuration of the connection to PostgreSQL, and to MySQL or MariaDB: one form for both. The password comes from the environment, or from a
// config file that only the server can read.

export interface SqlServerConfig {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly maxConnections: number;
  readonly timeoutMs: number;
  readonly tls: {
    readonly enabled: boolean;
    readonly caFile: string;
    readonly certFile: string;
    readonly keyFile: string;
    readonly serverName: string;
    readonly enableHostVerification: boolean;
  };
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
    tls: {
      enabled: { doc: 'Connect over TLS.', format: Boolean, default: false, env: `${env}_TLS_ENABLED` },
      caFile: {
        doc: "Authority, PEM, that the server's certificate is verified with; empty: those that Node knows.",
        format: String,
        default: '',
        env: `${env}_TLS_CA_FILE`,
      },
      certFile: {
        doc: 'Certificate to show to the server, PEM.',
        format: String,
        default: '',
        env: `${env}_TLS_CERT_FILE`,
      },
      keyFile: { doc: 'Its private key, PEM.', format: String, default: '', env: `${env}_TLS_KEY_FILE` },
      serverName: {
        doc: "Name in the server's certificate, when it is not the host.",
        format: String,
        default: '',
        env: `${env}_TLS_SERVER_NAME`,
      },
      enableHostVerification: {
        doc: "Check the server's certificate and the name in it.",
        format: Boolean,
        default: true,
        env: `${env}_TLS_HOST_VERIFICATION`,
      },
    },
  }) as const;

/** What is wrong; undefined: nothing. */
export function faultOfSqlServer({ host, database, user, maxConnections, tls }: SqlServerConfig): string | undefined {
  if (host === '') return 'host is missing';
  if (database === '') return 'database is missing';
  if (user === '') return 'user is missing';
  if (maxConnections < 2) return 'maxConnections must be at least 2';
  return tls.certFile !== '' && tls.keyFile === '' ? 'tls.keyFile is missing' : undefined;
}
