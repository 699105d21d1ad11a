// Immediate work of a shard. Tasks come from memory: those that act on other runs or stores right after their commit, dispatches to matching
// already before it. A dispatch that is too early does no harm: a worker gets its task only when the started run is durable, which comes after
// what scheduled it; and so both share a commit. Rows are a recovery log, deleted by range when the ack level has passed them. The ack level
// is just below the oldest task that is not done. On acquisition the rows left by earlier owners are executed again: executors are idempotent.
// While visibility cannot be written its tasks are kept in memory up to a number; later ones stay rows, read when there is room again.
import type { TransferTask } from '@antiphon/proto/internal';
import type { ShardStore } from '#persistence';
import { isDispatch, isListing } from './task-staleness.ts';

export interface TransferQueueHost {
  readonly store: ShardStore;
  readonly shardId: number;
  submit(task: TransferTask): void;
  isStopped(): boolean;
  /** What is left in the store cannot be read. */
  fail(error: unknown): void;
}

/** Committed tasks that are in the store only: those that write visibility, with ids after `cursor`, up to `to`. */
interface Spill {
  cursor: number;
  to: number;
}

const RECOVERY_PAGE = 500;
const OLDEST_SHOWN = 10;
// Recovery pauses while so many old tasks are unfinished.
const RECOVERY_UNFINISHED_MAX = 5_000;
/** Tasks held in memory before those that write visibility are left in the store. */
export const HELD_MAX = 20_000;

export class TransferQueue {
  readonly #host: TransferQueueHost;
  /** Ids of this lease start here: rows below it are an earlier owner's. */
  readonly #firstOwnId: number;
  /** Ids of tasks that are not done, in order of id. */
  readonly #unfinished = new Set<number>();
  readonly #recovered = new Set<number>();
  /** Ids of tasks that had been left in the store, in order of id. */
  readonly #readBack = new Set<number>();
  #spill: Spill | undefined;
  #isReadingBack = false;
  #recoveryCursor: number;
  #isRecovering = true;
  #lastCommittedId: number;
  #resumeRecovery: (() => void) | undefined;

  constructor(host: TransferQueueHost, ackLevel: number, firstOwnId: number) {
    this.#host = host;
    this.#recoveryCursor = ackLevel;
    this.#lastCommittedId = Math.max(ackLevel, firstOwnId - 1);
    this.#firstOwnId = firstOwnId;
  }

  get unfinishedCount(): number {
    return this.#unfinished.size + this.#recovered.size + this.#readBack.size;
  }

  /** For people. */
  describe(): readonly string[] {
    const oldest = [...this.#recovered, ...this.#readBack, ...this.#unfinished].slice(0, OLDEST_SHOWN);
    const { ackLevel, unfinishedCount } = this;
    return [
      `ack level ${ackLevel}, last committed task ${this.#lastCommittedId}, unfinished ${unfinishedCount}`,
      ...(this.#spill === undefined ? [] : [`in the store only: after ${this.#spill.cursor}, up to ${this.#spill.to}`]),
      ...oldest.map((taskId) => `task ${taskId}`),
    ];
  }

  /** All tasks up to it, inclusive, are done. */
  get ackLevel(): number {
    for (const id of this.#recovered) return Math.min(id - 1, this.#recoveryCursor);
    if (this.#isRecovering) return this.#recoveryCursor;
    let level = this.#lastCommittedId;
    for (const id of this.#unfinished) {
      level = id - 1;
      break;
    }
    for (const id of this.#readBack) {
      level = Math.min(level, id - 1);
      break;
    }
    return Math.min(level, this.#spill?.cursor ?? level);
  }

  /** Tasks of a command that is in a group now, in order of id. */
  announce(tasks: readonly TransferTask[]): void {
    for (const task of tasks) this.#unfinished.add(task.taskId);
    for (const task of tasks) if (isDispatch(task)) this.#host.submit(task);
  }

  /** The same tasks, once their group is durable. */
  commit(tasks: readonly TransferTask[]): void {
    const last = tasks.at(-1);
    if (last !== undefined) this.#lastCommittedId = last.taskId;
    for (const task of tasks) if (!isDispatch(task)) this.#hold(task);
    this.#fillUp();
  }

  #fillUp(): void {
    const hasRoom = this.#spill !== undefined && this.unfinishedCount < HELD_MAX / 2;
    if (hasRoom && !this.#isReadingBack) void this.#readSpilled();
  }

  #hold(task: TransferTask): void {
    if (!isListing(task) || (this.#spill === undefined && this.unfinishedCount <= HELD_MAX)) {
      this.#host.submit(task);
      return;
    }
    const { taskId } = task;
    this.#unfinished.delete(taskId);
    this.#spill ??= { cursor: taskId - 1, to: taskId };
    this.#spill.to = taskId;
  }

  /** Takes what was left in the store, in order, as long as there is room. */
  async #readSpilled(): Promise<void> {
    const { store, shardId } = this.#host;
    this.#isReadingBack = true;
    try {
      while (this.#spill !== undefined && this.unfinishedCount < HELD_MAX && !this.#host.isStopped()) {
        const { cursor, to } = this.#spill;
        const page = await store.loadTransferTasks(shardId, cursor, RECOVERY_PAGE);
        const rows = page.filter(({ taskId }) => taskId <= to);
        const isEnd = rows.length < page.length || page.length < RECOVERY_PAGE;
        this.#spill.cursor = isEnd ? to : (rows.at(-1)?.taskId ?? to);
        // Others were never left.
        const tasks = rows.filter(isListing);
        for (const { taskId } of tasks) this.#readBack.add(taskId);
        if (this.#spill.cursor === this.#spill.to) this.#spill = undefined;
        for (const task of tasks) this.#host.submit(task);
      }
    } catch (error) {
      this.#host.fail(error);
    } finally {
      this.#isReadingBack = false;
    }
  }

  finish(task: Pick<TransferTask, 'taskId'>): void {
    const { taskId } = task;
    if (!this.#unfinished.delete(taskId) && !this.#readBack.delete(taskId)) this.#recovered.delete(taskId);
    this.#fillUp();
    if (this.#resumeRecovery !== undefined && this.#recovered.size < RECOVERY_UNFINISHED_MAX) {
      const resume = this.#resumeRecovery;
      this.#resumeRecovery = undefined;
      resume();
    }
  }

  /** Reads what earlier owners left undone; new tasks run meanwhile. Throws what the store throws. */
  async recover(isStopped: () => boolean): Promise<number> {
    let count = 0;
    while (!isStopped()) {
      const page = await this.#host.store.loadTransferTasks(this.#host.shardId, this.#recoveryCursor, RECOVERY_PAGE);
      const own = page.findIndex((task) => task.taskId >= this.#firstOwnId);
      const tasks = own < 0 ? page : page.slice(0, own);
      for (const task of tasks) this.#recovered.add(task.taskId);
      const last = tasks.at(-1);
      if (last !== undefined) this.#recoveryCursor = last.taskId;
      if (last === undefined || own >= 0 || page.length < RECOVERY_PAGE) this.#isRecovering = false;
      for (const task of tasks) this.#host.submit(task);
      count += tasks.length;
      if (!this.#isRecovering) break;
      if (this.#recovered.size >= RECOVERY_UNFINISHED_MAX) {
        await new Promise<void>((resolve) => {
          this.#resumeRecovery = resolve;
        });
      }
    }
    return count;
  }
}
