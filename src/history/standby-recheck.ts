// Some tasks that a passive region holds are done when another workflow's replicated history shows it: a close, when the parent was told and the
// children dealt with; the start of a child, when the child has its first decision. Nothing announces that to this run, so such tasks are
// looked at again at a slow pace while they are held.
import { WorkflowExecutionCloseStatus } from '@antiphon/proto';
import type { WorkflowState } from '#core';
import type { RunRef } from '#rpc';
import { affectedChildren, appliesClosePolicy, childDomainId } from './close-executor.ts';
import type { HistoryContext } from './context.ts';
import { findState, loadStateAnywhere } from './run-access.ts';
import { isClosed, isUnstarted } from './run-state.ts';
import type { ShardActor } from './shard-actor.ts';
import type { HeldTask } from './standby-tasks.ts';

const INTERVAL_MS = 60_000;

export function startStandbyRecheck(context: HistoryContext, actor: ShardActor): void {
  const { env } = context.deps;
  const later = (): void => {
    actor.alarms.at(env.clock.nowMs() + INTERVAL_MS, () => {
      recheck(context, actor).then(later, (error: unknown) => {
        if (actor.isClosed) return;
        env.logger.debug('held tasks could not be looked at', { 'shard-id': actor.shardId, error });
        later();
      });
    });
  };
  later();
}

async function recheck(context: HistoryContext, actor: ShardActor): Promise<void> {
  for (const runId of actor.standby.runIds()) {
    const held = actor.standby.tasksOf(runId).filter(({ task }) => {
      return task.work?.$case === 'closeExecution' || task.work?.$case === 'startChild';
    });
    const [first] = held;
    if (actor.isClosed || first === undefined) continue;
    const state = await findState(actor, first.task);
    // Retention may have taken the run meanwhile, with all that was left to do for it.
    if (state === undefined) actor.finishHeld(runId, () => true);
    else for (const each of held) await recheckTask(context, actor, state, each);
  }
}

async function recheckTask(
  context: HistoryContext,
  actor: ShardActor,
  state: WorkflowState,
  held: HeldTask,
): Promise<void> {
  const { work } = held.task;
  const isDone =
    work?.$case === 'startChild'
      ? await hasChildBegun(context, state, work.value.initiatedId)
      : await isCloseKnown(context, state);
  if (isDone) actor.finishHeld(state.info.runId, (other) => other === held);
}

async function hasChildBegun(context: HistoryContext, state: WorkflowState, initiatedId: number): Promise<boolean> {
  const child = state.children.get(initiatedId);
  if (child === undefined) return true;
  if (isUnstarted(child.startedId)) return false;
  const domainId = await childDomainId(context, state, child);
  if (domainId === undefined) return true;
  const found = await findRunState(context, { domainId, workflowId: child.workflowId, runId: child.runId });
  return found !== undefined && (isClosed(found) || found.info.hasProcessedOrPendingDecision);
}

async function isCloseKnown(context: HistoryContext, state: WorkflowState): Promise<boolean> {
  if (!isClosed(state)) return true;
  if (!(await isParentTold(context, state))) return false;
  const { name } = await context.domain(state.info.domainId);
  if (!appliesClosePolicy(context, name)) return true;
  for (const child of affectedChildren(state)) {
    const domainId = await childDomainId(context, state, child);
    if (domainId === undefined) continue;
    const found = await findRunState(context, { domainId, workflowId: child.workflowId, runId: child.runId });
    if (found === undefined || !(isClosed(found) || found.info.cancelRequested)) return false;
  }
  return true;
}

async function isParentTold(context: HistoryContext, state: WorkflowState): Promise<boolean> {
  const { parent, closeStatus, workflowId } = state.info;
  const execution = parent?.workflowExecution;
  const isContinued = closeStatus === WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_CONTINUED_AS_NEW;
  if (parent === undefined || execution === undefined || isContinued) return true;
  const found = await findRunState(context, { ...execution, domainId: parent.domainId });
  if (found === undefined) return false;
  return isClosed(found) || found.children.get(Number(parent.initiatedId))?.workflowId !== workflowId;
}

async function findRunState(context: HistoryContext, ref: RunRef): Promise<WorkflowState | undefined> {
  return (await loadStateAnywhere(context, ref, false)).state;
}
