// One group commit in the making: what the commands since the last commit want written. Several writes of one run fold into one row of its
// newest state, encoded when the group is sealed. A command's whole effect is in one group.
import type { ReplicationTask, ShardInfo, TimerTask, TransferTask } from '@antiphon/proto/internal';
import { type Deferred, deferred } from '#base';
import { encodeState } from '#core';
import type { BranchRow, CurrentRun, ExecutionWrite, HistoryNode, RunKey, ShardCommit } from '#persistence';
import { isOpen } from './run-state.ts';
import { isDispatch, isTransferStale } from './task-staleness.ts';
import type { RunEntry, Slot } from './workflow-cache.ts';

const TASK_BYTES = 160;

interface RunWrite {
  isNew: boolean;
  addedSignalRequestIds: string[];
}

export class CommitGroup {
  readonly durable: Deferred<void> = deferred();
  readonly slots = new Set<Slot>();
  readonly runs = new Map<RunEntry, RunWrite>();
  readonly currents = new Map<Slot, CurrentRun>();
  readonly nodes: HistoryNode[] = [];
  readonly branches: BranchRow[] = [];
  readonly transferTasks: TransferTask[] = [];
  readonly timerTasks: TimerTask[] = [];
  readonly replicationTasks: ReplicationTask[] = [];
  readonly deletedRuns: RunKey[] = [];
  deletedTimers: readonly Pick<TimerTask, 'taskId' | 'fireTimeMs'>[] = [];
  shardInfo: ShardInfo | undefined;
  bytes = 0;
  commandCount = 0;
  /** The newest state of each written run, by run id. */
  readonly #written = new Map<string, RunEntry>();
  #sealed: ShardCommit | undefined;

  constructor() {
    // Every waiter handles the rejection itself; a group that nobody waits for must not end the process.
    this.durable.promise.catch(() => {});
  }

  addNode(node: HistoryNode): void {
    this.nodes.push(node);
    this.bytes += node.blob.length;
  }

  addRun(slot: Slot, entry: RunEntry, isNew: boolean, addedSignalRequestIds: readonly string[]): void {
    this.touch(slot);
    this.#written.set(entry.key.runId, entry);
    const write = this.runs.get(entry);
    if (write === undefined) {
      this.runs.set(entry, { isNew, addedSignalRequestIds: [...addedSignalRequestIds] });
      this.bytes += entry.recordBytes;
    } else {
      write.addedSignalRequestIds.push(...addedSignalRequestIds);
    }
  }

  setCurrent(slot: Slot, current: CurrentRun): void {
    this.touch(slot);
    this.currents.set(slot, current);
  }

  addTasks(tasks: {
    readonly transfer: readonly TransferTask[];
    readonly timer: readonly TimerTask[];
    readonly replication: readonly ReplicationTask[];
  }): void {
    for (const task of tasks.transfer) this.transferTasks.push(task);
    for (const task of tasks.timer) this.timerTasks.push(task);
    for (const task of tasks.replication) this.replicationTasks.push(task);
    this.bytes += TASK_BYTES * (tasks.transfer.length + tasks.timer.length + tasks.replication.length);
  }

  deleteRun(slot: Slot, key: RunKey): void {
    this.touch(slot);
    this.deletedRuns.push(key);
    slot.deletedRuns ??= new Set();
    slot.deletedRuns.add(key.runId);
  }

  touch(slot: Slot): void {
    this.slots.add(slot);
    slot.uncommitted = this;
  }

  /** Dispatches of the group, and how many of them a worker has started within it. */
  dispatches(): { readonly all: number; readonly started: number } {
    const dispatches = this.transferTasks.filter(isDispatch);
    return { all: dispatches.length, started: dispatches.filter((task) => this.#isAnswered(task)).length };
  }

  /** Then what the group writes of the run shows the dispatch done to every later owner. */
  #isAnswered(task: TransferTask): boolean {
    const run = this.#written.get(task.runId);
    return run !== undefined && isTransferStale(run.state, task);
  }

  /** Fixes what will be written. Later writes of the same runs go to later groups, so the states are encoded now. */
  seal(): ShardCommit {
    if (this.#sealed !== undefined) return this.#sealed;
    const executions: ExecutionWrite[] = [];
    for (const [entry, write] of this.runs) {
      const record = encodeState(entry.state);
      entry.recordBytes = record.length;
      const { info } = entry.state;
      executions.push({
        key: entry.key,
        record,
        nextEventId: info.nextEventId,
        isOpen: isOpen(entry.state),
        addedSignalRequestIds: write.addedSignalRequestIds,
        isNew: write.isNew,
      });
    }
    this.#sealed = {
      nodes: this.nodes,
      branches: this.branches,
      executions,
      currentRuns: Array.from(this.currents, ([slot, current]) => ({
        domainId: slot.domainId,
        workflowId: slot.workflowId,
        current,
      })),
      transferTasks: this.transferTasks.filter((task) => !isDispatch(task) || !this.#isAnswered(task)),
      timerTasks: this.timerTasks,
      replicationTasks: this.replicationTasks,
      deletedRuns: this.deletedRuns,
      deletedTimers: this.deletedTimers.map(({ fireTimeMs, taskId }) => ({ fireTimeMs, taskId })),
      shardInfo: this.shardInfo,
    };
    return this.#sealed;
  }
}
