// What the bad inputs are thrown at: a whole region on memory behind gRPC, with the domains `shop` and `other`, and a way to see whether
// anything was written to it.
import { RegisterDomainRequest } from '@antiphon/proto';
import { createBlobStores } from '#blob';
import { createMemoryBlobStore } from '#blob/memory';
import { createRealEnv } from '#env';
import { createMemoryStore } from '#persistence/memory';
import { createGrpcServer } from '#rpc';
import { createRegion, type RegionDeps } from '#server';
import { createMemoryVisibility, createSearchAttributeSource } from '#visibility';
import { CLUSTERS } from '../harness.ts';

export interface Target {
  readonly address: string;
  domains(): Promise<{ shop: string; other: string }>;
  /** Equal before and after when nothing was written between. */
  written(): Promise<unknown>;
  close(): Promise<void>;
}

const SHARD_COUNT = 2;

export async function openTarget(given: Partial<Pick<RegionDeps, 'config'>> = {}): Promise<Target> {
  const env = createRealEnv();
  const store = createMemoryStore(env);
  const searchAttributes = createSearchAttributeSource(env, store.keyValues);
  const visibility = createMemoryVisibility(env, undefined, () => searchAttributes.current());
  const region = createRegion(
    {
      env,
      store,
      visibility,
      searchAttributes,
      blobs: createBlobStores({ memory: createMemoryBlobStore }),
      clusters: CLUSTERS,
      remoteCluster: () => undefined,
      ...given,
    },
    {
      host: 'bad-input',
      domains: {},
      archivalDelayMs: 0,
      history: { shardCount: SHARD_COUNT },
      matching: {},
      frontend: {},
      worker: {},
    },
  );
  await region.start();
  for (const name of ['shop', 'other']) {
    const workflowExecutionRetentionPeriod = { seconds: 86_400n, nanos: 0 };
    await region.domainService.register({ ...RegisterDomainRequest.create(), name, workflowExecutionRetentionPeriod });
  }
  const server = createGrpcServer({ env, address: '127.0.0.1:0', services: region.frontend.services });
  const { address } = await server.start();
  const domainId = async (name: string): Promise<string> => (await region.domains.byName(name)).id;
  return {
    address,
    domains: async () => ({ shop: await domainId('shop'), other: await domainId('other') }),
    async written() {
      const shards = Array.from({ length: SHARD_COUNT }, (_, shardId) => shardId);
      const pages = await Promise.all(
        shards.map(async (shardId) => ({
          executions: (await store.shards.listExecutions(shardId, undefined, 1000)).items,
          transferTasks: await store.shards.loadTransferTasks(shardId, 0, 1000),
          timerTasks: await store.shards.loadTimerTasks(shardId, { fireTimeMs: 0, taskId: 0 }, 2 ** 52, 1000),
        })),
      );
      const domains = await store.domains.listDomains();
      const counts = await Promise.all(
        ['shop', 'other'].map(async (name) => visibility.count(await domainId(name), '')),
      );
      return { pages, domains, counts };
    },
    async close() {
      region.frontend.stop();
      await server.stop(500);
      await region.stop();
    },
  };
}
