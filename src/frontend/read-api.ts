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

const READ: Traits = { class: 'user', permission: 'read', forward: 'asked' };

export function createReadApi(deps: FrontendDeps, options: FrontendOptions, pipeline: Pipeline): WorkflowHandlers {
  return { ...runReads(deps, options, pipeline), ...clusterReads(deps, options, pipeline) };
}

function runReads(deps: FrontendDeps, options: FrontendOptions, { serve, byDomain }: Pipeline): WorkflowHandlers {
  const { history, clusters } = deps;
  const readHistory = createHistoryReader(deps);
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
        if (query === undefined) throw badRequest('WorkflowQuery is not set on request.');
        if (query.queryType === '') throw badRequest('QueryType is not set on request.');
        checkLength(query.queryType, limits, 'QueryType');
        checkBlobSize(payloadSize(query.queryArgs), limits);
        checkEnum(queryRejectCondition, QueryRejectCondition, 'QueryRejectCondition');
        checkEnum(queryConsistencyLevel, QueryConsistencyLevel, 'QueryConsistencyLevel');
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
          pageSize: pageSizeOf(request.pageSize, options.historyPageSizeMax),
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

    listTaskListPartitions: serve('workflow', 'listTaskListPartitions', READ, byDomain, async (request, { limits }) => {
      // A list has one partition, its root.
      const { name: key } = requireTaskList(request.taskList, limits);
      const partitions = [{ key, ownerHostName: options.hostName }];
      return { activityTaskListPartitions: partitions, decisionTaskListPartitions: partitions };
    }),

    getClusterInfo: serve(
      'workflow',
      'getClusterInfo',
      { class: 'none', permission: 'none', forward: 'never' },
      byNothing,
      async () => ({ supportedClientVersions: SUPPORTED_CLIENT_VERSIONS }),
    ),
  };
}
