// The calls on shards of other hosts: HistoryClient as messages.
import {
  type Decision,
  type HistoryEvent,
  PollForDecisionTaskResponse,
  StartWorkflowExecutionRequest,
  type WorkflowQuery,
} from '@antiphon/proto';
import {
  type DecisionTaskReply,
  type RespondActivityTaskCall,
  HistoryServiceService as Rpc,
} from '@antiphon/proto/internal';
import { required } from '#base';
import type { ActivityTaskRef, CallerInfo, DecisionTaskRef, HistoryClient, RunRef, WithHistory } from './clients.ts';
import {
  EMPTY,
  type InternalMethods,
  internalMethod as method,
  NOTHING,
  ofRun,
  refOf,
  runOf,
  same,
} from './internal-method.ts';

const NO_CALLER: CallerInfo = { clientImpl: '', featureVersion: '', libraryVersion: '' };

export const decisionTaskReply = (task: WithHistory<PollForDecisionTaskResponse>): DecisionTaskReply => ({
  response: task.response,
  historyBlobs: [...task.historyBlobs],
});

export const decisionTaskOf = (reply: DecisionTaskReply): WithHistory<PollForDecisionTaskResponse> => ({
  response: reply.response ?? PollForDecisionTaskResponse.fromPartial({}),
  historyBlobs: reply.historyBlobs,
});

export const callerOf = (caller: CallerInfo | undefined): CallerInfo => caller ?? NO_CALLER;

const startRequest = (request: StartWorkflowExecutionRequest | undefined): StartWorkflowExecutionRequest =>
  request ?? StartWorkflowExecutionRequest.fromPartial({});

const decisionTask = (task: DecisionTaskRef) => ({
  run: refOf(task),
  scheduleId: task.scheduleId,
  attempt: task.attempt,
});

const decisionRef = (call: { run?: RunRef | undefined; scheduleId: number; attempt: number }): DecisionTaskRef => ({
  ...runOf(call.run),
  scheduleId: call.scheduleId,
  attempt: call.attempt,
});

const activityTask = (task: ActivityTaskRef) =>
  'activityId' in task
    ? { run: refOf(task), activityId: task.activityId, scheduleId: 0, attempt: 0 }
    : { run: refOf(task), scheduleId: task.scheduleId, attempt: task.attempt };

const activityRef = ({ run, activityId, scheduleId, attempt }: RespondActivityTaskCall): ActivityTaskRef =>
  activityId === undefined ? { ...runOf(run), scheduleId, attempt } : { ...runOf(run), activityId };

const eventsOf = (history: { events: HistoryEvent[] } | undefined): readonly HistoryEvent[] => history?.events ?? [];

