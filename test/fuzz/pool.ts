// What the fuzzer knows of the server: domains, runs, tasks in hand, tokens of pages. Filled from answers, so that later requests get deep.
// Bounded: the oldest of a kind goes first.
import type { Chance } from '../simulation/chance.ts';

export interface KnownRun {
  readonly domain: string;
  readonly workflowId: string;
  readonly runId: string;
}

export interface KnownTask {
  readonly domain: string;
  readonly token: Uint8Array;
  readonly workflowId: string;
}

class Ring<T> {
  readonly #items: T[] = [];
  readonly #max: number;
  #next = 0;

  constructor(max: number) {
    this.#max = max;
  }

  add(item: T): void {
    this.#items[this.#next] = item;
    this.#next = (this.#next + 1) % this.#max;
  }

  pick(chance: Chance): T | undefined {
    return this.#items.length === 0 ? undefined : chance.pick(this.#items);
  }

  /** The oldest that nobody took. */
  take(): T | undefined {
    const item = this.#items.shift();
    this.#next = this.#items.length;
    return item;
  }
}

export const TASK_KINDS = ['decision', 'activity', 'query'] as const;
export type TaskKind = (typeof TASK_KINDS)[number];

export class Pool {
  /** Domains whose workflows the requests are about. */
  readonly domains: readonly string[];
  /** Ids of these domains, and of one that no request may name: tokens are forged with them. */
  readonly domainIds: string[] = [];
  readonly runs = new Ring<KnownRun>(2000);
  readonly requestIds = new Ring<string>(200);
  readonly scheduleIds = new Ring<string>(100);
  readonly activityIds = new Ring<KnownRun & { readonly activityId: string }>(200);
  /** Waiting for an answer. */
  readonly tasks = {
    decision: new Ring<KnownTask>(500),
    activity: new Ring<KnownTask>(500),
    query: new Ring<KnownTask>(100),
  };
  /** Of any kind, answered or not, also those seen with pages: for answers that come twice, or to the wrong RPC. */
  readonly usedTokens = new Ring<Uint8Array>(500);
  readonly pageTokens = new Map<string, Ring<Uint8Array>>();
  /** Of a domain that no request may name. */
  readonly foreignTokens: Uint8Array[] = [];

  constructor(domains: readonly string[]) {
    this.domains = domains;
  }

  addPageToken(rpc: string, token: Uint8Array): void {
    if (token.length === 0) return;
    let ring = this.pageTokens.get(rpc);
    if (ring === undefined) {
      ring = new Ring(100);
      this.pageTokens.set(rpc, ring);
    }
    ring.add(token);
  }

  pageToken(rpc: string, chance: Chance): Uint8Array | undefined {
    return this.pageTokens.get(rpc)?.pick(chance);
  }
}
