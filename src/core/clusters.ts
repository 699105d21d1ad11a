// The cluster group and the arithmetic of failover versions (semantics §5.1). A version belongs to the cluster whose initial version
// equals it modulo the increment; -24 belongs to no cluster (local domains).

export const EMPTY_VERSION = -24;

export interface ClusterInfo {
  readonly enabled: boolean;
  readonly initialFailoverVersion: number;
  /** host:port of its frontend, empty for the current cluster when it needs none. */
  readonly rpcAddress: string;
}

export interface ClusterGroup {
  readonly currentCluster: string;
  readonly primaryCluster: string;
  readonly failoverVersionIncrement: number;
  readonly clusters: Readonly<Record<string, ClusterInfo>>;
}

/** The cluster that owns `version`; the current one for a local domain's version. */
export function clusterOfVersion(group: ClusterGroup, version: number): string | undefined {
  if (version === EMPTY_VERSION) return group.currentCluster;
  const initial = version % group.failoverVersionIncrement;
  return Object.keys(group.clusters).find((name) => group.clusters[name]?.initialFailoverVersion === initial);
}

/** The least version of `cluster` that is not below `current`. Equal when `current` is already its own. */
export function nextFailoverVersion(group: ClusterGroup, cluster: string, current: number): number {
  const initial = group.clusters[cluster]?.initialFailoverVersion;
  if (initial === undefined) throw new Error(`unknown cluster ${cluster}`);
  const increment = group.failoverVersionIncrement;
  const version = Math.floor(Math.max(current, 0) / increment) * increment + initial;
  return version < current ? version + increment : version;
}
