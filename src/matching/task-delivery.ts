// Hands a matched task or query to the poll that took it: asks history to start the task and decides by its answer what becomes of both.
// A task is started at most once per request id, and the id stays with the task over failed attempts, so an attempt whose outcome is unknown
// is repeated and not doubled. A poll that is gone before history was asked costs nothing; what history started for one that went meanwhile the
// frontend takes back if it is a decision, and an activity is left to its started timeout, as in Cadence.
import { ServiceError } from '#base';
import { type Env, sleep } from '#env';
import type { MatchingMetrics } from './metrics.ts';
import type { MatchingOptions } from './options.ts';
import type { PendingTask } from './pending-work.ts';

export interface DeliveryDeps {
  readonly env: Env;
  readonly options: MatchingOptions;
  readonly metrics: MatchingMetrics;
}

/** History's answer, or undefined when this poll should go on with the next task. */
export async function startTask<T>(
  deps: DeliveryDeps,
  pending: PendingTask,
  signal: AbortSignal | undefined,
  start: (requestId: string) => Promise<T>,
): Promise<T | undefined> {
  const { env, options, metrics } = deps;
  pending.requestId ??= env.random.uuid();
  for (let attempt = 1; ; attempt++) {
    if (signal?.aborted && attempt === 1) {
      pending.owner.putBack(pending);
      return undefined;
    }
    try {
      const reply = await start(pending.requestId);
      pending.owner.finish(pending);
      if (pending.source === 'stored') metrics.backlogMatches.inc();
      else metrics.syncMatches.inc();
      return reply;
    } catch (error) {
      if (isNoLongerNeeded(error)) {
        metrics.droppedTasks.inc();
        pending.owner.finish(pending);
        return undefined;
      }
      const isLast = attempt >= options.startAttemptCountMax || isNotActive(error);
      if (!isLast) await sleep(env.scheduler, options.retryDelayMsMin * 2 ** (attempt - 1), signal);
      if (isLast || signal?.aborted) {
        metrics.failedStarts.inc();
        pending.owner.keep(pending, error);
        return undefined;
      }
    }
  }
}

const isNoLongerNeeded = (error: unknown): boolean =>
  error instanceof ServiceError &&
  (error.kind === 'EntityNotExists' ||
    error.kind === 'WorkflowExecutionAlreadyCompleted' ||
    error.kind === 'EventAlreadyStarted');

const isNotActive = (error: unknown): boolean => error instanceof ServiceError && error.kind === 'DomainNotActive';
