// Events that wait in this region for a decision to close, when another region's events replace or continue the branch: they are written
// out first, with the version that this region wrote last, as part of its own branch. So they reach the other regions, which add their
// signals again; nothing that was acknowledged is dropped with the buffer. Cadence: branchManager.flushBufferedEvents.
import { DecisionTaskFailedCause } from '@antiphon/proto';
import { dataInconsistency, required } from '#base';
import { type DecideContext, decide, type RunTransition, type WorkflowState } from '#core';
import { contextWithVersion, isOwnVersion } from './contexts.ts';
import { versionOf } from './run-clock.ts';

/** undefined: nothing waits. */
export function flushBuffer(state: WorkflowState, context: DecideContext): RunTransition | undefined {
  if (state.bufferedEvents.length === 0) return undefined;
  const decision = required(state.info.decision, 'events wait only for a decision in flight');
  const lastVersion = versionOf(state);
  const isOwn = isOwnVersion(context, lastVersion);
  if (!isOwn && !context.domain.isActiveHere) {
    throw dataInconsistency('Events wait in a run that this cluster neither wrote last nor may write.');
  }
  const transition = decide(
    state,
    {
      kind: 'respondDecisionTaskFailed',
      scheduleId: decision.scheduleId,
      attempt: decision.attempt,
      cause: DecisionTaskFailedCause.DECISION_TASK_FAILED_CAUSE_FAILOVER_CLOSE_DECISION,
      identity: 'history-service',
      binaryChecksum: '',
    },
    isOwn ? contextWithVersion(context, lastVersion) : context,
  );
  return transition.run;
}
