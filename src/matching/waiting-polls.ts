// The polls that wait at a list, oldest first; those of an isolation group can also be found by their group. Groups cost nothing while no poll
// names one.
import { LinkedQueue, type QueueNode } from './linked-queue.ts';
import type { Match } from './pending-work.ts';

export interface WaitingPoll {
  /** Zone of the worker; empty: none, or isolation is off. */
  readonly group: string;
  readonly settle: (match: Match | undefined) => void;
}

interface WaitingPlace {
  readonly poll: QueueNode<WaitingPoll>;
  readonly inGroup: QueueNode<WaitingPlace> | undefined;
}

export class WaitingPolls {
  readonly #polls = new LinkedQueue<WaitingPoll>();
  readonly #groups = new Map<string, LinkedQueue<WaitingPlace>>();
  /** Where a poll of a group is in that group's queue. */
  readonly #places = new Map<WaitingPoll, WaitingPlace>();

  get size(): number {
    return this.#polls.size;
  }

  hasGroup(group: string): boolean {
    return this.#groups.has(group);
  }

  add(poll: WaitingPoll): QueueNode<WaitingPoll> {
    const node = this.#polls.push(poll);
    if (poll.group === '') return node;
    let queue = this.#groups.get(poll.group);
    if (queue === undefined) {
      queue = new LinkedQueue();
      this.#groups.set(poll.group, queue);
    }
    const place: { poll: QueueNode<WaitingPoll>; inGroup: QueueNode<WaitingPlace> | undefined } = {
      poll: node,
      inGroup: undefined,
    };
    place.inGroup = queue.push(place);
    this.#places.set(poll, place);
    return node;
  }

  /** False when it has already left. */
  remove(node: QueueNode<WaitingPoll>): boolean {
    if (!this.#polls.remove(node)) return false;
    this.#leaveGroup(node.value);
    return true;
  }

  shift(): WaitingPoll | undefined {
    const poll = this.#polls.shift();
    if (poll !== undefined) this.#leaveGroup(poll);
    return poll;
  }

  shiftOfGroup(group: string): WaitingPoll | undefined {
    const place = this.#groups.get(group)?.peek();
    if (place === undefined) return undefined;
    this.remove(place.poll);
    return place.poll.value;
  }

  #leaveGroup(poll: WaitingPoll): void {
    if (poll.group === '') return;
    const queue = this.#groups.get(poll.group);
    const place = this.#places.get(poll);
    this.#places.delete(poll);
    if (queue === undefined || place?.inGroup === undefined) return;
    queue.remove(place.inGroup);
    if (queue.size === 0) this.#groups.delete(poll.group);
  }
}
