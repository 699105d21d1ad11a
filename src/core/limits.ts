// Every limit of the engine, with its source (semantics §8.1). Values here are the defaults; dynamic config may say otherwise for a domain
// (src/dynamicconfig/domain-limits.ts).

/** Longest ids and names, in characters. */
export interface IdLengths {
  readonly domainName: number;
  readonly workflowId: number;
  readonly workflowType: number;
  readonly signalName: number;
  readonly requestId: number;
  readonly taskListName: number;
  readonly identity: number;
  readonly activityId: number;
  readonly activityType: number;
  readonly markerName: number;
  readonly timerId: number;
}

export interface Limits {
  readonly blobSizeBytesMax: number;
  readonly historySizeBytesMax: number;
  readonly historyEventCountMax: number;
  readonly signalCountMax: number;
  /** Buffered events beyond which the decision in flight is failed (FORCE_CLOSE_DECISION). */
  readonly bufferedEventCountMax: number;
  readonly decisionAttemptsMax: number;
  readonly decisionTimeoutSecondsMax: number;
  readonly decisionHeartbeatTimeoutMs: number;
  /** Of one completion. 0: no limit, as with the pending counts. */
  readonly decisionResultCountMax: number;
  readonly lengths: IdLengths;
  readonly searchAttributeCountMax: number;
  readonly searchAttributeValueBytesMax: number;
  readonly searchAttributesTotalBytesMax: number;
  readonly stickyTtlMs: number;
  readonly resetPointCountMax: number;
  readonly bufferedQueryCountMax: number;
  readonly pendingActivityCountMax: number;
  readonly pendingChildCountMax: number;
  readonly pendingTimerCountMax: number;
  /** Signals and cancels on their way to other runs. */
  readonly pendingSignalCountMax: number;
}

const ID_LENGTH_MAX = 1000;

export const DEFAULT_LIMITS: Limits = {
  blobSizeBytesMax: 2 * 1024 * 1024,
  historySizeBytesMax: 200 * 1024 * 1024,
  historyEventCountMax: 204_800,
  signalCountMax: 10_000,
  bufferedEventCountMax: 100,
  decisionAttemptsMax: 1000,
  decisionTimeoutSecondsMax: 240,
  decisionHeartbeatTimeoutMs: 30 * 60 * 1000,
  decisionResultCountMax: 0,
  lengths: {
    domainName: ID_LENGTH_MAX,
    workflowId: ID_LENGTH_MAX,
    workflowType: ID_LENGTH_MAX,
    signalName: ID_LENGTH_MAX,
    requestId: ID_LENGTH_MAX,
    taskListName: ID_LENGTH_MAX,
    identity: ID_LENGTH_MAX,
    activityId: ID_LENGTH_MAX,
    activityType: ID_LENGTH_MAX,
    markerName: ID_LENGTH_MAX,
    timerId: ID_LENGTH_MAX,
  },
  searchAttributeCountMax: 100,
  searchAttributeValueBytesMax: 2048,
  searchAttributesTotalBytesMax: 40 * 1024,
  stickyTtlMs: 365 * 24 * 3600 * 1000,
  resetPointCountMax: 20,
  bufferedQueryCountMax: 1,
  pendingActivityCountMax: 0,
  pendingChildCountMax: 0,
  pendingTimerCountMax: 0,
  pendingSignalCountMax: 0,
};

/** By the name that error texts give the field. */
const LENGTH_OF: Readonly<Record<string, keyof IdLengths>> = {
  Domain: 'domainName',
  WorkflowID: 'workflowId',
  WorkflowId: 'workflowId',
  WorkflowType: 'workflowType',
  SignalName: 'signalName',
  RequestID: 'requestId',
  TaskList: 'taskListName',
  Identity: 'identity',
  ActivityID: 'activityId',
  ActivityId: 'activityId',
  ActivityType: 'activityType',
  MarkerName: 'markerName',
  TimerId: 'timerId',
};

/** Longest value of a field; one that no key names has Cadence's usual thousand. */
export function lengthMax(limits: Limits, field: string): number {
  const kind = LENGTH_OF[field];
  return kind === undefined ? ID_LENGTH_MAX : limits.lengths[kind];
}
