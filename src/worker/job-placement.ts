// Background work that one host of a region does for all. With several hosts the ring says which; alone, a host does all of it. For a moment two
// hosts may do the same: every job is safe to be done twice.

export interface JobPlacement {
  isMine(job: string): boolean;
  onChange(listener: () => void): () => void;
  /**
   * Resolves when all that the region's shards decided before the call is in the replication log, as far as it concerns a domain whose failover
   * version is this one.
   */
  drainReplication(domainId: string, failoverVersion: number, signal: AbortSignal): Promise<void>;
}
