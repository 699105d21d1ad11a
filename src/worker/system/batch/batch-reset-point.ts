// Where a batch resets a run to: an event of its history, by the names of Cadence's CLI.
import {
  DescribeWorkflowExecutionRequest,
  GetWorkflowExecutionHistoryRequest,
  type HistoryEvent,
} from '@antiphon/proto';
import { badRequest } from '#base';
import { eventTimeMs } from '#core';
import type { FrontendClient } from '#rpc';
import type { BatchRun } from './batch-operation.ts';
import type { BatchReset } from './batch-params.ts';

/** The run that is reset, which LastContinuedAsNew makes the one before, and the event that the reset names. */
export interface ResetPoint {
  readonly runId: string;
  readonly eventId: bigint;
}

type EventKind = NonNullable<HistoryEvent['attributes']>['$case'];

const COMPLETED: EventKind = 'decisionTaskCompletedEventAttributes';
const SCHEDULED: EventKind = 'decisionTaskScheduledEventAttributes';

/** BadRequest when the run has no such event. */
export async function findResetPoint(frontend: FrontendClient, run: BatchRun, reset: BatchReset): Promise<ResetPoint> {
  const { runId } = run;
  const from = reset.earliestMs ?? 0;
  switch (reset.type) {
    case 'FirstDecisionCompleted':
      return at(run, reset, await findEvent(frontend, run, COMPLETED, 'first'));
    case 'LastDecisionCompleted':
      return at(run, reset, await findEvent(frontend, run, COMPLETED, 'last'));
    case 'DecisionCompletedTime':
      return at(run, reset, await findEvent(frontend, run, COMPLETED, 'first', (event) => eventTimeMs(event) >= from));
    // A scheduled decision is left as if it had been started: the reset names the event after it.
    case 'FirstDecisionScheduled':
      return at(run, reset, await findEvent(frontend, run, SCHEDULED, 'first'), 1n);
    case 'LastDecisionScheduled':
      return at(run, reset, await findEvent(frontend, run, SCHEDULED, 'last'), 1n);
    case 'BadBinary':
      return { runId, eventId: await badBinaryPoint(frontend, run, reset) };
    case 'LastContinuedAsNew': {
      const before = { ...run, runId: await runBefore(frontend, run) };
      return at(before, reset, await findEvent(frontend, before, COMPLETED, 'last'));
    }
  }
}

const nothing = ({ workflowId, runId }: BatchRun, type: string): Error =>
  badRequest(`run ${runId} of ${workflowId} has nothing to reset to by ${type}`);

function at(run: BatchRun, { type }: BatchReset, event: HistoryEvent | undefined, offset = 0n): ResetPoint {
  if (event === undefined) throw nothing(run, type);
  return { runId: run.runId, eventId: event.eventId + offset };
}

async function findEvent(
  frontend: FrontendClient,
  { domain, workflowId, runId }: BatchRun,
  kind: EventKind,
  which: 'first' | 'last',
  applies: (event: HistoryEvent) => boolean = () => true,
): Promise<HistoryEvent | undefined> {
  let found: HistoryEvent | undefined;
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const workflowExecution = { workflowId, runId };
    const page = await frontend.workflow.getWorkflowExecutionHistory(
      GetWorkflowExecutionHistoryRequest.fromPartial({ domain, workflowExecution, nextPageToken }),
    );
    for (const event of page.history?.events ?? []) {
      if (event.attributes?.$case !== kind || !applies(event)) continue;
      found = event;
      if (which === 'first') return found;
    }
    nextPageToken = page.nextPageToken;
  } while (nextPageToken.length > 0);
  return found;
}

async function badBinaryPoint(frontend: FrontendClient, run: BatchRun, reset: BatchReset): Promise<bigint> {
  const { domain, workflowId, runId } = run;
  const { workflowExecutionInfo } = await frontend.workflow.describeWorkflowExecution(
    DescribeWorkflowExecutionRequest.fromPartial({ domain, workflowExecution: { workflowId, runId } }),
  );
  const points = workflowExecutionInfo?.autoResetPoints?.points ?? [];
  const point = points.find(({ binaryChecksum, resettable }) => binaryChecksum === reset.badBinary && resettable);
  if (point === undefined) throw nothing(run, reset.type);
  return point.firstDecisionCompletedId;
}

async function runBefore(frontend: FrontendClient, run: BatchRun): Promise<string> {
  const started = await findEvent(frontend, run, 'workflowExecutionStartedEventAttributes', 'first');
  const attributes = started?.attributes;
  const before =
    attributes?.$case === 'workflowExecutionStartedEventAttributes' ? attributes.value.continuedExecutionRunId : '';
  if (before === '') throw nothing(run, 'LastContinuedAsNew');
  return before;
}
