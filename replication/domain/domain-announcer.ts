// Sees to it that every change of a global domain is published, whatever became of the call that made it: the process died between commit and
// publishing, the log did not take the message, or the commit's outcome was unknown to the caller and it happened after all. It looks at the
// store at start, and some time after each change that the domain cache shows (which sees those, too, that no call of this process made).
// A change that came from another region is told back to it once, where it is not news.
import { type Deferred, deferred } from '#base';
import { type Env, sleep } from '#env';
import type { DomainPublisher } from './domain-publisher.ts';

export interface DomainAnnouncerDeps {
  readonly env: Env;
  readonly publisher: Pick<DomainPublisher, 'publishMissing'>;
  /** Calls when a global domain may have changed; returns the function that ends it. */
  readonly onDomainChange: (listener: () => void) => () => void;
}

export interface DomainAnnouncer {
  start(): void;
  stop(): Promise<void>;
}

const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 60_000;
// The call that made a change publishes it itself, as a rule within this time.
const SETTLE_MS = 2_000;

export function createDomainAnnouncer(deps: DomainAnnouncerDeps): DomainAnnouncer {
  const { env, publisher } = deps;
  const stopping = new AbortController();
  const { signal } = stopping;
  let changed: Deferred<void> = deferred();
  let running: Promise<void> | undefined;
  let unsubscribe: (() => void) | undefined;

  const publishMissing = async (): Promise<void> => {
    for (let backoffMs = RETRY_MS_MIN; !signal.aborted; backoffMs = Math.min(RETRY_MS_MAX, backoffMs * 2)) {
      try {
        await publisher.publishMissing();
        return;
      } catch (error) {
        env.logger.warn('publishing the domains failed; trying again', { error });
        await sleep(env.scheduler, backoffMs, signal);
      }
    }
  };

  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      // Before the look: a change during it is looked at again.
      changed = deferred();
      await publishMissing();
      await changed.promise;
      await sleep(env.scheduler, SETTLE_MS, signal);
    }
  };

  return {
    start() {
      if (running !== undefined) return;
      unsubscribe = deps.onDomainChange(() => changed.resolve());
      running = run();
    },
    async stop() {
      unsubscribe?.();
      stopping.abort();
      changed.resolve();
      await running;
    },
  };
}
