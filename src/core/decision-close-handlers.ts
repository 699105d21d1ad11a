// Decisions that close the run. None may close it over events that the worker has not seen; canceled runs are not continued.

import { DecisionTaskFailedCause as Cause, ContinueAsNewInitiator, type Payload } from '@antiphon/proto';
import { internalService } from '#base';
import { addEvent } from './add-event.ts';
import { continueAfterFailure, continueAsNew, continueByCron } from './continue-as-new.ts';
import type { DecisionHandler, DecisionOf } from './decision-handlers.ts';
import { type Completion, reject, rejectOnFault, requireBlobSize, sizeOf } from './decision-outcome.ts';
import { mapBytes, validateContinueAsNew } from './decision-validation.ts';
import { secondsOf } from './wire-time.ts';

type CloseDecisionCase =
  | 'completeWorkflowExecutionDecisionAttributes'
  | 'failWorkflowExecutionDecisionAttributes'
  | 'cancelWorkflowExecutionDecisionAttributes'
  | 'continueAsNewWorkflowExecutionDecisionAttributes';

const UNHANDLED = 'cannot complete workflow, new pending decisions were scheduled while this decision was processing';

function requireHandled(completion: Completion): void {
  if (completion.hasUnhandledEvents) reject(Cause.DECISION_TASK_FAILED_CAUSE_UNHANDLED_DECISION, UNHANDLED);
}

function addCanceled(completion: Completion, details: Payload | undefined): void {
  addEvent(completion.draft, {
    $case: 'workflowExecutionCanceledEventAttributes',
    value: { decisionTaskCompletedEventId: completion.completedId, details },
  });
}

function complete(completion: Completion, { result }: DecisionOf<'completeWorkflowExecutionDecisionAttributes'>): void {
  requireHandled(completion);
  const { draft, completedId } = completion;
  requireBlobSize(completion, sizeOf(result), 'CompleteWorkflowExecutionDecisionAttributes.Result exceeds size limit.');
  if (continueByCron(draft, result, completedId)) return;
  addEvent(draft, {
    $case: 'workflowExecutionCompletedEventAttributes',
    value: { result, decisionTaskCompletedEventId: completedId },
  });
}

function fail(completion: Completion, { failure }: DecisionOf<'failWorkflowExecutionDecisionAttributes'>): void {
  requireHandled(completion);
  const { draft, completedId } = completion;
  if (failure === undefined) {
    const cause = Cause.DECISION_TASK_FAILED_CAUSE_BAD_FAIL_WORKFLOW_EXECUTION_ATTRIBUTES;
    reject(cause, 'Reason is not set on decision.');
  }
  const message = 'FailWorkflowExecutionDecisionAttributes.Details exceeds size limit.';
  requireBlobSize(completion, failure.details.length, message);
  if (draft.info.cancelRequested) {
    addCanceled(completion, failure.details.length === 0 ? undefined : { data: failure.details });
    return;
  }
  if (continueAfterFailure(draft, failure, completedId)) return;
  addEvent(draft, {
    $case: 'workflowExecutionFailedEventAttributes',
    value: { failure, decisionTaskCompletedEventId: completedId },
  });
}

function cancel(completion: Completion, { details }: DecisionOf<'cancelWorkflowExecutionDecisionAttributes'>): void {
  requireHandled(completion);
  addCanceled(completion, details);
}

function startAnew(
  completion: Completion,
  attributes: DecisionOf<'continueAsNewWorkflowExecutionDecisionAttributes'>,
): void {
  requireHandled(completion);
  const { draft } = completion;
  rejectOnFault(Cause.DECISION_TASK_FAILED_CAUSE_BAD_CONTINUE_AS_NEW_ATTRIBUTES, () =>
    validateContinueAsNew(completion, attributes),
  );
  const bytes = sizeOf(attributes.input) + mapBytes(attributes.memo?.fields);
  requireBlobSize(completion, bytes, 'ContinueAsNewWorkflowExecutionDecisionAttributes. Input exceeds size limit.');
  // A cancel request is sticky: the run that was asked to end does not go on under another id.
  if (draft.info.cancelRequested) {
    addCanceled(completion, undefined);
    return;
  }
  // Only who names the decider: a backoff of nobody is taken.
  const byDecider = attributes.initiator === ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_DECIDER;
  if (byDecider && secondsOf(attributes.backoffStartInterval) !== 0) {
    throw internalService('Failed to add workflow execution started event.');
  }
  continueAsNew(draft, attributes, completion.completedId);
}

export const CLOSE_DECISION_HANDLERS: { readonly [C in CloseDecisionCase]: DecisionHandler<C> } = {
  completeWorkflowExecutionDecisionAttributes: complete,
  failWorkflowExecutionDecisionAttributes: fail,
  cancelWorkflowExecutionDecisionAttributes: cancel,
  continueAsNewWorkflowExecutionDecisionAttributes: startAnew,
};
