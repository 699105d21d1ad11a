// Runs tasks with bounded concurrency and retries each until it is done: a task is work that was promised by a commit, so it is never given
// up. The first tries come in order; a retry waits with backoff and does not hold others up.
import type { Env, Gauge } from '#env';
import type { Alarms } from './alarms.ts';

/** `standby`: the domain is passive here; the task waits for a failover or for the active region to have done it. */
export type TaskOutcome = 'done' | 'standby';

export interface TaskRunnerHost<T> {
  readonly env: Env;
  readonly alarms: Alarms;
  readonly concurrency: number;
  readonly name: string;
  readonly depth: Gauge;
  execute(task: T): Promise<TaskOutcome>;
  onOutcome(task: T, outcome: TaskOutcome): void;
  /** The shard is gone: whatever fails now is for its next owner. */
  isStopped(): boolean;
}

const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 10_000;
// From here on somebody should look.
const ATTEMPTS_WARN = 20;

export class TaskRunner<T extends { readonly taskId: number; readonly domainId: string; readonly workflowId: string }> {
  readonly #host: TaskRunnerHost<T>;
  #queue: T[] = [];
  #head = 0;
  /** Given up by an operator: not executed again. */
  readonly #removed = new Set<number>();
  #running = 0;

  constructor(host: TaskRunnerHost<T>) {
    this.#host = host;
  }

  get depth(): number {
    return this.#queue.length - this.#head + this.#running;
  }

  /** Whatever becomes of an attempt that runs now, there is no other. */
  remove(taskId: number): void {
    this.#removed.add(taskId);
  }

  submit(task: T): void {
    if (this.#running < this.#host.concurrency) {
      void this.#run(task, 0);
      return;
    }
    this.#queue.push(task);
    this.#host.depth.set(this.depth);
  }

  async #run(task: T, attempt: number): Promise<void> {
    const host = this.#host;
    if (this.#isRemoved(task)) {
      host.onOutcome(task, 'done');
      this.#next();
      return;
    }
    this.#running++;
    try {
      const outcome = await host.execute(task);
      if (!host.isStopped()) host.onOutcome(task, outcome);
    } catch (error) {
      if (!host.isStopped()) this.#retry(task, attempt, error);
    } finally {
      this.#running--;
      this.#next();
    }
  }

  #isRemoved(task: T): boolean {
    return this.#removed.size > 0 && this.#removed.has(task.taskId);
  }

  #retry(task: T, attempt: number, error: unknown): void {
    if (this.#isRemoved(task)) {
      this.#host.onOutcome(task, 'done');
      return;
    }
    const { env, alarms, name } = this.#host;
    const limitMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** attempt);
    const fields = {
      'queue-task-id': task.taskId,
      'wf-domain-id': task.domainId,
      'wf-id': task.workflowId,
      attempt,
      error,
    };
    if (attempt > 0 && attempt % ATTEMPTS_WARN === 0) env.logger.warn(`${name} task keeps failing, retrying`, fields);
    else env.logger.debug(`${name} task failed, retrying`, fields);
    const delayMs = Math.round(limitMs * (0.5 + env.random.next() / 2));
    alarms.at(env.clock.nowMs() + delayMs, () => void this.#run(task, attempt + 1));
  }

  #next(): void {
    if (this.#head >= this.#queue.length || this.#host.isStopped()) return;
    const task = this.#queue[this.#head++] as T;
    // The consumed front is cut off when it is most of the array.
    if (this.#head > 1024 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    void this.#run(task, 0);
  }
}
