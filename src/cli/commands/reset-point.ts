// Where a reset goes back to: the reset types of Cadence's CLI, each found in the run's history or its reset points.
import { DescribeWorkflowExecutionRequest, type HistoryEvent } from '@antiphon/proto';
import type { Connection } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { CliError, EXIT, usageError } from '../failure.ts';
import { eventTimeMs, eventType } from '../ui/event-line.ts';
import { historyEvents, type RunName } from './follow.ts';

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
  readonly resetType: ResetType;
  /** 0 or less: so many decisions before the last one. */
  readonly decisionOffset: number;
  readonly badBinaryChecksum: string | undefined;
  readonly earliestTimeMs: number | undefined;
}

/** The run that is reset, which LastContinuedAsNew makes the one before, and the event id that ResetWorkflowExecution takes. */
export interface ResetPoint {
  readonly run: RunName;
  readonly eventId: number;
}

interface Server {
  readonly context: Pick<CliContext, 'domain'>;
  readonly connection: Connection;
}

const nothing = (run: RunName, what: string): Error =>
  new CliError(`${run.workflowId} has ${what} to reset to`, { exitCode: EXIT.refused });

/** @throws CliError when a type misses what it needs. */
export function checkReset(how: ResetHow): void {
  if (how.decisionOffset > 0)
    throw usageError('--decision-offset must be 0 or less: it goes back from the last decision');
  if (how.resetType === 'BadBinary' && !how.badBinaryChecksum) {
    throw usageError('--reset-type BadBinary needs --reset-bad-binary-checksum');
  }
  if (how.resetType === 'DecisionCompletedTime' && how.earliestTimeMs === undefined) {
    throw usageError('--reset-type DecisionCompletedTime needs --earliest-time');
  }
}

export async function resetPointOf(server: Server, run: RunName, how: ResetHow): Promise<ResetPoint> {
  const events = (type: string): AsyncGenerator<HistoryEvent> => eventsOfType(server, run, type);
  const found = async (id: Promise<number | undefined>, what: string): Promise<ResetPoint> => {
    const eventId = await id;
    if (eventId === undefined) throw nothing(run, what);
    return { run, eventId };
  };
  const noDecision = 'no completed decision';
  switch (how.resetType) {
    case 'FirstDecisionCompleted':
      return await found(first(events('DecisionTaskCompleted')), noDecision);
    case 'LastDecisionCompleted':
      return await found(last(events('DecisionTaskCompleted'), how.decisionOffset), noDecision);
    case 'FirstDecisionScheduled':
      return await found(next(first(events('DecisionTaskScheduled'))), 'no decision');
    case 'LastDecisionScheduled':
      return await found(next(last(events('DecisionTaskScheduled'), how.decisionOffset)), 'no decision');
    case 'DecisionCompletedTime': {
      const from = how.earliestTimeMs ?? 0;
      const isLater = (event: HistoryEvent): boolean => eventTimeMs(event) >= from;
      return await found(
        first(events('DecisionTaskCompleted'), isLater),
        'no decision completed at that time or later',
      );
    }
    case 'BadBinary':
      return await found(badBinaryPoint(server, run, how.badBinaryChecksum ?? ''), 'no reset point of that binary');
    case 'LastContinuedAsNew':
      return await beforeContinuedAsNew(server, run);
  }
}

async function* eventsOfType({ context, connection }: Server, run: RunName, type: string) {
  for await (const event of historyEvents(context, connection, run, false)) if (eventType(event) === type) yield event;
}

async function first(
  events: AsyncGenerator<HistoryEvent>,
  isIt: (event: HistoryEvent) => boolean = () => true,
): Promise<number | undefined> {
  for await (const event of events) if (isIt(event)) return Number(event.eventId);
  return undefined;
}

/** The last one, or `-offset` before it; the first one when there are fewer. */
async function last(events: AsyncGenerator<HistoryEvent>, offset = 0): Promise<number | undefined> {
  const newest: number[] = [];
  for await (const event of events) {
    newest.push(Number(event.eventId));
    if (newest.length > 1 - offset) newest.shift();
  }
  return newest[0];
}

// The event id of a reset is the first event that is not kept: one after the decision's schedule event.
const next = async (id: Promise<number | undefined>): Promise<number | undefined> => {
  const eventId = await id;
  return eventId === undefined ? undefined : eventId + 1;
};

async function badBinaryPoint({ context, connection }: Server, run: RunName, checksum: string) {
  const { workflowExecutionInfo } = await connection.workflow.describeWorkflowExecution(
    DescribeWorkflowExecutionRequest.fromPartial({ domain: context.domain, workflowExecution: run }),
  );
  const points = workflowExecutionInfo?.autoResetPoints?.points ?? [];
  const point = points.find((each) => each.binaryChecksum === checksum && each.resettable);
  return point === undefined ? undefined : Number(point.firstDecisionCompletedId);
}

async function beforeContinuedAsNew(server: Server, run: RunName): Promise<ResetPoint> {
  for await (const event of historyEvents(server.context, server.connection, run, false)) {
    const { attributes } = event;
    const before =
      attributes?.$case === 'workflowExecutionStartedEventAttributes' ? attributes.value.continuedExecutionRunId : '';
    if (before === '') break;
    const previous = { workflowId: run.workflowId, runId: before };
    const eventId = await last(eventsOfType(server, previous, 'DecisionTaskCompleted'));
    if (eventId === undefined) throw nothing(previous, 'no completed decision');
    return { run: previous, eventId };
  }
  throw nothing(run, 'no run before it');
}
