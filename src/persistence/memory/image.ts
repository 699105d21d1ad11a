// What survives a crash of a memory store: the "disk" that successive opens share. Tasks and records are kept
// encoded, so that no object of a caller is ever aliased with a stored one.
import type { BacklogTask, CurrentRun, HistoryNode, RunKey, ShardMap, StoredAuditEntry } from '../ports.ts';
import type { SortedRows } from './sorted-rows.ts';

export interface TaskRow {
  readonly taskId: number;
  readonly blob: Uint8Array;
}

export interface TimerRow extends TaskRow {
  readonly fireTimeMs: number;
}

export interface ExecutionRow {
  readonly key: RunKey;
  record: Uint8Array;
  nextEventId: number;
  isOpen: boolean;
  readonly signalRequestIds: Set<string>;
}

export interface ShardRows {
  rangeId: number;
  info: Uint8Array;
  readonly executions: Map<string, ExecutionRow>;
  readonly currentRuns: Map<string, CurrentRun>;
  readonly transferTasks: SortedRows<TaskRow>;
  readonly timerTasks: SortedRows<TimerRow>;
  readonly replicationTasks: SortedRows<TaskRow>;
}

export interface TreeRows {
  /** By branch id: the encoded HistoryBranch. */
  readonly branches: Map<string, { readonly branch: Uint8Array; readonly info: string }>;
  /** By branch id. */
  readonly nodes: Map<string, SortedRows<HistoryNode>>;
}

export interface TaskListRows {
  readonly domainId: string;
  readonly name: string;
  readonly type: number;
  kind: number;
  rangeId: number;
  ackLevel: number;
  updatedMs: number;
  readonly tasks: SortedRows<BacklogTask>;
  /** Tasks in lanes, in the order of (priority, key, id). */
  readonly laneTasks: SortedRows<BacklogTask>;
}

export interface LogRows {
  lastOffset: number;
  readonly entries: SortedRows<{ offset: number; key: string; value: Uint8Array; timeMs: number }>;
}

export interface MemoryImage {
  shardMap: ShardMap | undefined;
  readonly shards: Map<number, ShardRows>;
  readonly trees: Map<string, TreeRows>;
  readonly taskLists: Map<string, TaskListRows>;
  readonly domains: Map<string, Uint8Array>;
  notificationVersion: number;
  readonly logs: Map<string, LogRows>;
  readonly logPositions: Map<string, number>;
  readonly keyValues: Map<string, Map<string, { value: Uint8Array; version: number }>>;
  /** In the order of their ids. */
  readonly audit: { lastId: number; readonly entries: Map<number, StoredAuditEntry> };
}

export const createMemoryImage = (): MemoryImage => ({
  shardMap: undefined,
  shards: new Map(),
  trees: new Map(),
  taskLists: new Map(),
  domains: new Map(),
  notificationVersion: 0,
  logs: new Map(),
  logPositions: new Map(),
  keyValues: new Map(),
  audit: { lastId: 0, entries: new Map() },
});

/** A map key of several strings; the separator cannot be mistaken because lengths are part of it. */
export const keyOf = (...parts: readonly (string | number)[]): string =>
  parts.map((part) => `${String(part).length}:${part}`).join('|');
