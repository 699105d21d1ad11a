// Tasks of passive domains, held until the active region's events show them done, or until a failover makes this region execute them.
// They keep their rows (the ack level stays below them), so a restart finds them again.
import type { TimerTask, TransferTask } from '@antiphon/proto/internal';

export type HeldTask =
  | { readonly queue: 'transfer'; readonly task: TransferTask }
  | { readonly queue: 'timer'; readonly task: TimerTask };

export class StandbyTasks {
  readonly #byRun = new Map<string, HeldTask[]>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  hold(held: HeldTask): void {
    const { runId } = held.task;
    const list = this.#byRun.get(runId);
    if (list === undefined) this.#byRun.set(runId, [held]);
    else list.push(held);
    this.#count++;
  }

  hasAny(runId: string): boolean {
    return this.#byRun.has(runId);
  }

  /** Takes out what `isReleased` accepts of one run's tasks. */
  take(runId: string, isReleased: (held: HeldTask) => boolean): HeldTask[] {
    const list = this.#byRun.get(runId);
    if (list === undefined) return [];
    const taken = list.filter(isReleased);
    if (taken.length === 0) return taken;
    const kept = list.filter((held) => !taken.includes(held));
    this.#count -= taken.length;
    if (kept.length === 0) this.#byRun.delete(runId);
    else this.#byRun.set(runId, kept);
    return taken;
  }

  /** Takes out everything of a domain. */
  takeDomain(domainId: string): HeldTask[] {
    return [...this.#byRun.keys()].flatMap((runId) => this.take(runId, ({ task }) => task.domainId === domainId));
  }

  /** One run with tasks after another, for a slow look at all of them. */
  runIds(): readonly string[] {
    return [...this.#byRun.keys()];
  }

  tasksOf(runId: string): readonly HeldTask[] {
    return this.#byRun.get(runId) ?? [];
  }
}
