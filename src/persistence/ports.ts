// What the services need of a store. Drivers: sqlite (embedded default), cassandra, postgres, mysql, memory (tests, simulation). Every driver
// passes test/contract. Blobs are opaque bytes here. All failures are StoreErrors (#base); `Timeout` means the outcome is unknown.
import type {
  DomainRecord,
  HistoryBranch,
  ReplicationTask,
  ShardInfo,
  TimerTask,
  TransferTask,
} from '@antiphon/proto/internal';

export interface RunKey {
  readonly domainId: string;
  readonly workflowId: string;
  readonly runId: string;
}

export interface HistoryNode {
  readonly treeId: string;
  readonly branchId: string;
  /** Id of the first event of the batch. */
  readonly nodeId: number;
  /** Of two nodes with one id the larger txn id is the true one: the smaller was left by a write that lost its commit. */
  readonly txnId: number;
  /** Encoded api.v1.History of the batch. */
  readonly blob: Uint8Array;
  readonly eventCount: number;
}

export interface BranchRow {
  readonly branch: HistoryBranch;
  /** Who made it: "domainId:workflowId:runId", for the scanner. */
  readonly info: string;
}

export interface ExecutionWrite {
  readonly key: RunKey;
  /** Encoded internal.v1.ExecutionRecord; replaces what was there. */
  readonly record: Uint8Array;
  readonly nextEventId: number;
  readonly isOpen: boolean;
  /** Signal request ids taken since the last write; added to the run's set. */
  readonly addedSignalRequestIds: readonly string[];
  /** True when this commit makes the run: the row must not exist. */
  readonly isNew: boolean;
}

export interface CurrentRun {
  readonly runId: string;
  readonly createRequestId: string;
  readonly isOpen: boolean;
  /** api.v1.WorkflowExecutionCloseStatus; 0 while open. */
  readonly closeStatus: number;
  readonly lastWriteVersion: number;
  readonly startTimeMs: number;
}

/** One group commit. All of it happens, or nothing; the history nodes may be left behind by a commit that failed. */
export interface ShardCommit {
  readonly nodes: readonly HistoryNode[];
  readonly branches: readonly BranchRow[];
  readonly executions: readonly ExecutionWrite[];
  readonly currentRuns: readonly {
    readonly domainId: string;
    readonly workflowId: string;
    readonly current: CurrentRun;
  }[];
  readonly transferTasks: readonly TransferTask[];
  readonly timerTasks: readonly TimerTask[];
  readonly replicationTasks: readonly ReplicationTask[];
  /** Retention: rows to delete. The current run only if it still names that run. */
  readonly deletedRuns: readonly RunKey[];
  readonly deletedTimers: readonly { readonly fireTimeMs: number; readonly taskId: number }[];
  /**
   * Written when dirty; deletes transfer tasks ≤ transfer_ack_level and replication tasks ≤ replication_ack_level with it. Of timer tasks that
   * fire before timer_ack_ms, apart from this commit's, none is needed: a store may delete them, too.
   */
  readonly shardInfo?: ShardInfo | undefined;
}

export interface ShardLease {
  readonly shardId: number;
  readonly rangeId: number;
  readonly info: ShardInfo;
}

export interface LoadedExecution {
  readonly record: Uint8Array;
  readonly nextEventId: number;
  readonly signalRequestIds: readonly string[];
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Hand it back to go on; undefined at the end. */
  readonly nextToken?: Uint8Array | undefined;
}

export interface ShardStore {
  /** The shard map; written once, by condition, with `create` when there is none. Ranges [from, to) cover the 32-bit hash space. */
  loadShardMap(create: ShardMap): Promise<ShardMap>;
  /** Takes the shard: range id + 1, durable before it returns. Whoever had it before can commit no more. */
  acquireShard(shardId: number, owner: string, nowMs: number): Promise<ShardLease>;
  /** Fails as a whole with ShardOwnershipLost unless `rangeId` is still the shard's. Durable when it resolves. */
  commit(shardId: number, rangeId: number, commit: ShardCommit): Promise<void>;
  loadExecution(shardId: number, key: RunKey): Promise<LoadedExecution | undefined>;
  loadCurrentRun(shardId: number, domainId: string, workflowId: string): Promise<CurrentRun | undefined>;
  /** Transfer tasks with afterId < id, in id order. */
  loadTransferTasks(shardId: number, afterId: number, limit: number): Promise<readonly TransferTask[]>;
  /** Timer tasks with fire time < beforeMs, in (fire time, id) order, after the given position. */
  loadTimerTasks(
    shardId: number,
    after: { readonly fireTimeMs: number; readonly taskId: number },
    beforeMs: number,
    limit: number,
  ): Promise<readonly TimerTask[]>;
  /** Fire time of the first timer task at or after `fromMs`. */
  nextTimerMs(shardId: number, fromMs: number): Promise<number | undefined>;
  loadReplicationTasks(shardId: number, afterId: number, limit: number): Promise<readonly ReplicationTask[]>;
  /** Every run of the shard, in a stable order, for scanner and checkers. */
  listExecutions(
    shardId: number,
    token: Uint8Array | undefined,
    limit: number,
  ): Promise<Page<RunKey & LoadedExecution>>;
}

