// Contexts for events that conflict resolution writes itself.
import { clusterOfVersion, type DecideContext, type WorkflowState } from '#core';
import { versionOf } from './run-clock.ts';

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

/** This region is active, and not behind: a run with events of a later version belongs to a failover that is not known here yet. */
export const mayWrite = ({ domain }: DecideContext, state: WorkflowState): boolean =>
  domain.isActiveHere && versionOf(state) <= domain.failoverVersion;
