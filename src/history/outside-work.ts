// What a run asked of others: start a child, cancel or signal another workflow. The asked one recognises a repeated request by its request id;
// the asking run is told the result by a command of its own.
import {
  CancelExternalWorkflowExecutionFailedCause,
  ParentClosePolicy,
  RequestCancelWorkflowExecutionRequest,
  SignalExternalWorkflowExecutionFailedCause,
  SignalWorkflowExecutionRequest,
  type StartWorkflowExecutionRequest,
} from '@antiphon/proto';
import type { TransferTask } from '@antiphon/proto/internal';
import { badRequest, EntityNotExistsError, ServiceError, WorkflowExecutionAlreadyStartedError } from '#base';
import { type DomainView, priorityFieldsOfHeader, type WorkflowState } from '#core';
import type { RunRef } from '#rpc';
import type { HistoryContext } from './context.ts';
import { whereActive } from './remote-runs.ts';
import { type AttributesOf, loadInitiated } from './run-access.ts';
import { isUnstarted } from './run-state.ts';
import type { ShardActor } from './shard-actor.ts';
import type { TaskOutcome } from './task-runner.ts';

export const HISTORY_IDENTITY = 'history-service';
export const PARENT_CLOSE_REASON = 'by parent close policy';

export const isServiceError = (error: unknown, ...kinds: readonly ServiceError['kind'][]): boolean =>
  error instanceof ServiceError && kinds.includes(error.kind);

async function targetDomain(context: HistoryContext, name: string, own: string): Promise<DomainView> {
  return name === '' ? context.domain(own) : context.deps.domains.byName(name);
}

type Initiated = AttributesOf<'startChildWorkflowExecutionInitiatedEventAttributes'>;

function childRequest(initiated: Initiated, domain: DomainView, requestId: string): StartWorkflowExecutionRequest {
  return {
    domain: domain.name,
    workflowId: initiated.workflowId,
    workflowType: initiated.workflowType,
    taskList: initiated.taskList,
    input: initiated.input,
    executionStartToCloseTimeout: initiated.executionStartToCloseTimeout,
    taskStartToCloseTimeout: initiated.taskStartToCloseTimeout,
    identity: '',
    requestId,
    workflowIdReusePolicy: initiated.workflowIdReusePolicy,
    retryPolicy: initiated.retryPolicy,
    cronSchedule: initiated.cronSchedule,
    memo: initiated.memo,
    searchAttributes: initiated.searchAttributes,
    header: initiated.header,
    delayStart: initiated.delayStart,
    jitterStart: initiated.jitterStart,
    firstRunAt: initiated.firstRunAt,
    cronOverlapPolicy: initiated.cronOverlapPolicy,
    activeClusterSelectionPolicy: initiated.activeClusterSelectionPolicy,
  };
}

