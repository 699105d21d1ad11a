// The pure engine. No I/O, no clock, no randomness: decide, evolve, task derivation.
export {
  clustersAfter,
  domainOfNewRun,
  domainOfRun,
  failoverLevel,
  isActiveActive,
  isActiveHereForSome,
  notActive,
  otherActiveCluster,
  sameAttribute,
} from './active-cluster.ts';
export { applyEvents, applySyncActivity, rebuild, type SyncActivityInput } from './apply-events.ts';
export * from './clusters.ts';
export * from './commands.ts';
export { needsStartedEvent } from './continue-as-new.ts';
export { createWorkflow } from './create-workflow.ts';
export { type CronSchedule, nextCronTime, parseCronSchedule } from './cron.ts';
export { firstDecisionBackoffSeconds, nextCronBackoffSeconds } from './cron-backoff.ts';
export { closeInFlightDecision, decide } from './decide.ts';
export * from './domain-view.ts';
export * from './event-ids.ts';
export * from './limits.ts';
export { isRunning, newState, type RunIdentity, withHistorySize } from './new-state.ts';
export { findBadResetPoint } from './reset-points.ts';
export { resetWorkflow } from './reset-workflow.ts';
export {
  nextRetryDelayMs,
  normalizedRetryPolicy,
  type RetryQuestion,
  retryPolicyFault,
  validateRetryPolicy,
} from './retry-policy.ts';
export * from './schedule/schedule.ts';
export * from './schedule/schedule-fires.ts';
export * from './schedule/schedule-overlap.ts';
export * from './schedule/schedule-plan.ts';
export { checkSearchAttributes, type SearchAttributeRules } from './search-attribute-rules.ts';
export { addedSignalRequestIds } from './signal-request-ids.ts';
export { type CurrentRunSummary, decideStart, type StartAnswer, type StartQuestion } from './start-policy.ts';
export { decodeState, encodeState } from './state-codec.ts';
export {
  DEFAULT_TASK_PRIORITY,
  FAIRNESS_KEY,
  FAIRNESS_WEIGHT_KEY,
  ISOLATION_GROUP_KEY,
  PRIORITY_KEY,
  type PriorityFields,
  priorityFieldsOfHeader,
  priorityOfConfig,
  requirePriorityFields,
} from './task-priority.ts';
export * from './transition.ts';
export * from './version-histories.ts';
export { durationOf, eventTimeMs, msOf, secondsOf, timestampOf } from './wire-time.ts';
export type { WorkflowState } from './workflow-state.ts';
