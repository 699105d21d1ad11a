// Resetting a run to an earlier decision (semantics §2.14): the history up to there is shared with the base run as a fork of its branch, the
// state is rebuilt from it, and the current run ends in the same commit in which the new one begins.
import type { HistoryEvent } from '@antiphon/proto';
import { badRequest } from '#base';
import {
  type DomainView,
  decide,
  forkBranch,
  isRunning,
  lastWriteVersion,
  rebuild,
  resetWorkflow,
  sameAttribute,
  withHistorySize,
} from '#core';
import { uuidV7 } from '#env';
import type { HistoryClient } from '#rpc';
import type { HistoryContext } from './context.ts';
import { encodeEvents, readAllEvents } from './history-reader.ts';
import { HISTORY_IDENTITY } from './outside-work.ts';
import { branchOf } from './run-state.ts';
import type { ShardActor } from './shard-actor.ts';
import { requireLaterVersion } from './start-api.ts';
import type { RunEntry, Slot } from './workflow-cache.ts';

type ResetRequest = Parameters<HistoryClient['resetWorkflow']>[1];

const RESET_EVENTS: ReadonlySet<string> = new Set([
  'decisionTaskStartedEventAttributes',
  'decisionTaskCompletedEventAttributes',
  'decisionTaskFailedEventAttributes',
  'decisionTaskTimedOutEventAttributes',
]);
// A chain of continued runs is followed this far for signals.
const SUCCESSORS_MAX = 1_000;

export function createResetApi(context: HistoryContext): Pick<HistoryClient, 'resetWorkflow'> {
  const { env, store } = context.deps;

  const readAll = (entry: RunEntry): Promise<HistoryEvent[][]> =>
    readAllEvents(store.history, branchOf(entry.state), 1, entry.state.info.nextEventId);

  /** Signals after the reset point, in the base run and in the runs that it was continued as. */
  const laterSignals = async (
    actor: ShardActor,
    slot: Slot,
    baseEvents: readonly HistoryEvent[],
  ): Promise<HistoryEvent[]> => {
    const signals: HistoryEvent[] = [];
    let events = baseEvents;
    for (let count = 0; count < SUCCESSORS_MAX; count++) {
      signals.push(
        ...events.filter(({ attributes }) => attributes?.$case === 'workflowExecutionSignaledEventAttributes'),
      );
      const last = events.at(-1)?.attributes;
      if (last?.$case !== 'workflowExecutionContinuedAsNewEventAttributes') break;
      const next = await actor.findRun(slot, last.value.newExecutionRunId);
      if (next === undefined) break;
      events = (await readAll(next)).flat();
    }
    return signals;
  };

  const reset = async (
    actor: ShardActor,
    slot: Slot,
    domain: DomainView,
    baseRunId: string,
    request: ResetRequest,
  ): Promise<{ runId: string }> => {
    const current = await actor.loadRun(slot, '');
    if (request.requestId !== '' && current.state.info.createRequestId === request.requestId) {
      return { runId: current.key.runId };
    }
    const base = baseRunId === '' ? current : await actor.loadRun(slot, baseRunId);
    // The events are read from the store: what is on its way there has to arrive first.
    await slot.uncommitted?.durable.promise;
    const finishId = request.decisionFinishEventId;
    const batches = await readAll(base);
    requireResetPoint(base, batches, finishId);
    const signals = request.skipSignalReapply
      ? []
      : await laterSignals(
          actor,
          slot,
          batches.flat().filter(({ eventId }) => Number(eventId) >= finishId),
        );
    actor.assertOpen();

    const kept = keepBefore(batches, finishId);
    const newRunId = uuidV7(env);
    const branch = forkBranch(branchOf(base.state), kept.forkEventId, uuidV7(env));
    const { domainId, workflowId } = slot;
    const identity = { domainId, workflowId, runId: base.key.runId, branch, requestId: request.requestId };
    const rebuilt = withHistorySize(rebuild(kept.batches, identity), kept.sizeBytes);
    const own = context.activeOf(domain, base.state);
    const { versionHistories, info } = current.state;
    if (!sameAttribute(info.activeClusterSelectionPolicy, base.state.info.activeClusterSelectionPolicy)) {
      requireLaterVersion(own, lastWriteVersion(versionHistories) ?? own.failoverVersion, workflowId);
    }
    const decideContext = context.decideContext(actor, own);
    // First the end of the old run, then the new one: other regions take the run with the later event for the current one.
    const updates = [];
    if (isRunning(current.state)) {
      const terminate = { kind: 'terminate' as const, reason: request.reason, identity: HISTORY_IDENTITY };
      const currentContext = context.decideContext(actor, context.activeOf(domain, current.state));
      updates.push({ entry: current, transition: decide(current.state, terminate, currentContext).run });
    }
    const transition = resetWorkflow(
      rebuilt,
      {
        newRunId,
        requestId: request.requestId,
        reason: request.reason,
        decisionFinishEventId: finishId,
        branch,
        forkEventVersion: Number(kept.batches.at(-1)?.at(-1)?.version ?? 0n),
        baseRunId: base.key.runId,
        signals: takenOnce(signals, rebuilt.signalRequestIds),
      },
      decideContext,
    );
    if (kept.copied !== undefined) {
      const { treeId, branchId } = branch;
      actor.addNode({ treeId, branchId, ...kept.copied });
    }
    actor.write(slot, { updates, creates: [transition] });
    return { runId: newRunId };
  };

  return {
    async resetWorkflow(run, request) {
      const domain = await context.activeDomain(run.domainId);
      const actor = await context.shards.of(run.workflowId);
      actor.requireRoom();
      return actor.exclusive(run.domainId, run.workflowId, (slot) => reset(actor, slot, domain, run.runId, request));
    },
  };
}

