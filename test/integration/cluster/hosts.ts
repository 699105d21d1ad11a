// Several hosts of one region in this process: each with its own services, listeners and connections, on one store. Between them everything is
// real: gRPC, membership, hand-over. A host can be stopped in order, or cut off as if it had died.
import { RegisterDomainRequest } from '@antiphon/proto';
import { createBlobStores } from '#blob';
import type { ClusterGroup } from '#core';
import { createRealEnv } from '#env';
import { HOST_ROLES, type HostRole, type MembershipOptions } from '#membership';
import { type Store, withFaults } from '#persistence';
import { createMemoryImage, createMemoryStore } from '#persistence/memory';
import { createGrpcServer, createRemoteFrontendClient, type HostServices, type RemoteFrontendClient } from '#rpc';
import { createRegion, openMember, type Region } from '#server';
import { createMemoryVisibility, createMemoryVisibilityImage } from '#visibility';

const CLUSTERS: ClusterGroup = {
  currentCluster: 'region-a',
  primaryCluster: 'region-a',
  failoverVersionIncrement: 100,
  clusters: { 'region-a': { enabled: true, initialFailoverVersion: 0, rpcAddress: '' } },
};

export interface TestHost {
  readonly id: string;
  readonly address: string;
  readonly region: Region;
  readonly client: RemoteFrontendClient;
  openShards(): readonly number[];
  /** As on SIGTERM. */
  stop(): Promise<void>;
  /** It can reach nothing any more, and nothing reaches it. */
  cutOff(): Promise<void>;
}

export interface TestHosts {
  readonly hosts: readonly TestHost[];
  open(roles?: readonly HostRole[]): Promise<TestHost>;
  close(): Promise<void>;
}

export const MEMBERSHIP: MembershipOptions = { heartbeatMs: 200, leaseMs: 1_500 };

export function createHosts(options: { shardCount: number; membership?: Partial<MembershipOptions> }): TestHosts {
  const image = createMemoryImage();
  const visibilityImage = createMemoryVisibilityImage();
  const hosts: TestHost[] = [];

  const open = async (roles: readonly HostRole[] = HOST_ROLES): Promise<TestHost> => {
    const env = createRealEnv();
    let isCutOff = false;
    const store: Store = withFaults(createMemoryStore(env, image), {
      scheduler: env.scheduler,
      decide: () => (isCutOff ? { fail: 'before' } : undefined),
    });
    const own = { services: (): Partial<HostServices> => ({}) };
    const member = await openMember(
      { env, keyValues: store.keyValues },
      {
        address: '127.0.0.1:0',
        advertise: '',
        insecure: false,
        serverTls: undefined,
        clientTls: undefined,
        roles,
        version: 'test',
        frontendAddress: '',
        membership: { ...MEMBERSHIP, ...options.membership },
      },
      () => own.services(),
    );
    const region = createRegion(
      {
        env,
        store,
        visibility: createMemoryVisibility(env, visibilityImage),
        blobs: createBlobStores({}),
        clusters: CLUSTERS,
        remoteCluster: () => undefined,
        member,
      },
      {
        host: member.hostId,
        archivalDelayMs: 60_000,
        domains: {},
        history: { shardCount: options.shardCount },
        matching: {},
        frontend: { hostName: member.hostId },
        worker: {},
        systemWorkflows: {},
      },
    );
    own.services = () => region.cluster?.own() ?? {};
    await region.start();
    const grpc = createGrpcServer({ env, address: '127.0.0.1:0', services: region.frontend.services });
    const { address } = await grpc.start();
    const client = createRemoteFrontendClient(address, { env });
    const remove = (): void => {
      const index = hosts.indexOf(host);
      if (index >= 0) hosts.splice(index, 1);
    };
    const host: TestHost = {
      id: member.hostId,
      address,
      region,
      client,
      openShards: () => region.history.shardStatus().flatMap(({ shardId, isOpen }) => (isOpen ? [shardId] : [])),
      async stop() {
        remove();
        await region.cluster?.leave();
        region.frontend.stop();
        await grpc.stop(2_000);
        await region.stop();
        await member.close();
        client.close();
      },
      async cutOff() {
        remove();
        isCutOff = true;
        await grpc.stop(0);
        await member.close();
        client.close();
        await region.stop();
      },
    };
    hosts.push(host);
    return host;
  };

  return {
    hosts,
    open,
    async close() {
      for (const host of [...hosts]) await host.stop();
    },
  };
}

export async function registerDomain({ client }: Pick<TestHost, 'client'>, name: string): Promise<void> {
  const workflowExecutionRetentionPeriod = { seconds: 86_400n, nanos: 0 };
  await client.domain.registerDomain(RegisterDomainRequest.fromPartial({ name, workflowExecutionRetentionPeriod }));
}

export async function until(what: string, isTrue: () => boolean | Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  const endMs = Date.now() + timeoutMs;
  while (!(await isTrue())) {
    if (Date.now() > endMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
