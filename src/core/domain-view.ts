// What the engine needs to know of a domain, at the moment of a command.

export interface DomainView {
  readonly id: string;
  readonly name: string;
  readonly isGlobal: boolean;
  /** Clusters it replicates to, the current one included. */
  readonly clusters: readonly string[];
  readonly activeCluster: string;
  /** -24 for a local domain. */
  readonly failoverVersion: number;
  readonly isDeprecated: boolean;
  readonly retentionDays: number;
  /** Retention in milliseconds; development configs may make it shorter than a day. */
  readonly retentionMs: number;
  /** True when closed histories go to the archive; retention then deletes only what is verified there. */
  readonly archivesHistory: boolean;
  readonly archivesVisibility: boolean;
  /** How long after close a run is archived. */
  readonly archivalDelayMs: number;
  /** What its owners put there; groups and their permissions among it. */
  readonly data: Readonly<Record<string, string>>;
  readonly badBinaries: ReadonlySet<string>;
  /** Zones whose workers get no work of this domain now. */
  readonly drainedIsolationGroups?: ReadonlySet<string> | undefined;
  /** True while this cluster may write: local, or active here and no graceful failover pending. */
  readonly isActiveHere: boolean;
  /** Active-active: the domain as the runs of a cluster attribute see it, by scope and name. Runs without one see the domain itself. */
  readonly byAttribute?: ReadonlyMap<string, ReadonlyMap<string, DomainView>> | undefined;
  /** Active-active: every cluster in which some of its runs are active, in the order of their names. */
  readonly activeClusters?: readonly string[] | undefined;
}
