// The history service's metrics, resolved once.
import type { Counter, Gauge, Metrics } from '#env';
import type { CommitMetrics } from './group-commit.ts';

export interface HistoryMetrics {
  readonly commits: CommitMetrics;
  readonly transferDepth: Gauge;
  readonly timerDepth: Gauge;
  /** All shards together. */
  addCacheBytes(change: number): void;
  readonly cacheHits: Counter;
  readonly cacheMisses: Counter;
  readonly shardsOwned: Gauge;
  readonly shardsLost: Counter;
}

export function createHistoryMetrics(metrics: Metrics): HistoryMetrics {
  const cacheBytes = metrics.gauge('history_cache_bytes', 'Estimated bytes of workflows in memory');
  let totalCacheBytes = 0;
  return {
    commits: {
      groupCommands: metrics.histogram('history_commit_group_commands', 'Commands per group commit'),
      latencyMs: metrics.histogram('history_commit_latency_ms', 'Milliseconds of a group commit in the store'),
      queuedCommands: metrics.gauge('history_commit_queued_commands', 'Commands that wait for the commit in flight'),
      failures: metrics.counter('history_commit_failures', 'Group commits that failed and closed their shard'),
    },
    transferDepth: metrics.gauge('history_transfer_depth', 'Immediate tasks waiting or running'),
    timerDepth: metrics.gauge('history_timer_depth', 'Due timer tasks waiting or running'),
    addCacheBytes: (change) => {
      totalCacheBytes += change;
      cacheBytes.set(totalCacheBytes);
    },
    cacheHits: metrics.counter('history_cache_hits', 'Runs found in memory'),
    cacheMisses: metrics.counter('history_cache_misses', 'Runs or current-run rows read from the store'),
    shardsOwned: metrics.gauge('history_shards_owned', 'Shards that this host serves'),
    shardsLost: metrics.counter('history_shards_lost', 'Times a shard was closed for another reason than a stop'),
  };
}
