// Applies one replicated batch to a workflow of this region. Idempotent, in any order: what is known is dropped, what is too early asks for
// the events before it (RetryTaskV2), what conflicts is resolved by version. All of it is one commit of the workflow's shard.
// Cadence: service/history/ndc/history_replicator.go.
import type { HistoryEvent } from '@antiphon/proto';
import type { HistoryBranch, VersionHistories, VersionHistory } from '@antiphon/proto/internal';
import { EntityNotExistsError, RetryTaskV2Error, required } from '#base';
import {
  addVersionHistory,
  addVersionItem,
  applyEvents,
  currentVersionHistory,
  forkBranch,
  itemsUpTo,
  type RunTransition,
  replaceVersionHistory,
  versionOfEvent,
  type WorkflowState,
  withCurrentIndex,
} from '#core';
import type { HistoryReplicationRequest } from '#rpc';
import type { NdcHost, NdcTransaction, NdcWrites } from '../ports.ts';
import { type BranchDecision, decideBranch } from './branch-decision.ts';
import { flushBuffer } from './buffered-events.ts';
import { mayWrite } from './contexts.ts';
import { type ReplicatedRun, type Settled, settleCurrentRun } from './current-run.ts';
import { addLostSignals, eventsAfterFork } from './lost-signals.ts';
import { rebuildRun } from './rebuild-run.ts';
import { type ReplicatedBatch, readBatch } from './replicated-batch.ts';
import { currentRunOf, isZombie } from './run-clock.ts';
import { missingSignals, requestIdsOf, signalsOf } from './signal-events.ts';

const NO_TASKS = { transfer: [], timer: [], replication: [] } as const;

type Placed = Extract<BranchDecision, { kind: 'append' | 'fork' }>;

export function replicateEvents(host: NdcHost, request: HistoryReplicationRequest): Promise<void> {
  const batch = readBatch(request);
  return host.withWorkflow(request.domainId, request.workflowId, async (transaction) => {
    const state = await transaction.loadRun(request.runId);
    if (state !== undefined) return applyToRun(transaction, request, batch, state);
    if (request.mustExist) {
      throw new EntityNotExistsError(`Run ${request.runId} of workflow ${request.workflowId} is not here.`);
    }
    if (batch.firstEventId !== 1) throw gapError(request, batch, undefined);
    return createRun(transaction, request, batch);
  });
}

function gapError(
  request: HistoryReplicationRequest,
  batch: ReplicatedBatch,
  start: { eventId: number; version: number } | undefined,
): RetryTaskV2Error {
  const { domainId, workflowId, runId } = request;
  const end = { eventId: batch.firstEventId, version: batch.version };
  const from = start === undefined ? {} : { start: { eventId: start.eventId, version: start.version } };
  return new RetryTaskV2Error({ domainId, workflowId, runId, end, ...from });
}

/** The request id that a replicated start counts as: the client's own, when the event has it. */
function startRequestId(events: ReplicatedBatch['events'], fallback: string): string {
  const attributes = events[0]?.attributes;
  const isStart = attributes?.$case === 'workflowExecutionStartedEventAttributes';
  return (isStart ? attributes.value.requestId : '') || fallback;
}

function createdRun(transaction: NdcTransaction, runId: string, events: ReplicatedBatch['events']): ReplicatedRun {
  const { domainId, workflowId } = transaction;
  const context = transaction.context();
  const branch: HistoryBranch = { treeId: runId, branchId: context.uuid(), ancestors: [] };
  const requestId = startRequestId(events, context.uuid());
  const transition = applyEvents(undefined, { domainId, workflowId, runId, branch, events, requestId }, context);
  return { transition, isNew: true, needsAllTasks: false, wasZombie: false };
}

/** The run that the batch continues as, unless it came by itself already. */
async function newRunOf(
  transaction: NdcTransaction,
  request: HistoryReplicationRequest,
): Promise<ReplicatedRun | undefined> {
  if (request.newRunEvents.length === 0) return undefined;
  const known = await transaction.loadRun(request.newRunId);
  return known === undefined ? createdRun(transaction, request.newRunId, request.newRunEvents) : undefined;
}

