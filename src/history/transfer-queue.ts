// Immediate work of a shard. Tasks come from memory: those that act on other runs or stores right after their commit, dispatches to matching
// already before it. A dispatch that is too early does no harm: a worker gets its task only when the started run is durable, which comes after
// what scheduled it; and so both share a commit. Rows are a recovery log, deleted by range when the ack level has passed them. The ack level
// is just below the oldest task that is not done. On acquisition the rows left by earlier owners are executed again: executors are idempotent.
import type { TransferTask } from '@antiphon/proto/internal';
import type { ShardStore } from '#persistence';
import { isDispatch } from './task-staleness.ts';

export interface TransferQueueHost {
  readonly store: ShardStore;
  readonly shardId: number;
  submit(task: TransferTask): void;
}

const RECOVERY_PAGE = 500;
const OLDEST_SHOWN = 10;
// Recovery pauses while so many old tasks are unfinished.
const RECOVERY_UNFINISHED_MAX = 5_000;

export class TransferQueue {
  readonly #host: TransferQueueHost;
  /** Ids of this lease start here: rows below it are an earlier owner's. */
  readonly #firstOwnId: number;
  /** Ids of tasks that are not done, in order of id. */
  readonly #unfinished = new Set<number>();
  readonly #recovered = new Set<number>();
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
    return this.#unfinished.size + this.#recovered.size;
  }

  /** For people. */
  describe(): readonly string[] {
    const oldest = [...this.#recovered, ...this.#unfinished].slice(0, OLDEST_SHOWN);
    const { ackLevel, unfinishedCount } = this;
    return [
      `ack level ${ackLevel}, last committed task ${this.#lastCommittedId}, unfinished ${unfinishedCount}`,
      ...oldest.map((taskId) => `task ${taskId}`),
    ];
  }

  /** All tasks up to it, inclusive, are done. */
  get ackLevel(): number {
    for (const id of this.#recovered) return Math.min(id - 1, this.#recoveryCursor);
    if (this.#isRecovering) return this.#recoveryCursor;
    for (const id of this.#unfinished) return id - 1;
    return this.#lastCommittedId;
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
    for (const task of tasks) if (!isDispatch(task)) this.#host.submit(task);
  }

  finish(task: Pick<TransferTask, 'taskId'>): void {
    if (!this.#unfinished.delete(task.taskId)) this.#recovered.delete(task.taskId);
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
