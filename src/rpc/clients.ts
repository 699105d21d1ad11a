// How the services call each other. In one process these are plain calls on the service objects; between processes they will be gRPC.
// Requests carry domain ids, already resolved, validated and authorized by the frontend.
import type {
  Decision,
  DecisionTaskFailedCause,
  DescribeTaskListResponse,
  DescribeWorkflowExecutionResponse,
  Failure,
  HistoryEvent,
  ParentExecutionInfo,
  Payload,
  PollForActivityTaskResponse,
  PollForDecisionTaskResponse,
  QueryConsistencyLevel,
  QueryRejectCondition,
  QueryWorkflowResponse,
  StartWorkflowExecutionRequest,
  StickyExecutionAttributes,
  TaskList,
  TaskListPartitionConfig,
  TaskListType,
  WorkflowExecution,
  WorkflowQuery,
  WorkflowQueryResult,
} from '@antiphon/proto';
import type { TaskPriority } from '@antiphon/proto/internal';
import type { HistoryReplicationRequest, SyncActivityRequest } from './replication-requests.ts';

/** Who calls, as far as the engine cares. */
export interface CallerInfo {
  readonly clientImpl: string;
  readonly featureVersion: string;
  readonly libraryVersion: string;
}

/** An aborted signal means the caller is gone; a deadline in unix ms bounds long polls. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly deadlineMs?: number | undefined;
  /** Of a poll that another host makes: it ends it by `cancelOutstandingPoll`. */
  readonly isOfAnotherHost?: true;
}

export interface RunRef {
  readonly domainId: string;
  readonly workflowId: string;
  /** Empty: the current run. */
  readonly runId: string;
}

/** Decoded task token of a decision. */
export interface DecisionTaskRef extends RunRef {
  readonly scheduleId: number;
  readonly attempt: number;
}

/** Decoded task token of an activity, or the ids of a ByID call. */
export type ActivityTaskRef = RunRef &
  ({ readonly scheduleId: number; readonly attempt: number } | { readonly activityId: string });

/**
 * A response whose `history` field is left empty, and the encoded api.v1.History messages that belong there: the rpc layer splices the
 * bytes in, so that events are encoded once in their life.
 */
export interface WithHistory<T> {
  readonly response: T;
  readonly historyBlobs: readonly Uint8Array[];
}

export interface RecordDecisionTaskStartedReply {
  /**
   * Everything of the poll response but the backlog hint. The task token is included: history knows schedule id and attempt.
   */
  readonly task: WithHistory<PollForDecisionTaskResponse>;
}

export interface RecordActivityTaskStartedReply {
  /** Task token included. */
  readonly task: PollForActivityTaskResponse;
}

export interface HistoryClient {
  startWorkflow(
    request: StartWorkflowExecutionRequest,
    options: {
      domainId: string;
      parent?: ParentExecutionInfo | undefined;
      /** Restart and resets: overrides the reuse policy with terminate-if-running. */
      partitionConfig?: Readonly<Record<string, string>>;
    },
  ): Promise<{ runId: string }>;
  signalWithStart(
    request: StartWorkflowExecutionRequest,
    signal: { signalName: string; input?: Payload | undefined },
    domainId: string,
    partitionConfig?: Readonly<Record<string, string>>,
  ): Promise<{ runId: string }>;
  signalWorkflow(
    run: RunRef,
    signal: {
      signalName: string;
      input?: Payload | undefined;
      identity: string;
      requestId: string;
      external?: { childWorkflowOnly: boolean; parent: WorkflowExecution } | undefined;
    },
  ): Promise<void>;
  requestCancelWorkflow(
    run: RunRef,
    request: {
      cause: string;
      identity: string;
      requestId: string;
      firstExecutionRunId: string;
      external?: { initiatedId: number; execution: WorkflowExecution; childWorkflowOnly: boolean } | undefined;
    },
  ): Promise<void>;
  terminateWorkflow(
    run: RunRef,
    request: {
      reason: string;
      details?: Payload | undefined;
      identity: string;
      firstExecutionRunId: string;
      /** Parent close policy: only a run whose parent is this one. */
      parent?: WorkflowExecution | undefined;
    },
  ): Promise<void>;
  resetWorkflow(
    run: RunRef,
    request: { reason: string; decisionFinishEventId: number; requestId: string; skipSignalReapply: boolean },
  ): Promise<{ runId: string }>;
  describeWorkflow(run: RunRef): Promise<DescribeWorkflowExecutionResponse>;
  queryWorkflow(
    run: RunRef,
    query: WorkflowQuery,
    options: CallOptions & { rejectCondition: QueryRejectCondition; consistency: QueryConsistencyLevel },
  ): Promise<QueryWorkflowResponse>;
  getHistory(
    run: RunRef,
    options: CallOptions & {
      pageSize: number;
      token: Uint8Array;
      waitForNewEvent: boolean;
      closeEventOnly: boolean;
    },
  ): Promise<{ historyBlobs: readonly Uint8Array[]; nextPageToken: Uint8Array }>;
  refreshTasks(run: RunRef): Promise<void>;
  resetStickyTaskList(run: RunRef): Promise<void>;

