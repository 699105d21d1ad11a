// A run reset to an earlier decision: a new run whose history is a branch of the base run's (semantics §2.14). `rebuilt` is the state of
// the base run's events before the reset point; the first new event tells, in every region, that this is a reset.

import { DecisionTaskFailedCause, DecisionTaskTimedOutCause, type Failure, TimeoutType } from '@antiphon/proto';
import { badRequest } from '#base';
import { addActivityFailed } from './activity-commands.ts';
import { addEvent } from './add-event.ts';
import type { DecideContext, ResetWorkflow } from './commands.ts';
import { addSignaled } from './create-workflow.ts';
import { failDecision, SERVICE_IDENTITY, scheduleDecision } from './decision-task.ts';
import { Draft } from './draft.ts';
import { addAllTasks } from './event-tasks.ts';
import type { RunTransition } from './transition.ts';
import { currentVersionHistory } from './version-histories.ts';
import type { WorkflowState } from './workflow-state.ts';

export function resetWorkflow(rebuilt: WorkflowState, command: ResetWorkflow, context: DecideContext): RunTransition {
  if (rebuilt.children.size > 0) throw badRequest('Can not reset workflow with pending child workflows');
  const draft = new Draft(asNewRun(rebuilt, command), context, context.domain.failoverVersion);
  closeDecisionByReset(draft, command);
  failStartedActivities(draft, { reason: command.reason, details: new Uint8Array(0) });
  for (const event of command.signals) {
    if (event.attributes?.$case !== 'workflowExecutionSignaledEventAttributes') continue;
    // Cadence drops the request id; with it, a client or region that sends the signal again is still recognised.
    const { signalName, input, identity, requestId } = event.attributes.value;
    addSignaled(draft, { signalName, input, identity, requestId });
  }
  scheduleDecision(draft);
  // The tasks of the whole state take the place of those of the new events.
  draft.transfer.length = 0;
  draft.timer.length = 0;
  addAllTasks(draft);
  return draft.finish();
}

/** The rebuilt state under its new run id, on the forked branch. */
function asNewRun(rebuilt: WorkflowState, command: ResetWorkflow): WorkflowState {
  const { items } = currentVersionHistory(rebuilt.versionHistories);
  const info = { ...rebuilt.info, runId: command.newRunId, createRequestId: command.requestId };
  const versionHistories = { currentIndex: 0, histories: [{ branch: command.branch, items }] };
  return { ...rebuilt, info, versionHistories };
}

function closeDecisionByReset(draft: Draft, command: ResetWorkflow): void {
  const { decision } = draft.info;
  if (decision === undefined) throw badRequest('Cannot reset workflow without a decision task schedule.');
  const { baseRunId, newRunId, forkEventVersion, requestId, reason } = command;
  if (decision.startedId !== 0) {
    failDecision(draft, {
      cause: DecisionTaskFailedCause.DECISION_TASK_FAILED_CAUSE_RESET_WORKFLOW,
      reason,
      identity: SERVICE_IDENTITY,
      reset: { baseRunId, newRunId, forkEventVersion, requestId },
    });
    return;
  }
  addEvent(draft, {
    $case: 'decisionTaskTimedOutEventAttributes',
    value: {
      scheduledEventId: BigInt(decision.scheduleId),
      startedEventId: 0n,
      timeoutType: TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START,
      baseRunId,
      newRunId,
      forkEventVersion: BigInt(forkEventVersion),
      reason,
      cause: DecisionTaskTimedOutCause.DECISION_TASK_TIMED_OUT_CAUSE_RESET,
      requestId,
    },
  });
}

/** Their workers answer to the base run; the workflow may ask for them again. */
function failStartedActivities(draft: Draft, failure: Failure): void {
  for (const activity of [...draft.activities.current.values()]) {
    if (activity.startedId !== 0) addActivityFailed(draft, activity, failure, '');
  }
}