async function createRun(
  transaction: NdcTransaction,
  request: HistoryReplicationRequest,
  batch: ReplicatedBatch,
): Promise<void> {
  const created = createdRun(transaction, request.runId, batch.events);
  const newRun = await newRunOf(transaction, request);
  await commitSettled(transaction, batch, await settleCurrentRun(transaction, created, newRun));
}

async function applyToRun(
  transaction: NdcTransaction,
  request: HistoryReplicationRequest,
  batch: ReplicatedBatch,
  state: WorkflowState,
): Promise<void> {
  const decision = decideBranch(state.versionHistories, batch);
  if (decision.kind === 'duplicate') return;
  if (decision.kind === 'gap') throw gapError(request, batch, decision.from);
  if (decision.outcome === 'loses') return backfill(transaction, request, batch, state, decision);
  const flushed = flushBuffer(state, transaction.context(state));
  if (flushed !== undefined) {
    // A step of its own: the branch is longer now, so everything is decided again.
    await transaction.commit({
      runs: [{ transition: flushed, isNew: false }],
      ...(await currentColumns(transaction, flushed)),
    });
    return applyToRun(transaction, request, batch, flushed.state);
  }
  if (decision.outcome === 'current') return append(transaction, request, batch, state);
  return switchBranch(transaction, request, batch, state, decision);
}

/** The current run's columns, when this is the current run. */
async function currentColumns(
  transaction: NdcTransaction,
  { state }: RunTransition,
): Promise<Pick<NdcWrites, 'current'>> {
  const stored = await transaction.currentRun();
  return stored?.runId === state.info.runId ? { current: currentRunOf(state) } : {};
}

const branchAt = (histories: VersionHistories, index: number): HistoryBranch =>
  required(histories.histories[index]?.branch, 'a version history has its branch');

async function append(
  transaction: NdcTransaction,
  request: HistoryReplicationRequest,
  batch: ReplicatedBatch,
  state: WorkflowState,
): Promise<void> {
  const { domainId, workflowId, runId } = request;
  const branch = branchAt(state.versionHistories, state.versionHistories.currentIndex);
  const requestId = state.info.createRequestId;
  const input = { domainId, workflowId, runId, branch, events: batch.events, requestId };
  const transition = applyEvents(state, input, transaction.context());
  const target = { transition, isNew: false, needsAllTasks: false, wasZombie: isZombie(state) };
  const settled = await settleCurrentRun(transaction, target, await newRunOf(transaction, request));
  await commitSettled(transaction, batch, settled);
}

/** Signals of a run that another, of a later version, keeps from counting reach that other run. */
async function commitSettled(transaction: NdcTransaction, batch: ReplicatedBatch, settled: Settled): Promise<void> {
  const { runId } = batch;
  const signals = settled.lostToVersion ? signalsOf(batch.events, runId) : [];
  const missing = missingSignals(signals, settled.counting.signalRequestIds);
  await transaction.commit(await addLostSignals(transaction, settled, { runId, signals: missing }));
}

/** The run's branches with the one that the batch goes to, before the batch. */
function placeBranch(
  transaction: NdcTransaction,
  histories: VersionHistories,
  decision: Placed,
): { histories: VersionHistories; index: number } {
  if (decision.kind === 'append') return { histories, index: decision.index };
  const parent = required(histories.histories[decision.index], 'the branch to fork exists');
  const branchId = transaction.context().uuid();
  const branch = forkBranch(required(parent.branch, 'it has a branch'), decision.lca.eventId + 1, branchId);
  return addVersionHistory(histories, { branch, items: itemsUpTo(parent.items, decision.lca) });
}

/** Keeps the events of a losing branch. Where this region is active, their signals reach the current run in the same commit. */
async function backfill(
  transaction: NdcTransaction,
  request: HistoryReplicationRequest,
  batch: ReplicatedBatch,
  state: WorkflowState,
  decision: Placed,
): Promise<void> {
  const { histories, index } = placeBranch(transaction, state.versionHistories, decision);
  const branch = branchAt(histories, index);
  const items = addVersionItem(histories.histories[index]?.items ?? [], batch.lastEventId, batch.version);
  const versionHistories = replaceVersionHistory(histories, index, { branch, items });
  const kept: RunTransition = {
    state: { ...state, versionHistories },
    batches: [{ branch, events: batch.events }],
    tasks: NO_TASKS,
  };
  const newRun = await newRunOf(transaction, request);
  const writes = await withItsSignals(transaction, kept, batch, { branch, items });
  if (newRun === undefined) return transaction.commit(writes);
  // A run that only the losing branch knows: older than the current one, it rests.
  const settled = await settleCurrentRun(transaction, newRun, undefined);
  await transaction.commit({ ...settled.writes, ...writes, runs: [...writes.runs, ...settled.writes.runs] });
}

