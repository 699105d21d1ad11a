// The calls on task lists of other hosts: MatchingClient as messages.
import { TaskList, TaskListType } from '@antiphon/proto';
import {
  type AddTaskCall,
  type CancelPollCall,
  type PollCall,
  MatchingServiceService as Rpc,
  type TaskListCall,
} from '@antiphon/proto/internal';
import { required } from '#base';
import type { CallOptions, DispatchedTask, MatchingClient } from './clients.ts';
import { callerOf, decisionTaskOf, decisionTaskReply } from './internal-history.ts';
import {
  EMPTY,
  type HangUp,
  type InternalMethods,
  internalMethod as method,
  NOTHING,
  refOf,
  runOf,
  same,
} from './internal-method.ts';

type ActivityPoll = Parameters<MatchingClient['pollForActivityTask']>[0];
type DecisionPoll = Parameters<MatchingClient['pollForDecisionTask']>[0];
type ListRequest = Parameters<MatchingClient['describeTaskList']>[0];

const listOf = (taskList: TaskList | undefined): TaskList => taskList ?? TaskList.fromPartial({});

/** Only polls that come as messages can be ended by their id; those of this process have their signal. */
const ofAnotherHost = ({ signal, deadlineMs }: CallOptions): CallOptions => ({
  signal,
  deadlineMs,
  isOfAnotherHost: true,
});

const addTask = {
  request: (task: DispatchedTask): AddTaskCall => ({
    run: refOf(task),
    scheduleId: task.scheduleId,
    attempt: task.attempt,
    taskList: task.taskList,
    scheduleToStartMs: task.scheduleToStartMs,
    priority: task.priority,
    isolationGroup: task.isolationGroup ?? '',
  }),
  args: ({ run, taskList, ...task }: AddTaskCall): [DispatchedTask] => [
    { ...task, ...runOf(run), taskList: listOf(taskList) },
  ],
  reply: EMPTY,
  result: NOTHING,
};

const pollRequest = (poll: DecisionPoll | ActivityPoll): PollCall => ({
  domainId: poll.domainId,
  taskList: poll.taskList,
  identity: poll.identity,
  pollerId: poll.pollerId,
  isolationGroup: poll.isolationGroup ?? '',
  caller: 'caller' in poll ? poll.caller : undefined,
  ...('maxTasksPerSecond' in poll && poll.maxTasksPerSecond !== undefined
    ? { maxTasksPerSecond: poll.maxTasksPerSecond }
    : {}),
});

const hangUp = ({ domainId, taskList, pollerId }: DecisionPoll | ActivityPoll, type: TaskListType): HangUp => {
  const request: CancelPollCall = { domainId, taskList, type, pollerId };
  return { definition: Rpc.cancelOutstandingPoll, request };
};

const listRequest = ({ domainId, taskList, type }: Omit<ListRequest, 'includeStatus'>): TaskListCall => ({
  domainId,
  taskList,
  type,
  includeStatus: false,
});

export const MATCHING_METHODS: InternalMethods<MatchingClient> = {
  addDecisionTask: method(Rpc.addDecisionTask, addTask),
  addActivityTask: method(Rpc.addActivityTask, addTask),
  pollForDecisionTask: method(Rpc.pollForDecisionTask, {
    request: (poll) => pollRequest(poll),
    args: ({ taskList, caller, maxTasksPerSecond: _, ...poll }, call): [DecisionPoll, CallOptions] => [
      { ...poll, taskList: listOf(taskList), caller: callerOf(caller) },
      ofAnotherHost(call),
    ],
    reply: decisionTaskReply,
    result: decisionTaskOf,
    options: (_poll, options) => options,
    hangUp: (poll) => hangUp(poll, TaskListType.TASK_LIST_TYPE_DECISION),
  }),
  pollForActivityTask: method(Rpc.pollForActivityTask, {
    request: (poll) => pollRequest(poll),
    args: ({ taskList, caller: _, ...poll }, call): [ActivityPoll, CallOptions] => [
      { ...poll, taskList: listOf(taskList) },
      ofAnotherHost(call),
    ],
    reply: same,
    result: same,
    options: (_poll, options) => options,
    hangUp: (poll) => hangUp(poll, TaskListType.TASK_LIST_TYPE_ACTIVITY),
  }),
  cancelOutstandingPoll: method(Rpc.cancelOutstandingPoll, {
    isRepeatable: true,
    request: (poll) => ({ ...poll }),
    args: ({ taskList, ...poll }) => [{ ...poll, taskList: listOf(taskList) }],
    reply: EMPTY,
    result: NOTHING,
  }),
  queryWorkflow: method(Rpc.queryWorkflow, {
    isRepeatable: true,
    request: ({ run, taskList, query }) => ({ run: refOf(run), taskList, query }),
    args: ({ run, taskList, query }, call): [Parameters<MatchingClient['queryWorkflow']>[0], CallOptions] => [
      { run: runOf(run), taskList: listOf(taskList), query: required(query, 'a query is asked') },
      call,
    ],
    reply: same,
    result: same,
    options: (_request, options) => options,
  }),
  respondQueryTaskCompleted: method(Rpc.respondQueryTaskCompleted, {
    request: (task, result, caller) => ({ ...task, result, caller }),
    args: ({ domainId, taskListName, taskId, result, caller }) => [
      { domainId, taskListName, taskId },
      required(result, 'an answered query has its result'),
      callerOf(caller),
    ],
    reply: EMPTY,
    result: NOTHING,
  }),
  describeTaskList: method(Rpc.describeTaskList, {
    isRepeatable: true,
    request: (request) => ({ ...request }),
    args: ({ taskList, ...request }) => [{ ...request, taskList: listOf(taskList) }],
    reply: same,
    result: same,
  }),
  listTaskLists: method(Rpc.listTaskLists, {
    isRepeatable: true,
    request: (domainId) => ({ domainId }),
    args: ({ domainId }) => [domainId],
    reply: ({ decision, activity }) => ({ decision: { ...decision }, activity: { ...activity } }),
    result: same,
  }),
  listPartitions: method(Rpc.listPartitions, {
    isRepeatable: true,
    request: listRequest,
    args: ({ domainId, taskList, type }) => [{ domainId, taskList: listOf(taskList), type }],
    reply: (lines) => ({ lines: [...lines] }),
    result: ({ lines }) => lines,
  }),
  updatePartitions: method(Rpc.updatePartitions, {
    request: (request) => ({ ...request }),
    args: ({ domainId, taskList, type, config }) => [
      { domainId, taskList: listOf(taskList), type, config: required(config, 'a partition config is set') },
    ],
    reply: EMPTY,
    result: NOTHING,
  }),
};
