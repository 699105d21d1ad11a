// A host among others: who is there, who owns what, and the services of the whole region as this host's callers see them (its own by plain calls,
// others' over the transport it is given). Also what this host does for the others: it looks when told to, and lets go of shards when asked.
// Nothing here is trusted for safety; the fences of shards and task lists are.

import { TaskListType } from '@antiphon/proto';
import { unavailable } from '#base';
import { type Env, sleep } from '#env';
import type { RegionHosts } from '#frontend';
import { createShardLookup, evenShardMap, type HistoryService, type ShardPlacement } from '#history';
import { baseNameOf, type ListPlacement, type MatchingService } from '#matching';
import { createPlacement, type Host, type HostRole, type Membership, type Placement } from '#membership';
import type { ShardStore } from '#persistence';
import {
  type ClusterPeer,
  createRoutedHistory,
  createRoutedHistoryAdmin,
  createRoutedMatching,
  type HistoryClient,
  type HostServices,
  type MatchingClient,
  type RemoteHistoryAdmin,
  type RoutingDeps,
} from '#rpc';

/** What a host needs of its surroundings to be one of many. */
export interface ClusterMember {
  readonly membership: Membership;
  readonly peers: {
    of(address: string): HostServices;
    keepOnly(addresses: ReadonlySet<string>): void;
  };
}

export interface ClusterDeps extends ClusterMember {
  readonly env: Env;
  readonly shards: Pick<ShardStore, 'loadShardMap'>;
  readonly shardCount: number;
  /** This host's own. Read at the call. */
  readonly history: () => HistoryService;
  readonly matching: () => MatchingService;
  readonly cachedDomains: () => number;
  readonly onWork: (domainId: string, taskListName: string) => void;
  readonly drainReplication: (domainId: string, failoverVersion: number) => Promise<readonly number[]>;
}

// A peer that does not answer by then is asked no longer: the fence settles it.
const CLAIM_WAIT_MS = 1_500;
const DESCRIBE_WAIT_MS = 2_000;
const LEAVE_WAIT_MS = 2_000;
const LEAVE_LOOK_MS = 10;

export class Cluster {
  readonly self: string;
  /** The whole region's. */
  readonly history: HistoryClient;
  readonly historyAdmin: RemoteHistoryAdmin;
  readonly matching: MatchingClient;
  readonly shardPlacement: ShardPlacement;
  readonly listPlacement: ListPlacement;
  /** What this host does for the others. */
  readonly peer: ClusterPeer;
  readonly #deps: ClusterDeps;
  #placement: Placement | undefined;
  #shardIds: readonly number[] = [];
  #lookup: ((workflowId: string) => number) | undefined;
  #isStopped = false;