/** The writes of a kept batch and of the signals that the run that counts takes over from it. */
async function withItsSignals(
  transaction: NdcTransaction,
  kept: RunTransition,
  batch: ReplicatedBatch,
  loser: VersionHistory,
): Promise<NdcWrites> {
  const writes = { runs: [{ transition: kept, isNew: false }] };
  const { runId } = kept.state.info;
  const stored = await transaction.currentRun();
  const isSameRun = stored === undefined || stored.runId === runId;
  const counting = isSameRun ? kept.state : await transaction.loadRun(stored.runId);
  const signals = signalsOf(batch.events, runId);
  if (counting === undefined || signals.length === 0) return writes;
  const winner = currentVersionHistory(counting.versionHistories);
  const present = isSameRun
    ? requestIdsOf(signalsOf(await eventsAfterFork(transaction, winner, loser), runId))
    : counting.signalRequestIds;
  const missing = missingSignals(signals, present);
  return addLostSignals(transaction, { writes, counting }, { runId, signals: missing });
}

/** The batch's branch becomes the current one: the state is what its events tell. */
async function switchBranch(
  transaction: NdcTransaction,
  request: HistoryReplicationRequest,
  batch: ReplicatedBatch,
  state: WorkflowState,
  decision: Placed,
): Promise<void> {
  const { domainId, workflowId, runId } = request;
  const placed = placeBranch(transaction, state.versionHistories, decision);
  const histories = withCurrentIndex(placed.histories, placed.index);
  const current = currentVersionHistory(histories);
  const branch = branchAt(histories, placed.index);
  const last = required(current.items.at(-1), 'a branch has events');
  const rebuilt = await rebuildRun(transaction, state, { branch, last, histories });
  const requestId = state.info.createRequestId;
  const input = { domainId, workflowId, runId, branch, events: batch.events, requestId };
  const applied = applyEvents(rebuilt, input, transaction.context());
  const target = { transition: applied, isNew: false, needsAllTasks: true, wasZombie: isZombie(state) };
  const settled = await settleCurrentRun(transaction, target, await newRunOf(transaction, request));
  const lost = await lostSignals(transaction, state, applied, settled.counting);
  await transaction.commit(await addLostSignals(transaction, settled, { runId, signals: lost }));
}

/** Signals of the branch that was current until now, which the run that counts does not have. */
async function lostSignals(
  transaction: NdcTransaction,
  before: WorkflowState,
  applied: RunTransition,
  counting: WorkflowState,
): Promise<readonly HistoryEvent[]> {
  if (!mayWrite(transaction.context(counting), counting)) return [];
  const { runId } = before.info;
  const loser = currentVersionHistory(before.versionHistories);
  const winner = currentVersionHistory(applied.state.versionHistories);
  const own = signalsOf(await eventsAfterFork(transaction, loser, winner), runId);
  if (own.length === 0) return [];
  if (counting.info.runId !== runId) return missingSignals(own, counting.signalRequestIds);
  const kept = itemsUpTo(winner.items, required(committedTip(applied, winner), 'the branch had events before'));
  const committed = await eventsAfterFork(transaction, { ...winner, items: kept }, loser);
  const events = [...committed, ...applied.batches.flatMap((written) => written.events)];
  return missingSignals(own, requestIdsOf(signalsOf(events, runId)));
}

/** The last event of the branch that is in the store: the one before the batch just applied. */
function committedTip(applied: RunTransition, history: VersionHistory) {
  const eventId = Number(applied.batches[0]?.events[0]?.eventId) - 1;
  const version = versionOfEvent(history.items, eventId);
  return version === undefined ? undefined : { eventId, version };
}
