// One region of a simulation: what survives (the images of its stores), and the hosts that run on it. A host is a whole region process; it
// dies at once, with all its memory and timers, or stops in order. Two at a time are two owners of the same shards.

import { unavailable } from '#base';
import type { BlobStores } from '#blob';
import type { ClusterGroup } from '#core';
import type { SimulatedEnv, SimulatedHostEnv } from '#env';
import { createMembership, HOST_ROLES } from '#membership';
import { type Store, type StoreCall, withFaults } from '#persistence';
import { createMemoryImage, createMemoryStore, type MemoryImage, type MemoryStore } from '#persistence/memory';
import { createLocalFrontendClient, type FrontendClient, type RemoteFrontendClient } from '#rpc';
import { createRegion, type Region } from '#server';
import {
  createMemoryVisibility,
  createMemoryVisibilityImage,
  type MemoryVisibilityImage,
  type VisibilityStore,
} from '#visibility';
import type { Chance } from './chance.ts';
import { createHostPeersOf, type HostLinkDeps } from './host-network.ts';
import type { Mutation } from './mutations.ts';
import type { Profile } from './profile.ts';
import type { StoreFaults } from './store-faults.ts';

export interface SimHost {
  readonly name: string;
  readonly region: Region;
  readonly env: SimulatedHostEnv;
  readonly store: MemoryStore;
  /** Never resolves; rejects when the process dies. */
  readonly death: Promise<never>;
  isAlive: boolean;
  /** Its row in the membership is not written any more. */
  isForgotten: boolean;
  /** A client of its frontend, as another region's frontend if `forwardedBy` names one. */
  client(forwardedBy: string): FrontendClient;
}

export interface SiteDeps {
  readonly env: SimulatedEnv;
  readonly chance: Chance;
  readonly profile: Profile;
  readonly clusters: ClusterGroup;
  readonly faults: StoreFaults;
  readonly mutation: Mutation;
  /** Of one host: fails when the host is dead. */
  readonly blobs: (isAlive: () => boolean) => BlobStores;
  /** As a host with this clock reaches them. */
  readonly remoteClusters: (nowMs: () => number) => ReadonlyMap<string, RemoteFrontendClient>;
  readonly hostLink: Omit<HostLinkDeps, 'find'>;
  /** Around the real store, inside the faults: sees what is really written. */
  readonly observe: (store: Store) => Store;
}

export interface Site {
  readonly name: string;
  readonly image: MemoryImage;
  readonly visibilityImage: MemoryVisibilityImage;
  readonly hosts: readonly SimHost[];
  /** The host that the next call reaches. */
  pick(): SimHost | undefined;
  open(): Promise<SimHost | undefined>;
  crash(host: SimHost): void;
  stop(host: SimHost): Promise<void>;
}

const RESTART_MS = 500;

const isHeartbeat = ({ port, method, args }: StoreCall): boolean =>
  port === 'keyValues' && method === 'put' && args[0] === 'membership';

