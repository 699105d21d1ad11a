// The durable queue of async requests and its consumer. Each domain has a topic of its own in the log of this region's store, so that one
// domain's backlog delays no other. A request is done at least once and counts once, by its request id: the position in the log moves after
// the calls. Requests of one workflow id are made one after another, the others of a page together.
// Invariant: what was accepted is made, or refused by the same rules that would have refused it at once (counted and logged, as nobody waits).
import { setMaxListeners } from 'node:events';
import { ServiceBusyError } from '#base';
import { type Env, sleep } from '#env';
import type { LogEntry, LogStore } from '#persistence';
import type { AsyncRequest, AsyncRequestQueue, Services } from '#rpc';
import { decodeAsyncRequest, encodeAsyncRequest } from './async-request-codec.ts';
import { outcomeOf, performAsyncRequest } from './perform-async-request.ts';

export interface AsyncRequestsDeps {
  readonly env: Env;
  readonly log: LogStore;
  /** Read at the call. */
  readonly services: () => Services;
  /** Every domain, to find what an earlier process left. */
  readonly listDomainIds: () => Promise<readonly string[]>;
  /** Undefined: this process makes the requests of every domain. */
  readonly placement?: AsyncPlacement | undefined;
}

/** Which host makes the requests of a domain, when there are several. */
export interface AsyncPlacement {
  isMine(domainId: string): boolean;
  /** Tells the one that does. */
  notice(domainId: string): void;
  onChange(listener: () => void): () => void;
}

export interface AsyncRequestsOptions {
  /** Requests of one domain that may wait. */
  readonly waitingMax: number;
}

export const DEFAULT_ASYNC_REQUESTS_OPTIONS: AsyncRequestsOptions = { waitingMax: 100_000 };

export interface AsyncRequests extends AsyncRequestQueue {
  start(): Promise<void>;
  /** There may be requests of this domain that are this process's to make. */
  wake(domainId: string): void;
  /** Requests in hand end or stay in the log. */
  stop(): Promise<void>;
}

const CONSUMER = 'async-requests';
const PAGE = 64;
const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 5_000;
const FAILURES_MAX = 10;
// How far another host has come is read again after this time.
const FOREIGN_POSITION_MS = 1_000;

const topicOf = (domainId: string): string => `async-requests/${domainId}`;

interface Drain {
  /** Something was appended while it ran. */
  isBelated: boolean;
  readonly ended: Promise<void>;
}

interface Position {
  accepted: number;
  done: number;
  readonly readMs: number;
}

class StoredAsyncRequests implements AsyncRequests {
  readonly #deps: AsyncRequestsDeps;
  readonly #options: AsyncRequestsOptions;
  readonly #drains = new Map<string, Drain>();
  readonly #positions = new Map<string, Promise<Position>>();
  #unsubscribe: (() => void) | undefined;
  readonly #stopping = new AbortController();
  readonly #count: Readonly<Record<'done' | 'refused' | 'failed', () => void>>;

  constructor(deps: AsyncRequestsDeps, options: AsyncRequestsOptions) {
    this.#deps = deps;
    this.#options = options;
    // Every request that is tried again waits on it.
    setMaxListeners(0, this.#stopping.signal);
    const { metrics } = deps.env;
    const done = metrics.counter('worker_async_requests_done', 'Async requests that were made');
    const refused = metrics.counter('worker_async_requests_refused', 'Async requests that were refused when made');
    const failed = metrics.counter('worker_async_requests_failed', 'Async requests that were given up after failures');
    this.#count = { done: () => done.inc(), refused: () => refused.inc(), failed: () => failed.inc() };
  }

  async append(domainId: string, request: AsyncRequest): Promise<void> {
    const position = await this.#position(domainId);
    if (position.accepted - position.done >= this.#options.waitingMax) {
      throw new ServiceBusyError('Too many async requests of the domain are waiting, try again later.');
    }
    const entry = { key: request.workflowId, value: encodeAsyncRequest(request), timeMs: this.#deps.env.clock.nowMs() };
    position.accepted = Math.max(position.accepted, await this.#deps.log.append(topicOf(domainId), 0, [entry]));
    if (this.#isMine(domainId)) this.wake(domainId);
    else this.#deps.placement?.notice(domainId);
  }

  async start(): Promise<void> {
    this.#unsubscribe ??= this.#deps.placement?.onChange(() => {
      this.#positions.clear();
      this.#wakeAll().catch((error: unknown) =>
        this.#deps.env.logger.warn('async requests of other hosts were not looked for', { error }),
      );
    });
    await this.#wakeAll();
  }

  #isMine(domainId: string): boolean {
    return this.#deps.placement?.isMine(domainId) ?? true;
  }

