// Publishes the replication queues of the shards that this process owns. Per shard one loop: read in task id order after what is
// published, hydrate, append to the log, acknowledge. A crash between append and acknowledge publishes again: at least once, in order per
// workflow. The loop sleeps until the shard says that tasks are durable; nothing polls.
import { ReplicationTask as WireTask } from '@antiphon/proto/admin';
import type { ReplicationTask } from '@antiphon/proto/internal';
import { isStoreError, ServiceError } from '#base';
import { type Env, sleep } from '#env';
import { HISTORY_TOPIC, type LogPublisher } from '#log';
import type { ReplicationQueue } from '../ports.ts';
import { encodeTask, workflowKey } from '../tasks/index.ts';

const BACKOFF_MS_MIN = 100;
const BACKOFF_MS_MAX = 10_000;
const DRAIN_LOOK_MS = 50;

/** Retention was faster than replication, or the bytes are damaged: trying again does not help. */
function isGone(error: unknown): boolean {
  if (error instanceof ServiceError)
    return error.kind === 'InternalDataInconsistency' || error.kind === 'EntityNotExists';
  return isStoreError(error, 'Corrupt');
}

export interface PublisherStatus {
  readonly shardId: number;
  readonly publishedTaskId: number;
  /** Age of the oldest task not yet in the log; 0 when there is none. */
  readonly lagMs: number;
}

export interface HistoryPublisher {
  /** Starts publishing a shard's queue. Returns the function that stops it, to call when the shard is lost. */
  attach(queue: ReplicationQueue): () => void;
  status(): readonly PublisherStatus[];
  /**
   * Resolves when all that the shards decided before the call is in the log, or when the signal aborts. With the shards that were attached all the
   * while.
   */
  drained(signal: AbortSignal): Promise<readonly number[]>;
  stop(): Promise<void>;
}

/** A wake-up that is remembered when nobody waits. */
class Wakeup {
  #isSet = false;
  #wake: (() => void) | undefined;

  set(): void {
    this.#isSet = true;
    this.#wake?.();
  }

  async wait(): Promise<void> {
    if (!this.#isSet) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#wake = undefined;
    this.#isSet = false;
  }
}

class ShardPublisher {
  readonly #env: Env;
  readonly #log: LogPublisher;
  readonly #queue: ReplicationQueue;
  readonly #batchSize: number;
  readonly #wakeup = new Wakeup();
  readonly #stopping = new AbortController();
  readonly #lag;
  readonly #published;
  readonly #skipped;
  #publishedTaskId: number;
  #oldestMs = 0;
  readonly done: Promise<void>;