/** Two steps, so that a child never runs before its parent knows of it: start without a decision, tell the parent, then let it run. */
export async function startChild(
  context: HistoryContext,
  actor: ShardActor,
  task: TransferTask,
  initiatedId: number,
  state: WorkflowState,
  onChildOver: (child: RunRef) => Promise<void>,
): Promise<TaskOutcome> {
  const child = state.children.get(initiatedId);
  if (child === undefined) return 'done';
  const isAbandoned = child.parentClosePolicy === ParentClosePolicy.PARENT_CLOSE_POLICY_ABANDON;
  const client = context.client();
  const initiated = await loadInitiated(
    context,
    actor,
    state,
    'startChildWorkflowExecutionInitiatedEventAttributes',
    child,
  );
  let domain: DomainView;
  try {
    domain = await targetDomain(context, initiated.attributes.domain, task.domainId);
  } catch (error) {
    if (!(error instanceof EntityNotExistsError)) throw error;
    await context.run(task, { kind: 'childStartFailed', initiatedId, initiatedEvent: initiated.event });
    return 'done';
  }
  let { runId } = child;
  if (isUnstarted(child.startedId)) {
    const request = childRequest(initiated.attributes, domain, child.createRequestId);
    const owner = await context.domain(task.domainId);
    try {
      const started = await client.startWorkflow(request, {
        domainId: domain.id,
        parent: {
          domainId: task.domainId,
          domainName: owner.name,
          workflowExecution: { workflowId: task.workflowId, runId: task.runId },
          initiatedId: BigInt(initiatedId),
        },
        partitionConfig: { ...state.info.partitionConfig, ...priorityFieldsOfHeader(initiated.attributes.header) },
      });
      runId = started.runId;
    } catch (error) {
      const isRefused =
        error instanceof WorkflowExecutionAlreadyStartedError || isServiceError(error, 'BadRequest', 'EntityNotExists');
      if (!isRefused) throw error;
      await context.run(task, { kind: 'childStartFailed', initiatedId, initiatedEvent: initiated.event });
      return 'done';
    }
    try {
      await context.run(task, { kind: 'childStarted', initiatedId, runId, initiatedEvent: initiated.event });
    } catch (error) {
      if (!isServiceError(error, 'WorkflowExecutionAlreadyCompleted', 'EntityNotExists')) throw error;
      // The parent closed between the two steps: the child is treated as its policy says.
      if (!isAbandoned) return endOrphan(context, domain.id, task, child.workflowId, runId);
    }
  }
  const childRun = { domainId: domain.id, workflowId: child.workflowId, runId };
  try {
    await client.scheduleFirstDecision(childRun);
  } catch (error) {
    if (!isServiceError(error, 'WorkflowExecutionAlreadyCompleted', 'EntityNotExists')) throw error;
    await onChildOver(childRun);
  }
  return 'done';
}

export async function endOrphan(
  context: HistoryContext,
  domainId: string,
  parent: RunRef,
  workflowId: string,
  runId: string,
): Promise<TaskOutcome> {
  await ignoring(
    context.client().terminateWorkflow(
      { domainId, workflowId, runId },
      {
        reason: PARENT_CLOSE_REASON,
        identity: HISTORY_IDENTITY,
        firstExecutionRunId: runId,
        parent: { workflowId: parent.workflowId, runId: parent.runId },
      },
    ),
  );
  return 'done';
}

/** The other one is gone or done: nothing is left to ask of it. */
export async function ignoring(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    const isOver = isServiceError(
      error,
      'EntityNotExists',
      'WorkflowExecutionAlreadyCompleted',
      'CancellationAlreadyRequested',
    );
    if (!isOver) throw error;
  }
}

interface ExternalTarget {
  readonly domain: DomainView;
  readonly ref: RunRef;
  /** A workflow may not cancel or signal itself this way. */
  readonly isSelf: boolean;
}

async function findTarget(
  context: HistoryContext,
  task: TransferTask,
  attributes: {
    readonly domain: string;
    readonly workflowExecution?: { readonly workflowId: string; readonly runId: string } | undefined;
  },
): Promise<ExternalTarget | undefined> {
  try {
    const domain = await targetDomain(context, attributes.domain, task.domainId);
    const { workflowId = '', runId = '' } = attributes.workflowExecution ?? {};
    const isSelf =
      domain.id === task.domainId && workflowId === task.workflowId && (runId === '' || runId === task.runId);
    return { domain, ref: { domainId: domain.id, workflowId, runId }, isSelf };
  } catch (error) {
    if (error instanceof EntityNotExistsError) return undefined;
    throw error;
  }
}

/** The target as another region is asked for it. A child is where its parent is, so one that is only there is no child of ours. */
function elsewhere({ domain, ref }: ExternalTarget, childWorkflowOnly: boolean) {
  if (childWorkflowOnly) throw badRequest('The target is not a child of this workflow.');
  return { domain: domain.name, workflowExecution: { workflowId: ref.workflowId, runId: ref.runId } };
}