  /** What an earlier process, or the host that made them before, left. */
  async #wakeAll(): Promise<void> {
    for (const domainId of await this.#deps.listDomainIds()) {
      const lastOffset = await this.#deps.log.lastOffset(topicOf(domainId), 0);
      if (lastOffset === 0 || !this.#isMine(domainId)) continue;
      const { accepted, done } = await this.#position(domainId);
      if (accepted > done) this.wake(domainId);
    }
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#stopping.abort();
    await Promise.all([...this.#drains.values()].map(({ ended }) => ended));
  }

  /** Where the domain's queue stands; read once, and again where others move it. */
  async #position(domainId: string): Promise<Position> {
    const known = await this.#positions.get(domainId);
    const { log, env } = this.#deps;
    const nowMs = env.clock.monotonicMs();
    if (known !== undefined && (this.#drains.has(domainId) || this.#isFresh(known, domainId, nowMs))) return known;
    const topic = topicOf(domainId);
    const read = Promise.all([log.lastOffset(topic, 0), log.loadOffset(CONSUMER, topic, 0)])
      .then(([accepted, done]) => ({ accepted, done, readMs: nowMs }))
      .catch((error: unknown) => {
        this.#positions.delete(domainId);
        throw error;
      });
    this.#positions.set(domainId, read);
    return read;
  }

  #isFresh({ readMs }: Position, domainId: string, nowMs: number): boolean {
    if (this.#deps.placement === undefined) return true;
    return nowMs - readMs < FOREIGN_POSITION_MS && !this.#isMine(domainId);
  }

  wake(domainId: string): void {
    if (this.#stopping.signal.aborted) return;
    const running = this.#drains.get(domainId);
    if (running !== undefined) {
      running.isBelated = true;
      return;
    }
    const drain = { isBelated: false, ended: Promise.resolve() };
    this.#drains.set(domainId, drain);
    drain.ended = this.#run(domainId, drain);
  }

  async #run(domainId: string, drain: Drain): Promise<void> {
    const { env } = this.#deps;
    const { signal } = this.#stopping;
    for (;;) {
      drain.isBelated = false;
      try {
        await this.#drain(domainId);
      } catch (error) {
        env.logger.warn('async requests are not made now, retrying', { 'wf-domain-id': domainId, error });
        drain.isBelated = true;
        await sleep(env.scheduler, RETRY_MS_MAX, signal);
      }
      if (!drain.isBelated || signal.aborted) break;
    }
    this.#drains.delete(domainId);
  }

  async #drain(domainId: string): Promise<void> {
    const { log } = this.#deps;
    const topic = topicOf(domainId);
    const position = await this.#position(domainId);
    while (!this.#stopping.signal.aborted && this.#isMine(domainId)) {
      const entries = await log.read(topic, 0, position.done, PAGE);
      const last = entries.at(-1);
      if (last === undefined) return;
      await Promise.all([...inOrderOfKeys(entries)].map((own) => this.#performAll(own)));
      if (this.#stopping.signal.aborted) return;
      await log.saveOffset(CONSUMER, topic, 0, last.offset);
      position.done = last.offset;
      await log.trim(topic, 0, last.offset);
    }
  }

  async #performAll(entries: readonly LogEntry[]): Promise<void> {
    for (const entry of entries) await this.#perform(entry);
  }

  /** Returns when the request was made or refused, or when the process stops. */
  async #perform(entry: LogEntry): Promise<void> {
    const { env, services } = this.#deps;
    const { signal } = this.#stopping;
    let failures = 0;
    for (let pauseMs = RETRY_MS_MIN; !signal.aborted; pauseMs = Math.min(RETRY_MS_MAX, pauseMs * 2)) {
      try {
        const call = { nowMs: env.clock.nowMs(), signal };
        await performAsyncRequest(services(), decodeAsyncRequest(entry.value), call);
        this.#count.done();
        return;
      } catch (error) {
        const outcome = outcomeOf(error);
        if (outcome === 'failed') failures++;
        if (outcome === 'refused' || failures >= FAILURES_MAX) {
          this.#count[outcome === 'refused' ? 'refused' : 'failed']();
          env.logger.warn('an async request came to nothing', { 'wf-id': entry.key, offset: entry.offset, error });
          return;
        }
        await sleep(env.scheduler, pauseMs, signal);
      }
    }
  }
}

function inOrderOfKeys(entries: readonly LogEntry[]): Iterable<readonly LogEntry[]> {
  const byKey = new Map<string, LogEntry[]>();
  for (const entry of entries) {
    const own = byKey.get(entry.key);
    if (own === undefined) byKey.set(entry.key, [entry]);
    else own.push(entry);
  }
  return byKey.values();
}

export const createAsyncRequests = (
  deps: AsyncRequestsDeps,
  options: Partial<AsyncRequestsOptions> = {},
): AsyncRequests => new StoredAsyncRequests(deps, { ...DEFAULT_ASYNC_REQUESTS_OPTIONS, ...options });