  constructor(deps: ClusterDeps) {
    this.#deps = deps;
    this.self = deps.membership.self.id;
    const routing = this.#routing();
    this.history = createRoutedHistory(routing);
    this.historyAdmin = createRoutedHistoryAdmin(routing);
    this.matching = createRoutedMatching(routing);
    this.shardPlacement = this.#createShardPlacement();
    this.listPlacement = {
      isMine: (domainId, baseName, type) => this.#listOwner(domainId, baseName, typeName(type)) === this.self,
      onChange: (listener) => this.onChange(listener),
    };
    this.peer = this.#createPeer();
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  shardIds(): readonly number[] {
    return this.#shardIds;
  }

  shardOf(workflowId: string): number {
    if (this.#lookup === undefined) throw unavailable('This host has not started yet');
    return this.#lookup(workflowId);
  }

  /** Throws before the start. */
  placement(): Placement {
    if (this.#placement === undefined) throw unavailable('This host has not started yet');
    return this.#placement;
  }

  peerOf(host: Host): ClusterPeer {
    return host.id === this.self ? this.peer : this.#deps.peers.of(host.address).cluster;
  }

  onChange(listener: () => void): () => void {
    return this.#deps.membership.onChange(listener);
  }

  pin(shardId: number, hostId: string | undefined): Promise<void> {
    return this.#deps.membership.pin(shardId, hostId).then(() => this.#tellOthers());
  }

  runs(role: HostRole): boolean {
    return this.#deps.membership.self.roles.includes(role);
  }

  async start(): Promise<void> {
    const { shards, shardCount, membership, peers } = this.#deps;
    const map = await shards.loadShardMap(evenShardMap(shardCount));
    this.#shardIds = map.shards.map(({ shardId }) => shardId);
    this.#lookup = createShardLookup(map);
    this.#placement = createPlacement(membership, this.#shardIds);
    membership.onChange(() => peers.keepOnly(new Set(membership.view().hosts.map(({ address }) => address))));
    await membership.start();
    this.#tellOthers();
  }

  /** Hands over what this host has; resolves when others have asked for all of it, or after a while. */
  async leave(): Promise<void> {
    const { env, membership, history } = this.#deps;
    if (this.#placement === undefined) return;
    await membership.leave();
    this.#tellOthers();
    const untilMs = env.clock.monotonicMs() + LEAVE_WAIT_MS;
    const isAlone = (): boolean => this.placement().withRole('history').length === 0;
    while (!isAlone() && history().shardStatus().length > 0 && env.clock.monotonicMs() < untilMs) {
      await sleep(env.scheduler, LEAVE_LOOK_MS);
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#placement === undefined) return;
    await this.#deps.membership.stop();
    this.#tellOthers();
  }

  #others(): readonly Host[] {
    return this.placement()
      .hosts()
      .filter(({ id }) => id !== this.self);
  }

  /** They would look by themselves a little later. */
  #tellOthers(): void {
    for (const host of this.#others()) {
      this.peerOf(host)
        .lookNow(this.self)
        .catch((error: unknown) =>
          this.#deps.env.logger.debug('a host was not told to look', { host: host.id, error }),
        );
    }
  }

  #routing(): RoutingDeps {
    const { env, membership, peers } = this.#deps;
    return {
      env,
      host: (hostId, service) => {
        if (hostId === this.self) return this.own()[service];
        const host = this.placement().host(hostId);
        return host && peers.of(host.address)[service];
      },
      ownerOfShard: (shardId) => {
        const owner = this.placement().shardOwner(shardId);
        if (owner === undefined) throw unavailable('No host of this region runs the history service, please retry');
        return owner;
      },
      shardOf: (workflowId) => this.shardOf(workflowId),
      ownerOfList: (domainId, name, type) => {
        const owner = this.#listOwner(domainId, baseNameOf(name), type);
        if (owner === undefined) throw unavailable('No host of this region runs the matching service, please retry');
        return owner;
      },
      matchingHosts: () =>
        this.placement()
          .withRole('matching')
          .map(({ id }) => id),
      suspect: (hostId) => membership.suspect(hostId),
    };
  }

  /** For operators. */
  hosts(): RegionHosts {
    return {
      self: this.self,
      list: () => this.placement().hosts(),
      ownerOf: (shardId) => this.placement().shardOwner(shardId),
      pinOf: (shardId) => this.placement().pinOf(shardId),
      describe: async (hostId) => {
        const host = this.placement().host(hostId);
        if (host === undefined) throw unavailable(`Host ${hostId} is not there`);
        const answered = new AbortController();
        const late = sleep(this.#deps.env.scheduler, DESCRIBE_WAIT_MS, answered.signal);
        try {
          const described = await Promise.race([this.peerOf(host).describeHost(), late]);
          if (described === undefined) throw unavailable(`Host ${hostId} does not answer`);
          return described;
        } finally {
          answered.abort();
        }
      },
      pin: (shardId, hostId) => this.pin(shardId, hostId),
    };
  }

  /** This host's services, as the others call them. */
  own(): HostServices {
    const history = this.#deps.history();
    return { history, historyAdmin: history.operator, matching: this.#deps.matching(), cluster: this.peer };
  }

  #listOwner(domainId: string, baseName: string, type: 'decision' | 'activity'): string | undefined {
    return this.placement().listOwner(domainId, baseName, type);
  }

  #createShardPlacement(): ShardPlacement {
    const { membership } = this.#deps;
    return {
      ownerOf: (shardId) => this.placement().shardOwner(shardId),
      isMine: (shardId) => this.placement().shardOwner(shardId) === this.self,
      isCurrent: () => membership.isCurrent(),
      evenShare: () => Math.ceil(this.#shardIds.length / Math.max(1, this.placement().withRole('history').length)),
      claim: (shardIds) => this.#claim(shardIds),
      lookNow: () => membership.lookNow(),
      onChange: (listener) => this.onChange(listener),
    };
  }

  /** Asks everybody, because a view that is a moment old does not say who has them. */
  async #claim(shardIds: readonly number[]): Promise<ReadonlySet<number>> {
    const { env } = this.#deps;
    const released = new Set<number>();
    const asked = this.#others().filter(({ roles }) => roles.includes('history'));
    const answers = asked.map((host) =>
      this.peerOf(host)
        .releaseShards(shardIds, this.self)
        .then((found) => {
          for (const shardId of found) released.add(shardId);
        })
        .catch((error: unknown) => {
          env.logger.info('a host could not be asked for shards', { host: host.id, error });
        }),
    );
    const answered = new AbortController();
    const all = Promise.all(answers).then(() => answered.abort());
    await Promise.race([all, sleep(env.scheduler, CLAIM_WAIT_MS, answered.signal)]);
    return new Set(released);
  }

  #createPeer(): ClusterPeer {
    const { membership, history, cachedDomains, onWork, drainReplication } = this.#deps;
    return {
      lookNow: () => membership.lookNow(),
      releaseShards: async (shardIds, hostId) => {
        // Who asks may have come a moment ago: from here on this host sends others to him.
        if (this.placement().host(hostId) === undefined) await membership.lookNow();
        return history().releaseShards(shardIds, hostId);
      },
      describeHost: async () => ({
        openShardIds: history()
          .shardStatus()
          .filter(({ isOpen }) => isOpen)
          .map(({ shardId }) => shardId),
        cachedDomains: cachedDomains(),
      }),
      noticeWork: async (domainId, taskListName) => onWork(domainId, taskListName),
      drainReplication,
    };
  }
}

const typeName = (type: TaskListType): 'decision' | 'activity' =>
  type === TaskListType.TASK_LIST_TYPE_ACTIVITY ? 'activity' : 'decision';

export const createCluster = (deps: ClusterDeps): Cluster => new Cluster(deps);
