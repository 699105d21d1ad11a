// Contexts for events that conflict resolution writes itself.
import { clusterOfVersion, type DecideContext } from '#core';

/** As this cluster would write with `version`: for closing what it wrote last with that version. */
export const contextWithVersion = (context: DecideContext, version: number): DecideContext => ({
  ...context,
  domain: {
    ...context.domain,
    failoverVersion: version,
    activeCluster: context.clusters.currentCluster,
    isActiveHere: true,
  },
});

export const isOwnVersion = (context: DecideContext, version: number): boolean =>
  clusterOfVersion(context.clusters, version) === context.clusters.currentCluster;
