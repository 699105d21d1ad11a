// Where a reset goes back to: the reset types of Cadence's CLI, each found in the run's history or in its reset points, over the calls that any
// client has. For the CLI and for batch jobs; what to say of a run that has no such point is theirs.
import {
  DescribeWorkflowExecutionRequest,
  GetWorkflowExecutionHistoryRequest,
  type HistoryEvent,
} from '@antiphon/proto';
import { eventTimeMs } from '#core';
import type { FrontendClient } from './remote-client.ts';

export const RESET_TYPES = [
  'FirstDecisionCompleted',
  'LastDecisionCompleted',
  'LastContinuedAsNew',
  'BadBinary',
  'DecisionCompletedTime',
  'FirstDecisionScheduled',
  'LastDecisionScheduled',
] as const;
export type ResetType = (typeof RESET_TYPES)[number];

export interface ResetHow {
  readonly type: ResetType;
  /** 0 or less: so many decisions before the last one. */
  readonly decisionOffset: number;
  /** Of type BadBinary. */
  readonly badBinaryChecksum: string;
  /** Of type DecisionCompletedTime. */
  readonly earliestMs: number;
}

export interface ResetRun {
  readonly domain: string;
  readonly workflowId: string;
  readonly runId: string;
}

/** The run that is reset, which LastContinuedAsNew makes the one before, and the event id that ResetWorkflowExecution takes. */
export interface ResetPoint {
  readonly runId: string;
  readonly eventId: bigint;
}

/** What the run has not, so that there is nothing to go back to. */
export interface NoResetPoint {
  readonly runId: string;
  readonly lacks: string;
}

type Calls = Pick<FrontendClient['workflow'], 'getWorkflowExecutionHistory' | 'describeWorkflowExecution'>;
type EventKind = NonNullable<HistoryEvent['attributes']>['$case'];

const COMPLETED: EventKind = 'decisionTaskCompletedEventAttributes';
const SCHEDULED: EventKind = 'decisionTaskScheduledEventAttributes';
const NO_DECISION = 'no completed decision';
const PAGE_SIZE = 1000;

export async function findResetPoint(calls: Calls, run: ResetRun, how: ResetHow): Promise<ResetPoint | NoResetPoint> {
  const { runId } = run;
  const events = (kind: EventKind): AsyncGenerator<HistoryEvent> => eventsOf(calls, run, kind);
  const at = (eventId: bigint | undefined, lacks: string): ResetPoint | NoResetPoint =>
    eventId === undefined ? { runId, lacks } : { runId, eventId };
  switch (how.type) {
    case 'FirstDecisionCompleted':
      return at(await first(events(COMPLETED)), NO_DECISION);
    case 'LastDecisionCompleted':
      return at(await last(events(COMPLETED), how.decisionOffset), NO_DECISION);
    case 'FirstDecisionScheduled':
      return at(after(await first(events(SCHEDULED))), 'no decision');
    case 'LastDecisionScheduled':
      return at(after(await last(events(SCHEDULED), how.decisionOffset)), 'no decision');
    case 'DecisionCompletedTime': {
      const isLater = (event: HistoryEvent): boolean => eventTimeMs(event) >= how.earliestMs;
      return at(await first(events(COMPLETED), isLater), 'no decision completed at that time or later');
    }
    case 'BadBinary':
      return at(await badBinaryPoint(calls, run, how.badBinaryChecksum), 'no reset point of that binary');
    case 'LastContinuedAsNew': {
      const before = await runBefore(calls, run);
      if (before === '') return { runId, lacks: 'no run before it' };
      return findResetPoint(
        calls,
        { ...run, runId: before },
        { ...how, type: 'LastDecisionCompleted', decisionOffset: 0 },
      );
    }
  }
}

async function* eventsOf(calls: Calls, { domain, ...workflowExecution }: ResetRun, kind: EventKind) {
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const page = await calls.getWorkflowExecutionHistory(
      GetWorkflowExecutionHistoryRequest.fromPartial({ domain, workflowExecution, nextPageToken, pageSize: PAGE_SIZE }),
    );
    for (const event of page.history?.events ?? []) if (event.attributes?.$case === kind) yield event;
    nextPageToken = page.nextPageToken;
  } while (nextPageToken.length > 0);
}

async function first(
  events: AsyncGenerator<HistoryEvent>,
  isIt: (event: HistoryEvent) => boolean = () => true,
): Promise<bigint | undefined> {
  for await (const event of events) if (isIt(event)) return event.eventId;
  return undefined;
}

/** The last one, or `-offset` before it; the first one when there are fewer. */
async function last(events: AsyncGenerator<HistoryEvent>, offset: number): Promise<bigint | undefined> {
  const newest: bigint[] = [];
  for await (const event of events) {
    newest.push(event.eventId);
    if (newest.length > 1 - offset) newest.shift();
  }
  return newest[0];
}

// The event id of a reset is the first event that is not kept: one after the decision's schedule event.
const after = (eventId: bigint | undefined): bigint | undefined => (eventId === undefined ? undefined : eventId + 1n);

async function badBinaryPoint(
  calls: Calls,
  { domain, ...workflowExecution }: ResetRun,
  checksum: string,
): Promise<bigint | undefined> {
  const { workflowExecutionInfo } = await calls.describeWorkflowExecution(
    DescribeWorkflowExecutionRequest.fromPartial({ domain, workflowExecution }),
  );
  const points = workflowExecutionInfo?.autoResetPoints?.points ?? [];
  return points.find((point) => point.binaryChecksum === checksum && point.resettable)?.firstDecisionCompletedId;
}

/** Empty: the run is the first of its chain. */
async function runBefore(calls: Calls, run: ResetRun): Promise<string> {
  for await (const { attributes } of eventsOf(calls, run, 'workflowExecutionStartedEventAttributes'))
    if (attributes?.$case === 'workflowExecutionStartedEventAttributes')
      return attributes.value.continuedExecutionRunId;
  return '';
}
