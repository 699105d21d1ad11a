// The static configuration: one convict schema that validates, documents (docs/operate/config.md is made from it) and reads environment
// variables. Precedence, lowest first: defaults here, config files in the order given, environment, command line.
import { type AuthorizationConfig, authorizationSchema } from './authorization-schema.ts';
import { type CassandraConfig, cassandraSchema } from './cassandra-schema.ts';
import { type SqlServerConfig, sqlServerSchema } from './sql-schema.ts';
import { type ConnectionTls, checkConnectionTls, type ListenerTls, listenerTlsSchema } from './tls-schema.ts';
import { type VisibilityConfig, visibilitySchema } from './visibility-schema.ts';

export interface ClusterConfig {
  readonly enabled: boolean;
  readonly initialFailoverVersion: number;
  readonly rpcAddress: string;
  /** Of connections to it. */
  readonly tls?: ConnectionTls;
}

export interface ServerConfig {
  readonly cluster: {
    readonly current: string;
    readonly primary: string;
    readonly failoverVersionIncrement: number;
    readonly members: Readonly<Record<string, ClusterConfig>>;
    readonly authorizationProvider: { readonly privateKey: string };
  };
  readonly frontend: {
    readonly address: string;
    readonly tls: ListenerTls;
    readonly insecure: boolean;
    readonly domainRps: number;
    readonly forwarding: 'noop' | 'selected-apis-forwarding';
  };
  readonly http: {
    readonly address: string;
    readonly corsOrigins: readonly string[];
    readonly allowedHosts: readonly string[];
    readonly maxBodyBytes: number;
    readonly maxConnections: number;
  };
  readonly metrics: { readonly address: string; readonly tls: ListenerTls };
  readonly services: readonly string[];
  readonly rpc: {
    readonly address: string;
    readonly advertise: string;
    readonly tls: ListenerTls;
    readonly serverName: string;
    readonly enableHostVerification: boolean;
    readonly insecure: boolean;
  };
  readonly membership: { readonly heartbeatMs: number; readonly leaseMs: number };
  readonly authorization: AuthorizationConfig;
  readonly audit: { readonly retentionDays: number; readonly maxRecords: number };
  readonly persistence: {
    readonly driver: 'sqlite' | 'memory' | 'cassandra' | 'postgres' | 'mysql';
    readonly sqlite: { readonly path: string; readonly synchronous: 'FULL' | 'NORMAL' };
    readonly cassandra: CassandraConfig;
    readonly postgres: SqlServerConfig;
    readonly mysql: SqlServerConfig;
  };
  readonly visibility: VisibilityConfig;
  readonly history: { readonly shards: number; readonly cacheBytes: number };
  readonly archival: {
    readonly enabled: boolean;
    readonly uri: string;
    readonly delayMs: number;
  };
  readonly domains: {
    readonly retentionSecondsMin: number;
    readonly retentionDaysMax: number;
    readonly failoverCoolDownMs: number;
    readonly preregister: readonly string[];
  };
  readonly dynamicConfig: { readonly file: string; readonly pollMs: number };
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent' };
}

const address = (value: unknown): void => {
  if (value === '') return;
  if (typeof value !== 'string' || !/^(\[[0-9a-f:]+\]|[^:]+):\d{1,5}$/i.test(value)) {
    throw new Error(`must be host:port, as 127.0.0.1:7833, and is ${JSON.stringify(value)}`);
  }
};

/** Throws naming the first member that is wrong. */
export const checkMembers = (value: unknown): void => {
  if (typeof value !== 'object' || value === null) throw new Error('must map cluster names to their settings');
  const seen = new Set<number>();
  for (const [name, member] of Object.entries(value as Record<string, Partial<ClusterConfig>>)) {
    const version = member.initialFailoverVersion;
    if (!Number.isInteger(version) || (version as number) < 0) {
      throw new Error(`${name}.initialFailoverVersion must be an integer of 0 or more`);
    }
    if (seen.has(version as number))
      throw new Error(`${name}.initialFailoverVersion ${version} is taken by another cluster`);
    seen.add(version as number);
    address(member.rpcAddress ?? '');
    checkConnectionTls(member.tls, `${name}.tls`);
  }
};

