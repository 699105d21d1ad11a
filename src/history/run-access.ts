// What executors need of a run: its state, and single events of its history.
import type { HistoryEvent } from '@antiphon/proto';
import { assert } from '#base';
import { decodeState, type WorkflowState } from '#core';
import type { RunKey } from '#persistence';
import type { RunRef } from '#rpc';
import type { HistoryContext } from './context.ts';
import { decodeEvents, readBatches } from './history-reader.ts';
import { branchOf } from './run-state.ts';
import type { ShardActor } from './shard-actor.ts';

type Attributes = NonNullable<HistoryEvent['attributes']>;
export type AttributesOf<C extends Attributes['$case']> = Extract<Attributes, { $case: C }>['value'];

/**
 * The newest state, or undefined when the run is gone. It may not be durable yet, which is fine for a task: what it makes the task do or skip
 * is written after it, in the same or a later group.
 */
export function findState(actor: ShardActor, key: RunKey): WorkflowState | Promise<WorkflowState | undefined> {
  const known = actor.cache.peek(key.domainId, key.workflowId)?.runs.get(key.runId);
  if (known !== undefined) return known.state;
  return actor.exclusive(key.domainId, key.workflowId, async (slot) => (await actor.findRun(slot, key.runId))?.state);
}

/** One event of the current branch, whose batch begins at `batchFirstId`. `actor`: undefined when the run is another host's. */
export async function loadEvent(
  context: HistoryContext,
  actor: ShardActor | undefined,
  state: WorkflowState,
  eventId: number,
  batchFirstId: number,
): Promise<HistoryEvent> {
  const { domainId, workflowId, runId } = state.info;
  const branch = branchOf(state);
  const entry = actor?.cache.peek(domainId, workflowId)?.runs.get(runId);
  const recent = entry?.recent.find(branch.branchId, eventId);
  if (recent !== undefined) return recent;
  const from = batchFirstId > 0 ? batchFirstId : eventId;
  const range = { from, to: eventId + 1 };
  const { batches } = await readBatches(context.deps.store.history, branch, range, eventId + 1 - from);
  for (const batch of batches) {
    const found = decodeEvents(batch.blob).find((event) => Number(event.eventId) === eventId);
    if (found !== undefined) return found;
  }
  assert(false, 'an event of the history is there', { 'wf-id': workflowId, 'wf-run-id': runId, eventId });
}

/** The event that asked for outside work, and its attributes. */
export async function loadInitiated<C extends Attributes['$case']>(
  context: HistoryContext,
  actor: ShardActor,
  state: WorkflowState,
  eventCase: C,
  at: { readonly initiatedId: number; readonly initiatedEventBatchId: number },
): Promise<{ readonly event: HistoryEvent; readonly attributes: AttributesOf<C> }> {
  const event = await loadEvent(context, actor, state, at.initiatedId, at.initiatedEventBatchId);
  const { attributes } = event;
  assert(attributes?.$case === eventCase, 'an initiated event is of its kind', { eventCase });
  return { event, attributes: attributes.value as AttributesOf<C> }; // The case was just compared.
}

/** The state as it is durable: for what is shown to others. */
export async function loadDurableState(actor: ShardActor, key: RunKey): Promise<WorkflowState | undefined> {
  return actor.exclusive(key.domainId, key.workflowId, (slot) => {
    const known = actor.peekRun(slot, key.runId);
    return known === undefined ? actor.findRun(slot, key.runId).then((entry) => entry?.state) : known.state;
  });
}

/**
 * The durable state of a run of any shard, this host's or another's; undefined: there is none. `isProven`: that is the owner's word, shown by a
 * commit.
 */
export async function loadStateAnywhere(
  context: HistoryContext,
  run: RunRef,
  isProven: boolean,
): Promise<{ readonly state: WorkflowState | undefined; readonly actor: ShardActor | undefined }> {
  if (!context.shards.isHere(run.workflowId)) {
    const record = await context.client().findRecord(run, { isProven });
    return { state: record && decodeState(record, []), actor: undefined };
  }
  const actor = await context.shards.of(run.workflowId);
  const state = await loadDurableState(actor, run);
  if (isProven) await actor.proveOwned();
  return { state, actor };
}
