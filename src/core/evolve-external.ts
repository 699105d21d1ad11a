// Events of children and of signals and cancels sent to other runs. Each is in the state from its Initiated event to the event that
// settles it. Request ids are made from the Initiated event, so that both regions ask with the same one and the second asking, after a
// failover, is recognised as a repetition (Cadence makes random ones and can fail a child that did start).
import { ParentClosePolicy } from '@antiphon/proto';
import type { StateDraft } from './draft.ts';
import type { Evolvers } from './evolve.ts';

type ExternalCase =
  | 'startChildWorkflowExecutionInitiatedEventAttributes'
  | 'startChildWorkflowExecutionFailedEventAttributes'
  | 'childWorkflowExecutionStartedEventAttributes'
  | 'childWorkflowExecutionCompletedEventAttributes'
  | 'childWorkflowExecutionFailedEventAttributes'
  | 'childWorkflowExecutionCanceledEventAttributes'
  | 'childWorkflowExecutionTimedOutEventAttributes'
  | 'childWorkflowExecutionTerminatedEventAttributes'
  | 'requestCancelExternalWorkflowExecutionInitiatedEventAttributes'
  | 'requestCancelExternalWorkflowExecutionFailedEventAttributes'
  | 'externalWorkflowExecutionCancelRequestedEventAttributes'
  | 'signalExternalWorkflowExecutionInitiatedEventAttributes'
  | 'signalExternalWorkflowExecutionFailedEventAttributes'
  | 'externalWorkflowExecutionSignaledEventAttributes';

type Initiated = { readonly initiatedEventId: bigint };

const closeChild = (draft: StateDraft, attributes: Initiated): void =>
  draft.children.delete(Number(attributes.initiatedEventId));
const closeCancel = (draft: StateDraft, attributes: Initiated): void =>
  draft.requestCancels.delete(Number(attributes.initiatedEventId));
const closeSignal = (draft: StateDraft, attributes: Initiated): void =>
  draft.signals.delete(Number(attributes.initiatedEventId));

function initiatedWork(draft: StateDraft, event: { eventId: bigint; version: bigint }) {
  const initiatedId = Number(event.eventId);
  const version = Number(event.version);
  return {
    version,
    initiatedId,
    initiatedEventBatchId: draft.batchFirstId,
    requestId: `${draft.info.runId}:${initiatedId}:${version}`,
  };
}

export const EXTERNAL_EVOLVERS: Evolvers<ExternalCase> = {
  startChildWorkflowExecutionInitiatedEventAttributes(draft, initiated, event) {
    const { version, initiatedId, initiatedEventBatchId, requestId } = initiatedWork(draft, event);
    draft.children.set(initiatedId, {
      version,
      initiatedId,
      initiatedEventBatchId,
      startedId: 0,
      workflowId: initiated.workflowId,
      runId: '',
      createRequestId: requestId,
      domainName: initiated.domain,
      workflowType: initiated.workflowType?.name ?? '',
      parentClosePolicy: initiated.parentClosePolicy || ParentClosePolicy.PARENT_CLOSE_POLICY_TERMINATE,
    });
  },
  childWorkflowExecutionStartedEventAttributes(draft, started, event) {
    const child = draft.children.get(Number(started.initiatedEventId));
    if (child === undefined) return;
    draft.children.set(child.initiatedId, {
      ...child,
      startedId: Number(event.eventId),
      runId: started.workflowExecution?.runId ?? '',
    });
  },
  startChildWorkflowExecutionFailedEventAttributes: closeChild,
  childWorkflowExecutionCompletedEventAttributes: closeChild,
  childWorkflowExecutionFailedEventAttributes: closeChild,
  childWorkflowExecutionCanceledEventAttributes: closeChild,
  childWorkflowExecutionTimedOutEventAttributes: closeChild,
  childWorkflowExecutionTerminatedEventAttributes: closeChild,

  requestCancelExternalWorkflowExecutionInitiatedEventAttributes(draft, _, event) {
    draft.requestCancels.set(Number(event.eventId), initiatedWork(draft, event));
  },
  requestCancelExternalWorkflowExecutionFailedEventAttributes: closeCancel,
  externalWorkflowExecutionCancelRequestedEventAttributes: closeCancel,

  signalExternalWorkflowExecutionInitiatedEventAttributes(draft, _, event) {
    draft.signals.set(Number(event.eventId), initiatedWork(draft, event));
  },
  signalExternalWorkflowExecutionFailedEventAttributes: closeSignal,
  externalWorkflowExecutionSignaledEventAttributes: closeSignal,
};
