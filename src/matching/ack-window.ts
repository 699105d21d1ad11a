// Tasks of a backlog that were read and not yet acknowledged. They finish in any order; the ack level is the largest id below which all are
// done, so a restart reads again only what may be unfinished.
import { LinkedQueue } from './linked-queue.ts';

interface Outstanding {
  readonly taskId: number;
  done: boolean;
}

export class AckWindow {
  readonly #queue = new LinkedQueue<Outstanding>();
  readonly #byId = new Map<number, Outstanding>();
  #ackLevel: number;
  #readLevel: number;

  constructor(ackLevel: number) {
    this.#ackLevel = ackLevel;
    this.#readLevel = ackLevel;
  }

  get ackLevel(): number {
    return this.#ackLevel;
  }

  /** Ids ≤ this were read or are known not to exist. */
  get readLevel(): number {
    return this.#readLevel;
  }

  get outstandingCount(): number {
    return this.#byId.size;
  }

  /** In increasing order of ids. */
  add(taskId: number): void {
    const entry: Outstanding = { taskId, done: false };
    this.#queue.push(entry);
    this.#byId.set(taskId, entry);
    this.#readLevel = Math.max(this.#readLevel, taskId);
  }

  readTo(taskId: number): void {
    this.#readLevel = Math.max(this.#readLevel, taskId);
    this.#advance();
  }

  done(taskId: number): void {
    const entry = this.#byId.get(taskId);
    if (entry === undefined) return;
    entry.done = true;
    this.#byId.delete(taskId);
    this.#advance();
  }

  #advance(): void {
    for (let head = this.#queue.peek(); head?.done; head = this.#queue.peek()) {
      this.#ackLevel = head.taskId;
      this.#queue.shift();
    }
    if (this.#queue.size === 0) this.#ackLevel = this.#readLevel;
  }
}
