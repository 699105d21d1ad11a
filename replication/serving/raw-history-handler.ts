// AdminAPI.GetWorkflowExecutionRawHistoryV2: the batches of a run between two events (both exclusive), as bytes, for another region's gap.
import { EncodingType } from '@antiphon/proto';
import type {
  GetWorkflowExecutionRawHistoryV2Request,
  GetWorkflowExecutionRawHistoryV2Response,
  VersionHistoryItem,
} from '@antiphon/proto/admin';
import { badRequest } from '#base';
import type { DomainView } from '#core';
import type { HistoryClient } from '#rpc';

const PAGE_SIZE_MAX = 1000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const itemOf = (item: VersionHistoryItem | undefined) =>
  item === undefined ? undefined : { eventId: Number(item.eventId), version: Number(item.version) };

export function createRawHistoryHandler(deps: {
  history: Pick<HistoryClient, 'getRawHistory'>;
  domains: { byName(name: string): Promise<DomainView> };
}) {
  return async (
    request: GetWorkflowExecutionRawHistoryV2Request,
  ): Promise<GetWorkflowExecutionRawHistoryV2Response> => {
    const { workflowId = '', runId = '' } = request.workflowExecution ?? {};
    if (request.domain === '') throw badRequest('Domain not set on request.');
    if (workflowId === '') throw badRequest('Invalid WorkflowID.');
    if (!UUID.test(runId)) throw badRequest('Invalid RunID.');
    if (request.pageSize <= 0) throw badRequest('Invalid PageSize.');
    const domain = await deps.domains.byName(request.domain);
    const page = await deps.history.getRawHistory({
      run: { domainId: domain.id, workflowId, runId },
      start: itemOf(request.startEvent),
      end: itemOf(request.endEvent),
      pageSize: Math.min(PAGE_SIZE_MAX, request.pageSize),
      token: request.nextPageToken,
    });
    return {
      nextPageToken: Buffer.from(page.nextPageToken),
      historyBatches: page.batches.map((data) => ({
        encodingType: EncodingType.ENCODING_TYPE_PROTO3,
        data: Buffer.from(data),
      })),
      versionHistory: {
        branchToken: Buffer.alloc(0),
        items: page.versionHistoryItems.map(({ eventId, version }) => ({
          eventId: BigInt(eventId),
          version: BigInt(version),
        })),
      },
    };
  };
}
