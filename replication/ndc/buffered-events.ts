// Events that wait in this region for a decision to close, when another region's events replace or continue the branch: they are written
// out first, with the version that this region wrote last, as part of its own branch. So they reach the other regions, which add their
// signals again; nothing that was acknowledged is dropped with the buffer. Cadence: branchManager.flushBufferedEvents.
import { dataInconsistency } from '#base';
import { closeInFlightDecision, type DecideContext, decide, type RunTransition, type WorkflowState } from '#core';
import { isOwnVersion, mayWrite } from './contexts.ts';
import { versionOf } from './run-clock.ts';

/** undefined: nothing waits. */
export function flushBuffer(state: WorkflowState, context: DecideContext): RunTransition | undefined {
  if (state.bufferedEvents.length === 0) return undefined;
  if (isOwnVersion(context, versionOf(state))) return closeInFlightDecision(state, context);
  if (!mayWrite(context, state)) {
    throw dataInconsistency('Events wait in a run that this cluster neither wrote last nor may write.');
  }
  // Any command closes what an older version left in flight; this one does nothing else.
  const flushed = decide(state, { kind: 'refreshTasks' }, context).run;
  // Callers decide again on what they get: without this they would for ever.
  if (flushed.state.bufferedEvents.length > 0) {
    throw dataInconsistency("Events wait for a decision whose failover version is not older than the domain's.");
  }
  return flushed;
}
