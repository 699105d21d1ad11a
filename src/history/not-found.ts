// The texts of absent workflows. On a passive cluster the error names the active one: clients go there, or wait for replication.
import { EntityNotExistsError } from '#base';
import { otherActiveCluster } from '#core';
import type { HistoryDeps } from './deps.ts';

export function workflowNotFound(
  deps: Pick<HistoryDeps, 'domains' | 'clusters'>,
  domainId: string,
  workflowId: string,
  runId: string,
): EntityNotExistsError {
  const domain = deps.domains.peekById(domainId);
  const { currentCluster } = deps.clusters;
  const activeCluster = domain && otherActiveCluster(domain, currentCluster);
  if (activeCluster !== undefined) {
    return new EntityNotExistsError('Workflow execution not found in non-active cluster', {
      currentCluster,
      activeCluster,
    });
  }
  const run = runId === '' ? '' : `, RunId: ${runId}`;
  return new EntityNotExistsError(`Workflow execution not found.  WorkflowId: ${workflowId}${run}`);
}
