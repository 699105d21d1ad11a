// Events that wait in this region for a decision to close, when another region's events replace or continue the branch: they are written
// out first, as part of its own branch: with the version that this region wrote last, or else with the domain's. So they reach the other
// regions, which add their signals again; nothing that was acknowledged is dropped with the buffer. Cadence: branchManager.flushBufferedEvents.
import { dataInconsistency } from '#base';
import { closeInFlightDecision, type DecideContext, type RunTransition, type WorkflowState } from '#core';
import { isOwnVersion, mayWrite } from './contexts.ts';
import { versionOf } from './run-clock.ts';

/** undefined: nothing waits. */
export function flushBuffer(state: WorkflowState, context: DecideContext): RunTransition | undefined {
  if (state.bufferedEvents.length === 0) return undefined;
  if (!isOwnVersion(context, versionOf(state)) && !mayWrite(context, state)) {
    throw dataInconsistency('Events wait in a run that this cluster neither wrote last nor may write.');
  }
  return closeInFlightDecision(state, context);
}
