// A server process: a region behind gRPC, on the stores that its config names.
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { RegisterDomainRequest } from '@antiphon/proto';
import { ServiceError } from '#base';
import { createBlobStores } from '#blob';
import { filesystemOpener } from '#blob/filesystem';
import type { ServerConfig } from '#config';
import type { ClusterGroup } from '#core';
import { createDynamicConfig, type DynamicConfig, staticDefaults } from '#dynamicconfig';
import { createRealEnv, type Env } from '#env';
import { HOST_ROLES } from '#membership';
import { createLogger, createPrometheusMetrics, serveMetrics } from '#observability';
import type { Store } from '#persistence';
import { createMemoryStore } from '#persistence/memory';
import { createSqliteStore } from '#persistence/sqlite';
import {
  createGrpcServer,
  createRemoteFrontendClient,
  type HostServices,
  type RemoteFrontendClient,
  requireBindable,
  requireProtected,
  type ServerTls,
} from '#rpc';
import {
  createMemoryVisibility,
  createSearchAttributeSource,
  createSqliteVisibility,
  type SearchAttributeSource,
  type VisibilityStore,
} from '#visibility';
import { type Access, createAccess } from './access.ts';
import { boundHeapGrowth } from './heap-growth.ts';
import { type OpenMember, openMember } from './member.ts';
import { createRegion, type Region } from './region.ts';
import { createTlsRegistry, type TlsRegistry } from './tls.ts';
import { openVisibility } from './visibility.ts';

// Replaced when the package is built.
declare const ANTIPHON_VERSION: string | undefined;

export interface RunningServer {
  /** host:port that gRPC is served on; empty without the frontend. */
  readonly address: string;
  /** Empty when there is no HTTP/JSON listener. */
  readonly httpAddress: string;
  /** Empty when there is no metrics listener. */
  readonly metricsAddress: string;
  /** Where the other hosts of the region find this one; empty when it is alone. */
  readonly rpcAddress: string;
  readonly region: Region;
  stop(): Promise<void>;
}

// What a busy host collects on Cassandra: a conditional batch costs as much as ten of its rows, and a run that is over when it is first listed three
// rows less.
const ON_CASSANDRA = { gatherMsMax: 15, startedMsMax: 4, visibilityBusyCollectMs: 500 };

const clusterGroup = (config: ServerConfig): ClusterGroup => ({
  currentCluster: config.cluster.current,
  primaryCluster: config.cluster.primary,
  failoverVersionIncrement: config.cluster.failoverVersionIncrement,
  clusters: config.cluster.members,
});

interface Stores {
  readonly store: Store;
  readonly visibility: VisibilityStore;
  readonly searchAttributes: SearchAttributeSource;
}

async function openStores(config: ServerConfig, env: Env, tls: TlsRegistry): Promise<Stores> {
  if (config.persistence.driver === 'cassandra') {
    // Loaded where it is used: the other stores need no driver of it.
    const { openCassandraStores } = await import('./cassandra-stores.ts');
    return openCassandraStores(config.persistence.cassandra, env, tls);
  }
  const { driver } = config.persistence;
  if (driver === 'postgres' || driver === 'mysql') {
    const { openSqlStores } = await import('./sql-stores.ts');
    return openSqlStores(driver, config.persistence[driver], env, tls);
  }
  if (config.persistence.driver === 'memory') {
    const store = createMemoryStore(env);
    const searchAttributes = createSearchAttributeSource(env, store.keyValues);
    const visibility = createMemoryVisibility(env, undefined, () => searchAttributes.current());
    return { store, visibility, searchAttributes };
  }
  const { path: file, synchronous } = config.persistence.sqlite;
  const store = createSqliteStore({ path: path.resolve(file), synchronous }, env);
  const searchAttributes = createSearchAttributeSource(env, store.keyValues);
  const visibility = createSqliteVisibility(store.database, env, {
    searchAttributes: () => searchAttributes.current(),
  });
  return { store, visibility, searchAttributes };
}