export function createSite(name: string, deps: SiteDeps): Site {
  const { env, chance, profile, faults, mutation } = deps;
  const image = createMemoryImage();
  const visibilityImage = createMemoryVisibilityImage();
  const hosts: SimHost[] = [];
  /** Those that clients no longer reach included. */
  const alive = new Map<string, SimHost>();
  let opened = 0;

  const memberOf = (id: string, hostEnv: SimulatedHostEnv, store: Store, host: () => SimHost) => ({
    membership: createMembership(
      { env: hostEnv, keyValues: store.keyValues },
      { id, address: id, roles: HOST_ROLES, version: 'simulated', frontendAddress: '' },
      { heartbeatMs: 500, leaseMs: 2_500 },
    ),
    peers: createHostPeersOf({ ...deps.hostLink, find: (hostId) => alive.get(hostId) }, host),
  });

  const make = (): SimHost => {
    const hostName = `${name}-${++opened}`;
    const skewMs = profile.clockSkewMs === 0 ? 0 : chance.between(-profile.clockSkewMs, profile.clockSkewMs);
    const hostEnv = env.host({ seed: chance.whole(0, 2 ** 31), skewMs });
    const store = createMemoryStore(hostEnv, image);
    let die: (error: unknown) => void = () => {};
    const death = new Promise<never>((_, reject) => {
      die = reject;
    });
    death.catch(() => {});
    const isAlive = (): boolean => host.isAlive;
    const observed = mutation.store?.(deps.observe(store), { image, env: hostEnv }) ?? deps.observe(store);
    const faulty = withFaults(observed, {
      decide: (call: StoreCall) =>
        host.isForgotten && isHeartbeat(call) ? { fail: 'before' } : faults.decide(call, () => crash(host)),
      scheduler: hostEnv.scheduler,
    });
    const member = profile.hosts.count > 1 ? memberOf(hostName, hostEnv, faulty, () => host) : undefined;
    const remotes = deps.remoteClusters(() => hostEnv.clock.nowMs());
    const region = createRegion(
      {
        env: hostEnv,
        store: faulty,
        member,
        visibility: faults.visibility(
          mutation.visibility?.(createMemoryVisibility(hostEnv, visibilityImage)) ??
            createMemoryVisibility(hostEnv, visibilityImage),
          isAlive,
        ),
        blobs: deps.blobs(isAlive),
        clusters: deps.clusters,
        remoteCluster: (cluster) => remotes.get(cluster),
      },
      {
        host: hostName,
        domains: {
          retentionMsMin: 1_000,
          failoverCoolDownMs: 0,
          historyArchival: { isConfigured: true, defaultEnabled: false, defaultUri: '' },
          visibilityArchival: { isConfigured: true, defaultEnabled: false, defaultUri: '' },
        },
        archivalDelayMs: 2_000,
        history: {
          shardCount: profile.shardCount,
          cacheBytes: profile.cacheBytes,
          ackIntervalMs: 2_000,
          timerWindowMs: 20_000,
          pageEventCount: 50,
        },
        matching: { pollWaitMsMax: 20_000, idleUnloadMs: 20_000, ackFlushMs: 1_000, pollerExpectedMs: 2_000 },
        frontend: {},
        worker: { replication: { logPartitions: 2, pullWaitMs: 2_000 } },
      },
    );
    const clients = new Map<string, FrontendClient>();
    const host: SimHost & { die(): void } = {
      name: hostName,
      region,
      env: hostEnv,
      store,
      death,
      isAlive: true,
      isForgotten: false,
      client(forwardedBy) {
        let client = clients.get(forwardedBy);
        if (client === undefined) {
          client = createLocalFrontendClient(region.frontend.services, {
            context: { forwardingCluster: forwardedBy },
            nowMs: () => hostEnv.clock.nowMs(),
          });
          clients.set(forwardedBy, client);
        }
        return client;
      },
      die: () => die(unavailable('connection reset')),
    };
    alive.set(hostName, host);
    return host;
  };

  const remove = (host: SimHost): void => {
    const index = hosts.indexOf(host);
    if (index >= 0) hosts.splice(index, 1);
  };

  const crash = (host: SimHost): void => {
    if (!host.isAlive) return;
    host.isAlive = false;
    alive.delete(host.name);
    remove(host);
    host.env.kill();
    host.store.crash();
    (host as SimHost & { die(): void }).die();
  };

  return {
    name,
    image,
    visibilityImage,
    hosts,
    pick: () => (hosts.length === 0 ? undefined : chance.pick(hosts)),
    crash,
    async open() {
      for (;;) {
        const host = make();
        try {
          hosts.push(host);
          await Promise.race([host.region.start(), host.death]);
          return host;
        } catch {
          // A process that cannot start exits, and is started again.
          const diedBefore = !host.isAlive;
          crash(host);
          if (diedBefore) return undefined;
          await new Promise<void>((resolve) => void env.scheduler.after(RESTART_MS, resolve));
        }
      }
    },
    async stop(host) {
      remove(host);
      await Promise.race([host.region.stop().catch(() => {}), host.death.catch(() => {})]);
      crash(host);
    },
  };
}

export type { VisibilityStore };
