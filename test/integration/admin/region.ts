// A whole region on memory behind gRPC, with its store in the test's hands: admin RPCs act on records, and tests damage them.
import { RegisterDomainRequest, type StartWorkflowExecutionRequest } from '@antiphon/proto';
import { createBlobStores } from '#blob';
import { createMemoryBlobStore } from '#blob/memory';
import { createRealEnv } from '#env';
import type { Store } from '#persistence';
import { createMemoryStore } from '#persistence/memory';
import { createGrpcServer, createRemoteFrontendClient, type RemoteFrontendClient } from '#rpc';
import { createRegion, type Region } from '#server';
import { createMemoryVisibility } from '#visibility';
import { orderStart } from '../../support/order-start.ts';
import { CLUSTERS } from '../frontend/harness.ts';

export const HOST = 'host-under-test';
export const DOMAIN = 'shop';
export const seconds = (value: number) => ({ seconds: BigInt(value), nanos: 0 });

export interface AdminTarget {
  readonly region: Region;
  readonly store: Store;
  readonly client: RemoteFrontendClient;
  readonly domainId: string;
  start(
    workflowId: string,
    fields?: Partial<StartWorkflowExecutionRequest>,
  ): Promise<{ workflowId: string; runId: string }>;
  close(): Promise<void>;
}

export async function openAdminTarget(): Promise<AdminTarget> {
  const env = createRealEnv();
  const store = createMemoryStore(env);
  const region = createRegion(
    {
      env,
      store,
      visibility: createMemoryVisibility(env),
      blobs: createBlobStores({ memory: createMemoryBlobStore }),
      clusters: CLUSTERS,
      remoteCluster: () => undefined,
      audit: store.audit,
    },
    {
      host: HOST,
      domains: { failoverCoolDownMs: 0 },
      archivalDelayMs: 0,
      history: { shardCount: 3 },
      matching: {},
      frontend: { hostName: HOST },
      worker: {},
    },
  );
  await region.start();
  const { domainId } = await region.domainService.register({
    ...RegisterDomainRequest.create(),
    name: DOMAIN,
    workflowExecutionRetentionPeriod: seconds(86_400),
  });
  const server = createGrpcServer({ env, address: '127.0.0.1:0', services: region.frontend.services });
  const { address } = await server.start();
  const client = createRemoteFrontendClient(address, { env });
  return {
    region,
    store,
    client,
    domainId,
    async start(workflowId, fields) {
      const { runId } = await client.workflow.startWorkflowExecution(orderStart(DOMAIN, workflowId, fields));
      return { workflowId, runId };
    },
    async close() {
      client.close();
      region.frontend.stop();
      await server.stop(500);
      await region.stop();
    },
  };
}