/** Other regions' frontends, connected when first asked for. */
function remoteClusters(config: ServerConfig, env: Env, tls: TlsRegistry, { tokens }: Access) {
  const clients = new Map<string, RemoteFrontendClient>();
  return {
    find(name: string): RemoteFrontendClient | undefined {
      const member = config.cluster.members[name];
      if (name === config.cluster.current || !member?.enabled || member.rpcAddress === '') return undefined;
      let client = clients.get(name);
      if (client === undefined) {
        client = createRemoteFrontendClient(member.rpcAddress, {
          env,
          callerName: config.cluster.current,
          tls: tls.connection(member.tls),
          authorization: tokens?.own,
        });
        clients.set(name, client);
      }
      return client;
    },
    close: () => {
      for (const client of clients.values()) client.close();
    },
  };
}

function archivalOptions(config: ServerConfig) {
  const { enabled, uri } = config.archival;
  return { isConfigured: uri !== '', defaultEnabled: enabled, defaultUri: uri };
}

function dynamicConfig(config: ServerConfig, env: Env, store: Store): DynamicConfig {
  const { file, pollMs } = config.dynamicConfig;
  return createDynamicConfig(
    { env, keyValues: store.keyValues },
    { clusterName: config.cluster.current, file, pollMs, defaults: staticDefaults(config) },
  );
}

async function openGateway(config: ServerConfig, env: Env, region: Region, access: Access, tls: ServerTls | undefined) {
  const { address, corsOrigins, allowedHosts, maxBodyBytes, maxConnections } = config.http;
  if (address === '') return undefined;
  // Loaded where it is served: descriptors and their reflection take a while.
  const { startGateway } = await import('#gateway');
  return startGateway({
    env,
    address,
    services: region.frontend.services,
    tls,
    authenticate: access.control?.authenticate,
    insecure: config.frontend.insecure,
    corsOrigins,
    allowedHosts,
    limits: { bodyBytesMax: maxBodyBytes, connectionsMax: maxConnections },
  });
}

/** This process among the others of its region; undefined: it is alone. */
async function joinRegion(
  config: ServerConfig,
  env: Env,
  store: Store,
  tls: TlsRegistry,
  services: () => Partial<HostServices>,
): Promise<OpenMember | undefined> {
  const { address, advertise, insecure, tls: files, serverName, enableHostVerification } = config.rpc;
  if (address === '') return undefined;
  return openMember(
    { env, keyValues: store.keyValues },
    {
      address,
      advertise,
      insecure,
      serverTls: tls.listener(files),
      clientTls: tls.connection({ ...files, serverName, enableHostVerification }),
      roles: HOST_ROLES.filter((role) => config.services.includes(role)),
      version: typeof ANTIPHON_VERSION === 'string' ? ANTIPHON_VERSION : 'development',
      frontendAddress: config.services.includes('frontend') ? config.frontend.address.replace(/^.*:0$/, '') : '',
      membership: config.membership,
    },
    services,
  );
}

