// In a passive region a run that is not there may only be late. The error says so by naming the clusters: clients retry it
// (semantics §1.9).
import { EntityNotExistsError } from '#base';
import { type ClusterGroup, type DomainView, otherActiveCluster } from '#core';

export async function naming<T>(clusters: ClusterGroup, domain: DomainView, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const { currentCluster } = clusters;
    const activeCluster = otherActiveCluster(domain, currentCluster) ?? currentCluster;
    const isElsewhere = activeCluster !== currentCluster;
    if (!isElsewhere || !(error instanceof EntityNotExistsError) || error.activeCluster !== '') throw error;
    throw new EntityNotExistsError('Workflow execution not found in non-active cluster', {
      currentCluster,
      activeCluster,
    });
  }
}
