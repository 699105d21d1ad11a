// The loop of one poller: take a permit, ask for a task, hand it on, back off when the service has trouble.
// Invariant: it never polls without a permit, and it ends only by its signal.
import { isRpcError, pause } from '../transport/index.ts';
import { errorText, type Logger } from './logger.ts';
import type { Permits } from './permits.ts';

const INITIAL_BACKOFF_MS = 20;
const MAXIMUM_BACKOFF_MS = 10_000;
const BUSY_BACKOFF_MS = 1000;

export interface PollLoop<Task> {
  readonly what: string;
  readonly permits: Permits;
  /** Undefined when there was no task. */
  readonly poll: (signal: AbortSignal) => Promise<Task | undefined>;
  readonly handle: (task: Task) => Promise<void>;
  readonly log: Logger;
}

export async function runPollLoop<Task>(loop: PollLoop<Task>, signal: AbortSignal): Promise<void> {
  let backoffMs = INITIAL_BACKOFF_MS;
  while (!signal.aborted) {
    const release = await loop.permits.take(signal);
    if (!release) return;
    let task: Task | undefined;
    try {
      task = await loop.poll(signal);
      backoffMs = INITIAL_BACKOFF_MS;
    } catch (error) {
      release();
      // The end of a long poll without a task, and the end of the worker.
      if (isRpcError(error, 'DeadlineExceeded') || signal.aborted) continue;
      loop.log.warn('poll failed', { poller: loop.what, error: errorText(error), retryInMs: backoffMs });
      await pause(Math.max(backoffMs, isRpcError(error, 'ServiceBusy') ? BUSY_BACKOFF_MS : 0), signal).catch(
        () => undefined,
      );
      // After a failover this region may be the active one at any moment.
      const maximumMs = isRpcError(error, 'DomainNotActive') ? BUSY_BACKOFF_MS : MAXIMUM_BACKOFF_MS;
      backoffMs = Math.min(backoffMs * 2, maximumMs);
      continue;
    }
    if (task === undefined) {
      release();
      continue;
    }
    loop
      .handle(task)
      .catch((error: unknown) => loop.log.error('task handling failed', { poller: loop.what, error: errorText(error) }))
      .finally(release);
  }
}
