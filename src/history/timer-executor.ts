// Executes due timer tasks. The engine decides what a due time means; archival and deletion of closed runs are done here.
import type { TimerTask } from '@antiphon/proto/internal';
import type { ClosedRun } from '#archival';
import { assert, unavailable } from '#base';
import { decide, domainOfRun, isActiveActive, lastWriteVersion, type WorkflowState } from '#core';
import type { RunKey } from '#persistence';
import type { HistoryContext } from './context.ts';
import { describeRun } from './describe.ts';
import { readBatches } from './history-reader.ts';
import { findState, loadDurableState } from './run-access.ts';
import { removeRun } from './run-removal.ts';
import { branchOf, isClosed } from './run-state.ts';
import type { ShardActor } from './shard-actor.ts';
import type { TaskOutcome } from './task-runner.ts';
import { outcomeOfRefusal } from './transfer-executor.ts';

export function createTimerExecutor(
  context: HistoryContext,
): (actor: ShardActor, task: TimerTask) => Promise<TaskOutcome> {
  const execute = async (actor: ShardActor, task: TimerTask): Promise<TaskOutcome> => {
    const { work } = task;
    if (work === undefined) return 'done';
    if (work.$case === 'archiveExecution') return archiveExecution(context, actor, task);
    if (work.$case === 'deleteHistory') return deleteHistory(context, actor, task);
    if (actor.cache.hasEnded(task)) return 'done';
    const domain = await context.domain(task.domainId);
    if (!domain.isActiveHere || isActiveActive(domain)) {
      const found = findState(actor, task);
      const state = found instanceof Promise ? await found : found;
      if (state === undefined) return 'done';
      const own = domainOfRun(domain, state.info.activeClusterSelectionPolicy);
      if (!own.isActiveHere) return isTimerStale(context, actor, state, task) ? 'done' : 'standby';
    }
    try {
      await context.run(task, { kind: 'fireTimer', task }, { nowMs: notBefore(context, task) });
      return 'done';
    } catch (error) {
      return outcomeOfRefusal(error);
    }
  };
  return execute;
}

/** The wall clock may have gone back since the task became due; to the engine it is due. */
const notBefore = (context: HistoryContext, task: TimerTask): number =>
  Math.max(context.deps.env.clock.nowMs(), task.fireTimeMs);

/** Asks the engine what the timer would do, and throws its answer away. */
export function isTimerStale(
  context: HistoryContext,
  actor: ShardActor,
  state: WorkflowState,
  task: TimerTask,
): boolean {
  const { work } = task;
  if (work === undefined) return true;
  if (work.$case === 'archiveExecution' || work.$case === 'deleteHistory') return false;
  if (isClosed(state)) return true;
  const domain = context.deps.domains.peekById(task.domainId);
  if (domain === undefined) return false;
  try {
    const own = domainOfRun(domain, state.info.activeClusterSelectionPolicy);
    const decideContext = context.decideContext(actor, own, { nowMs: notBefore(context, task) });
    return decide(state, { kind: 'fireTimer', task }, decideContext).reply.stale;
  } catch {
    // Only an answer counts: a refusal (it is not our turn to write, or the Started event is missing) keeps the task.
    return false;
  }
}

async function closedRun(context: HistoryContext, state: WorkflowState): Promise<ClosedRun> {
  const { store, domains } = context.deps;
  const { domainId, workflowId, runId, nextEventId } = state.info;
  const [view, record] = await Promise.all([context.domain(domainId), domains.record(domainId)]);
  const info = describeRun(state).workflowExecutionInfo;
  assert(info !== undefined, 'a described run has its info');
  const branch = branchOf(state);
  const { pageEventCount } = context.options;
  return {
    domainId,
    domainName: view.name,
    workflowId,
    runId,
    closeFailoverVersion: lastWriteVersion(state.versionHistories) ?? 0,
    info,
    historyUri: view.archivesHistory ? (record.domain?.historyArchivalUri ?? '') : '',
    visibilityUri: view.archivesVisibility ? (record.domain?.visibilityArchivalUri ?? '') : '',
    async *readBatches() {
      let from = 1;
      while (from < nextEventId) {
        const page = await readBatches(store.history, branch, { from, to: nextEventId }, pageEventCount);
        for (const batch of page.batches) yield batch.blob;
        from = page.nextEventId;
      }
    },
  };
}

const hasSameEvents = (a: WorkflowState, b: WorkflowState): boolean =>
  branchOf(a).branchId === branchOf(b).branchId && a.info.nextEventId === b.info.nextEventId;

async function archiveExecution(context: HistoryContext, actor: ShardActor, task: TimerTask): Promise<TaskOutcome> {
  const { archiver } = context.deps;
  if (archiver === undefined) return 'done';
  const state = await loadDurableState(actor, task);
  if (state === undefined || !isClosed(state)) return 'done';
  const domain = await context.domain(task.domainId);
  if (domain.archivesHistory || domain.archivesVisibility) await archiver.archive(await closedRun(context, state));
  return 'done';
}

/** Retention: first the archive, verified, then the records. What is deleted first can be deleted again if we die in between. */
async function deleteHistory(context: HistoryContext, actor: ShardActor, task: TimerTask): Promise<TaskOutcome> {
  const { archiver } = context.deps;
  const key: RunKey = { domainId: task.domainId, workflowId: task.workflowId, runId: task.runId };
  const state = await loadDurableState(actor, key);
  if (state === undefined || !isClosed(state)) return 'done';
  const domain = await context.domain(task.domainId);
  if (domain.archivesHistory || domain.archivesVisibility) {
    if (archiver === undefined) throw unavailable('the domain archives, and there is no archiver');
    await archiver.archive(await closedRun(context, state));
  }
  await removeRun(context, actor, key, (found) => {
    // Conflict resolution may have put other events in their place meanwhile: those have to be archived first.
    if (isClosed(found) && !hasSameEvents(found, state)) throw unavailable('the run changed while it was archived');
    return isClosed(found);
  });
  return 'done';
}
