// Every workflow of the service itself: the entry of their bundle. Runs in the SDK's sandbox, so it imports nothing of the server; what touches
// the world are activities, in the folders beside this one.
export { batchWorkflow, batchWorkflowV2 } from './batch.ts';
export { diagnosticsWorkflow } from './diagnostics.ts';
export { domainDeprecationWorkflow } from './domain-deprecation.ts';
export { failoverManagerWorkflow, rebalanceWorkflow } from './failover-manager.ts';
export { probeWorkflow } from './probe.ts';
export { schedulerWorkflow } from './scheduler.ts';
