// Makes a run: its Started event, the signal it comes with, its first decision unless something has to happen before.
import type { StartWorkflowExecutionRequest, WorkflowExecutionStartedEventAttributes } from '@antiphon/proto';
import { ContinueAsNewInitiator } from '@antiphon/proto';
import { addEvent } from './add-event.ts';
import type { CreateWorkflow, DecideContext, SignalInput } from './commands.ts';
import { scheduleDecision } from './decision-task.ts';
import { Draft } from './draft.ts';
import { newState } from './new-state.ts';
import { addTimerTasks } from './timer-tasks.ts';
import type { RunTransition } from './transition.ts';
import { durationOf, secondsOf, timestampOf } from './wire-time.ts';

export interface OpenRun {
  readonly runId: string;
  readonly workflowId: string;
  readonly requestId: string;
  readonly started: WorkflowExecutionStartedEventAttributes;
  readonly signal?: SignalInput | undefined;
  /** A child waits until its parent knows of it. */
  readonly waitsForParent: boolean;
}

export function openRun(run: OpenRun, context: DecideContext): Draft {
  const { domain } = context;
  const branch = { treeId: run.runId, branchId: context.uuid(), ancestors: [] };
  const identity = { domainId: domain.id, workflowId: run.workflowId, runId: run.runId, branch };
  const draft = new Draft(newState({ ...identity, requestId: run.requestId }), context, domain.failoverVersion);
  addEvent(draft, { $case: 'workflowExecutionStartedEventAttributes', value: run.started });
  if (run.signal !== undefined) addSignaled(draft, run.signal);
  if (!run.waitsForParent && draft.info.firstDecisionBackoffSeconds === 0) scheduleDecision(draft);
  return draft;
}

export function addSignaled(draft: Draft, signal: SignalInput): void {
  const { signalName, input, identity, requestId } = signal;
  addEvent(draft, {
    $case: 'workflowExecutionSignaledEventAttributes',
    value: { signalName, input, identity, requestId },
  });
}

/** Starts a workflow that a client or a parent asked for. */
export function createWorkflow(command: CreateWorkflow, context: DecideContext): RunTransition {
  const { request, runId } = command;
  const draft = openRun(
    {
      runId,
      workflowId: request.workflowId,
      requestId: request.requestId,
      started: startedAttributes(command, request, context),
      signal: command.signal,
      waitsForParent: command.parent !== undefined,
    },
    context,
  );
  addTimerTasks(draft);
  return draft.finish();
}

function startedAttributes(
  command: CreateWorkflow,
  request: StartWorkflowExecutionRequest,
  context: DecideContext,
): WorkflowExecutionStartedEventAttributes {
  const executionSeconds = secondsOf(request.executionStartToCloseTimeout);
  const backoffSeconds = command.firstDecisionBackoffSeconds;
  const { decisionTimeoutSecondsMax } = context.limits;
  const taskSeconds = Math.min(secondsOf(request.taskStartToCloseTimeout), decisionTimeoutSecondsMax, executionSeconds);
  return {
    workflowType: request.workflowType,
    parentExecutionInfo: command.parent,
    taskList: request.taskList,
    input: request.input,
    executionStartToCloseTimeout: durationOf(executionSeconds),
    taskStartToCloseTimeout: durationOf(taskSeconds),
    continuedExecutionRunId: '',
    initiator: ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_INVALID,
    continuedFailure: undefined,
    lastCompletionResult: undefined,
    originalExecutionRunId: command.runId,
    identity: request.identity,
    firstExecutionRunId: command.runId,
    retryPolicy: request.retryPolicy,
    attempt: 0,
    expirationTime: expirationTime(request.retryPolicy, backoffSeconds, context.nowMs),
    cronSchedule: request.cronSchedule,
    firstDecisionTaskBackoff: durationOf(backoffSeconds),
    memo: request.memo,
    searchAttributes: request.searchAttributes,
    prevAutoResetPoints: undefined,
    header: request.header,
    firstScheduledTime: request.cronSchedule === '' ? undefined : timestampOf(context.nowMs),
    partitionConfig: { ...command.partitionConfig },
    requestId: request.requestId,
    cronOverlapPolicy: request.cronOverlapPolicy,
    activeClusterSelectionPolicy: request.activeClusterSelectionPolicy,
  };
}

/** When a retry policy gives up; the backoff before the first decision does not count. */
export function expirationTime(
  policy: StartWorkflowExecutionRequest['retryPolicy'],
  backoffSeconds: number,
  nowMs: number,
): WorkflowExecutionStartedEventAttributes['expirationTime'] {
  const seconds = secondsOf(policy?.expirationInterval);
  return seconds > 0 ? timestampOf(nowMs + (seconds + backoffSeconds) * 1000) : undefined;
}
