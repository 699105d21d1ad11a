// What a closed run leaves to do: its closed visibility record, the news to its parent, and its children's fate (semantics §2.9). On the passive
// side only the record is written; the rest is the active region's, and is held in case this region becomes active before it happened.
import { ParentClosePolicy, WorkflowExecutionCloseStatus } from '@antiphon/proto';
import type { ChildInfo, TransferTask } from '@antiphon/proto/internal';
import { domainOfRun, type WorkflowState } from '#core';
import { PARENT_CLOSE_POLICY } from '#dynamicconfig';
import type { RunRef } from '#rpc';
import type { HistoryContext } from './context.ts';
import { endOrphan, HISTORY_IDENTITY, ignoring, isServiceError, PARENT_CLOSE_REASON } from './outside-work.ts';
import { loadDurableState, loadEvent, loadStateAnywhere } from './run-access.ts';
import { isClosed, isUnstarted } from './run-state.ts';
import type { ShardActor } from './shard-actor.ts';
import type { TaskOutcome } from './task-runner.ts';
import { type VisibilityWriter, visibilityRecord } from './visibility-writer.ts';

const CONTINUED = WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_CONTINUED_AS_NEW;

export async function closeExecution(
  context: HistoryContext,
  visibility: VisibilityWriter,
  actor: ShardActor,
  task: TransferTask,
): Promise<TaskOutcome> {
  const state = await loadDurableState(actor, task);
  // A conflict may have reopened the run: its next close has a task of its own.
  if (state === undefined || !isClosed(state)) return 'done';
  // Lists may show the end a little later; a parent does not wait for them.
  const [outcome] = await Promise.all([
    workOutside(context, actor, task, state),
    visibility.write(visibilityRecord(state, task.taskId, context.deps.domains.peekById(task.domainId))),
  ]);
  return outcome;
}

async function workOutside(
  context: HistoryContext,
  actor: ShardActor,
  task: TransferTask,
  state: WorkflowState,
): Promise<TaskOutcome> {
  if (!hasOutsideWork(state)) return 'done';
  const { activeClusterSelectionPolicy } = state.info;
  const domain = domainOfRun(await context.domain(task.domainId), activeClusterSelectionPolicy);
  if (!domain.isActiveHere) return 'standby';
  await tellParent(context, actor, state);
  if (!appliesClosePolicy(context, domain.name)) return 'done';
  for (const child of affectedChildren(state)) await applyClosePolicy(context, state, child);
  return 'done';
}

/** Off for a domain, its children stay as they are when their parent closes. */
export const appliesClosePolicy = (context: HistoryContext, domainName: string): boolean =>
  context.config.property(PARENT_CLOSE_POLICY).ofDomain(domainName);

const tellsParent = ({ info }: WorkflowState): boolean => info.parent !== undefined && info.closeStatus !== CONTINUED;

const isAffectedBy = (policy: ParentClosePolicy): boolean => policy !== ParentClosePolicy.PARENT_CLOSE_POLICY_ABANDON;

const isAffected = (child: Readonly<ChildInfo>): boolean =>
  !isUnstarted(child.startedId) && isAffectedBy(child.parentClosePolicy);

/** True when others must hear of the close. */
export function hasOutsideWork(state: WorkflowState): boolean {
  return tellsParent(state) || affectedChildren(state).length > 0;
}

/** Started children that their policy does not abandon. */
export const affectedChildren = (state: WorkflowState): readonly Readonly<ChildInfo>[] =>
  [...state.children.values()].filter(isAffected);

async function tellParent(context: HistoryContext, actor: ShardActor | undefined, state: WorkflowState): Promise<void> {
  const { info } = state;
  const { parent } = info;
  if (parent?.workflowExecution === undefined || !tellsParent(state)) return;
  const closeEvent = await loadEvent(context, actor, state, info.nextEventId - 1, info.closeEventBatchId);
  const { workflowId, runId } = parent.workflowExecution;
  await ignoring(
    context.client().recordChildClosed(
      { domainId: parent.domainId, workflowId, runId },
      {
        initiatedId: Number(parent.initiatedId),
        workflowId: info.workflowId,
        runId: info.runId,
        closeEvent,
      },
    ),
  );
}

/**
 * Tells a parent of a child that was over before the parent asked it to begin. After a failover, replication may bring a child, and the child
 * may end, before its parent is here to be told.
 */
export async function tellOfEndedChild(context: HistoryContext, child: RunRef, parent: RunRef): Promise<void> {
  // The run that the chain has come to, or the one that was started, if the workflow id has another use by now.
  for (const runId of ['', child.runId]) {
    const { state, actor } = await loadStateAnywhere(context, { ...child, runId }, false);
    const known = state?.info.parent?.workflowExecution;
    if (state === undefined || known?.workflowId !== parent.workflowId || known.runId !== parent.runId) continue;
    if (isClosed(state)) await tellParent(context, actor, state);
    return;
  }
}

/**
 * The parent closed while it was unknown whether its child's start had happened. A child that was made after all would wait for ever for
 * its parent to let it begin: it ends, or begins, as its close policy says.
 */
export async function settleUntoldChild(
  context: HistoryContext,
  parent: WorkflowState,
  initiatedId: number,
): Promise<TaskOutcome> {
  const child = parent.children.get(initiatedId);
  if (child === undefined || !isUnstarted(child.startedId) || !isClosed(parent)) return 'done';
  const domainId = await childDomainId(context, parent, child);
  if (domainId === undefined) return 'done';
  const { workflowId } = child;
  // The child may be another shard's: that there is none must be the owner's word.
  const { state: made } = await loadStateAnywhere(context, { domainId, workflowId, runId: '' }, true);
  if (made === undefined || made.info.createRequestId !== child.createRequestId || isClosed(made)) return 'done';
  const { runId } = made.info;
  if (isAffectedBy(child.parentClosePolicy)) return endOrphan(context, domainId, parent.info, workflowId, runId);
  await ignoring(context.client().scheduleFirstDecision({ domainId, workflowId, runId }));
  return 'done';
}

async function applyClosePolicy(
  context: HistoryContext,
  state: WorkflowState,
  child: Readonly<ChildInfo>,
): Promise<void> {
  const { info } = state;
  const domainId = await childDomainId(context, state, child);
  if (domainId === undefined) return;
  const execution = { workflowId: info.workflowId, runId: info.runId };
  const run = { domainId, workflowId: child.workflowId, runId: '' };
  const client = context.client();
  if (child.parentClosePolicy === ParentClosePolicy.PARENT_CLOSE_POLICY_REQUEST_CANCEL) {
    await ignoring(
      client.requestCancelWorkflow(run, {
        cause: PARENT_CLOSE_REASON,
        identity: HISTORY_IDENTITY,
        requestId: `parent-close-${info.runId}-${child.initiatedId}`,
        firstExecutionRunId: child.runId,
        external: { initiatedId: child.initiatedId, execution, childWorkflowOnly: true },
      }),
    );
    return;
  }
  await ignoring(
    client.terminateWorkflow(run, {
      reason: PARENT_CLOSE_REASON,
      identity: HISTORY_IDENTITY,
      firstExecutionRunId: child.runId,
      parent: execution,
    }),
  );
}

export async function childDomainId(
  context: HistoryContext,
  state: WorkflowState,
  child: Readonly<ChildInfo>,
): Promise<string | undefined> {
  if (child.domainName === '') return state.info.domainId;
  try {
    return (await context.deps.domains.byName(child.domainName)).id;
  } catch (error) {
    if (isServiceError(error, 'EntityNotExists')) return undefined;
    throw error;
  }
}
