// What a shard has in memory of its workflows: one slot per workflow id with the current-run row and the states of its runs. Commands of one
// workflow id pass its slot one after another. Slots that are in use or hold uncommitted state are pinned; the others leave, least recently
// used first, when the estimated bytes exceed the bound.

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

  get estimatedBytes(): number {
    let bytes = SLOT_BYTES;
    for (const run of this.runs.values()) bytes += run.estimatedBytes;
    return bytes;
  }
}

const EVICTION_SCAN_MAX = 64;

export class WorkflowCache {
  #bytesMax: number;
  readonly #slots = new Map<string, Slot>();
  #bytes = 0;
  #tick = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#slots.size;
  }

  /** Takes effect as slots are charged. */
  limit(bytesMax: number): void {
    this.#bytesMax = bytesMax;
  }

  peek(domainId: string, workflowId: string): Slot | undefined {
    return this.#slots.get(slotId(domainId, workflowId));
  }

  slot(domainId: string, workflowId: string): Slot {
    const id = slotId(domainId, workflowId);
    const found = this.#slots.get(id);
    const tick = ++this.#tick;
    if (found !== undefined) {
      // Moving to the young end costs two map operations: skipped while it is young anyway.
      if (tick - found.usedAt > this.#slots.size >> 2) {
        this.#slots.delete(id);
        this.#slots.set(id, found);
        found.usedAt = tick;
      }
      return found;
    }
    const slot = new Slot(id, domainId, workflowId);
    slot.usedAt = tick;
    this.#slots.set(id, slot);
    this.charge(slot);
    return slot;
  }

  /** Nobody will answer the queries that wait here. */
  failQueries(error: unknown): void {
    for (const slot of this.#slots.values()) for (const run of slot.runs.values()) run.queries?.fail(error);
  }

  /** Counts the slot's bytes again after a change, and makes room. */
  charge(slot: Slot): void {
    const bytes = slot.estimatedBytes;
    this.#bytes += bytes - slot.chargedBytes;
    slot.chargedBytes = bytes;
    if (this.#bytes > this.#bytesMax) this.#evict(slot);
  }

  #evict(keep: Slot): void {
    let scanned = 0;
    for (const slot of this.#slots.values()) {
      if (this.#bytes <= this.#bytesMax || ++scanned > EVICTION_SCAN_MAX) return;
      if (slot === keep || slot.isPinned) continue;
      this.#slots.delete(slot.id);
      this.#bytes -= slot.chargedBytes;
      slot.chargedBytes = 0;
    }
  }
}

// The length keeps ("a", "bc") and ("ab", "c") apart.
const slotId = (domainId: string, workflowId: string): string => `${domainId.length}:${domainId}${workflowId}`;
