// Events that end a run. What was pending stays in the state: the close task needs the children, and describe shows the rest.
import { type HistoryEvent, WorkflowExecutionCloseStatus } from '@antiphon/proto';
import { ExecutionState } from '@antiphon/proto/internal';
import type { StateDraft } from './draft.ts';
import type { EventCase } from './event-ids.ts';
import type { Evolvers } from './evolve.ts';
import { eventTimeMs } from './wire-time.ts';

export type CloseCase =
  | 'workflowExecutionCompletedEventAttributes'
  | 'workflowExecutionFailedEventAttributes'
  | 'workflowExecutionTimedOutEventAttributes'
  | 'workflowExecutionCanceledEventAttributes'
  | 'workflowExecutionTerminatedEventAttributes'
  | 'workflowExecutionContinuedAsNewEventAttributes';

const closeAs =
  (status: WorkflowExecutionCloseStatus) =>
  (draft: StateDraft, _: unknown, event: HistoryEvent): void => {
    const { info } = draft;
    info.state = ExecutionState.EXECUTION_STATE_COMPLETED;
    info.closeStatus = status;
    info.closeTimeMs = eventTimeMs(event);
    info.closeEventBatchId = draft.batchFirstId;
    info.decision = undefined;
  };

export const CLOSE_EVOLVERS: Evolvers<CloseCase> = {
  workflowExecutionCompletedEventAttributes: closeAs(
    WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_COMPLETED,
  ),
  workflowExecutionFailedEventAttributes: closeAs(WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_FAILED),
  workflowExecutionTimedOutEventAttributes: closeAs(
    WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_TIMED_OUT,
  ),
  workflowExecutionCanceledEventAttributes: closeAs(
    WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_CANCELED,
  ),
  workflowExecutionTerminatedEventAttributes: closeAs(
    WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_TERMINATED,
  ),
  workflowExecutionContinuedAsNewEventAttributes: closeAs(
    WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_CONTINUED_AS_NEW,
  ),
};

export const isCloseCase = (eventCase: EventCase): boolean => Object.hasOwn(CLOSE_EVOLVERS, eventCase);
