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
import { createLogger, createPrometheusMetrics, serveMetrics } from '#observability';
import type { Store } from '#persistence';
import { createMemoryStore } from '#persistence/memory';
import { createSqliteStore } from '#persistence/sqlite';
import {
  createGrpcServer,
  createRemoteFrontendClient,
  type RemoteFrontendClient,
  requireBindable,
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
import { createRegion, type Region } from './region.ts';
import { createTlsRegistry, type TlsRegistry } from './tls.ts';

export interface RunningServer {
  /** host:port that gRPC is served on. */
  readonly address: string;
  /** Empty when there is no HTTP/JSON listener. */
  readonly httpAddress: string;
  /** Empty when there is no metrics listener. */
  readonly metricsAddress: string;
  readonly region: Region;
  stop(): Promise<void>;
}

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

function openStores(config: ServerConfig, env: Env): Stores {
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
  const { store, visibility, searchAttributes } = openStores(config, env);
  const remotes = remoteClusters(config, env, tls, access);
  const archivalRoots = config.archival.uri.startsWith('file://') ? [fileURLToPath(config.archival.uri)] : [];
  const archival = archivalOptions(config);
  const region = createRegion(
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
    },
    {
      host: `${os.hostname()}:${process.pid}`,
      archivalDelayMs: config.archival.delayMs,
      domains: {
        historyArchival: archival,
        visibilityArchival: archival,
      },
      history: { shardCount: config.history.shards, cacheBytes: config.history.cacheBytes },
      matching: {},
      frontend: {
        forwarding: config.frontend.forwarding,
        hostName: os.hostname(),
        storeName: config.persistence.driver,
        audit: { keepMs: config.audit.retentionDays * 24 * 3600_000, countMax: config.audit.maxRecords },
      },
      worker: {},
      systemWorkflows: {},
    },
  );
  await region.start();
  await preregister(region, config);
  const grpc = createGrpcServer({
    env,
    address: config.frontend.address,
    services: region.frontend.services,
    tls: frontendTls,
    authenticate: access.control?.authenticate,
    insecure: config.frontend.insecure,
  });
  const { address } = await grpc.start();
  const gateway = await openGateway(config, env, region, access, frontendTls);
  const metricsServer =
    config.metrics.address === ''
      ? undefined
      : await serveMetrics({
          address: config.metrics.address,
          metrics,
          isHealthy: () => true,
          tls: metricsTls,
        });
  logger.info('server started', { address, httpAddress: gateway?.address, metricsAddress: metricsServer?.address });
  return {
    address,
    httpAddress: gateway?.address ?? '',
    metricsAddress: metricsServer?.address ?? '',
    region,
    async stop() {
      // First, while their calls are still answered: what they have in hand is reported and need not be done again.
      await region.systemWorkers?.stop();
      region.frontend.stop();
      await Promise.all([grpc.stop(), gateway?.stop()]);
      await region.stop();
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
