// Every bound and wait of matching. Defaults follow Cadence's dynamic config (semantics §3) where it has such a value.

/** What may differ by domain and list and change while running (dynamic config). */
export interface ListSettings {
  /** Longest wait of a poll (`matching.longPollExpirationInterval`). */
  readonly pollWaitMs: number;
  /** `matching.numTasklistReadPartitions`, `matching.numTasklistWritePartitions`. */
  readonly readPartitions: number;
  readonly writePartitions: number;
  /** `matching.overrideTaskListRps`: goes before what polls say; undefined: not set. */
  readonly tasksPerSecond: number | undefined;
  /** `system.enableTasklistIsolation`. */
  readonly isIsolated: boolean;
  /** How long a task prefers workers of its zone (`matching.taskIsolationDuration`) … */
  readonly isolationMs: number;
  /** … if one of them polled within this time (`matching.taskIsolationPollerWindow`). */
  readonly isolationPollerWindowMs: number;
}

export interface ListScope {
  readonly domainName: string;
  /** The list's own name, also for its partitions. */
  readonly taskListName: string;
  readonly taskType: 'decision' | 'activity';
}

/** Called when a list is opened and then every few seconds while it is used, never for each task. */
export type ListSettingsLookup = (scope: ListScope) => Partial<ListSettings>;

// One partition: within a process more of them only divide the same work (docs/guide/task-lists.md has the measurement).
export const DEFAULT_LIST_SETTINGS: ListSettings = {
  pollWaitMs: 60_000,
  readPartitions: 1,
  writePartitions: 1,
  tasksPerSecond: undefined,
  isIsolated: false,
  isolationMs: 200,
  isolationPollerWindowMs: 2000,
};

export interface MatchingOptions {
  /** Longest wait of a poll, whatever dynamic config says. */
  readonly pollWaitMsMax: number;
  /** A poll is answered this long before its caller's deadline. */
  readonly pollDeadlineMarginMs: number;
  /**
   * How long an arriving task waits for a poller before it is written. Longer than Cadence's `localTaskWaitTime`: history's queue keeps the
   * task meanwhile, and a list whose pollers are only busy never needs its backlog.
   */
  readonly syncMatchWaitMs: number;
  /** A list with no poll in this time has clearly no poller: tasks are written at once. */
  readonly pollerExpectedMs: number;
  /** A sticky list with no poll in this time refuses tasks and queries. */
  readonly stickyPollerWindowMs: number;
  /** Idle lists are dropped from memory after this (`matching.maxTasklistIdleTime`). */
  readonly idleUnloadMs: number;
  readonly appendBatchSize: number;
  /** Tasks of one list that wait to be written; more are refused with ServiceBusy. */
  readonly pendingAppendCountMax: number;
  /** Backlog tasks of one list held in memory. */
  readonly bufferedTaskCountMax: number;
  readonly loadPageSize: number;
  /** Fairness keys of one priority of one list that are looked at; further ones wait in the store. */
  readonly laneCountMax: number;
  /** Tasks of one fairness key held in memory. */
  readonly laneBufferMax: number;
  /** A stored backlog is counted no further than this when a list is opened. */
  readonly countedTaskMax: number;
  /** The ack level is stored this long after it first moved … */
  readonly ackFlushMs: number;
  /** … or when this many tasks were done since. */
  readonly ackFlushCount: number;
  /** A list whose polls end empty proves its lease at most this often. */
  readonly leaseCheckMs: number;
  readonly syncTaskCountMax: number;
  readonly stickyTaskCountMax: number;
  readonly pollerCountMax: number;
  readonly queryCountMax: number;
  readonly taskListCountMax: number;
  readonly pollerHistoryCountMax: number;
  readonly pollerHistoryTtlMs: number;
  /** Attempts of one delivery at RecordTaskStarted, with the same request id. */
  readonly startAttemptCountMax: number;
  readonly retryDelayMsMin: number;
  readonly retryDelayMsMax: number;
  /** After so many failed deliveries a stored task moves to the tail, so that it cannot hold up the ack level. */
  readonly failuresBeforeRequeue: number;
  /** How long a query without a deadline of its own waits for its answer. */
  readonly queryWaitMsMax: number;
  /** `ListSettings` are looked up again after this. */
  readonly settingsRefreshMs: number;
  /** Tasks of one list held for their zones; further ones go to any worker. */
  readonly isolatedTaskCountMax: number;
}

export const DEFAULT_MATCHING_OPTIONS: MatchingOptions = {
  pollWaitMsMax: 10 * 60_000,
  pollDeadlineMarginMs: 1000,
  syncMatchWaitMs: 1000,
  pollerExpectedMs: 5000,
  stickyPollerWindowMs: 10_000,
  idleUnloadMs: 5 * 60_000,
  appendBatchSize: 200,
  pendingAppendCountMax: 5000,
  bufferedTaskCountMax: 2000,
  loadPageSize: 1000,
  laneCountMax: 500,
  laneBufferMax: 40,
  countedTaskMax: 100_000,
  ackFlushMs: 5000,
  ackFlushCount: 1000,
  leaseCheckMs: 60_000,
  syncTaskCountMax: 1000,
  stickyTaskCountMax: 10_000,
  pollerCountMax: 20_000,
  queryCountMax: 1000,
  taskListCountMax: 50_000,
  pollerHistoryCountMax: 5000,
  pollerHistoryTtlMs: 5 * 60_000,
  startAttemptCountMax: 5,
  retryDelayMsMin: 50,
  retryDelayMsMax: 10_000,
  failuresBeforeRequeue: 5,
  queryWaitMsMax: 30_000,
  settingsRefreshMs: 5000,
  isolatedTaskCountMax: 1000,
};

/** Cadence's answer for a list that no poller limited. */
export const DEFAULT_TASKS_PER_SECOND = 100_000;

/** Ids that one lease of a task list may hand out (Cadence's RangeSize). */
export const TASK_ID_BLOCK_SIZE = 100_000;