export async function cancelExternal(
  context: HistoryContext,
  actor: ShardActor,
  task: TransferTask,
  initiatedId: number,
  state: WorkflowState,
): Promise<TaskOutcome> {
  const pending = state.requestCancels.get(initiatedId);
  if (pending === undefined) return 'done';
  const { event, attributes } = await loadInitiated(
    context,
    actor,
    state,
    'requestCancelExternalWorkflowExecutionInitiatedEventAttributes',
    pending,
  );
  const target = await findTarget(context, task, attributes);
  let failed: CancelExternalWorkflowExecutionFailedCause | undefined;
  if (target === undefined || target.isSelf) {
    failed =
      CancelExternalWorkflowExecutionFailedCause.CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION;
  } else {
    const { domain, ref } = target;
    const { requestId } = pending;
    try {
      await whereActive(
        context.deps,
        domain,
        () =>
          context.client().requestCancelWorkflow(ref, {
            cause: '',
            identity: HISTORY_IDENTITY,
            requestId,
            firstExecutionRunId: '',
            external: {
              initiatedId,
              execution: { workflowId: task.workflowId, runId: task.runId },
              childWorkflowOnly: attributes.childWorkflowOnly,
            },
          }),
        (client) =>
          client.requestCancelWorkflowExecution(
            RequestCancelWorkflowExecutionRequest.fromPartial({
              ...elsewhere(target, attributes.childWorkflowOnly),
              identity: HISTORY_IDENTITY,
              requestId,
            }),
          ),
      );
    } catch (error) {
      failed = cancelFailure(error);
    }
  }
  await context.run(task, { kind: 'externalCancelDone', initiatedId, initiatedEvent: event, failed });
  return 'done';
}

function cancelFailure(error: unknown): CancelExternalWorkflowExecutionFailedCause | undefined {
  if (isServiceError(error, 'CancellationAlreadyRequested')) return undefined;
  // Cadence 1.4 does not tell a workflow that is over from one that never was.
  if (isServiceError(error, 'WorkflowExecutionAlreadyCompleted', 'EntityNotExists', 'BadRequest')) {
    return CancelExternalWorkflowExecutionFailedCause.CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION;
  }
  throw error;
}

export async function signalExternal(
  context: HistoryContext,
  actor: ShardActor,
  task: TransferTask,
  initiatedId: number,
  state: WorkflowState,
): Promise<TaskOutcome> {
  const pending = state.signals.get(initiatedId);
  if (pending === undefined) return 'done';
  const { event, attributes } = await loadInitiated(
    context,
    actor,
    state,
    'signalExternalWorkflowExecutionInitiatedEventAttributes',
    pending,
  );
  const target = await findTarget(context, task, attributes);
  let failed: SignalExternalWorkflowExecutionFailedCause | undefined;
  if (target === undefined || target.isSelf) {
    failed =
      SignalExternalWorkflowExecutionFailedCause.SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION;
  } else {
    const { domain, ref } = target;
    const { signalName, input, childWorkflowOnly } = attributes;
    const { requestId } = pending;
    const identity = HISTORY_IDENTITY;
    const parent = { workflowId: task.workflowId, runId: task.runId };
    try {
      await whereActive(
        context.deps,
        domain,
        () =>
          context
            .client()
            .signalWorkflow(ref, { signalName, input, identity, requestId, external: { childWorkflowOnly, parent } }),
        (client) =>
          client.signalWorkflowExecution(
            SignalWorkflowExecutionRequest.fromPartial({
              ...elsewhere(target, childWorkflowOnly),
              signalName,
              signalInput: input,
              identity,
              requestId,
            }),
          ),
      );
    } catch (error) {
      failed = signalFailure(error);
    }
  }
  await context.run(task, { kind: 'externalSignalDone', initiatedId, initiatedEvent: event, failed });
  return 'done';
}

function signalFailure(error: unknown): SignalExternalWorkflowExecutionFailedCause {
  if (isServiceError(error, 'WorkflowExecutionAlreadyCompleted', 'EntityNotExists', 'BadRequest', 'LimitExceeded')) {
    return SignalExternalWorkflowExecutionFailedCause.SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION;
  }
  throw error;
}