export interface ShardMap {
  readonly epoch: number;
  readonly shards: readonly { readonly shardId: number; readonly from: number; readonly to: number }[];
}

export interface HistoryStore {
  /**
   * Batches of the branch (its ancestors included) with minEventId ≤ node id < maxEventId, in order; a page has at least
   * `minEvents` events, unless it is the last.
   */
  readBranch(
    branch: HistoryBranch,
    range: { readonly minEventId: number; readonly maxEventId: number },
    options: { readonly minEvents: number; readonly token?: Uint8Array | undefined },
  ): Promise<Page<HistoryNode>>;
  listBranches(treeId: string): Promise<readonly BranchRow[]>;
  /** Appends outside a shard commit: a branch that conflict resolution keeps beside the current one. */
  appendNodes(nodes: readonly HistoryNode[], branches: readonly BranchRow[]): Promise<void>;
  /** Deletes the branch and its nodes, but none that another branch of the tree still refers to. */
  deleteBranch(branch: HistoryBranch): Promise<void>;
}

export interface TaskListKey {
  readonly domainId: string;
  readonly name: string;
  /** api.v1.TaskListType */
  readonly type: number;
}

export interface BacklogTask {
  readonly taskId: number;
  readonly workflowId: string;
  readonly runId: string;
  readonly scheduleId: number;
  readonly attempt: number;
  readonly createdMs: number;
  /** 0: never. */
  readonly expiresMs: number;
  /** 1 (first) to 5; 3 without a wish. */
  readonly priority: number;
  /** Empty: none. */
  readonly fairnessKey: string;
  readonly fairnessWeight: number;
}

/**
 * Tasks of one priority and fairness key. Those of the default (3, no key) are in no lane: they are the backlog that the ack level is about.
 */
export interface TaskLane {
  readonly priority: number;
  readonly fairnessKey: string;
}

export interface TaskListLease {
  readonly rangeId: number;
  readonly ackLevel: number;
}

export interface TaskListStore {
  /** Takes the list: range id + 1. `kind` is api.v1.TaskListKind. */
  leaseTaskList(key: TaskListKey, kind: number, nowMs: number): Promise<TaskListLease>;
  /** ConditionFailed when the lease is no longer the newest. */
  appendTasks(key: TaskListKey, rangeId: number, tasks: readonly BacklogTask[]): Promise<void>;
  /** Tasks that are in no lane, in id order. */
  loadTasks(key: TaskListKey, afterId: number, limit: number): Promise<readonly BacklogTask[]>;
  /** Lanes with tasks, from this one on, ordered by priority and then by the bytes of the key. */
  loadLanes(key: TaskListKey, from: TaskLane, limit: number): Promise<readonly TaskLane[]>;
  loadLaneTasks(key: TaskListKey, lane: TaskLane, afterId: number, limit: number): Promise<readonly BacklogTask[]>;
  /** Done tasks of lanes. */
  deleteLaneTasks(
    key: TaskListKey,
    rangeId: number,
    tasks: readonly (TaskLane & Pick<BacklogTask, 'taskId'>)[],
  ): Promise<void>;
  /** Tasks above the ack level and in lanes; counts no further than `limit`. */
  loadTaskCount(key: TaskListKey, limit: number): Promise<number>;
  /** Saves the ack level and deletes tasks ≤ it. */
  completeTasks(key: TaskListKey, rangeId: number, ackLevel: number): Promise<void>;
  deleteTaskList(key: TaskListKey, rangeId: number): Promise<void>;
  listTaskLists(): Promise<readonly (TaskListKey & { kind: number; ackLevel: number; updatedMs: number })[]>;
}

