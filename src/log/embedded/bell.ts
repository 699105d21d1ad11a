// Wakes those who wait for something of a name: readers of a partition, when entries were appended.
import type { Env } from '#env';

export class Bell {
  readonly #waiting = new Map<string, Set<() => void>>();

  ring(name: string): void {
    const waiting = this.#waiting.get(name);
    this.#waiting.delete(name);
    for (const wake of waiting ?? []) wake();
  }

  /** Resolves at the next ring, after `ms`, or when the signal aborts. */
  wait(env: Env, name: string, ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) {
        resolve();
        return;
      }
      const waiting = this.#waiting.get(name) ?? new Set();
      this.#waiting.set(name, waiting);
      const wake = (): void => {
        waiting.delete(wake);
        timer.cancel();
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const timer = env.scheduler.after(ms, wake);
      signal?.addEventListener('abort', wake, { once: true });
      waiting.add(wake);
    });
  }
}
