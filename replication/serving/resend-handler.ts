// AdminAPI.ResendReplicationTasks: an operator has the events of a run, all or those between two (both exclusive), fetched again from another
// region and applied. What is known already is dropped, so that it may be repeated.
import type {
  ResendReplicationTasksRequest,
  ResendReplicationTasksResponse,
  VersionHistoryItem,
} from '@antiphon/proto/admin';
import { badRequest, RetryTaskV2Error } from '#base';
import type { HistoryClient } from '#rpc';
import { resendGap } from '../consumer/index.ts';
import type { DomainLookup, RawHistoryClient } from '../ports-consumer.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const itemOf = (item: VersionHistoryItem | undefined) =>
  item === undefined ? undefined : { eventId: Number(item.eventId), version: Number(item.version) };

/** `sourceOf`: the frontend of a region; undefined for a cluster that this one takes nothing from. */
export function createResendHandler(deps: {
  history: HistoryClient;
  domains: DomainLookup;
  sourceOf: (cluster: string) => RawHistoryClient | undefined;
}) {
  return {
    async resendReplicationTasks(request: ResendReplicationTasksRequest): Promise<ResendReplicationTasksResponse> {
      const { domainId, remoteCluster: sourceCluster } = request;
      const { workflowId = '', runId = '' } = request.workflowExecution ?? {};
      if (domainId === '') throw badRequest('DomainID is not set on request.');
      if (workflowId === '') throw badRequest('Invalid WorkflowID.');
      if (!UUID.test(runId)) throw badRequest('Invalid RunID.');
      if (sourceCluster === '') throw badRequest('Cluster name is not set.');
      const source = deps.sourceOf(sourceCluster);
      if (source === undefined) throw badRequest(`Cluster ${sourceCluster} is not a source of replication.`);
      const { name } = await deps.domains.byId(domainId);
      const [start, end] = [itemOf(request.startEvent), itemOf(request.endEvent)];
      const gap = new RetryTaskV2Error({ domainId, workflowId, runId, ...(start && { start }), ...(end && { end }) });
      await resendGap({ history: deps.history, source, sourceCluster }, name, gap);
      return {};
    },
  };
}
