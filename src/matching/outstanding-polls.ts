// Other hosts' polls that wait here, by their poller id: a frontend on another host ends one by a call (cancelOutstandingPoll), and not by breaking
// the poll off, so that a task that had just been started for it still reaches the frontend, which gives it back. Polls of this process have their
// signal, and are not kept here.
// Cadence: service/matching/handler/engine.go, outstandingPollers.
import type { CallOptions } from '#rpc';

export class OutstandingPolls {
  readonly #byPoller = new Map<string, AbortController>();

  /** Runs a poll whose signal is aborted by its caller's, or by `cancel`. */
  async run<T>(pollerId: string, caller: CallOptions, poll: (options: CallOptions) => Promise<T>): Promise<T> {
    const { signal, deadlineMs } = caller;
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
    this.#byPoller.set(pollerId, controller);
    try {
      return await poll({ signal: controller.signal, deadlineMs });
    } finally {
      if (this.#byPoller.get(pollerId) === controller) this.#byPoller.delete(pollerId);
      signal?.removeEventListener('abort', abort);
    }
  }

  cancel(pollerId: string): void {
    this.#byPoller.get(pollerId)?.abort();
  }
}