  /** EntityNotExists, AlreadyCompleted, EventAlreadyStarted: matching drops the task. */
  recordDecisionTaskStarted(
    task: RunRef & { scheduleId: number },
    request: { requestId: string; identity: string; taskList: TaskList },
  ): Promise<RecordDecisionTaskStartedReply>;
  recordActivityTaskStarted(
    task: RunRef & { scheduleId: number; attempt: number },
    request: { requestId: string; identity: string },
  ): Promise<RecordActivityTaskStartedReply>;

  /**
   * What a poller needs to answer a query on `run` outside a decision (semantics §1.10, §2.20). No state changes; it works for closed runs and on
   * the passive side. Filled: workflow_execution, workflow_type, previous_started_event_id, next_event_id, workflow_execution_task_list,
   * total_history_bytes; started_event_id and attempt are 0. With `withHistory` also the first page of the whole history and its
   * next_page_token (as a decision task on a normal list), else both are empty (sticky list). Task token, query and backlog hint are matching's.
   */
  getQueryTask(run: RunRef, options: { withHistory: boolean }): Promise<WithHistory<PollForDecisionTaskResponse>>;

  respondDecisionTaskCompleted(
    task: DecisionTaskRef,
    request: {
      decisions: readonly Decision[];
      executionContext: Uint8Array;
      identity: string;
      binaryChecksum: string;
      stickyAttributes?: StickyExecutionAttributes | undefined;
      returnNewDecisionTask: boolean;
      forceCreateNewDecisionTask: boolean;
      queryResults: Readonly<Record<string, WorkflowQueryResult>>;
      caller: CallerInfo;
    },
  ): Promise<{
    /** Task token included. */
    newTask?: WithHistory<PollForDecisionTaskResponse> | undefined;
    /** By activity id: its token parts and times. */
    localActivities: ReadonlyMap<string, { scheduleId: number; scheduledTimeMs: number; startedTimeMs: number }>;
  }>;
  respondDecisionTaskFailed(
    task: DecisionTaskRef,
    request: {
      cause: DecisionTaskFailedCause;
      details?: Payload | undefined;
      identity: string;
      binaryChecksum: string;
    },
  ): Promise<void>;
  respondActivityTaskCompleted(
    task: ActivityTaskRef,
    request: { result?: Payload | undefined; identity: string },
  ): Promise<void>;
  respondActivityTaskFailed(task: ActivityTaskRef, request: { failure: Failure; identity: string }): Promise<void>;
  respondActivityTaskCanceled(
    task: ActivityTaskRef,
    request: { details?: Payload | undefined; identity: string },
  ): Promise<void>;
  recordActivityTaskHeartbeat(
    task: ActivityTaskRef,
    request: { details?: Payload | undefined; identity: string },
  ): Promise<{ cancelRequested: boolean }>;

  /** Calls between runs, made by transfer tasks. */
  scheduleFirstDecision(run: RunRef): Promise<void>;
  recordChildClosed(
    parent: RunRef,
    child: { initiatedId: number; workflowId: string; runId: string; closeEvent: HistoryEvent },
  ): Promise<void>;

