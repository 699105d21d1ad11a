// Applies one message of another region's log. What may pass by itself (an unavailable shard, a busy service, an unknown outcome) is tried
// until it passes; what a retry cannot help is given up after some attempts, for the caller to put into the DLQ.
import type { HistoryEvent } from '@antiphon/proto';
import type { HistoryTaskV2Attributes, ReplicationTask } from '@antiphon/proto/admin';
import { badRequest, EntityNotExistsError, RetryTaskV2Error, ServiceError, StoreError } from '#base';
import type { DomainView } from '#core';
import { type Env, sleep } from '#env';
import type { HistoryClient } from '#rpc';
import type { DomainLookup, DomainTaskApplier, RawHistoryClient } from '../ports-consumer.ts';
import { decodeActivityTask, decodeHistoryTask, msOf } from '../tasks/index.ts';
import { resendGap } from './resend.ts';

export interface ApplierDeps {
  readonly env: Env;
  readonly history: HistoryClient;
  readonly domains: DomainLookup;
  readonly domainTasks: DomainTaskApplier;
  readonly source: RawHistoryClient;
  readonly sourceCluster: string;
  readonly currentCluster: string;
}

export interface ApplierOptions {
  /** Attempts of a message that a retry does not seem to help. */
  readonly attemptsMax: number;
  readonly backoffMsMin: number;
  readonly backoffMsMax: number;
}

export const DEFAULT_APPLIER_OPTIONS: ApplierOptions = { attemptsMax: 10, backoffMsMin: 50, backoffMsMax: 5_000 };

/** Given up; `attempts` were made. */
export class PoisonMessage extends Error {
  readonly attempts: number;

  constructor(attempts: number, cause: unknown) {
    super(cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause), { cause });
    this.name = 'PoisonMessage';
    this.attempts = attempts;
  }
}

const TRANSIENT = new Set<ServiceError['kind']>([
  'ServiceBusy',
  'ShardOwnershipLost',
  'CurrentBranchChanged',
  'Unavailable',
  'DeadlineExceeded',
  'Cancelled',
  'StickyWorkerUnavailable',
]);

export function isTransient(error: unknown): boolean {
  if (error instanceof ServiceError) return TRANSIENT.has(error.kind);
  return error instanceof StoreError && error.kind !== 'Corrupt';
}

/**
 * Events as old as retention, of a domain that is active here. When their run is not here, it may be one that retention deleted after it was done, and
 * that a source tells of again which was away since: at least once is what its log promises. Made from the few events that the source has, the run
 * would be open, and do its work a second time. Or it never came here. Only a person can tell.
 */
function isPastRetention(
  domain: DomainView,
  events: readonly HistoryEvent[],
  { currentCluster, env }: Pick<ApplierDeps, 'currentCluster' | 'env'>,
): boolean {
  const isActiveHere = domain.activeClusters?.includes(currentCluster) ?? domain.isActiveHere;
  return isActiveHere && msOf(events.at(-1)?.eventTime) <= env.clock.nowMs() - domain.retentionMs;
}

export interface TaskApplier {
  /** Resolves when applied, skipped, or when the signal aborts; throws PoisonMessage when given up. */
  apply(task: ReplicationTask, signal: AbortSignal): Promise<'applied' | 'stopped'>;
  /** One attempt, gaps filled, however old the events are: for merging dead letters. */
  applyOnce(task: ReplicationTask): Promise<void>;
}

export function createTaskApplier(deps: ApplierDeps, options: ApplierOptions = DEFAULT_APPLIER_OPTIONS): TaskApplier {
  const { env, history, sourceCluster } = deps;
  const resent = env.metrics.counter('replication_gaps_filled_total', 'Gaps filled from the source region', {
    source: sourceCluster,
  });

  const withGapFilled = async (domainName: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof RetryTaskV2Error)) throw error;
      resent.inc();
      await resendGap({ history, source: deps.source, sourceCluster }, domainName, error);
      await work();
    }
  };

  /** undefined: the domain does not live in this cluster. */
  const domainOf = async (domainId: string): Promise<DomainView | undefined> => {
    const domain = await deps.domains.byId(domainId);
    return domain.clusters.includes(deps.currentCluster) ? domain : undefined;
  };

  const applyEvents = async (task: HistoryTaskV2Attributes, isMerged: boolean): Promise<void> => {
    const domain = await domainOf(task.domainId);
    if (domain === undefined) return;
    const request = decodeHistoryTask(sourceCluster, task);
    const mustExist = !isMerged && isPastRetention(domain, request.events, deps);
    try {
      await withGapFilled(domain.name, () => history.replicateEvents({ ...request, mustExist }));
    } catch (error) {
      if (!mustExist || !(error instanceof EntityNotExistsError)) throw error;
      const reason = `Its events are older than the retention of ${domain.name}: it was deleted, or they come too late.`;
      throw new PoisonMessage(1, new EntityNotExistsError(`${error.message} ${reason} Merged, they make it.`));
    }
  };

  const applyTask = async (task: ReplicationTask, isMerged: boolean): Promise<void> => {
    const { attributes } = task;
    switch (attributes?.$case) {
      case 'historyTaskV2Attributes':
        return applyEvents(attributes.value, isMerged);
      case 'syncActivityTaskAttributes': {
        const domain = await domainOf(attributes.value.domainId);
        if (domain === undefined) return;
        const request = decodeActivityTask(sourceCluster, attributes.value);
        return withGapFilled(domain.name, () => history.syncActivity(request));
      }
      case 'domainTaskAttributes':
        return deps.domainTasks.applyDomainTask(attributes.value);
      case 'syncShardStatusTaskAttributes':
      case 'failoverMarkerAttributes':
        // Other implementations send the one; the other counts where its partition is consumed.
        return;
      case undefined:
        throw badRequest('Replication task has no attributes.');
    }
  };

  return {
    applyOnce: (task) => applyTask(task, true),
    async apply(task, signal) {
      let attempts = 0;
      let backoffMs = options.backoffMsMin;
      while (!signal.aborted) {
        try {
          await applyTask(task, false);
          return 'applied';
        } catch (error) {
          if (error instanceof PoisonMessage) throw error;
          // Transient failures do not count: ServiceBusy never makes a message poison.
          if (!isTransient(error)) attempts++;
          if (attempts >= options.attemptsMax) throw new PoisonMessage(attempts, error);
          const missing = error instanceof EntityNotExistsError;
          env.logger.debug('applying a replication task failed; trying again', { error, attempts, missing });
          await sleep(env.scheduler, backoffMs * (0.8 + 0.4 * env.random.next()), signal);
          backoffMs = Math.min(options.backoffMsMax, backoffMs * 2);
        }
      }
      return 'stopped';
    },
  };
}
