// The history service: owns the shards, runs the engine on their workflows, makes what it decides durable.
export {
  DEFAULT_HISTORY_OPTIONS,
  type HistoryDeps,
  type HistoryOptions,
  type ReplicationApply,
} from './deps.ts';
export { createHistoryService, type HistoryService } from './service.ts';
export { createShardLookup, evenShardMap } from './shard-map.ts';
export type { ShardPlacement } from './shard-placement.ts';
export type { ShardListener, ShardStatus } from './shards.ts';