function requireResetPoint(base: RunEntry, batches: readonly HistoryEvent[][], finishId: number): void {
  const { info } = base.state;
  if (!info.hasProcessedOrPendingDecision) {
    throw badRequest('Cannot reset workflow without a decision task schedule.');
  }
  if (finishId <= 1 || finishId >= info.nextEventId) {
    throw badRequest('Decision finish ID must be > 1 && <= workflow next event ID.');
  }
  const event = batches.flat().find(({ eventId }) => Number(eventId) === finishId);
  if (event?.attributes === undefined || !RESET_EVENTS.has(event.attributes.$case)) {
    const name = event?.attributes?.$case.replace(/EventAttributes$/, '') ?? 'unknown';
    throw badRequest(
      'reset event must be of type DecisionTaskStarted, DecisionTaskTimedOut, DecisionTaskFailed, or DecisionTaskCompleted. ' +
        `Attempting to reset on event type: ${name.charAt(0).toUpperCase()}${name.slice(1)}`,
    );
  }
}

/** A signal that was sent again after its run continued as new is in both runs: the new one takes it once. */
function takenOnce(signals: readonly HistoryEvent[], known: ReadonlySet<string>): readonly HistoryEvent[] {
  const seen = new Set(known);
  return signals.filter(({ attributes }) => {
    const requestId =
      attributes?.$case === 'workflowExecutionSignaledEventAttributes' ? attributes.value.requestId : '';
    if (requestId === '') return true;
    if (seen.has(requestId)) return false;
    seen.add(requestId);
    return true;
  });
}

interface KeptHistory {
  readonly batches: readonly (readonly HistoryEvent[])[];
  readonly sizeBytes: number;
  /** Where the new branch begins: nodes before it are shared. */
  readonly forkEventId: number;
  /** The kept part of a batch that the reset point cuts in two: a node of the new branch. */
  readonly copied: { nodeId: number; blob: Uint8Array; eventCount: number } | undefined;
}

function keepBefore(batches: readonly (readonly HistoryEvent[])[], finishId: number): KeptHistory {
  const kept: (readonly HistoryEvent[])[] = [];
  let sizeBytes = 0;
  for (const batch of batches) {
    const firstId = Number(batch[0]?.eventId);
    if (firstId >= finishId) break;
    const isWhole = firstId + batch.length <= finishId;
    const part = isWhole ? batch : batch.slice(0, finishId - firstId);
    const blob = encodeEvents(part);
    sizeBytes += blob.length;
    kept.push(part);
    if (!isWhole) {
      const copied = { nodeId: firstId, blob, eventCount: part.length };
      return { batches: kept, sizeBytes, forkEventId: firstId, copied };
    }
  }
  return { batches: kept, sizeBytes, forkEventId: finishId, copied: undefined };
}
