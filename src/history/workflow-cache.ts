// What a shard has in memory of its workflows: one slot per workflow id with the current-run row and the states of its runs. Commands of one
// workflow id pass its slot one after another. Slots that are in use or hold uncommitted state are pinned; the others leave, least recently
// used first, when the estimated bytes exceed the bound. Those of workflows that are over have a small share of it, first come, first to leave:
// they are read in the moments after their end, and memory that is given back soon costs the collector little. That their runs have ended is
// known for longer: timers of theirs that come due then need no state.

import type { WorkflowState } from '#core';
import type { CurrentRun, RunKey } from '#persistence';
import type { CommitGroup } from './commit-group.ts';
import type { QueryRegistry } from './query-registry.ts';
import { RecentEvents } from './recent-events.ts';
import { isClosed } from './run-state.ts';

const SLOT_BYTES = 512;
const RUN_BYTES = 1024;
// A decoded state against its encoded record.
const STATE_FACTOR = 4;
const CLOSED_RUNS_KEPT = 3;

export class RunEntry {
  readonly key: RunKey;
  state: WorkflowState;
  readonly recent = new RecentEvents();
  /** Of the last encoding. */
  recordBytes: number;
  /** Consistent queries that wait for a decision of this run; made when first needed. */
  queries: QueryRegistry | undefined;

  constructor(key: RunKey, state: WorkflowState, recordBytes: number) {
    this.key = key;
    this.state = state;
    this.recordBytes = recordBytes;
  }

  get estimatedBytes(): number {
    return RUN_BYTES + this.recordBytes * STATE_FACTOR + this.recent.estimatedBytes;
  }
}

export class Slot {
  readonly id: string;
  readonly domainId: string;
  readonly workflowId: string;
  /** The current-run row as the newest uncommitted group has it. undefined: not read yet; null: there is none. */
  current: CurrentRun | null | undefined;
  readonly runs = new Map<string, RunEntry>();
  /** Runs deleted by a group that is not durable yet: the store still has them. */
  deletedRuns: Set<string> | undefined;
  /** The newest group that holds a write of this workflow id. Whoever saw this slot answers only after it is durable. */
  uncommitted: CommitGroup | undefined;
  /** Bytes the cache counts for it. */
  chargedBytes = 0;
  usedAt = 0;
  #isLocked = false;
  #waiting: (() => void)[] = [];

  constructor(id: string, domainId: string, workflowId: string) {
    this.id = id;
    this.domainId = domainId;
    this.workflowId = workflowId;
  }

