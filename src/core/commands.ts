// Every command the engine takes, with its input and its reply. Commands on an existing run go through
// `decide(state, command, context)`; `createWorkflow` and `resetWorkflow` make a run. A refused command throws a ServiceError and leaves
// no trace. Requests are validated for form by the frontend; what depends on the state is checked here.
import type {
  CancelExternalWorkflowExecutionFailedCause,
  Decision,
  DecisionTaskFailedCause,
  Failure,
  HistoryEvent,
  ParentExecutionInfo,
  Payload,
  QueryResultType,
  SignalExternalWorkflowExecutionFailedCause,
  StartWorkflowExecutionRequest,
  StickyExecutionAttributes,
  WorkflowExecution,
  WorkflowExecutionStartedEventAttributes,
} from '@antiphon/proto';
import type { ActivityInfo, DecisionInfo, HistoryBranch, TimerTask } from '@antiphon/proto/internal';
import type { ClusterGroup } from './clusters.ts';
import type { DomainView } from './domain-view.ts';
import type { Limits } from './limits.ts';
import type { SearchAttributeRules } from './search-attribute-rules.ts';

/** What a command may use of the world. Core has no clock and no randomness of its own. */
export interface DecideContext {
  readonly nowMs: number;
  readonly domain: DomainView;
  readonly clusters: ClusterGroup;
  readonly limits: Limits;
  uuid(): string;
  /** Uniform in [0, 1). */
  random(): number;
  /** Growing per shard; for tasks and for HistoryEvent.task_id. */
  nextTaskId(): number;
  /** Attributes of the run's Started event. The caller supplies them when `needsStartedEvent(state)` says so. */
  readonly startedEvent?: WorkflowExecutionStartedEventAttributes | undefined;
  /** Search attributes that the cluster knows; absent: any are taken. */
  readonly searchAttributes?: SearchAttributeRules | undefined;
}

export interface SignalInput {
  readonly signalName: string;
  readonly input?: Payload | undefined;
  readonly identity: string;
  /** Empty: no deduplication. */
  readonly requestId: string;
}

export interface CreateWorkflow {
  readonly runId: string;
  readonly request: StartWorkflowExecutionRequest;
  readonly parent?: ParentExecutionInfo | undefined;
  /** From `firstDecisionBackoffSeconds(request, nowMs, random)`. */
  readonly firstDecisionBackoffSeconds: number;
  /** Signal-with-start. */
  readonly signal?: SignalInput | undefined;
  /** A child has its parent's. */
  readonly partitionConfig?: Readonly<Record<string, string>> | undefined;
}

export interface ResetWorkflow {
  readonly newRunId: string;
  readonly requestId: string;
  readonly reason: string;
  /** Id of the DecisionTaskCompleted/Failed/TimedOut/Started event; events before it are kept. */
  readonly decisionFinishEventId: number;
  /** The base run's branch, forked at `decisionFinishEventId`; has the new branch id. */
  readonly branch: HistoryBranch;
  /** Version of the base run's event before the fork. */
  readonly forkEventVersion: number;
  readonly baseRunId: string;
  /** Signals after the reset point, of the base run and its successors, oldest first; empty when reapply is skipped. */
  readonly signals: readonly HistoryEvent[];
}

/** A command that is its kind alone. */
type NoInput = Record<never, never>;

