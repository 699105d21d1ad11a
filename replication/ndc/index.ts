export { decideBranch } from './branch-decision.ts';
export { settleRunAfterFailover } from './failover.ts';
export * from './reapply-events.ts';
export { replicateEvents } from './replicate-events.ts';
export { type ReplicatedBatch, readBatch } from './replicated-batch.ts';
export { happensAfter } from './run-clock.ts';
export { syncActivity } from './sync-activity.ts';
