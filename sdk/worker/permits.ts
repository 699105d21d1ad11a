// A counted limit: a poller takes a permit before it asks for a task, so a busy worker does not take what it cannot run.

export interface Permits {
  /** Resolves when a permit is free; with undefined when the signal aborts first. */
  take(signal: AbortSignal): Promise<(() => void) | undefined>;
  /** Resolves when all permits are back. */
  idle(): Promise<void>;
  readonly taken: number;
}

export function createPermits(limit: number): Permits {
  let taken = 0;
  const waiting: (() => void)[] = [];
  const idleWaiters: (() => void)[] = [];

  const release = (): void => {
    taken--;
    waiting.shift()?.();
    if (taken === 0) for (const wake of idleWaiters.splice(0)) wake();
  };
  const grant = (): (() => void) => {
    taken++;
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      release();
    };
  };
  return {
    get taken() {
      return taken;
    },
    take: async (signal) => {
      while (taken >= limit && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const wake = () => {
            signal.removeEventListener('abort', wake);
            resolve();
          };
          waiting.push(wake);
          signal.addEventListener('abort', wake, { once: true });
        });
      }
      return signal.aborted ? undefined : grant();
    },
    idle: () => (taken === 0 ? Promise.resolve() : new Promise((resolve) => idleWaiters.push(resolve))),
  };
}
