export { decideBranch } from './branch-decision.ts';
export { recoverLostSignals } from './recover-signals.ts';
export { replicateEvents } from './replicate-events.ts';
export { type ReplicatedBatch, readBatch } from './replicated-batch.ts';
export { happensAfter } from './run-clock.ts';
export { syncActivity } from './sync-activity.ts';
