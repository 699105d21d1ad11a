// Which store a schema command is about, and how to reach it: the configuration of the server (`-c`), then the variables of Cadence's tools, then
// flags, which have the names that cadence-cassandra-tool and cadence-sql-tool give them.
import fs from 'node:fs';
import { type ConnectionTls, faultOfOpenSearch, loadConfig, type ServerConfig } from '#config';
import { createRealEnv } from '#env';
import { SCHEMA_STORES, type SchemaSettings, type SchemaStore } from '#schema';
import { usageError } from '../../failure.ts';
import { type Flag, list, on, oneOf, text, type ValuesOf, whole } from '../../spec/flags.ts';

const storeFlag = oneOf('store plugin pl', 'the store; that of the configuration when left out', [
  ...SCHEMA_STORES,
  'mariadb',
  'postgresql',
]);

export const CONNECTION_FLAGS = {
  store: storeFlag,
  config: list('config c', 'configuration files of the server', 'file'),
  path: text('path file', 'SQLite file', 'file'),
  endpoint: text('endpoint ep', 'host of the store; a list for Cassandra', 'host'),
  port: whole('port p', 'its port'),
  user: text('user u', 'user'),
  password: text('password pw', 'password; better in the environment or the configuration'),
  database: text('database db', 'database of PostgreSQL or MySQL', 'name'),
  keyspace: text('keyspace k', 'keyspace of Cassandra', 'name'),
  schema: oneOf(
    'schema',
    'what the keyspace holds; both of the configuration when neither it nor a keyspace is given',
    ['history', 'visibility'],
  ),
  datacenter: text('datacenter dc', 'local data center of Cassandra', 'name'),
  url: text('url', 'nodes of OpenSearch or Elasticsearch, as http://search-1:9200,http://search-2:9200', 'urls'),
  index: text('index', 'index of OpenSearch or Elasticsearch', 'name'),
  shards: whole('index-shards', 'shards of an index that is made'),
  replicas: whole('replication-factor rf', 'copies of a keyspace or index that is made'),
  timeout: whole('timeout t', 'longest wait for an answer, in seconds'),
  tls: on('tls', 'connect over TLS'),
  tlsCaFile: text('tls-ca-file', 'authority of its certificate, PEM', 'file'),
  tlsCertFile: text('tls-cert-file', 'certificate to show, PEM', 'file'),
  tlsKeyFile: text('tls-key-file', 'its private key, PEM', 'file'),
  tlsServerName: text('tls-server-name', 'name in its certificate', 'name'),
  tlsNoHostVerification: on('tls-disable-host-verification', 'trust its certificate, whatever name it has'),
} satisfies Record<string, Flag<unknown>>;

export type ConnectionValues = ValuesOf<typeof CONNECTION_FLAGS>;

const STORE_NAMES: Readonly<Record<string, SchemaStore>> = {
  ...Object.fromEntries(SCHEMA_STORES.map((store) => [store, store] as const)),
  mariadb: 'mysql',
  postgresql: 'postgres',
};

function storeOf(flags: ConnectionValues, config: ServerConfig): SchemaStore {
  const { SQL_PLUGIN: plugin = '' } = process.env;
  if (flags.store !== undefined) return STORE_NAMES[flags.store] as SchemaStore;
  // What was said of the place says which store it is.
  if (flags.path !== undefined) return 'sqlite';
  if (flags.keyspace !== undefined) return 'cassandra';
  if (flags.url !== undefined || flags.index !== undefined) return 'opensearch';
  const { driver } = config.persistence;
  const named = STORE_NAMES[flags.config.length > 0 || plugin === '' ? driver : plugin];
  if (named === undefined) throw usageError(`${plugin || driver} has no schema`, `--store ${SCHEMA_STORES.join('|')}`);
  return named;
}

/** TLS by flags, on top of what is configured. */
function tlsOf(flags: ConnectionValues, configured: ConnectionTls): ConnectionTls {
  return {
    ...configured,
    ...(flags.tls && { enabled: true }),
    ...(flags.tlsCaFile !== undefined && { caFile: flags.tlsCaFile }),
    ...(flags.tlsCertFile !== undefined && { certFile: flags.tlsCertFile }),
    ...(flags.tlsKeyFile !== undefined && { keyFile: flags.tlsKeyFile }),
    ...(flags.tlsServerName !== undefined && { serverName: flags.tlsServerName }),
    ...(flags.tlsNoHostVerification && { enableHostVerification: false }),
  };
}

function portOf(typed: string | undefined): number | undefined {
  if (typed === undefined || typed === '') return undefined;
  if (!/^\d{1,5}$/.test(typed)) throw usageError(`SQL_PORT is "${typed}": expected a port.`);
  return Number(typed);
}

