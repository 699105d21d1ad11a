// A close task that a passive region holds is done when the active region has told the parent and dealt with the children, which their replicated
// histories show. Nothing announces that to this run, so it is looked at again at a slow pace while such tasks are held.
import { WorkflowExecutionCloseStatus } from '@antiphon/proto';
import type { WorkflowState } from '#core';
import type { RunRef } from '#rpc';
import { affectedChildren, childDomainId } from './close-executor.ts';
import type { HistoryContext } from './context.ts';
import { isServiceError } from './outside-work.ts';
import { findState } from './run-access.ts';
import { isClosed } from './run-state.ts';
import { readRun } from './run-watch.ts';
import type { ShardActor } from './shard-actor.ts';
import type { HeldTask } from './standby-tasks.ts';

const INTERVAL_MS = 60_000;

const isClose = ({ task }: HeldTask): boolean => task.work?.$case === 'closeExecution';

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
    const held = actor.standby.tasksOf(runId).find(isClose);
    if (actor.isClosed || held === undefined) continue;
    const state = await findState(actor, held.task);
    // Retention may have taken the run meanwhile.
    if (state === undefined || (await isCloseKnown(context, state))) actor.finishHeld(runId, isClose);
  }
}

async function isCloseKnown(context: HistoryContext, state: WorkflowState): Promise<boolean> {
  if (!isClosed(state)) return true;
  if (!(await isParentTold(context, state))) return false;
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
  try {
    return await readRun(context, ref, ({ state }) => state);
  } catch (error) {
    if (isServiceError(error, 'EntityNotExists')) return undefined;
    throw error;
  }
}