export interface CommandInputs {
  recordDecisionTaskStarted: { scheduleId: number; requestId: string; identity: string };
  respondDecisionTaskCompleted: {
    scheduleId: number;
    attempt: number;
    decisions: readonly Decision[];
    executionContext: Uint8Array;
    identity: string;
    binaryChecksum: string;
    stickyAttributes?: StickyExecutionAttributes | undefined;
    returnNewDecisionTask: boolean;
    forceCreateNewDecisionTask: boolean;
    client: { impl: string; featureVersion: string; libraryVersion: string };
    /** Ids of queries answered by this completion are handled by the history service, not here. */
    answeredQueries?: ReadonlyMap<string, QueryResultType> | undefined;
    /** Resolves the domain of a decision that names another one; undefined when there is no such domain. */
    findDomain(name: string): DomainView | undefined;
  };
  respondDecisionTaskFailed: {
    scheduleId: number;
    attempt: number;
    cause: DecisionTaskFailedCause;
    details?: Payload | undefined;
    identity: string;
    binaryChecksum: string;
  };
  recordActivityTaskStarted: { scheduleId: number; attempt: number; requestId: string; identity: string };
  respondActivityTaskCompleted: ActivityTarget & { result?: Payload | undefined; identity: string };
  respondActivityTaskFailed: ActivityTarget & { failure: Failure; identity: string };
  respondActivityTaskCanceled: ActivityTarget & { details?: Payload | undefined; identity: string };
  recordActivityTaskHeartbeat: ActivityTarget & { details?: Payload | undefined; identity: string };
  signal: SignalInput & { external?: { childWorkflowOnly: boolean; parent?: WorkflowExecution } | undefined };
  requestCancel: {
    cause: string;
    identity: string;
    requestId: string;
    external?: { initiatedId: number; execution: WorkflowExecution; childWorkflowOnly: boolean } | undefined;
  };
  terminate: { reason: string; details?: Payload | undefined; identity: string };
  /** First decision of a child, asked for by its parent's region (semantics §2.9). */
  scheduleFirstDecision: NoInput;
  /** A due timer task. Stale ones yield `{ stale: true }` and no change. */
  fireTimer: { task: TimerTask };
  /** `initiatedEvent` of this and the next ones: the event that asked for the work; its executor has read it. */
  childStarted: { initiatedId: number; runId: string; initiatedEvent: HistoryEvent };
  childStartFailed: { initiatedId: number; initiatedEvent: HistoryEvent };
  childClosed: { initiatedId: number; childWorkflowId: string; childRunId: string; closeEvent: HistoryEvent };
  externalCancelDone: {
    initiatedId: number;
    initiatedEvent: HistoryEvent;
    failed?: CancelExternalWorkflowExecutionFailedCause | undefined;
  };
  externalSignalDone: {
    initiatedId: number;
    initiatedEvent: HistoryEvent;
    failed?: SignalExternalWorkflowExecutionFailedCause | undefined;
  };
  resetStickyTaskList: NoInput;
  /** A sticky decision no poller took: back to the normal list, without an event. */
  clearStickiness: { scheduleId: number };
  /** Derives every task again from the state. */
  refreshTasks: NoInput;
  /** Signals of a losing branch, added again to this run; those whose key was seen are skipped. */
  reapplySignals: {
    events: readonly HistoryEvent[];
    /** Run that the events come from, when it is another one; part of the key. */
    runId?: string | undefined;
  };
}

/** An activity by its token (schedule id and attempt), or by id alone for the ByID calls (attempt unchecked). */
export type ActivityTarget =
  | { scheduleId: number; attempt: number; activityId?: undefined }
  | { activityId: string; scheduleId?: undefined; attempt?: undefined };

export interface StartedDecision {
  readonly decision: DecisionInfo;
  /** Started id of the last completed decision; undefined when none has completed. */
  readonly previousStartedEventId: number | undefined;
  /** Events of a transient decision that the history does not have (Scheduled, Started); else empty. */
  readonly transientEvents: readonly HistoryEvent[];
  /** The wire's next_event_id (semantics §1.10). */
  readonly nextEventId: number;
  readonly stickyExecutionEnabled: boolean;
}

export interface StartedActivity {
  readonly activity: ActivityInfo;
  readonly startedTimeMs: number;
}

export interface CommandReplies {
  recordDecisionTaskStarted: StartedDecision;
  respondDecisionTaskCompleted: {
    /** Present when return_new_decision_task asked for it and a new decision exists: it is started already. */
    newDecision?: StartedDecision | undefined;
    /** Activities started in this transition for local dispatch, by activity id. */
    localActivities: ReadonlyMap<string, StartedActivity>;
    /** The heartbeat exceeded its limit: committed as timed out, the caller still gets EntityNotExists. */
    heartbeatTimedOut: boolean;
    /** Set when the server failed the decision; the RPC is OK all the same (semantics §2.5). */
    failedCause?: DecisionTaskFailedCause | undefined;
  };
  respondDecisionTaskFailed: undefined;
  recordActivityTaskStarted: StartedActivity;
  respondActivityTaskCompleted: undefined;
  respondActivityTaskFailed: undefined;
  respondActivityTaskCanceled: undefined;
  recordActivityTaskHeartbeat: { cancelRequested: boolean };
  signal: undefined;
  requestCancel: undefined;
  terminate: undefined;
  scheduleFirstDecision: undefined;
  fireTimer: { stale: boolean };
  childStarted: undefined;
  childStartFailed: undefined;
  childClosed: undefined;
  externalCancelDone: undefined;
  externalSignalDone: undefined;
  resetStickyTaskList: undefined;
  clearStickiness: undefined;
  refreshTasks: undefined;
  reapplySignals: { applied: number };
}

export type CommandKind = keyof CommandInputs;
export type Command<K extends CommandKind = CommandKind> = { readonly kind: K } & Readonly<CommandInputs[K]>;

export interface ApplyEvents {
  readonly domainId: string;
  readonly workflowId: string;
  readonly runId: string;
  /** Branch that the events continue; for event 1 a new one. */
  readonly branch: HistoryBranch;
  /** One batch, dense ids, one version. */
  readonly events: readonly HistoryEvent[];
  /** Request id that a replicated start counts as. */
  readonly requestId: string;
}