export const HISTORY_METHODS: InternalMethods<HistoryClient> = {
  startWorkflow: method(Rpc.startWorkflow, {
    isRepeatable: true,
    request: (request, { domainId, parent, partitionConfig = {} }) => ({
      request,
      domainId,
      parent,
      partitionConfig: { ...partitionConfig },
    }),
    args: ({ request, domainId, parent, partitionConfig }) => [
      startRequest(request),
      { domainId, parent, partitionConfig },
    ],
    reply: same,
    result: same,
  }),
  signalWithStart: method(Rpc.signalWithStart, {
    isRepeatable: true,
    request: (request, { signalName, input }, domainId, partitionConfig = {}) => ({
      request,
      signalName,
      input,
      domainId,
      partitionConfig: { ...partitionConfig },
    }),
    args: ({ request, signalName, input, domainId, partitionConfig }) => [
      startRequest(request),
      { signalName, input },
      domainId,
      partitionConfig,
    ],
    reply: same,
    result: same,
  }),
  signalWorkflow: method(Rpc.signalWorkflow, {
    request: (run, { external: caller, ...signal }) => ({
      ...signal,
      run: refOf(run),
      external: caller && { initiatedId: 0, execution: caller.parent, childWorkflowOnly: caller.childWorkflowOnly },
    }),
    args: ({ run, external: caller, signalName, input, identity, requestId }) => [
      runOf(run),
      {
        signalName,
        input,
        identity,
        requestId,
        external: caller && {
          childWorkflowOnly: caller.childWorkflowOnly,
          parent: required(caller.execution, 'a signal of a workflow names it'),
        },
      },
    ],
    reply: EMPTY,
    result: NOTHING,
  }),
  requestCancelWorkflow: method(Rpc.requestCancelWorkflow, {
    request: (run, request) => ({ ...request, run: refOf(run) }),
    args: ({ run, external: caller, cause, identity, requestId, firstExecutionRunId }) => [
      runOf(run),
      {
        cause,
        identity,
        requestId,
        firstExecutionRunId,
        external: caller && {
          ...caller,
          execution: required(caller.execution, 'a cancel request of a workflow names it'),
        },
      },
    ],
    reply: EMPTY,
    result: NOTHING,
  }),
  terminateWorkflow: method(Rpc.terminateWorkflow, {
    request: (run, request) => ({ ...request, run: refOf(run) }),
    args: ({ run, ...request }) => [runOf(run), request],
    reply: EMPTY,
    result: NOTHING,
  }),
  resetWorkflow: method(Rpc.resetWorkflow, {
    request: (run, request) => ({ ...request, run: refOf(run) }),
    args: ({ run, ...request }) => [runOf(run), request],
    reply: same,
    result: same,
  }),
  describeWorkflow: method(Rpc.describeWorkflow, { ...ofRun, isRepeatable: true, reply: same, result: same }),
  queryWorkflow: method(Rpc.queryWorkflow, {
    isRepeatable: true,
    request: (run, query, { rejectCondition, consistency }) => ({
      run: refOf(run),
      query,
      rejectCondition,
      consistency,
    }),
    args: ({ run, query, rejectCondition, consistency }, { signal, deadlineMs }) => [
      runOf(run),
      query ?? NO_QUERY,
      { signal, deadlineMs, rejectCondition, consistency },
    ],
    reply: same,
    result: same,
    options: (_run, _query, options) => options,
  }),
  getHistory: method(Rpc.getHistory, {
    isRepeatable: true,
    request: (run, { pageSize, token, waitForNewEvent, closeEventOnly }) => ({
      run: refOf(run),
      pageSize,
      token,
      waitForNewEvent,
      closeEventOnly,
    }),
    args: ({ run, ...options }, { signal, deadlineMs }) => [runOf(run), { ...options, signal, deadlineMs }],
    reply: ({ historyBlobs, nextPageToken }) => ({ historyBlobs: [...historyBlobs], nextPageToken }),
    result: same,
    options: (_run, options) => options,
  }),
  refreshTasks: method(Rpc.refreshTasks, { ...ofRun, isRepeatable: true, reply: EMPTY, result: NOTHING }),
  resetStickyTaskList: method(Rpc.resetStickyTaskList, { ...ofRun, isRepeatable: true, reply: EMPTY, result: NOTHING }),
  recordDecisionTaskStarted: method(Rpc.recordDecisionTaskStarted, {
    isRepeatable: true,
    request: (task, { requestId, identity, taskList }) => ({
      run: refOf(task),
      scheduleId: task.scheduleId,
      requestId,
      identity,
      taskList,
    }),
    args: ({ run, scheduleId, requestId, identity, taskList }) => [
      { ...runOf(run), scheduleId },
      { requestId, identity, taskList: required(taskList, 'a started decision names its task list') },
    ],
    reply: ({ task }) => decisionTaskReply(task),
    result: (reply) => ({ task: decisionTaskOf(reply) }),
  }),
  recordActivityTaskStarted: method(Rpc.recordActivityTaskStarted, {
    isRepeatable: true,
    request: (task, request) => ({ ...decisionTask(task), ...request }),
    args: ({ requestId, identity, ...task }) => [decisionRef(task), { requestId, identity }],
    reply: ({ task }) => task,
    result: (task) => ({ task }),
  }),
  getQueryTask: method(Rpc.getQueryTask, {
    isRepeatable: true,
    request: (run, { withHistory }) => ({ run: refOf(run), withHistory }),
    args: ({ run, withHistory }) => [runOf(run), { withHistory }],
    reply: decisionTaskReply,
    result: decisionTaskOf,
  }),
  respondDecisionTaskCompleted: method(Rpc.respondDecisionTaskCompleted, {
    request: (task, request) => ({
      ...decisionTask(task),
      ...request,
      decisions: request.decisions as Decision[], // Encoded, not kept.
      queryResults: { ...request.queryResults },
    }),
    args: ({ run, scheduleId, attempt, caller, ...request }) => [
      decisionRef({ run, scheduleId, attempt }),
      { ...request, caller: callerOf(caller) },
    ],
    reply: ({ newTask, localActivities }) => ({
      newTask: newTask && decisionTaskReply(newTask),
      localActivities: Object.fromEntries(localActivities),
    }),
    result: ({ newTask, localActivities }) => ({
      newTask: newTask && decisionTaskOf(newTask),
      localActivities: new Map(Object.entries(localActivities)),
    }),
  }),
  respondDecisionTaskFailed: method(Rpc.respondDecisionTaskFailed, {
    request: (task, request) => ({ ...decisionTask(task), ...request }),
    args: ({ run, scheduleId, attempt, ...request }) => [decisionRef({ run, scheduleId, attempt }), request],
    reply: EMPTY,
    result: NOTHING,
  }),
  respondActivityTaskCompleted: method(Rpc.respondActivityTaskCompleted, {
    request: (task, { result, identity }) => ({ ...activityTask(task), payload: result, identity }),
    args: (call) => [activityRef(call), { result: call.payload, identity: call.identity }],
    reply: EMPTY,
    result: NOTHING,
  }),
  respondActivityTaskFailed: method(Rpc.respondActivityTaskFailed, {
    request: (task, { failure, identity }) => ({ ...activityTask(task), failure, identity }),
    args: (call) => [
      activityRef(call),
      { failure: required(call.failure, 'a failed activity has its failure'), identity: call.identity },
    ],
    reply: EMPTY,
    result: NOTHING,
  }),
  respondActivityTaskCanceled: method(Rpc.respondActivityTaskCanceled, {
    request: (task, { details, identity }) => ({ ...activityTask(task), payload: details, identity }),
    args: (call) => [activityRef(call), { details: call.payload, identity: call.identity }],
    reply: EMPTY,
    result: NOTHING,
  }),
  recordActivityTaskHeartbeat: method(Rpc.recordActivityTaskHeartbeat, {
    isRepeatable: true,
    request: (task, { details, identity }) => ({ ...activityTask(task), payload: details, identity }),
    args: (call) => [activityRef(call), { details: call.payload, identity: call.identity }],
    reply: same,
    result: same,
  }),
  scheduleFirstDecision: method(Rpc.scheduleFirstDecision, { ...ofRun, reply: EMPTY, result: NOTHING }),
  recordChildClosed: method(Rpc.recordChildClosed, {
    request: (parent, child) => ({ ...child, parent: refOf(parent) }),
    args: ({ parent, closeEvent, ...child }) => [
      runOf(parent),
      { ...child, closeEvent: required(closeEvent, 'a closed child has its last event') },
    ],
    reply: EMPTY,
    result: NOTHING,
  }),
  replicateEvents: method(Rpc.replicateEvents, {
    isRepeatable: true,
    request: (request) => ({
      sourceCluster: request.sourceCluster,
      run: refOf(request),
      versionHistoryItems: [...request.versionHistoryItems],
      events: { events: [...request.events] },
      newRunEvents: { events: [...request.newRunEvents] },
      newRunId: request.newRunId,
      mustExist: request.mustExist ?? false,
    }),
    args: ({ run, events, newRunEvents, ...request }) => [
      { ...request, ...runOf(run), events: eventsOf(events), newRunEvents: eventsOf(newRunEvents) },
    ],
    reply: EMPTY,
    result: NOTHING,
  }),
  syncActivity: method(Rpc.syncActivity, {
    isRepeatable: true,
    request: (request) => ({
      ...request,
      run: refOf(request),
      versionHistoryItems: [...request.versionHistoryItems],
    }),
    args: ({ run, ...request }) => [{ ...request, ...runOf(run) }],
    reply: EMPTY,
    result: NOTHING,
  }),
  getRawHistory: method(Rpc.getRawHistory, {
    isRepeatable: true,
    request: ({ run, ...request }) => ({ ...request, run: refOf(run) }),
    args: ({ run, ...request }) => [{ ...request, run: runOf(run) }],
    reply: ({ batches, nextPageToken, versionHistoryItems }) => ({
      batches: [...batches],
      nextPageToken,
      versionHistoryItems: [...versionHistoryItems],
    }),
    result: same,
  }),
  describeMutableState: method(Rpc.describeMutableState, { ...ofRun, isRepeatable: true, reply: same, result: same }),
  findRecord: method(Rpc.findRecord, {
    isRepeatable: true,
    request: (run, { isProven }) => ({ run: refOf(run), isProven }),
    args: ({ run, isProven }) => [runOf(run), { isProven }],
    reply: (record) => ({ record }),
    result: ({ record }) => record,
  }),
};

const NO_QUERY: WorkflowQuery = { queryType: '', queryArgs: undefined };
