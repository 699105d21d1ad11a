// Drives one run: walks history batch by batch, moves the decision machines, tells the sandbox what happened, and collects
// the decisions that workflow code asks for. Replayed decisions are compared with history before the next batch is applied.
// Invariants: workflow code runs once per batch, after all its events are applied; decisions of replayed batches are dropped;
// any error leaves the run unusable, and the caller disposes of it.
import type { Decision, HistoryEvent, WorkflowExecutionStartedEventAttributes } from '@antiphon/proto';
import { failureToSandbox, fieldsToSandbox, secondsOf, timeMsOf, toSandbox } from '../transport/wire-conversions.ts';
import type { Outcome, QueryOutcome, RunInfo, WirePayload } from '../workflow/protocol.ts';
import { applyCommand, type Inheritance } from './command-decisions.ts';
import { createDecisionMachines } from './decision-machines.ts';
import { createEventApplication, type EventApplication } from './event-application.ts';
import type { HistoryBatch } from './history-batches.ts';
import { NonDeterminismError } from './non-determinism.ts';
import { checkReplay, readMarkers } from './replay-check.ts';
import type { Sandbox } from './sandbox-host.ts';

export interface RunIdentity {
  readonly domain: string;
  readonly workflowId: string;
  readonly runId: string;
}

/** Workflow code threw something that is not a Failure; the decision task fails with it. */
export class WorkflowCodeError extends Error {
  override readonly name = 'WorkflowCodeError';
  constructor(message: string, stack: string) {
    super(message);
    // Where workflow code threw says more than where the engine noticed.
    if (stack) this.stack = stack;
  }
}

export interface WorkflowEngine {
  /** Names the run's state in the sandbox. */
  readonly key: string;
  readonly workflowType: string;
  /** True once the run has issued its close decision. */
  readonly isClosed: boolean;
  /**
   * Applies batches in order. Those up to `replayedUpTo` are replay: their decisions are checked against history and dropped.
   * Returns the decisions of the last batch.
   */
  apply(batches: readonly HistoryBatch[], replayedUpTo: number): Decision[];
  /** Applies the batches up to `replayedUpTo` only; a batch after them serves the comparison. */
  replay(batches: readonly HistoryBatch[], replayedUpTo: number): void;
  query(name: string, args: WirePayload): QueryOutcome;
  dispose(): void;
}

function infoOf(identity: RunIdentity, start: WorkflowExecutionStartedEventAttributes, startTimeMs: number): RunInfo {
  const parent = start.parentExecutionInfo;
  return {
    workflowId: identity.workflowId,
    runId: identity.runId,
    originalRunId: start.originalExecutionRunId || identity.runId,
    firstRunId: start.firstExecutionRunId || identity.runId,
    workflowType: start.workflowType?.name ?? '',
    domain: identity.domain,
    taskList: start.taskList?.name ?? '',
    attempt: start.attempt,
    executionTimeoutSeconds: secondsOf(start.executionStartToCloseTimeout),
    taskTimeoutSeconds: secondsOf(start.taskStartToCloseTimeout),
    startTimeMs,
    cronSchedule: start.cronSchedule,
    continuedRunId: start.continuedExecutionRunId,
    parent: parent
      ? {
          domain: parent.domainName,
          workflowId: parent.workflowExecution?.workflowId ?? '',
          runId: parent.workflowExecution?.runId ?? '',
        }
      : null,
    memo: fieldsToSandbox(start.memo?.fields),
    searchAttributes: fieldsToSandbox(start.searchAttributes?.indexedFields),
    lastCompletionResult: toSandbox(start.lastCompletionResult),
    lastFailure: start.continuedFailure ? failureToSandbox(start.continuedFailure) : null,
  };
}

const startOf = (event: HistoryEvent | undefined): WorkflowExecutionStartedEventAttributes => {
  if (event?.attributes?.$case !== 'workflowExecutionStartedEventAttributes') {
    throw new Error('a run must be built from the first event of its history');
  }
  return event.attributes.value;
};

/** `key` names the run's state in the sandbox; a scratch replay of a cached run needs one of its own. */
export function createWorkflowEngine(
  sandbox: Sandbox,
  key: string,
  identity: RunIdentity,
  first: HistoryEvent | undefined,
): WorkflowEngine {
  const start = startOf(first);
  const info = infoOf(identity, start, timeMsOf(first?.eventTime));
  const { memo, searchAttributes, retryPolicy, header, cronSchedule } = start;
  const inherited: Inheritance = { continueAsNew: { memo, searchAttributes, retryPolicy, header, cronSchedule } };
  const machines = createDecisionMachines();
  const events: EventApplication = createEventApplication(machines, info);
  let isClosed = false;

  const runBatch = (batch: HistoryBatch, next: HistoryBatch | undefined, replaying: boolean): Decision[] => {
    const jobs = batch.events.flatMap((event) => events.apply(event) ?? []);
    const outcome: Outcome = sandbox.activate(key, {
      nowMs: batch.endTimeMs,
      replaying,
      historyLength: batch.endEventId,
      jobs,
      ...readMarkers(next?.events ?? []),
    });
    if (outcome.taskFailure) {
      const { message, stack } = outcome.taskFailure;
      if (message.includes('non-determinism: ')) throw new NonDeterminismError(message);
      throw new WorkflowCodeError(message, sandbox.mapPositions(stack));
    }
    for (const command of outcome.commands) {
      events.noteCommand(command);
      applyCommand(machines, command, inherited);
    }
    isClosed ||= outcome.closed;
    return machines.takeDecisions();
  };
  const step = (batches: readonly HistoryBatch[], index: number, replayedUpTo: number): Decision[] => {
    const batch = batches[index];
    if (!batch) return [];
    const next = batches[index + 1];
    const replaying = batch.isDecided && batch.endEventId <= replayedUpTo;
    const decisions = runBatch(batch, next, replaying);
    if (replaying) checkReplay(decisions, next?.events ?? [], batch.endEventId);
    return decisions;
  };
  return {
    key,
    workflowType: info.workflowType,
    get isClosed() {
      return isClosed;
    },
    apply: (batches, replayedUpTo) => {
      let decisions: Decision[] = [];
      for (const index of batches.keys()) decisions = step(batches, index, replayedUpTo);
      return decisions;
    },
    replay: (batches, replayedUpTo) => {
      batches.forEach((batch, index) => {
        if (batch.isDecided && batch.endEventId <= replayedUpTo) step(batches, index, replayedUpTo);
      });
    },
    query: (name, args) => sandbox.query(key, name, args),
    dispose: () => sandbox.dispose(key),
  };
}
