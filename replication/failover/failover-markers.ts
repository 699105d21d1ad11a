// The end of what a region wrote of a domain that was handed over gracefully. When the domain has left this region, each shard commits once more,
// its queue is published up to there, and then a marker goes into every partition of the log. The region that takes over counts the markers
// as it applies what is before them: with the last one it has everything, and begins to work before the failover's time is over. A marker that
// is lost costs that time, nothing else.
import { setMaxListeners } from 'node:events';
import { ReplicationTask, ReplicationTaskType } from '@antiphon/proto/admin';
import type { DomainView } from '#core';
import { type Env, sleep } from '#env';
import { HISTORY_TOPIC, type LogPublisher } from '#log';
import { timestampOf } from '../tasks/index.ts';

export interface FailoverMarkersDeps {
  readonly env: Env;
  readonly log: LogPublisher;
  /** Resolves when all that the region wrote of the domain before the call is in the log, or when the signal aborts. */
  readonly drained: (domain: DomainView, signal: AbortSignal) => Promise<void>;
  /** One host of the region publishes them. */
  readonly isMine: () => boolean;
  readonly currentCluster: string;
  /** Whether the domain's last failover waits for this region; a forced one does not. */
  readonly isGraceful: (domainId: string) => Promise<boolean>;
  /** Calls with a domain before and after each change; returns the function that ends it. */
  readonly onDomainChange: (listener: (before: DomainView | undefined, after: DomainView) => void) => () => void;
}

// Commands that began before the change is seen have decided by then.
const SETTLE_MS = 500;
const RETRY_MS = 1_000;

export interface FailoverMarkers {
  start(): void;
  stop(): Promise<void>;
}

export function createFailoverMarkers(deps: FailoverMarkersDeps): FailoverMarkers {
  const { env, log, currentCluster } = deps;
  const stopping = new AbortController();
  const { signal } = stopping;
  // A mass failover: every domain waits on it, for every shard.
  setMaxListeners(0, signal);
  const working = new Set<Promise<void>>();
  let unsubscribe: (() => void) | undefined;

  const publishMarkers = async ({ id: domainId, failoverVersion }: DomainView): Promise<void> => {
    const creationTime = timestampOf(env.clock.nowMs());
    const marker = ReplicationTask.encode(
      ReplicationTask.fromPartial({
        taskType: ReplicationTaskType.REPLICATION_TASK_TYPE_FAILOVER_MARKER,
        creationTime,
        attributes: {
          $case: 'failoverMarkerAttributes',
          value: { domainId, failoverVersion: BigInt(failoverVersion), creationTime },
        },
      }),
    ).finish();
    const keys = keysOfPartitions(log, `failover-marker/${domainId}/${failoverVersion}`);
    const messages = keys.map((key) => ({ key, value: marker }));
    await log.publish(HISTORY_TOPIC, messages);
  };

  const handOver = async (domain: DomainView): Promise<void> => {
    await sleep(env.scheduler, SETTLE_MS, signal);
    while (!signal.aborted) {
      try {
        if (!deps.isMine() || !(await deps.isGraceful(domain.id))) return;
        await deps.drained(domain, signal);
        if (!signal.aborted) await publishMarkers(domain);
        return;
      } catch (error) {
        env.logger.warn('failover markers are not published yet, retrying', { 'wf-domain-name': domain.name, error });
        await sleep(env.scheduler, RETRY_MS, signal);
      }
    }
  };

  return {
    start() {
      unsubscribe ??= deps.onDomainChange((before, after) => {
        const isLeaving = before?.activeCluster === currentCluster && after.activeCluster !== currentCluster;
        if (!after.isGlobal || !isLeaving) return;
        const work: Promise<void> = handOver(after).finally(() => working.delete(work));
        working.add(work);
      });
    },
    async stop() {
      stopping.abort();
      unsubscribe?.();
      await Promise.all(working);
    },
  };
}

/** One key for each partition. */
function keysOfPartitions(log: LogPublisher, prefix: string): readonly string[] {
  const keys = new Map<number, string>();
  const count = log.partitionCount(HISTORY_TOPIC);
  for (let attempt = 0; keys.size < count; attempt++) {
    const key = `${prefix}/${attempt}`;
    const partition = log.partitionOf(HISTORY_TOPIC, key);
    if (!keys.has(partition)) keys.set(partition, key);
  }
  return [...keys.values()];
}
