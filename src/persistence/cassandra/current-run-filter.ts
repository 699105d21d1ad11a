// What the owner of a shard knows of the workflows that have a current run, so that a start, whose workflow nearly never has one, needs no read.
// Invariant: a pair whose row exists is never called absent. The filter has all that can exist:
// - Rows written before the shard was acquired: a scan finds them. The acquisition reads at LOCAL_SERIAL, which completes what was in flight, and
//   then raises the range id; so nothing of an earlier owner comes later, and the scan, at LOCAL_QUORUM, sees all of it. Until it ends: "maybe".
// - Rows written since: only by this owner, for every other one's range id fails. A pair is added before its commit is sent, from the moment the
//   filter is made, so one in flight beside the scan, or one of unknown outcome, counts. A commit of unknown outcome ends the filter as well.
// - Deleted rows stay in, as "maybe", until a new scan. It fills a set of its own, to which commits add from before it begins; the one before them
//   has been answered by then, so the scan sees it.
// An owner that was replaced and does not know it calls the next owner's rows absent, as does any state that the history service keeps in memory:
// starts fail at the fence, and refusals and reads go out only once a commit, or one within the read lease, shows that the shard is still its own.
// Whatever else will write such rows (shards that are split) has to do so before the shard is acquired.
import type { ShardCommit } from '../ports.ts';
import { hashPair, PairSet } from './pair-set.ts';

export interface FilterHost {
  /** Reads all rows in the background: `found` for each, `finish` after the last. */
  scan(filter: CurrentRunFilter): void;
  /** It is of no use any more, or is no longer wanted. */
  onEnd(filter: CurrentRunFilter, end: 'too many rows' | 'released'): void;
}

export class CurrentRunFilter {
  readonly shardId: number;
  readonly #host: FilterHost;
  readonly #createSet: () => PairSet;
  /** Has every pair that may have a row. */
  #complete: PairSet | undefined;
  /** Has what was committed since it was made, and what the scan has found so far. */
  #filling: PairSet | undefined;
  #hasEnded = false;
  /** Most of what fills the set exists: a scan would not make it much smaller. */
  #isCrowded = false;

  constructor(shardId: number, host: FilterHost, createSet = () => new PairSet()) {
    this.shardId = shardId;
    this.#host = host;
    this.#createSet = createSet;
    this.#beginScan();
  }

  /** A scan is wanted, or goes on. */
  get isFilling(): boolean {
    return this.#filling !== undefined;
  }

  /** True: there is certainly no row. */
  isAbsent(domainId: string, workflowId: string): boolean {
    return this.#complete !== undefined && !this.#complete.has(hashPair(domainId, workflowId));
  }

  /** Before the commit is sent, when those before it have been answered. */
  addCommit(currentRuns: ShardCommit['currentRuns']): void {
    if (this.#hasEnded || currentRuns.length === 0) return;
    if (this.#complete?.isFull && this.#filling === undefined) {
      if (this.#isCrowded) {
        this.#end('too many rows');
        return;
      }
      this.#beginScan();
    }
    for (const { domainId, workflowId } of currentRuns) {
      const hash = hashPair(domainId, workflowId);
      this.#complete?.add(hash);
      this.#filling?.add(hash);
    }
    if (this.#filling?.isFull) this.#end('too many rows');
  }

  /** The scan has read this row. */
  found(domainId: string, workflowId: string): void {
    this.#filling?.add(hashPair(domainId, workflowId));
    if (this.#filling?.isFull) this.#end('too many rows');
  }

  /** The scan has read every row. */
  finish(): void {
    if (this.#filling === undefined) return;
    this.#complete = this.#filling;
    this.#filling = undefined;
    this.#isCrowded = this.#complete.isMoreThanHalfFull;
  }

  /** The shard is not held any more, or what is in it is not known: from now on "maybe". */
  release(): void {
    this.#end('released');
  }

  #beginScan(): void {
    this.#filling = this.#createSet();
    this.#host.scan(this);
  }

  #end(end: 'too many rows' | 'released'): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#complete = undefined;
    this.#filling = undefined;
    this.#host.onEnd(this, end);
  }
}