  /** Passive side (replication consumer): idempotent; RetryTaskV2Error names a gap. */
  replicateEvents(request: HistoryReplicationRequest): Promise<void>;
  syncActivity(request: SyncActivityRequest): Promise<void>;
  /** Admin: raw batches between two events (both exclusive), for gap filling, and the version history they belong to. */
  getRawHistory(request: {
    run: RunRef;
    start?: { eventId: number; version: number } | undefined;
    end?: { eventId: number; version: number } | undefined;
    pageSize: number;
    token: Uint8Array;
  }): Promise<{
    batches: readonly Uint8Array[];
    nextPageToken: Uint8Array;
    versionHistoryItems: readonly { eventId: number; version: number }[];
  }>;
  /** Admin: state as JSON for people, with its shard. */
  describeMutableState(run: RunRef): Promise<{ shardId: number; stateJson: string }>;
  /**
   * For history hosts, whose runs refer to runs of other shards: the durable state as an encoded internal.v1.ExecutionRecord; undefined: there is
   * no such run. With `isProven` the answer is the owner's word: it has shown by a commit that it still is.
   */
  findRecord(run: RunRef, options: { isProven: boolean }): Promise<Uint8Array | undefined>;
}

export interface DispatchedTask {
  readonly domainId: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly scheduleId: number;
  readonly attempt: number;
  readonly taskList: TaskList;
  readonly scheduleToStartMs: number;
  /** Its place in the list; without one: the default. */
  readonly priority?: Readonly<TaskPriority> | undefined;
  /** Zone of the run's starter; empty: none. */
  readonly isolationGroup?: string | undefined;
}

export interface MatchingClient {
  /** Resolves when the task is matched or durable in the backlog. StickyWorkerUnavailable: no poller of that sticky list is alive. */
  addDecisionTask(task: DispatchedTask): Promise<void>;
  addActivityTask(task: DispatchedTask): Promise<void>;
  /** An empty response (no task token) when the wait is over. */
  pollForDecisionTask(
    poll: {
      domainId: string;
      taskList: TaskList;
      identity: string;
      pollerId: string;
      /** Zone of the worker. */
      isolationGroup?: string | undefined;
      caller: CallerInfo;
    },
    options: CallOptions,
  ): Promise<WithHistory<PollForDecisionTaskResponse>>;
  pollForActivityTask(
    poll: {
      domainId: string;
      taskList: TaskList;
      identity: string;
      pollerId: string;
      maxTasksPerSecond?: number | undefined;
      isolationGroup?: string | undefined;
    },
    options: CallOptions,
  ): Promise<PollForActivityTaskResponse>;
  /** Ends another host's waiting poll with an empty answer; one that is about to have a task has it. Nothing happens when it is over. */
  cancelOutstandingPoll(poll: {
    domainId: string;
    taskList: TaskList;
    type: TaskListType;
    pollerId: string;
  }): Promise<void>;
  /** Hands the query to a poller and waits for its answer. */
  queryWorkflow(
    request: { run: RunRef; taskList: TaskList; query: WorkflowQuery },
    options: CallOptions,
  ): Promise<QueryWorkflowResponse>;
  respondQueryTaskCompleted(
    task: { domainId: string; taskListName: string; taskId: string },
    result: WorkflowQueryResult,
    caller: CallerInfo,
  ): Promise<void>;
  describeTaskList(request: {
    domainId: string;
    taskList: TaskList;
    type: TaskListType;
    includeStatus: boolean;
  }): Promise<DescribeTaskListResponse>;
  listTaskLists(domainId: string): Promise<{
    decision: Readonly<Record<string, DescribeTaskListResponse>>;
    activity: Readonly<Record<string, DescribeTaskListResponse>>;
  }>;
  /** Names of the partitions that are read, the list itself first. */
  listPartitions(request: { domainId: string; taskList: TaskList; type: TaskListType }): Promise<readonly string[]>;
  updatePartitions(request: {
    domainId: string;
    taskList: TaskList;
    type: TaskListType;
    config: TaskListPartitionConfig;
  }): Promise<void>;
}
