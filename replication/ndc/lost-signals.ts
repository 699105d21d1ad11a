// Signals of a branch that lost: they were acknowledged, so the workflow gets them again, in the region that is active. Each keeps its
// request id, or gets one made of where it was, so that a signal counts once however often and wherever it is added again: by this
// region, by another whose events come later, or by the client that repeats its call.
import type { HistoryEvent } from '@antiphon/proto';
import { required } from '#base';
import {
  currentVersionHistory,
  type DecideContext,
  decide,
  forkBranch,
  type RunTransition,
  rebuild,
  resetWorkflow,
  versionOfEvent,
  type WorkflowState,
} from '#core';
import type { NdcTransaction } from '../ports.ts';
import { isClosed } from './run-clock.ts';

export function signalsOf(events: readonly HistoryEvent[], runId: string): readonly HistoryEvent[] {
  const signals: HistoryEvent[] = [];
  for (const event of events) {
    const { attributes } = event;
    if (attributes?.$case !== 'workflowExecutionSignaledEventAttributes') continue;
    const requestId = attributes.value.requestId || `lost-signal:${runId}:${event.eventId}:${event.version}`;
    signals.push({ ...event, attributes: { ...attributes, value: { ...attributes.value, requestId } } });
  }
  return signals;
}

const requestIdOf = ({ attributes }: HistoryEvent): string =>
  attributes?.$case === 'workflowExecutionSignaledEventAttributes' ? attributes.value.requestId : '';

/** Only those that the run has not taken. */
export const unseen = (signals: readonly HistoryEvent[], state: WorkflowState): readonly HistoryEvent[] =>
  signals.filter((signal) => !state.signalRequestIds.has(requestIdOf(signal)));

export interface Reapplied {
  readonly transition: RunTransition;
  readonly isNew: boolean;
}

/**
 * The workflow's current run with the signals added; a closed one is reset to its last decision, which then sees them. undefined: it has
 * them all, or was never decided and so cannot be reset.
 */
export async function reapplySignals(
  transaction: NdcTransaction,
  current: WorkflowState,
  signals: readonly HistoryEvent[],
): Promise<Reapplied | undefined> {
  const missing = unseen(signals, current);
  if (missing.length === 0) return undefined;
  const context = transaction.context();
  if (!isClosed(current)) {
    const { run } = decide(current, { kind: 'reapplySignals', events: missing }, context);
    return { transition: run, isNew: false };
  }
  const transition = await resetForSignals(transaction, current, missing, context);
  return transition === undefined ? undefined : { transition, isNew: true };
}

async function resetForSignals(
  transaction: NdcTransaction,
  closed: WorkflowState,
  signals: readonly HistoryEvent[],
  context: DecideContext,
): Promise<RunTransition | undefined> {
  const startedId = closed.info.lastProcessedEventId;
  if (startedId < 1) return undefined;
  const decisionFinishEventId = startedId + 1;
  const { branch: closedBranch, items } = currentVersionHistory(closed.versionHistories);
  const base = required(closedBranch, 'a version history has its branch');
  const branch = forkBranch(base, decisionFinishEventId, context.uuid());
  const newRunId = context.uuid();
  const { domainId, workflowId, runId } = closed.info;
  const batches = await transaction.readBranch(base, 1, decisionFinishEventId);
  const requestId = context.uuid();
  const rebuilt = rebuild(batches, { domainId, workflowId, runId: newRunId, branch, requestId });
  return resetWorkflow(
    rebuilt,
    {
      newRunId,
      requestId,
      reason: 'reapply signals of a branch that lost a version conflict',
      decisionFinishEventId,
      branch,
      forkEventVersion: required(versionOfEvent(items, startedId), 'the decision is on the branch'),
      baseRunId: runId,
      signals,
    },
    context,
  );
}