export async function startServer(config: ServerConfig): Promise<RunningServer> {
  boundHeapGrowth();
  const metrics = createPrometheusMetrics({ cluster: config.cluster.current });
  const logger = createLogger({ level: config.log.level, name: 'antiphon' }).child({
    'cluster-name': config.cluster.current,
  });
  const env = createRealEnv({ logger, metrics });
  const tls = createTlsRegistry(env);
  // Opened first: a server that cannot prove itself touches no store.
  const frontendTls = tls.listener(config.frontend.tls);
  const metricsTls = tls.listener(config.metrics.tls);
  const access = createAccess(config, env);
  for (const address of [config.frontend.address, config.http.address]) {
    if (address !== '') requireBindable(address, config.frontend.insecure || access.control !== undefined);
  }
  const { rpc } = config;
  if (rpc.address !== '') requireProtected(rpc.address, rpc.insecure || (rpc.tls.enabled && rpc.tls.requireClientAuth));
  const { store, visibility: ownVisibility, searchAttributes } = await openStores(config, env, tls);
  const visibility = await openVisibility(config.visibility, ownVisibility, { env, tls, searchAttributes });
  const remotes = remoteClusters(config, env, tls, access);
  const archivalRoots = config.archival.uri.startsWith('file://') ? [fileURLToPath(config.archival.uri)] : [];
  const archival = archivalOptions(config);
  // Others may call before the region is made, which knows where they find it.
  const own = { services: (): Partial<HostServices> => ({}) };
  const member = await joinRegion(config, env, store, tls, () => own.services());
  const region: Region = createRegion(
    {
      env,
      store,
      visibility,
      searchAttributes,
      blobs: createBlobStores({ file: filesystemOpener({ random: env.random }, { roots: archivalRoots }) }),
      clusters: clusterGroup(config),
      config: dynamicConfig(config, env, store),
      remoteCluster: remotes.find,
      audit: store.audit,
      accessControl: access.control,
      regionTokens: access.tokens,
      member,
    },
    {
      host: member?.hostId ?? `${os.hostname()}:${process.pid}`,
      archivalDelayMs: config.archival.delayMs,
      domains: {
        historyArchival: archival,
        visibilityArchival: archival,
      },
      history: {
        shardCount: config.history.shards,
        cacheBytes: config.history.cacheBytes,
        ...(config.persistence.driver === 'cassandra' && ON_CASSANDRA),
      },
      matching: {},
      frontend: {
        forwarding: config.frontend.forwarding,
        hostName: member?.hostId ?? os.hostname(),
        storeName: config.persistence.driver,
        audit: { keepMs: config.audit.retentionDays * 24 * 3600_000, countMax: config.audit.maxRecords },
      },
      worker: {},
      systemWorkflows: {},
    },
  );
  own.services = () => region.cluster?.own() ?? {};
  await region.start();
  await preregister(region, config);
  const servesClients = config.services.includes('frontend');
  const grpc = createGrpcServer({
    env,
    address: config.frontend.address,
    services: region.frontend.services,
    tls: frontendTls,
    authenticate: access.control?.authenticate,
    insecure: config.frontend.insecure,
  });
  const address = servesClients ? (await grpc.start()).address : '';
  const gateway = servesClients ? await openGateway(config, env, region, access, frontendTls) : undefined;
  const metricsServer =
    config.metrics.address === ''
      ? undefined
      : await serveMetrics({
          address: config.metrics.address,
          metrics,
          isHealthy: () => member?.membership.isCurrent() ?? true,
          tls: metricsTls,
        });
  logger.info('server started', { address, httpAddress: gateway?.address, metricsAddress: metricsServer?.address });
  return {
    address,
    httpAddress: gateway?.address ?? '',
    metricsAddress: metricsServer?.address ?? '',
    rpcAddress: member?.hostId ?? '',
    region,
    async stop() {
      // While this host still answers: others take over its shards and lists, and calls that come here go to them.
      await region.cluster?.leave();
      // First, while their calls are still answered: what they have in hand is reported and need not be done again.
      await region.systemWorkers?.stop();
      region.frontend.stop();
      await Promise.all([grpc.stop(), gateway?.stop()]);
      await region.stop();
      await member?.close();
      await metricsServer?.close();
      remotes.close();
      tls.close();
      access.close();
      await visibility.close();
      await store.close();
      logger.info('server stopped');
    },
  };
}

const PREREGISTERED_RETENTION_SECONDS = 7n * 24n * 3600n;

async function preregister(region: Region, config: ServerConfig): Promise<void> {
  for (const name of config.domains.preregister) {
    const clusters = Object.keys(config.cluster.members);
    const isGlobal = clusters.length > 1;
    try {
      await region.domainService.register(
        RegisterDomainRequest.fromPartial({
          name,
          description: 'registered at start by the config key domains.preregister',
          workflowExecutionRetentionPeriod: { seconds: PREREGISTERED_RETENTION_SECONDS, nanos: 0 },
          isGlobalDomain: isGlobal,
          clusters: isGlobal ? clusters.map((clusterName) => ({ clusterName })) : [],
          activeClusterName: config.cluster.current,
        }),
      );
    } catch (error) {
      // It is there since an earlier start.
      if (!(error instanceof ServiceError) || error.kind !== 'DomainAlreadyExists') throw error;
    }
  }
}
