// RPCs that read runs, task lists and the cluster. Served in every region; on the passive side a run may not have arrived yet, which
// callers are told so that they try again.
import {
  EventFilterType,
  QueryConsistencyLevel,
  QueryRejectCondition,
  TaskListKind,
  TaskListType,
} from '@antiphon/proto';
import { badRequest } from '#base';
import { CONSISTENT_QUERY, CONSISTENT_QUERY_BY_DOMAIN, DISALLOWS_QUERY, HISTORY_PAGE_SIZE } from '#dynamicconfig';
import { type Handlers, type SERVICE_DEFINITIONS, SUPPORTED_CLIENT_VERSIONS } from '#rpc';
import { createHistoryReader } from './history-reader.ts';
import { naming } from './passive-reads.ts';
import type { Pipeline, Traits } from './pipeline.ts';
import type { FrontendDeps, FrontendOptions } from './ports.ts';
import {
  checkBlobSize,
  checkEnum,
  checkLength,
  pageSizeOf,
  payloadSize,
  requireRun,
  requireTaskList,
} from './request-checks.ts';

type WorkflowHandlers = Handlers<(typeof SERVICE_DEFINITIONS)['workflow']>;

const READ: Traits = { class: 'user', forward: 'asked' };

const QUERY_DISALLOWED = 'Domain is not allowed to query, please contact cadence team to re-enable queries.';
const CONSISTENT_QUERY_OFF =
  'cluster or domain does not enable strongly consistent query but strongly consistent query was requested';

export function createReadApi(deps: FrontendDeps, options: FrontendOptions, pipeline: Pipeline): WorkflowHandlers {
  return { ...runReads(deps, pipeline), ...clusterReads(deps, options, pipeline) };
}

function runReads(deps: FrontendDeps, { serve, byDomain }: Pipeline): WorkflowHandlers {
  const { history, clusters } = deps;
  const readHistory = createHistoryReader(deps);
  const pageSizeMax = deps.config.property(HISTORY_PAGE_SIZE);
  const disallowsQuery = deps.config.property(DISALLOWS_QUERY);
  const consistentQueries = [deps.config.property(CONSISTENT_QUERY), deps.config.property(CONSISTENT_QUERY_BY_DOMAIN)];
  const checkConsistency = (level: QueryConsistencyLevel, domainName: string): void => {
    if (level !== QueryConsistencyLevel.QUERY_CONSISTENCY_LEVEL_STRONG) return;
    if (!consistentQueries.every((property) => property.ofDomain(domainName))) throw badRequest(CONSISTENT_QUERY_OFF);
  };
  return {
    describeWorkflowExecution: serve('workflow', 'describeWorkflowExecution', READ, byDomain, async (request, call) => {
      checkEnum(request.queryConsistencyLevel, QueryConsistencyLevel, 'QueryConsistencyLevel');
      const run = requireRun(call.subject.id, request.workflowExecution, call.limits);
      return naming(clusters, call.subject, () => history.describeWorkflow(run));
    }),

    queryWorkflow: serve(
      'workflow',
      'queryWorkflow',
      READ,
      byDomain,
      async (request, { subject: domain, context, limits }) => {
        const run = requireRun(domain.id, request.workflowExecution, limits);
        const { query, queryRejectCondition, queryConsistencyLevel } = request;
        if (disallowsQuery.ofDomain(domain.name)) throw badRequest(QUERY_DISALLOWED);
        if (query === undefined) throw badRequest('WorkflowQuery is not set on request.');
        if (query.queryType === '') throw badRequest('QueryType is not set on request.');
        checkLength(query.queryType, limits, 'QueryType');
        checkBlobSize(payloadSize(query.queryArgs), limits);
        checkEnum(queryRejectCondition, QueryRejectCondition, 'QueryRejectCondition');
        checkEnum(queryConsistencyLevel, QueryConsistencyLevel, 'QueryConsistencyLevel');
        checkConsistency(queryConsistencyLevel, domain.name);
        return history.queryWorkflow(run, query, {
          rejectCondition: queryRejectCondition,
          consistency: queryConsistencyLevel || QueryConsistencyLevel.QUERY_CONSISTENCY_LEVEL_EVENTUAL,
          deadlineMs: context.deadlineMs,
          signal: context.signal,
        });
      },
    ),

    getWorkflowExecutionHistory: serve(
      'workflow',
      'getWorkflowExecutionHistory',
      READ,
      byDomain,
      async (request, { subject: domain, context, limits }) => {
        const run = requireRun(domain.id, request.workflowExecution, limits);
        checkEnum(request.historyEventFilterType, EventFilterType, 'HistoryEventFilterType');
        return readHistory(domain, run, {
          pageSize: pageSizeOf(request.pageSize, pageSizeMax.ofDomain(domain.name)),
          token: request.nextPageToken,
          waitForNewEvent: request.waitForNewEvent,
          closeEventOnly: request.historyEventFilterType === EventFilterType.EVENT_FILTER_TYPE_CLOSE_EVENT,
          skipArchival: request.skipArchival,
          deadlineMs: context.deadlineMs,
          signal: context.signal,
        });
      },
    ),
  };
}

function clusterReads(
  { matching }: FrontendDeps,
  options: FrontendOptions,
  { serve, byDomain, byNothing }: Pipeline,
): WorkflowHandlers {
  return {
    describeTaskList: serve('workflow', 'describeTaskList', READ, byDomain, async (request, call) => {
      const taskList = requireTaskList(request.taskList, call.limits);
      checkEnum(taskList.kind, TaskListKind, 'TaskListKind');
      checkEnum(request.taskListType, TaskListType, 'TaskListType');
      if (request.taskListType === TaskListType.TASK_LIST_TYPE_INVALID) {
        throw badRequest('TaskListType is not set on request.');
      }
      return matching.describeTaskList({
        domainId: call.subject.id,
        taskList: { ...taskList, kind: taskList.kind || TaskListKind.TASK_LIST_KIND_NORMAL },
        type: request.taskListType,
        includeStatus: request.includeTaskListStatus,
      });
    }),

    getTaskListsByDomain: serve('workflow', 'getTaskListsByDomain', READ, byDomain, async (_, call) => {
      const { decision, activity } = await matching.listTaskLists(call.subject.id);
      return { decisionTaskListMap: { ...decision }, activityTaskListMap: { ...activity } };
    }),

    listTaskListPartitions: serve('workflow', 'listTaskListPartitions', READ, byDomain, async (request, call) => {
      const taskList = requireTaskList(request.taskList, call.limits);
      checkEnum(taskList.kind, TaskListKind, 'TaskListKind');
      const list = { ...taskList, kind: taskList.kind || TaskListKind.TASK_LIST_KIND_NORMAL };
      const partitionsOf = async (type: TaskListType) => {
        const names = await matching.listPartitions({ domainId: call.subject.id, taskList: list, type });
        return names.map((key) => ({ key, ownerHostName: options.hostName }));
      };
      return {
        activityTaskListPartitions: await partitionsOf(TaskListType.TASK_LIST_TYPE_ACTIVITY),
        decisionTaskListPartitions: await partitionsOf(TaskListType.TASK_LIST_TYPE_DECISION),
      };
    }),

    getClusterInfo: serve('workflow', 'getClusterInfo', { class: 'none', forward: 'never' }, byNothing, async () => ({
      supportedClientVersions: SUPPORTED_CLIENT_VERSIONS,
    })),
  };
}
