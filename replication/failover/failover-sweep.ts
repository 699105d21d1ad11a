// Looks at the runs of a domain after its active cluster changed: those that hold waiting events, or branches that lost, are settled
// (ndc/failover.ts). Per domain and shard the store remembers up to which failover version this was done, so a crash in between, or a
// change made while this process was down, is made up for when the shard opens. Runs at a bounded rate, one shard at a time.
import { ExecutionRecord } from '@antiphon/proto/internal';
import { EntityNotExistsError, isStoreError } from '#base';
import type { DomainView } from '#core';
import { type Env, sleep } from '#env';
import type { KeyValueStore, RunKey, ShardStore } from '#persistence';
import { settleRunAfterFailover } from '../ndc/failover.ts';
import type { NdcHost } from '../ports.ts';

const BUCKET = 'failover-swept';
const PAGE_SIZE = 200;
const PAGE_PAUSE_MS = 5;
const RETRY_MS_MIN = 200;
const RETRY_MS_MAX = 30_000;

export interface FailoverSweepDeps {
  readonly env: Env;
  readonly shards: ShardStore;
  readonly keyValues: KeyValueStore;
  readonly host: NdcHost;
  readonly domains: {
    byId(id: string): Promise<DomainView>;
    onChange(listener: (before: DomainView | undefined, after: DomainView) => void): () => void;
  };
  /** Every domain, for those that changed before this process started. */
  readonly listDomainIds: () => Promise<readonly string[]>;
}

export interface FailoverSweep {
  start(): void;
  /** The shard is owned here. Returns the function that ends this. */
  addShard(shardId: number): () => void;
  stop(): Promise<void>;
}

const mayNeedSettling = (record: ExecutionRecord): boolean =>
  record.bufferedEvents.length > 0 || (record.versionHistories?.histories.length ?? 0) > 1;

const rowKey = (domainId: string, shardId: number): string => `${domainId}/${shardId}`;

export function createFailoverSweep(deps: FailoverSweepDeps): FailoverSweep {
  const { env, shards, keyValues, host, domains } = deps;
  const owned = new Map<number, AbortController>();
  let unsubscribe: (() => void) | undefined;
  let queue: Promise<void> = Promise.resolve();

  const loadVersion = async (domainId: string, shardId: number) => {
    const row = await keyValues.get(BUCKET, rowKey(domainId, shardId));
    return row === undefined ? undefined : { swept: Number(Buffer.from(row.value).toString()), version: row.version };
  };

  const saveVersion = async (domainId: string, shardId: number, failoverVersion: number): Promise<void> => {
    const row = await loadVersion(domainId, shardId);
    if (row?.swept === failoverVersion) return;
    try {
      const value = Buffer.from(String(failoverVersion));
      await keyValues.put(BUCKET, rowKey(domainId, shardId), value, row?.version ?? 0);
    } catch (error) {
      // Somebody else sweeps the shard now, and says so himself.
      if (!isStoreError(error, 'ConditionFailed')) throw error;
    }
  };

  const settle = async (key: RunKey, record: Uint8Array): Promise<void> => {
    if (mayNeedSettling(ExecutionRecord.decode(record))) await settleRunAfterFailover(host, key);
  };

  const sweep = async (domain: DomainView, shardId: number, signal: AbortSignal): Promise<void> => {
    const row = await loadVersion(domain.id, shardId);
    if (row?.swept === domain.failoverVersion) return;
    let token: Uint8Array | undefined;
    do {
      const page = await shards.listExecutions(shardId, token, PAGE_SIZE);
      for (const { record, domainId, workflowId, runId } of page.items) {
        if (domainId === domain.id) await settle({ domainId, workflowId, runId }, record);
      }
      token = page.nextToken;
      await sleep(env.scheduler, PAGE_PAUSE_MS, signal);
    } while (token !== undefined && !signal.aborted);
    if (!signal.aborted) await saveVersion(domain.id, shardId, domain.failoverVersion);
  };

  /** Sweeps until it succeeds, the shard is lost or the domain changes again. */
  const enqueue = (domainId: string, shardId: number): void => {
    const signal = owned.get(shardId)?.signal;
    if (signal === undefined) return;
    queue = queue.then(async () => {
      let backoffMs = RETRY_MS_MIN;
      while (!signal.aborted) {
        try {
          const domain = await domains.byId(domainId);
          if (domain.isGlobal) await sweep(domain, shardId, signal);
          return;
        } catch (error) {
          if (error instanceof EntityNotExistsError) return;
          env.logger.warn('settling runs after a failover failed; trying again', { error, 'shard-id': shardId });
          await sleep(env.scheduler, backoffMs, signal);
          backoffMs = Math.min(RETRY_MS_MAX, backoffMs * 2);
        }
      }
    });
  };

  /** A domain that has just been made has no runs. */
  const remember = (domain: DomainView, shardId: number): void => {
    queue = queue.then(async () => {
      try {
        const row = await loadVersion(domain.id, shardId);
        if (row === undefined) await saveVersion(domain.id, shardId, domain.failoverVersion);
      } catch (error) {
        // Then its runs are looked at once, for nothing.
        env.logger.debug('remembering a new domain failed', { error });
      }
    });
  };

  const onChange = (before: DomainView | undefined, after: DomainView): void => {
    if (!after.isGlobal || before?.failoverVersion === after.failoverVersion) return;
    for (const shardId of owned.keys()) {
      if (before === undefined) remember(after, shardId);
      else enqueue(after.id, shardId);
    }
  };

  const sweepShard = async (shardId: number, signal: AbortSignal): Promise<void> => {
    for (let backoffMs = RETRY_MS_MIN; !signal.aborted; backoffMs = Math.min(RETRY_MS_MAX, backoffMs * 2)) {
      try {
        for (const domainId of await deps.listDomainIds()) enqueue(domainId, shardId);
        return;
      } catch (error) {
        env.logger.warn('listing domains failed; trying again', { error });
        await sleep(env.scheduler, backoffMs, signal);
      }
    }
  };

  return {
    start() {
      unsubscribe ??= domains.onChange(onChange);
    },
    addShard(shardId) {
      const lost = new AbortController();
      owned.set(shardId, lost);
      queue = queue.then(() => sweepShard(shardId, lost.signal));
      return () => {
        lost.abort();
        if (owned.get(shardId) === lost) owned.delete(shardId);
      };
    },
    async stop() {
      for (const lost of owned.values()) lost.abort();
      unsubscribe?.();
      await queue;
    },
  };
}
