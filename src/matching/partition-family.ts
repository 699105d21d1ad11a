// The partitions of one task list that are in this process (semantics §3.1). They are separate queues with backlogs of their own, but a poll
// that finds nothing in its partition is given what another one has, and a task goes to a poll that waits at another one: the work of
// Cadence's forwarder, without its calls and therefore without their limits. Between hosts the same will be calls.
// Invariant: while a poll waits anywhere in the family, no member has anything it could be given.
import type { Match } from './pending-work.ts';
import type { WaitingPoll, WaitingPolls } from './waiting-polls.ts';

export interface FamilyMember {
  readonly waiting: WaitingPolls;
  /** Of its first task. */
  readonly firstPriority: number | undefined;
  /** Monotonic. */
  readonly lastPollMs: number;
  takeQuery(): Match | undefined;
  next(group: string | undefined): Match | undefined;
}

const LAST = Number.POSITIVE_INFINITY;

export class PartitionFamily<M extends FamilyMember = FamilyMember> {
  readonly members = new Set<M>();

  /** The best match for a poll at `asked`: queries first, then by priority, the own partition first among equals. */
  next(asked: M, group: string): Match | undefined {
    let best = asked;
    for (const member of this.members) {
      const query = member.takeQuery();
      if (query !== undefined) return query;
      if ((member.firstPriority ?? LAST) < (best.firstPriority ?? LAST)) best = member;
    }
    const match = best.next(group);
    if (match !== undefined) return match;
    // The best one gives nothing now, by its rate limit or because its tasks are another zone's.
    for (const member of this.members) {
      const other = member === best ? undefined : member.next(group);
      if (other !== undefined) return other;
    }
    return undefined;
  }

  get hasWaiting(): boolean {
    for (const { waiting } of this.members) if (waiting.size > 0) return true;
    return false;
  }

  hasWaitingGroup(group: string): boolean {
    for (const { waiting } of this.members) if (waiting.hasGroup(group)) return true;
    return false;
  }

  /** A waiting poll, of the group when one is named. */
  takePoll(group: string | undefined): WaitingPoll | undefined {
    for (const { waiting } of this.members) {
      const poll = group === undefined ? waiting.shift() : waiting.shiftOfGroup(group);
      if (poll !== undefined) return poll;
    }
    return undefined;
  }

  get lastPollMs(): number {
    let last = Number.NEGATIVE_INFINITY;
    for (const member of this.members) last = Math.max(last, member.lastPollMs);
    return last;
  }
}