  constructor(deps: { env: Env; log: LogPublisher }, queue: ReplicationQueue, batchSize: number) {
    this.#env = deps.env;
    this.#log = deps.log;
    this.#queue = queue;
    this.#batchSize = batchSize;
    this.#publishedTaskId = queue.ackLevel;
    const labels = { shard: String(queue.shardId) };
    this.#lag = deps.env.metrics.gauge(
      'replication_publish_lag_ms',
      'Age of the oldest unpublished replication task',
      labels,
    );
    this.#published = deps.env.metrics.counter(
      'replication_published_total',
      'Replication tasks put into the log',
      labels,
    );
    this.#skipped = deps.env.metrics.counter(
      'replication_skipped_total',
      'Replication tasks whose events are gone',
      labels,
    );
    this.done = this.#run();
  }

  status(): PublisherStatus {
    const lagMs = this.#oldestMs === 0 ? 0 : Math.max(0, this.#env.clock.nowMs() - this.#oldestMs);
    return { shardId: this.#queue.shardId, publishedTaskId: this.#publishedTaskId, lagMs };
  }

  async drained(signal: AbortSignal): Promise<void> {
    const lastId = await this.#queue.barrier();
    while (!signal.aborted && !this.#stopping.signal.aborted) {
      const [first] = await this.#queue.load(this.#publishedTaskId, 1);
      if (first === undefined || first.taskId > lastId) return;
      await sleep(this.#env.scheduler, DRAIN_LOOK_MS, signal);
    }
  }

  stop(): void {
    this.#stopping.abort();
    this.#wakeup.set();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const unsubscribe = this.#queue.onNewTasks(() => this.#wakeup.set());
    let backoffMs = BACKOFF_MS_MIN;
    while (!signal.aborted) {
      try {
        const hasMore = await this.#publishSome();
        backoffMs = BACKOFF_MS_MIN;
        if (!hasMore && !signal.aborted) await this.#wakeup.wait();
      } catch (error) {
        const { shardId } = this.#queue;
        this.#lag.set(this.status().lagMs);
        this.#env.logger.warn('publishing replication tasks failed; trying again', { error, 'shard-id': shardId });
        await sleep(this.#env.scheduler, backoffMs * (0.8 + 0.4 * this.#env.random.next()), signal);
        backoffMs = Math.min(BACKOFF_MS_MAX, backoffMs * 2);
      }
    }
    unsubscribe();
  }

  /** True when the queue may hold more. */
  async #publishSome(): Promise<boolean> {
    const tasks = await this.#queue.load(this.#publishedTaskId, this.#batchSize);
    const [first] = tasks;
    const last = tasks.at(-1);
    if (first === undefined || last === undefined) {
      this.#oldestMs = 0;
      this.#lag.set(0);
      return false;
    }
    this.#oldestMs = first.creationTimeMs;
    const messages = await Promise.all(tasks.map((task) => this.#messageOf(task)));
    const present = messages.filter((message) => message !== undefined);
    if (this.#stopping.signal.aborted) return false;
    if (present.length > 0) await this.#log.publish(HISTORY_TOPIC, present);
    this.#publishedTaskId = last.taskId;
    this.#queue.acknowledge(last.taskId);
    this.#published.inc(present.length);
    this.#lag.set(this.status().lagMs);
    this.#oldestMs = 0;
    return tasks.length >= this.#batchSize;
  }

  /** One unreadable history must not hold up the shard: the other region will meet the gap and ask for it by itself. */
  async #encoded(task: ReplicationTask): Promise<WireTask | undefined> {
    try {
      return await encodeTask(this.#queue, task);
    } catch (error) {
      if (!isGone(error)) throw error;
      const { domainId, workflowId, runId, taskId } = task;
      this.#env.logger.error('events to replicate cannot be read; their message is left out', {
        error,
        'wf-domain-id': domainId,
        'wf-id': workflowId,
        'wf-run-id': runId,
        'queue-task-id': taskId,
      });
      return undefined;
    }
  }

  async #messageOf(task: ReplicationTask): Promise<{ key: string; value: Uint8Array } | undefined> {
    const message = await this.#encoded(task);
    if (message === undefined) {
      this.#skipped.inc();
      return undefined;
    }
    return { key: workflowKey(task.domainId, task.workflowId), value: WireTask.encode(message).finish() };
  }
}

export function createHistoryPublisher(
  deps: { env: Env; log: LogPublisher },
  options: { batchSize?: number } = {},
): HistoryPublisher {
  const shards = new Set<ShardPublisher>();
  return {
    attach(queue) {
      const shard = new ShardPublisher(deps, queue, options.batchSize ?? 200);
      shards.add(shard);
      return () => {
        shard.stop();
        shards.delete(shard);
      };
    },
    status: () => [...shards].map((shard) => shard.status()),
    async drained(signal) {
      const asked = [...shards];
      await Promise.all(asked.map((shard) => shard.drained(signal)));
      return asked.filter((shard) => shards.has(shard)).map((shard) => shard.status().shardId);
    },
    async stop() {
      const stopping = [...shards];
      for (const shard of stopping) shard.stop();
      shards.clear();
      await Promise.all(stopping.map(({ done }) => done));
    },
  };
}
