// Finding runs: the filter lists of old, the query language, and the archive. The visibility store owns the query language and its page
// tokens; here are the request's own rules (semantics §1.11).
import { type StartTimeFilter, WorkflowExecutionCloseStatus, type WorkflowExecutionInfo } from '@antiphon/proto';
import { badRequest } from '#base';
import type { DomainView, Limits } from '#core';
import { DISALLOWS_LIST_BY_FILTER, READ_VISIBILITY_ARCHIVE, VISIBILITY_PAGE_SIZE } from '#dynamicconfig';
import type { Handlers, SERVICE_DEFINITIONS } from '#rpc';
import type { Listing } from '#visibility';
import { boundToken, unboundToken } from './bound-token.ts';
import { msOfTimestamp } from './durations.ts';
import { executionRow } from './execution-row.ts';
import type { Call, Pipeline, Traits } from './pipeline.ts';
import type { FrontendDeps, FrontendOptions } from './ports.ts';
import { checkEnum, checkLength } from './request-checks.ts';

type VisibilityHandlers = Handlers<(typeof SERVICE_DEFINITIONS)['visibility']>;
type Page = { executions: WorkflowExecutionInfo[]; nextPageToken: Uint8Array };
type PageRequest = { readonly pageSize: number; readonly nextPageToken: Uint8Array };

const FIND: Traits = { class: 'visibility', forward: 'never' };
const LIST: Traits = { class: 'list', forward: 'never' };
// A query is parsed: its length bounds the work.
const QUERY_CHARS_MAX = 10_000;

export function createVisibilityApi(
  deps: FrontendDeps,
  options: FrontendOptions,
  pipeline: Pipeline,
): VisibilityHandlers {
  const { serve, byDomain, byNothing } = pipeline;
  const { visibility } = deps;
  const pageSizeMax = deps.config.property(VISIBILITY_PAGE_SIZE);
  const disallowsFilters = deps.config.property(DISALLOWS_LIST_BY_FILTER);
  const readsArchive = deps.config.property(READ_VISIBILITY_ARCHIVE);
  const list = async (domain: DomainView, listing: Listing, page: PageRequest): Promise<Page> => {
    const { records, nextToken } = await visibility.list(domain.id, listing, {
      size: pageSize(page.pageSize, options, pageSizeMax.ofDomain(domain.name)),
      token: page.nextPageToken.length === 0 ? undefined : page.nextPageToken,
    });
    return { executions: records.map(executionRow), nextPageToken: nextToken ?? new Uint8Array() };
  };
  const filtered = (
    { subject: domain, limits }: Call<DomainView>,
    open: boolean,
    time: StartTimeFilter | undefined,
    filters: Filters | undefined,
  ): Listing => {
    if (filters !== undefined && disallowsFilters.ofDomain(domain.name)) {
      throw badRequest('No permission to do this operation.');
    }
    return filterListing(limits, open, time, filters);
  };
  return {
    listOpenWorkflowExecutions: serve(
      'visibility',
      'listOpenWorkflowExecutions',
      LIST,
      byDomain,
      async (request, call) =>
        list(call.subject, filtered(call, true, request.startTimeFilter, request.filters), request),
    ),
    listClosedWorkflowExecutions: serve(
      'visibility',
      'listClosedWorkflowExecutions',
      LIST,
      byDomain,
      async (request, call) =>
        list(call.subject, filtered(call, false, request.startTimeFilter, request.filters), request),
    ),
    listWorkflowExecutions: serve('visibility', 'listWorkflowExecutions', LIST, byDomain, async (request, call) =>
      list(call.subject, { kind: 'query', query: boundedQuery(request.query) }, request),
    ),
    scanWorkflowExecutions: serve('visibility', 'scanWorkflowExecutions', FIND, byDomain, async (request, call) =>
      list(call.subject, { kind: 'query', query: boundedQuery(request.query) }, request),
    ),
    countWorkflowExecutions: serve('visibility', 'countWorkflowExecutions', FIND, byDomain, async (request, call) => ({
      count: BigInt(await visibility.count(call.subject.id, boundedQuery(request.query))),
    })),
    listArchivedWorkflowExecutions: serve(
      'visibility',
      'listArchivedWorkflowExecutions',
      LIST,
      byDomain,
      async (request, { subject: domain }) => {
        if (!readsArchive.get()) throw badRequest('Cluster is not configured for reading archived visibility records.');
        const most = pageSizeMax.ofDomain(domain.name);
        // The reference has a word more here.
        if (request.pageSize > most) throw badRequest(`Pagesize is larger than allowed ${most}`);
        const size = pageSize(request.pageSize, options, most);
        return listArchived(deps, domain, { ...request, pageSize: size });
      },
    ),
    getSearchAttributes: serve('visibility', 'getSearchAttributes', LIST, byNothing, async () => ({
      keys: Object.fromEntries([...deps.searchAttributes().values()].map(({ name, type }) => [name, type])),
    })),
  };
}

