// @antiphon/sdk/workflow: what workflow code may use. Workflow code runs in a sandbox where time, randomness and waiting are
// replayable; activities do everything else.
export {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  type Duration,
  defineQuery,
  defineSignal,
  defineWorkflow,
  ExternalWorkflowFailure,
  Failure,
  isCancellation,
  type QueryDefinition,
  type RetryPolicy,
  type SignalDefinition,
  TerminatedFailure,
  TimeoutFailure,
  WorkflowAlreadyStartedFailure,
} from '../common/index.ts';
export { type ActivityCalls, type ActivityOptions, executeActivity, proxyActivities } from './activities.ts';
export { CancellationScope } from './cancellation-scope.ts';
export { type ChildHandle, type ChildOptions, executeChild, startChild } from './children.ts';
export { type ContinueAsNewOptions, continueAsNew, continueAsNewWith } from './continue-as-new.ts';
export { type ExternalWorkflowHandle, getExternalWorkflow } from './external-workflows.ts';
export { setHandler } from './messages.ts';
export { mutableSideEffect, sideEffect, uuid4 } from './side-effects.ts';
export { DEFAULT_VERSION, deprecatePatch, getVersion, patched } from './versioning.ts';
export { condition, sleep } from './waiting.ts';
export {
  getLastCompletionResult,
  getLastFailure,
  log,
  unsafe,
  upsertSearchAttributes,
  type WorkflowInfo,
  workflowInfo,
} from './workflow-info.ts';
