// The background work of a region, composed: replication in both directions. What it serves to other regions and to operators is
// `adminHandlers`, which the frontend puts behind its pipeline.
import type { DomainRecord } from '@antiphon/proto/internal';
import type { Archiver } from '#archival';
import {
  createReplicationHost,
  type ReplicationHost,
  type ReplicationHostDeps,
  type ReplicationHostOptions,
  type ReplicationStatus,
} from './replication-host.ts';

export interface WorkerDeps extends ReplicationHostDeps {
  /** Started and stopped by whoever made it; background jobs (scanner) ask it what is archived. */
  readonly archiver?: Archiver | undefined;
}

export interface WorkerOptions {
  readonly replication: Partial<ReplicationHostOptions>;
}

export interface WorkerService {
  readonly adminHandlers: ReplicationHost['adminHandlers'];
  /** Sends a committed change of a global domain to the other regions. */
  publishDomain(record: DomainRecord, operation: 'create' | 'update' | 'delete'): Promise<void>;
  replicationStatus(): Promise<ReplicationStatus>;
  /** Resolves when all that the shards of this host decided before the call is in the replication log, with those shards. */
  replicationDrained(signal: AbortSignal): Promise<readonly number[]>;
  start(): void;
  stop(): Promise<void>;
}

export const DEFAULT_REPLICATION_OPTIONS: ReplicationHostOptions = {
  logPartitions: 4,
  pullWaitMs: 1_500,
  logRetentionMs: 0,
  // Applying waits for the group commit, not for the processor: as many go at once as fill a group.
  applyConcurrency: 128,
};

export function createWorkerService(deps: WorkerDeps, options: Partial<WorkerOptions> = {}): WorkerService {
  const replication = createReplicationHost(deps, { ...DEFAULT_REPLICATION_OPTIONS, ...options.replication });
  return {
    adminHandlers: replication.adminHandlers,
    publishDomain: replication.publishDomain,
    replicationStatus: replication.status,
    replicationDrained: replication.drained,
    start: replication.start,
    stop: replication.stop,
  };
}