export const configSchema = {
  cluster: {
    current: { doc: 'Name of this region.', format: String, default: 'region-a', env: 'ANTIPHON_CLUSTER' },
    primary: {
      doc: 'The region that registers and configures global domains.',
      format: String,
      default: 'region-a',
      env: 'ANTIPHON_PRIMARY_CLUSTER',
    },
    failoverVersionIncrement: {
      doc: 'Distance between two failover versions of one region. The same in every region, and never changed.',
      format: 'nat',
      default: 100,
      env: 'ANTIPHON_FAILOVER_VERSION_INCREMENT',
    },
    members: {
      doc: 'Every region: enabled, initialFailoverVersion (unique, below the increment), rpcAddress of its frontend, and tls to it.',
      format: 'object',
      default: { 'region-a': { enabled: true, initialFailoverVersion: 0, rpcAddress: '' } } as Record<
        string,
        ClusterConfig
      >,
    },
    authorizationProvider: {
      privateKey: {
        doc: 'PEM file of the key (RSA or P-256) that signs the tokens of calls to other regions.',
        format: String,
        default: '',
        env: 'ANTIPHON_AUTH_PRIVATE_KEY',
      },
    },
  },
  authorization: authorizationSchema,
  audit: {
    retentionDays: {
      doc: 'How long the audit keeps who changed what.',
      format: 'nat',
      default: 90,
      env: 'ANTIPHON_AUDIT_RETENTION_DAYS',
    },
    maxRecords: {
      doc: 'Most records of the audit; the oldest go first.',
      format: 'nat',
      default: 100_000,
      env: 'ANTIPHON_AUDIT_MAX_RECORDS',
    },
  },
  frontend: {
    address: {
      doc: 'gRPC listener. Port 0 picks a free one.',
      format: address,
      default: '127.0.0.1:7833',
      env: 'ANTIPHON_FRONTEND_ADDRESS',
    },
    tls: listenerTlsSchema('gRPC', 'ANTIPHON_TLS'),
    insecure: {
      doc: 'Allow a listener beyond loopback without authentication.',
      format: Boolean,
      default: false,
      env: 'ANTIPHON_INSECURE',
    },
    domainRps: {
      doc: 'Calls per second that one domain may make.',
      format: 'nat',
      default: 20_000,
      env: 'ANTIPHON_DOMAIN_RPS',
    },
    forwarding: {
      doc: 'Forward calls on a domain that is active elsewhere (semantics §5.8).',
      format: ['noop', 'selected-apis-forwarding'],
      default: 'selected-apis-forwarding',
      env: 'ANTIPHON_FORWARDING',
    },
  },
  http: {
    address: {
      doc: 'HTTP/JSON listener, with the TLS and the authorization of gRPC; empty for none.',
      format: address,
      default: '',
      env: 'ANTIPHON_HTTP_ADDRESS',
    },
    corsOrigins: {
      doc: 'Origins whose web pages may call, as https://ops.example.com; * is every page.',
      format: Array,
      default: [] as string[],
      env: 'ANTIPHON_HTTP_CORS_ORIGINS',
    },
    allowedHosts: {
      doc: 'Host names that a listener on loopback answers to beside localhost, for a reverse proxy that keeps the name.',
      format: Array,
      default: [] as string[],
      env: 'ANTIPHON_HTTP_ALLOWED_HOSTS',
    },
    maxBodyBytes: {
      doc: 'Largest body of a request, after decompression.',
      format: 'nat',
      default: 8 * 1024 * 1024,
      env: 'ANTIPHON_HTTP_MAX_BODY_BYTES',
    },
    maxConnections: {
      doc: 'Connections at once.',
      format: 'nat',
      default: 10_000,
      env: 'ANTIPHON_HTTP_MAX_CONNECTIONS',
    },
  },
  metrics: {
    address: {
      doc: 'HTTP listener of /metrics and /health; empty for none.',
      format: address,
      default: '127.0.0.1:9464',
      env: 'ANTIPHON_METRICS_ADDRESS',
    },
    tls: listenerTlsSchema('metrics', 'ANTIPHON_METRICS_TLS'),
  },
  services: {
    doc: 'What this process does: frontend, history, matching, worker. Fewer than all need rpc.address.',
    format: Array,
    default: ['frontend', 'history', 'matching', 'worker'] as string[],
    env: 'ANTIPHON_SERVICES',
  },
  rpc: {
    address: {
      doc: 'Listener for the other hosts of this region; empty: this process is the only one on its store. Port 0 picks a free one.',
      format: address,
      default: '',
      env: 'ANTIPHON_RPC_ADDRESS',
    },
    advertise: {
      doc: 'host:port at which the other hosts find it; empty: as the listener. It is the id of this host.',
      format: address,
      default: '',
      env: 'ANTIPHON_RPC_ADVERTISE',
    },
    tls: listenerTlsSchema('calls between hosts', 'ANTIPHON_RPC_TLS'),
    serverName: {
      doc: 'Name that the certificates of the other hosts have, when it is not that of their address.',
      format: String,
      default: '',
      env: 'ANTIPHON_RPC_SERVER_NAME',
    },
    enableHostVerification: {
      doc: 'Check the name in the certificates of the other hosts.',
      format: Boolean,
      default: true,
      env: 'ANTIPHON_RPC_HOST_VERIFICATION',
    },
    insecure: {
      doc: 'Allow a listener for other hosts beyond loopback without mTLS.',
      format: Boolean,
      default: false,
      env: 'ANTIPHON_RPC_INSECURE',
    },
  },
  membership: {
    heartbeatMs: {
      doc: 'How often a host says in the store that it is alive, and looks who else is.',
      format: 'nat',
      default: 1_000,
      env: 'ANTIPHON_MEMBERSHIP_HEARTBEAT_MS',
    },
    leaseMs: {
      doc: 'A host that was not heard of for so long is replaced. At least three heartbeats.',
      format: 'nat',
      default: 5_000,
      env: 'ANTIPHON_MEMBERSHIP_LEASE_MS',
    },
  },
  persistence: {
    driver: {
      doc: 'Store.',
      format: ['sqlite', 'memory', 'cassandra', 'postgres', 'mysql'],
      default: 'sqlite',
      env: 'ANTIPHON_PERSISTENCE',
    },
    sqlite: {
      path: {
        doc: 'Database file; one per region.',
        format: String,
        default: 'data/antiphon.db',
        env: 'ANTIPHON_SQLITE_PATH',
      },
      synchronous: {
        doc: 'FULL survives a power cut; NORMAL may then lose the last commits, and is faster.',
        format: ['FULL', 'NORMAL'],
        default: 'FULL',
        env: 'ANTIPHON_SQLITE_SYNCHRONOUS',
      },
    },
    cassandra: cassandraSchema,
    postgres: sqlServerSchema('PostgreSQL', 5432, 'ANTIPHON_POSTGRES'),
    mysql: sqlServerSchema('MySQL or MariaDB', 3306, 'ANTIPHON_MYSQL'),
  },
  visibility: visibilitySchema,
  history: {
    shards: {
      doc: 'Number of shards of a new store. An existing store keeps its shard map.',
      format: 'nat',
      default: 4,
      env: 'ANTIPHON_SHARDS',
    },
    cacheBytes: {
      doc: 'Memory for workflow states, all shards together.',
      format: 'nat',
      default: 64 * 1024 * 1024,
      env: 'ANTIPHON_HISTORY_CACHE_BYTES',
    },
  },
  archival: {
    enabled: {
      doc: 'New domains archive their closed histories.',
      format: Boolean,
      default: false,
      env: 'ANTIPHON_ARCHIVAL_ENABLED',
    },
    uri: {
      doc: 'Where: file:///directory.',
      format: String,
      default: '',
      env: 'ANTIPHON_ARCHIVAL_URI',
    },
    delayMs: {
      doc: 'How long after its close a run is archived. It is archived before retention deletes it in any case.',
      format: 'nat',
      default: 60_000,
      env: 'ANTIPHON_ARCHIVAL_DELAY_MS',
    },
  },
  domains: {
    retentionSecondsMin: {
      doc: 'Least retention of a domain. A day as in Cadence; development configs set less.',
      format: 'nat',
      default: 86_400,
      env: 'ANTIPHON_RETENTION_SECONDS_MIN',
    },
    retentionDaysMax: { doc: 'Largest retention.', format: 'nat', default: 30, env: 'ANTIPHON_RETENTION_DAYS_MAX' },
    failoverCoolDownMs: {
      doc: 'Least time between two updates of a global domain.',
      format: 'nat',
      default: 60_000,
      env: 'ANTIPHON_FAILOVER_COOL_DOWN_MS',
    },
    preregister: { doc: 'Domains registered at start when missing.', format: Array, default: [] as string[] },
  },
  dynamicConfig: {
    file: {
      doc: "YAML file with limits and quotas in Cadence's form, looked at while the server runs; empty for none. Keys: dynamic-config.md.",
      format: String,
      default: '',
      env: 'ANTIPHON_DYNAMIC_CONFIG_FILE',
    },
    pollMs: {
      doc: 'How often the file and the values that other hosts set are looked at.',
      format: 'nat',
      default: 10_000,
      env: 'ANTIPHON_DYNAMIC_CONFIG_POLL_MS',
    },
  },
  log: {
    level: {
      doc: 'Least level that is logged.',
      format: ['debug', 'info', 'warn', 'error', 'silent'],
      default: 'info',
      env: 'ANTIPHON_LOG_LEVEL',
    },
  },
} as const;