  /** undefined: the lock was free and is the caller's now, in this turn. */
  lock(): Promise<void> | undefined {
    if (!this.#isLocked) {
      this.#isLocked = true;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  unlock(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#isLocked = false;
    else next();
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  get isPinned(): boolean {
    if (this.#isLocked || this.uncommitted !== undefined) return true;
    for (const run of this.runs.values()) if (run.queries?.isEmpty === false) return true;
    return false;
  }

  /** A long chain of continued runs must not stay in memory because its newest one is used. */
  dropClosedRuns(): void {
    if (this.runs.size <= CLOSED_RUNS_KEPT || this.isPinned) return;
    for (const [runId, run] of this.runs) {
      if (this.runs.size <= CLOSED_RUNS_KEPT) return;
      if (runId !== this.current?.runId && isClosed(run.state)) this.runs.delete(runId);
    }
  }

  /** Nothing more comes but readers, or a next run. */
  get isOver(): boolean {
    if (this.runs.size === 0) return false;
    for (const run of this.runs.values()) if (!isClosed(run.state)) return false;
    return true;
  }

  get estimatedBytes(): number {
    let bytes = SLOT_BYTES;
    for (const run of this.runs.values()) bytes += run.estimatedBytes;
    return bytes;
  }
}

const EVICTION_SCAN_MAX = 64;
const OVER_SHARE = 1 / 16;
// About 100 bytes each.
const ENDED_MAX = 4_096;

/** Slots in the order in which they leave. */
class SlotQueue {
  readonly slots = new Map<string, Slot>();
  bytes = 0;

  add(slot: Slot): void {
    this.slots.set(slot.id, slot);
    this.bytes += slot.chargedBytes;
  }

  remove(slot: Slot): boolean {
    if (!this.slots.delete(slot.id)) return false;
    this.bytes -= slot.chargedBytes;
    return true;
  }

  evict(bytesMax: number, keep: Slot, onEvict?: (slot: Slot) => void): void {
    if (this.bytes <= bytesMax) return;
    let scanned = 0;
    for (const slot of this.slots.values()) {
      if (this.bytes <= bytesMax || ++scanned > EVICTION_SCAN_MAX) return;
      if (slot === keep || slot.isPinned) continue;
      this.remove(slot);
      slot.chargedBytes = 0;
      onEvict?.(slot);
    }
  }
}

export class WorkflowCache {
  #bytesMax: number;
  readonly #live = new SlotQueue();
  readonly #over = new SlotQueue();
  /** Ids of runs that had ended when they left, oldest first. */
  readonly #ended = new Set<string>();
  #tick = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#live.bytes + this.#over.bytes;
  }

  get size(): number {
    return this.#live.slots.size + this.#over.slots.size;
  }

  /** Takes effect as slots are charged. */
  limit(bytesMax: number): void {
    this.#bytesMax = bytesMax;
  }

  peek(domainId: string, workflowId: string): Slot | undefined {
    return this.#find(slotId(domainId, workflowId));
  }

  /** False: it has not, or it is long ago. */
  hasEnded({ domainId, workflowId, runId }: RunKey): boolean {
    const run = this.peek(domainId, workflowId)?.runs.get(runId);
    return run === undefined ? this.#ended.has(runId) : isClosed(run.state);
  }

  slot(domainId: string, workflowId: string): Slot {
    const id = slotId(domainId, workflowId);
    const { slots } = this.#live;
    const found = this.#find(id);
    const tick = ++this.#tick;
    if (found !== undefined) {
      // Moving to the young end costs two map operations: skipped while it is young anyway.
      if (tick - found.usedAt > slots.size >> 2 && slots.delete(id)) {
        slots.set(id, found);
        found.usedAt = tick;
      }
      return found;
    }
    const slot = new Slot(id, domainId, workflowId);
    slot.usedAt = tick;
    this.#live.add(slot);
    this.charge(slot);
    return slot;
  }

  /** Nobody will answer the queries that wait here. */
  failQueries(error: unknown): void {
    for (const { slots } of [this.#live, this.#over]) {
      for (const slot of slots.values()) for (const run of slot.runs.values()) run.queries?.fail(error);
    }
  }

  /** Counts the slot's bytes again after a change, and makes room. */
  charge(slot: Slot): void {
    const [queue, other] = slot.isOver ? [this.#over, this.#live] : [this.#live, this.#over];
    // Conflict resolution can open a run again.
    if (queue === this.#live) for (const runId of slot.runs.keys()) this.#ended.delete(runId);
    if (other.remove(slot)) queue.add(slot);
    const bytes = slot.estimatedBytes;
    queue.bytes += bytes - slot.chargedBytes;
    slot.chargedBytes = bytes;
    this.#over.evict(this.#bytesMax * OVER_SHARE, slot, this.#remember);
    this.#live.evict(this.#bytesMax - this.#over.bytes, slot);
  }

  readonly #remember = (slot: Slot): void => {
    for (const runId of slot.runs.keys()) {
      this.#ended.add(runId);
      if (this.#ended.size <= ENDED_MAX) continue;
      const [oldest = runId] = this.#ended;
      this.#ended.delete(oldest);
    }
  };

  #find(id: string): Slot | undefined {
    return this.#live.slots.get(id) ?? this.#over.slots.get(id);
  }
}

// The length keeps ("a", "bc") and ("ab", "c") apart.
const slotId = (domainId: string, workflowId: string): string => `${domainId.length}:${domainId}${workflowId}`;