async function sqlSettings(
  store: 'postgres' | 'mysql',
  flags: ConnectionValues,
  config: ServerConfig,
): Promise<SchemaSettings> {
  const configured = config.persistence[store];
  const { SQL_HOST, SQL_PORT, SQL_USER, SQL_PASSWORD, SQL_DATABASE } = process.env;
  const named = {
    ...configured,
    host: flags.endpoint ?? (SQL_HOST || configured.host),
    port: flags.port ?? portOf(SQL_PORT) ?? configured.port,
    user: flags.user ?? (SQL_USER || configured.user),
    password: flags.password ?? (SQL_PASSWORD || configured.password),
    database: flags.database ?? flags.keyspace ?? (SQL_DATABASE || configured.database),
    timeoutMs: flags.timeout === undefined ? configured.timeoutMs : flags.timeout * 1000,
    tls: tlsOf(flags, configured.tls),
  };
  const { sqlSchemaConnection } = await import('#server');
  return { store, server: sqlSchemaConnection(named, createRealEnv()) };
}

/** `--schema` says what a keyspace holds; without it its name does. */
function keyspacesOf(flags: ConnectionValues, config: ServerConfig) {
  const { keyspace: history, visibilityKeyspace: visibility } = config.persistence.cassandra;
  const given = flags.keyspace ?? (process.env.CASSANDRA_KEYSPACE || undefined);
  if (given === undefined) {
    const both = [
      { keyspace: history, part: 'history' },
      { keyspace: visibility, part: 'visibility' },
    ] as const;
    return both.filter(({ part }) => flags.schema === undefined || flags.schema === part);
  }
  const isVisibility = given === visibility || given.endsWith('_visibility');
  return [{ keyspace: given, part: flags.schema ?? (isVisibility ? 'visibility' : 'history') }] as const;
}

async function cassandraSettings(flags: ConnectionValues, config: ServerConfig): Promise<SchemaSettings> {
  const configured = config.persistence.cassandra;
  const { CASSANDRA_HOST, CASSANDRA_DB_PORT, CASSANDRA_USER, CASSANDRA_PASSWORD } = process.env;
  const hosts = flags.endpoint ?? (CASSANDRA_HOST || undefined);
  const port = flags.port ?? portOf(CASSANDRA_DB_PORT);
  const withPort = (host: string): string => (port === undefined || host.includes(':') ? host : `${host}:${port}`);
  const contactPoints = hosts === undefined ? configured.contactPoints : hosts.split(',').map((host) => host.trim());
  const timeoutMs = flags.timeout === undefined ? configured.requestTimeoutMs : flags.timeout * 1000;
  const localDataCenter = flags.datacenter ?? configured.localDataCenter;
  const { cassandraSchemaConnection } = await import('#server');
  const named = {
    ...configured,
    contactPoints: contactPoints.map(withPort),
    localDataCenter,
    username: flags.user ?? (CASSANDRA_USER || configured.username),
    password: flags.password ?? (CASSANDRA_PASSWORD || configured.password),
    // Statements of a schema take longer than others.
    requestTimeoutMs: Math.max(timeoutMs, 30_000),
    tls: tlsOf(flags, configured.tls),
  };
  const connection = await cassandraSchemaConnection(named, createRealEnv());
  const replicas = flags.replicas === undefined ? undefined : { [localDataCenter]: flags.replicas };
  return {
    store: 'cassandra',
    keyspaces: keyspacesOf(flags, config).map((keyspace) => ({ ...connection, ...keyspace, replicas })),
  };
}

async function openSearchSettings(flags: ConnectionValues, config: ServerConfig): Promise<SchemaSettings> {
  const { opensearch } = config.visibility;
  const urls = flags.url?.split(',').map((url) => url.trim()) ?? opensearch.urls;
  const isSecure = flags.tls || urls.some((url) => url.startsWith('https:'));
  const named = {
    ...opensearch,
    urls,
    index: flags.index ?? opensearch.index,
    username: flags.user ?? opensearch.username,
    password: flags.password ?? opensearch.password,
    ...(flags.user !== undefined && { apiKey: '' }),
    // Statements of a schema take longer than others.
    timeoutMs: flags.timeout === undefined ? Math.max(opensearch.timeoutMs, 30_000) : flags.timeout * 1000,
    tls: tlsOf(flags, { ...opensearch.tls, enabled: opensearch.tls.enabled || isSecure }),
  };
  const fault = faultOfOpenSearch(named);
  if (fault !== undefined) throw usageError(fault, '--url http://search-1:9200 or visibility.opensearch.urls');
  const { openSearchSchemaConnection } = await import('#server');
  const connection = await openSearchSchemaConnection(named, createRealEnv());
  const { shards, replicas } = flags;
  return { store: 'opensearch', index: { connection, index: named.index, shards, replicas } };
}

export async function schemaSettings(flags: ConnectionValues, file: string | undefined): Promise<SchemaSettings> {
  for (const configFile of flags.config) {
    if (!fs.existsSync(configFile)) throw usageError(`there is no config file ${configFile}`);
  }
  const config = loadConfig({ files: flags.config });
  const path = file ?? flags.path;
  const store = file === undefined ? storeOf(flags, config) : 'sqlite';
  if (store === 'sqlite') return { store, path: path ?? config.persistence.sqlite.path };
  if (store === 'cassandra') return cassandraSettings(flags, config);
  if (store === 'opensearch') return openSearchSettings(flags, config);
  return sqlSettings(store, flags, config);
}