export interface DomainStore {
  /** Fails with ConditionFailed when the name or id is taken. Returns the record with its notification version. */
  createDomain(record: DomainRecord): Promise<DomainRecord>;
  /** Replaces it when `expectedNotificationVersion` is still the stored one, else ConditionFailed; assigns the next version. */
  updateDomain(record: DomainRecord, expectedNotificationVersion: number): Promise<DomainRecord>;
  findDomain(by: { readonly id: string } | { readonly name: string }): Promise<DomainRecord | undefined>;
  /** All, ordered by name. */
  listDomains(): Promise<readonly DomainRecord[]>;
  deleteDomain(id: string): Promise<void>;
  /** Largest notification version handed out; a cache polls it cheaply. */
  notificationVersion(): Promise<number>;
}

/** A durable ordered log per (topic, partition), the embedded replication transport and queue. Offsets are dense from 1. */
export interface LogStore {
  append(
    topic: string,
    partition: number,
    entries: readonly { key: string; value: Uint8Array; timeMs: number }[],
  ): Promise<number>;
  read(topic: string, partition: number, afterOffset: number, limit: number): Promise<readonly LogEntry[]>;
  /** Deletes entries ≤ offset. */
  trim(topic: string, partition: number, offset: number): Promise<void>;
  lastOffset(topic: string, partition: number): Promise<number>;
  /**
   * Consumer positions: the last offset (of a possibly remote log) that `consumer` has applied. A position never goes back: of two processes that
   * consume at once, the slower one changes nothing.
   */
  saveOffset(consumer: string, topic: string, partition: number, offset: number): Promise<void>;
  loadOffset(consumer: string, topic: string, partition: number): Promise<number>;
}

/** Small named values with compare-and-set: archive chain heads, audit, dynamic config. */
export interface KeyValueStore {
  get(bucket: string, key: string): Promise<{ readonly value: Uint8Array; readonly version: number } | undefined>;
  /** `expectedVersion` 0: must not exist. ConditionFailed otherwise. */
  put(bucket: string, key: string, value: Uint8Array, expectedVersion: number): Promise<void>;
  remove(bucket: string, key: string): Promise<void>;
  list(
    bucket: string,
    prefix: string,
    afterKey: string,
    limit: number,
  ): Promise<readonly { key: string; value: Uint8Array; version: number }[]>;
}

/** A call that changes domains or the cluster. Texts are bounded and hold no secret: whoever appends sees to that. */
export interface AuditEntry {
  readonly timeMs: number;
  readonly principal: string;
  readonly callerName: string;
  readonly peer: string;
  readonly operation: string;
  readonly domain: string;
  readonly request: string;
  readonly before: string;
  readonly after: string;
  readonly outcome: string;
  readonly message: string;
}

export interface StoredAuditEntry extends AuditEntry {
  readonly id: number;
}

/** An empty text stands for any value. */
export interface AuditFilter extends Pick<AuditEntry, 'operation' | 'domain' | 'principal' | 'outcome'> {
  readonly earliestMs: number;
  readonly latestMs: number;
}

export interface AuditStore {
  /** Durable when it resolves. Ids grow and are never handed out twice. */
  append(entry: AuditEntry): Promise<number>;
  /** Completes an entry; one that was trimmed meanwhile stays away. */
  finish(id: number, result: Pick<AuditEntry, 'before' | 'after' | 'outcome' | 'message'>): Promise<void>;
  /** Entries with id < beforeId, newest first. */
  list(filter: AuditFilter, beforeId: number, limit: number): Promise<readonly StoredAuditEntry[]>;
  /** Deletes what is older than `beforeMs`, and all but the newest `countMax`. Returns how many. */
  trim(keep: { readonly beforeMs: number; readonly countMax: number }): Promise<number>;
}

export interface LogEntry {
  readonly offset: number;
  readonly key: string;
  readonly value: Uint8Array;
  readonly timeMs: number;
}

export interface Store {
  readonly shards: ShardStore;
  readonly history: HistoryStore;
  readonly taskLists: TaskListStore;
  readonly domains: DomainStore;
  readonly log: LogStore;
  readonly keyValues: KeyValueStore;
  readonly audit: AuditStore;
  close(): Promise<void>;
}
