// What a run needs when its domain's active cluster changed, in the region that gained it and in the one that lost it. Both idempotent.
// Lost: events that wait for a decision are written out, with the version that this region wrote last, so that what was acknowledged here
// reaches the other regions without waiting for their events. Gained: signals that only branches which lost before still hold are added:
// this region was passive when they lost, and the other one, which received them, may have ceased to be active by then. They go to the run
// that counts, also when the one that lost them was succeeded by another (continued as new, reset, started again) meanwhile.
import type { HistoryEvent } from '@antiphon/proto';
import { required } from '#base';
import { currentVersionHistory, type WorkflowState } from '#core';
import type { CurrentRun } from '#persistence';
import type { NdcHost, NdcTransaction } from '../ports.ts';
import { flushBuffer } from './buffered-events.ts';
import { isOwnVersion, mayWrite } from './contexts.ts';
import { addLostSignals, eventsAfterFork } from './lost-signals.ts';
import { currentRunOf, isClosed, isZombie, versionOf } from './run-clock.ts';
import { missingSignals, requestIdsOf, signalsOf } from './signal-events.ts';

const SUCCESSORS_MAX = 100;

/** Worth calling for runs that are open or have several branches; for others it does nothing. */
export function settleRunAfterFailover(
  host: NdcHost,
  run: { readonly domainId: string; readonly workflowId: string; readonly runId: string },
): Promise<void> {
  return host.withWorkflow(run.domainId, run.workflowId, async (transaction) => {
    const state = await transaction.loadRun(run.runId);
    if (state === undefined || isZombie(state)) return;
    const stored = await transaction.currentRun();
    const isCurrent = stored?.runId === run.runId;
    if (transaction.context(state).domain.isActiveHere) {
      await recoverLostSignals(transaction, state, isCurrent ? state : await loadCurrent(transaction, stored));
    } else if (!isClosed(state)) {
      await flushWaitingEvents(transaction, state, isCurrent);
    }
  });
}

async function flushWaitingEvents(
  transaction: NdcTransaction,
  state: WorkflowState,
  isCurrent: boolean,
): Promise<void> {
  const context = transaction.context(state);
  if (!isOwnVersion(context, versionOf(state))) return;
  const transition = flushBuffer(state, context);
  if (transition === undefined) return;
  const current = isCurrent ? { current: currentRunOf(transition.state) } : {};
  await transaction.commit({ runs: [{ transition, isNew: false }], ...current });
}

const loadCurrent = async (transaction: NdcTransaction, current: CurrentRun | undefined) =>
  current === undefined ? undefined : transaction.loadRun(current.runId);

/** `counting`: the run that the workflow id means; another than `state` when that one was succeeded before its signals had their turn. */
async function recoverLostSignals(
  transaction: NdcTransaction,
  state: WorkflowState,
  counting: WorkflowState | undefined,
): Promise<void> {
  if (state.versionHistories.histories.length < 2) return;
  if (counting === undefined || !mayWrite(transaction.context(counting), counting)) return;
  const { runId } = state.info;
  const lost = await signalsOfLosers(transaction, state);
  if (lost.length === 0) return;
  const signals = counting === state ? lost : missingSignals(lost, await requestIdsSince(transaction, state, counting));
  if (signals.length === 0) return;
  const writes = await addLostSignals(transaction, { writes: { runs: [] }, counting }, { runId, signals });
  if (writes.runs.length > 0) await transaction.commit(writes);
}

/** Signals that only branches which lost have, each once. */
async function signalsOfLosers(transaction: NdcTransaction, state: WorkflowState): Promise<readonly HistoryEvent[]> {
  const { runId } = state.info;
  const current = currentVersionHistory(state.versionHistories);
  const found = new Set<string>();
  const signals: HistoryEvent[] = [];
  for (const history of state.versionHistories.histories) {
    if (history === current) continue;
    const present = requestIdsOf(signalsOf(await eventsAfterFork(transaction, current, history), runId));
    const lost = signalsOf(await eventsAfterFork(transaction, history, current), runId);
    for (const signal of missingSignals(missingSignals(lost, present), found)) {
      for (const id of requestIdsOf([signal])) found.add(id);
      signals.push(signal);
    }
  }
  return signals;
}

/** What the runs from `counting` back to `state` took: any of them may have been given the signals before it ended. */
async function requestIdsSince(
  transaction: NdcTransaction,
  state: WorkflowState,
  counting: WorkflowState,
): Promise<ReadonlySet<string>> {
  const ids = new Set(counting.signalRequestIds);
  let run: WorkflowState | undefined = counting;
  for (let back = 0; run !== undefined && back < SUCCESSORS_MAX; back++) {
    const before = await predecessorOf(transaction, run);
    run = before === undefined || before === state.info.runId ? undefined : await transaction.loadRun(before);
    for (const id of run?.signalRequestIds ?? []) ids.add(id);
  }
  return ids;
}

/** The run that this one was reset from, else the one that it continues. */
async function predecessorOf(transaction: NdcTransaction, run: WorkflowState): Promise<string | undefined> {
  const branch = required(currentVersionHistory(run.versionHistories).branch, 'a version history has its branch');
  if (branch.treeId !== run.info.runId) return branch.treeId;
  const [batch] = await transaction.readBranch(branch, 1, 2);
  const attributes = batch?.[0]?.attributes;
  if (attributes?.$case !== 'workflowExecutionStartedEventAttributes') return undefined;
  return attributes.value.continuedExecutionRunId || undefined;
}