function pageSize(asked: number, options: FrontendOptions, most: number): number {
  if (asked <= 0) return Math.min(options.visibilityPageSizeDefault, most);
  if (asked > most) throw badRequest(`Pagesize is larger than allow ${most}`);
  return asked;
}

function boundedQuery(query: string): string {
  if (query.length > QUERY_CHARS_MAX) throw badRequest(`Query is longer than ${QUERY_CHARS_MAX} characters.`);
  return query;
}

type Filters =
  | { readonly $case: 'executionFilter'; readonly value: { workflowId: string; runId: string } }
  | { readonly $case: 'typeFilter'; readonly value: { name: string } }
  | { readonly $case: 'statusFilter'; readonly value: { status: WorkflowExecutionCloseStatus } };

function filterListing(
  limits: Limits,
  open: boolean,
  time: StartTimeFilter | undefined,
  filters: Filters | undefined,
): Listing {
  if (time === undefined) throw badRequest('StartTimeFilter is required');
  const earliestMs = msOfTimestamp(time.earliestTime);
  const latestMs = msOfTimestamp(time.latestTime);
  if (earliestMs === undefined) throw badRequest('EarliestTime in StartTimeFilter is required');
  if (latestMs === undefined) throw badRequest('LatestTime in StartTimeFilter is required');
  if (earliestMs > latestMs) throw badRequest('EarliestTime in StartTimeFilter should not be larger than LatestTime');
  const listing = { kind: 'filter', open, earliestMs, latestMs } as const;
  switch (filters?.$case) {
    case undefined:
      return listing;
    case 'executionFilter': {
      const { workflowId, runId } = filters.value;
      checkLength(workflowId, limits, 'WorkflowID');
      return { ...listing, workflowId: workflowId || undefined, runId: runId || undefined };
    }
    case 'typeFilter':
      checkLength(filters.value.name, limits, 'WorkflowType');
      return { ...listing, workflowType: filters.value.name };
    case 'statusFilter': {
      const { status } = filters.value;
      checkEnum(status, WorkflowExecutionCloseStatus, 'WorkflowExecutionCloseStatus');
      return status === WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_INVALID
        ? listing
        : { ...listing, closeStatus: status };
    }
  }
}

async function listArchived(
  { archiver, domains }: FrontendDeps,
  domain: DomainView,
  request: PageRequest & { readonly query: string },
): Promise<Page> {
  const query = boundedQuery(request.query);
  if (archiver === undefined) throw badRequest('Cluster is not configured for visibility archival');
  if (!domain.archivesVisibility) throw badRequest('Domain is not configured for visibility archival');
  const visibilityUri = (await domains.record(domain.id)).domain?.visibilityArchivalUri ?? '';
  const found = await archiver.list({ id: domain.id, visibilityUri }, query, {
    size: request.pageSize,
    token: unboundToken([domain.id, query], request.nextPageToken),
  });
  // Archives of old wrote no execution time: it was the start time.
  const executions = found.executions.map((row) => ({ ...row, executionTime: row.executionTime ?? row.startTime }));
  return { executions, nextPageToken: boundToken([domain.id, query], found.nextPageToken) };
}
