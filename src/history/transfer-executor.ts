// Executes immediate tasks. Each may run any number of times: it looks at the state first, and what it asks of others carries ids by which
// they recognise a repetition.
import type { TransferTask } from '@antiphon/proto/internal';
import { ServiceError, unreachable } from '#base';
import { domainOfRun, findBadResetPoint, ISOLATION_GROUP_KEY, priorityOfConfig, type WorkflowState } from '#core';
import { closeExecution, settleUntoldChild, tellOfEndedChild } from './close-executor.ts';
import type { HistoryContext } from './context.ts';
import { cancelExternal, signalExternal, startChild } from './outside-work.ts';
import { findState, loadDurableState } from './run-access.ts';
import type { ShardActor } from './shard-actor.ts';
import type { TaskOutcome } from './task-runner.ts';
import { isTransferStale } from './task-staleness.ts';
import { type VisibilityWriter, visibilityRecord } from './visibility-writer.ts';

type Dispatch = 'decision' | 'activity';

export function createTransferExecutor(
  context: HistoryContext,
  visibility: VisibilityWriter,
): (actor: ShardActor, task: TransferTask) => Promise<TaskOutcome> {
  const { matching } = context.deps;

  const dispatch = async (task: TransferTask, kind: Dispatch, state: WorkflowState): Promise<TaskOutcome> => {
    const { work, domainId, workflowId, runId } = task;
    if (work?.$case !== 'decision' && work?.$case !== 'activity') return 'done';
    const { scheduleId, attempt, scheduleToStartSeconds } = work.value;
    const taskList = work.value.taskList ?? state.info.taskList;
    if (taskList === undefined) return 'done';
    const scheduleToStartMs = scheduleToStartSeconds * 1000;
    const { partitionConfig } = state.info;
    const request = {
      domainId,
      workflowId,
      runId,
      scheduleId,
      attempt,
      taskList,
      scheduleToStartMs,
      priority:
        (kind === 'activity' ? state.activities.get(scheduleId)?.priority : undefined) ??
        priorityOfConfig(partitionConfig),
      isolationGroup: partitionConfig[ISOLATION_GROUP_KEY],
    };
    if (kind === 'activity') {
      await matching.addActivityTask(request);
      return 'done';
    }
    try {
      await matching.addDecisionTask(request);
    } catch (error) {
      if (!(error instanceof ServiceError) || error.kind !== 'StickyWorkerUnavailable') throw error;
      // Its worker is gone: back to the normal list, which is a new task.
      await context.run(task, { kind: 'clearStickiness', scheduleId });
    }
    return 'done';
  };

  const recordVisibility = async (actor: ShardActor, task: TransferTask): Promise<TaskOutcome> => {
    const state = await loadDurableState(actor, task);
    if (state === undefined) return 'done';
    const domain = context.deps.domains.peekById(task.domainId);
    await visibility.write(visibilityRecord(state, task.taskId, domain));
    return 'done';
  };

  /** Undoes what a bad deployment did, if the run still has a point to go back to. */
  const autoReset = async (task: TransferTask, state: WorkflowState): Promise<TaskOutcome> => {
    const { domainId, workflowId, runId, taskId } = task;
    const domain = await context.domain(domainId);
    const point = findBadResetPoint(state.info.autoResetPoints, domain.badBinaries, context.deps.env.clock.nowMs());
    if (point === undefined) return 'done';
    await context.client().resetWorkflow(
      { domainId, workflowId, runId: point.runId },
      {
        reason: `auto reset because of bad binary ${point.binaryChecksum}`,
        decisionFinishEventId: Number(point.firstDecisionCompletedId),
        // The same for every try of this task.
        requestId: `auto-reset-${runId}-${taskId}`,
        skipSignalReapply: false,
      },
    );
    return 'done';
  };

  const execute = async (actor: ShardActor, task: TransferTask): Promise<TaskOutcome> => {
    const { work } = task;
    if (work === undefined) return 'done';
    if (work.$case === 'recordStarted' || work.$case === 'upsertVisibility') return recordVisibility(actor, task);
    if (work.$case === 'closeExecution') return closeExecution(context, visibility, actor, task);
    const found = findState(actor, task);
    const state = found instanceof Promise ? await found : found;
    if (state === undefined) return 'done';
    const isStale = isTransferStale(state, task);
    if (isStale && work.$case !== 'startChild') return 'done';
    const { activeClusterSelectionPolicy } = state.info;
    const domain = domainOfRun(await context.domain(task.domainId), activeClusterSelectionPolicy);
    if (!domain.isActiveHere) return isStale ? 'done' : 'standby';
    if (isStale && work.$case === 'startChild') return settleUntoldChild(context, state, work.value.initiatedId);
    switch (work.$case) {
      case 'decision':
      case 'activity':
        return dispatch(task, work.$case, state);
      case 'startChild':
        return startChild(context, actor, task, work.value.initiatedId, state, (child) =>
          tellOfEndedChild(context, child, task),
        );
      case 'cancelExternal':
        return cancelExternal(context, actor, task, work.value.initiatedId, state);
      case 'signalExternal':
        return signalExternal(context, actor, task, work.value.initiatedId, state);
      case 'autoReset':
        return autoReset(task, state);
      default:
        return unreachable(work);
    }
  };

  return async (actor, task) => {
    try {
      return await execute(actor, task);
    } catch (error) {
      return outcomeOfRefusal(error);
    }
  };
}

/** What an executor makes of an error of its own run: gone or closed means done, passive means later; anything else is tried again. */
export function outcomeOfRefusal(error: unknown): TaskOutcome {
  if (!(error instanceof ServiceError)) throw error;
  switch (error.kind) {
    case 'EntityNotExists':
    case 'WorkflowExecutionAlreadyCompleted':
      return 'done';
    case 'DomainNotActive':
      return 'standby';
    default:
      throw error;
  }
}
