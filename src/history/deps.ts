// What the history service is given, and its knobs with their reasons.
import type { HistoryEvent } from '@antiphon/proto';
import type { Archiver } from '#archival';
import type { ClusterGroup, Limits } from '#core';
import type { DomainCache } from '#domains';
import type { DynamicConfig } from '#dynamicconfig';
import type { Env } from '#env';
import type { Store } from '#persistence';
import type { NdcHost } from '#replication';
import type {
  HistoryClient,
  HistoryReplicationRequest,
  MatchingClient,
  RemoteFrontendClient,
  RunRef,
  SyncActivityRequest,
} from '#rpc';
import type { SearchAttributeRegistry, VisibilityStore } from '#visibility';
import type { ShardPlacement } from './shard-placement.ts';

/** The passive side's work, which src/server brings from `replication/`. */
export interface ReplicationApply {
  replicateEvents(host: NdcHost, request: HistoryReplicationRequest): Promise<void>;
  syncActivity(host: NdcHost, request: SyncActivityRequest): Promise<void>;
  reapplyEvents(host: NdcHost, run: RunRef, events: readonly HistoryEvent[]): Promise<void>;
}

export interface HistoryDeps {
  readonly env: Env;
  readonly store: Pick<Store, 'shards' | 'history'>;
  readonly visibility: VisibilityStore;
  readonly domains: DomainCache;
  readonly clusters: ClusterGroup;
  limits(domainName: string): Limits;
  /** Every key at its default when left out. */
  readonly config?: DynamicConfig | undefined;
  /** Keys that workflows may upsert; any when left out. Read at each use: operators add to it. */
  readonly searchAttributes?: (() => SearchAttributeRegistry) | undefined;
  /** May be bound late (history and matching call each other): read at each use. */
  readonly matching: MatchingClient;
  readonly archiver?: Archiver | undefined;
  /** Name of this host, written into the shard rows it takes. */
  readonly host: string;
  readonly replicate?: ReplicationApply | undefined;
  /** The frontend of another region, for what a run asks of one that is active there; undefined when none is configured. */
  readonly remoteCluster?: ((cluster: string) => RemoteFrontendClient | undefined) | undefined;
  /** Calls between runs, which may be in another host's shards; the service itself when left out. */
  readonly client?: (() => HistoryClient) | undefined;
  /** Undefined: every shard is this host's. */
  readonly placement?: ShardPlacement | undefined;
}

export interface HistoryOptions {
  /** Shards of a new store; an existing shard map wins. */
  readonly shardCount: number;
  /** Estimated bytes of workflow states and recent events kept in memory, over all shards. */
  readonly cacheBytes: number;
  /** Encoded events of one run kept for decision tasks and activity inputs. */
  readonly recentBytesPerRun: number;
  /** Timers due within this window are in memory. One read a window keeps it filled. */
  readonly timerWindowMs: number;
  /** Above it, the rest of the window stays in the store until those before it have fired. */
  readonly timersInMemoryMax: number;
  /** A group commit is closed beyond this size: keeps batches below what stores accept. */
  readonly groupBytesMax: number;
  /** How long a busy shard lets its next group gather, at most: for stores whose commits cost much processor time. 0 for none. */
  readonly gatherMsMax: number;
  /** How long a group waits for workers that its tasks are dispatched to over another host, at most. 0 for not at all. */
  readonly startedMsMax: number;
  /** How long a busy service collects visibility records before it writes them: longer where writes are dear. */
  readonly visibilityBusyCollectMs: number;
  /** Uncommitted bytes and commands of a shard beyond which callers get ServiceBusy. */
  readonly queuedBytesMax: number;
  readonly queuedCommandsMax: number;
  /** How often ack levels and finished timers are written when nothing else carries them. */
  readonly ackIntervalMs: number;
  /** A long poll for history events answers empty after this time. */
  readonly longPollMs: number;
  readonly transferConcurrency: number;
  readonly timerConcurrency: number;
  /** Events per page of a history, at least. */
  readonly pageEventCount: number;
  /** How long a call waits for its shard to be acquired. */
  readonly acquireWaitMs: number;
}

export const DEFAULT_HISTORY_OPTIONS: HistoryOptions = {
  shardCount: 4,
  cacheBytes: 64 * 1024 * 1024,
  recentBytesPerRun: 128 * 1024,
  timerWindowMs: 60_000,
  timersInMemoryMax: 200_000,
  groupBytesMax: 4 * 1024 * 1024,
  gatherMsMax: 0,
  startedMsMax: 0,
  visibilityBusyCollectMs: 50,
  queuedBytesMax: 64 * 1024 * 1024,
  queuedCommandsMax: 50_000,
  ackIntervalMs: 5_000,
  longPollMs: 20_000,
  transferConcurrency: 1_000,
  timerConcurrency: 500,
  pageEventCount: 1_000,
  acquireWaitMs: 5_000,
};
