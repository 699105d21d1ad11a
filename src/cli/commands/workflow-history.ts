// workflow show and observe: a run's history, as far as it is or live until it closes.
import fs from 'node:fs';
import { DescribeWorkflowExecutionRequest, type HistoryEvent, PendingActivityState } from '@antiphon/proto';
import type { Command } from 'commander';
import { historyJson } from '../cadence-history.ts';
import type { Connection } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { isServiceError, usageError } from '../failure.ts';
import { addCommand } from '../spec/command.ts';
import { on, text, type ValuesOf, whole } from '../spec/flags.ts';
import { enumName } from '../ui/enum-name.ts';
import { type EventLineOptions, eventLine, eventRecord, eventTimeMs, eventType } from '../ui/event-line.ts';
import { followHistory, historyEvents, type RunName } from './follow.ts';
import { consistencyFlag, consistencyOf, RUN_FLAGS, runOf } from './run-flags.ts';

const SHOW_FLAGS = {
  ...RUN_FLAGS,
  follow: on('follow f', 'go on until the run closes'),
  eventId: whole('event-id eid', 'only this event, in full'),
  resetPointsOnly: on('reset-points-only', 'only events that a reset can go back to'),
  printDatetime: on('print-datetime pdt', 'times as dates'),
  printRawTime: on('print-raw-time prt', 'times in Unix nanoseconds'),
  printEventVersion: on('print-event-version pev', 'the version of each event'),
  printFull: on('print-full pf', 'all details of each event'),
  maxFieldLength: whole('max-field-length maxl', 'cut the details of an event after so many characters'),
  outputFilename: text(
    'output-filename of',
    'write the history to this file, too, as JSON that replayers of Cadence read',
    'file',
  ),
  queryConsistencyLevel: consistencyFlag,
};
type ShowValues = ValuesOf<typeof SHOW_FLAGS>;

export function addHistoryCommands(workflow: Command): void {
  addCommand(workflow, {
    name: 'show',
    aliases: ['showid'],
    summary: 'print the history of a run',
    examples: ['workflow show order-1', 'workflow show order-1 --follow', 'workflow show -w order-1 --event-id 5'],
    flags: SHOW_FLAGS,
    positional: ['workflowId', 'runId'],
    async run({ flags, context, connection }) {
      if (flags.follow)
        await followHistory(context, connection, runOf(flags), { maxFieldLength: flags.maxFieldLength });
      else await show(context, connection, flags);
    },
  });
  addCommand(workflow, {
    name: 'observe',
    aliases: ['ob', 'observeid', 'obid'],
    summary: 'follow the history of a run until it closes',
    details: 'Follows the run that it continues as, too. Exits with 1 when the last one does not complete.',
    examples: ['workflow observe order-1'],
    flags: {
      ...RUN_FLAGS,
      showDetail: on('show-detail sd', 'print events in full'),
      maxFieldLength: whole('max-field-length maxl', 'cut the details of an event after so many characters'),
    },
    positional: ['workflowId', 'runId'],
    async run({ flags, context, connection }) {
      await followHistory(context, connection, runOf(flags), flags);
    },
  });
}

/** A reset goes back to the end of a decision: the events that follow a start of one. */
function resetPoints(events: readonly HistoryEvent[]): readonly HistoryEvent[] {
  return events.filter((_, index) => {
    const before = events[index - 1];
    return before !== undefined && eventType(before) === 'DecisionTaskStarted';
  });
}

async function show(context: CliContext, connection: Connection, flags: ShowValues): Promise<void> {
  const run = runOf(flags);
  const isStreamed = !flags.resetPointsOnly && flags.eventId === undefined && context.output.format !== 'json';
  const options: EventLineOptions = {
    time: flags.printRawTime ? 'nanos' : flags.printDatetime ? 'date' : 'elapsed',
    hasVersion: flags.printEventVersion,
    detailLength: flags.maxFieldLength ?? (flags.printFull ? 0 : undefined),
  };
  const events: HistoryEvent[] = [];
  let isArchived = false;
  const level = consistencyOf(flags.queryConsistencyLevel);
  for await (const event of historyEvents(context, connection, run, false, level)) {
    isArchived ||= event.archived === true;
    events.push(event);
    if (isStreamed) context.output.line(eventLine(event, startOf(events), options), eventRecord(event));
  }
  if (flags.outputFilename !== undefined) writeHistory(flags.outputFilename, events);
  const shown = selected(events, flags);
  if (flags.eventId !== undefined) context.output.record(eventRecord(shown[0] as HistoryEvent));
  else if (context.output.format === 'json') context.output.record(shown.map(eventRecord));
  else if (!isStreamed) {
    for (const event of shown) context.output.line(eventLine(event, startOf(events), options), eventRecord(event));
  }
  if (isArchived) context.output.note('(from the archive)');
  else await notePending(context, connection, run);
}

const startOf = ([first]: readonly HistoryEvent[]): number => (first ? eventTimeMs(first) : 0);

function selected(events: readonly HistoryEvent[], { eventId, resetPointsOnly }: ShowValues): readonly HistoryEvent[] {
  if (eventId === undefined) return resetPointsOnly ? resetPoints(events) : events;
  const found = events.find((event) => Number(event.eventId) === eventId);
  if (found === undefined) throw usageError(`--event-id is ${eventId}: the run has the events 1 to ${events.length}`);
  return [found];
}

function writeHistory(file: string, events: readonly HistoryEvent[]): void {
  try {
    fs.writeFileSync(file, `${historyJson(events)}\n`);
  } catch (cause) {
    throw usageError(`cannot write ${file}: ${(cause as Error).message}`);
  }
}

/** Attempts of an activity with a retry policy are no events until it closes: say what is under way. */
async function notePending(context: CliContext, connection: Connection, run: RunName): Promise<void> {
  if (context.output.format !== 'table') return;
  try {
    const { pendingActivities } = await connection.workflow.describeWorkflowExecution(
      DescribeWorkflowExecutionRequest.fromPartial({ domain: context.domain, workflowExecution: run }),
    );
    for (const activity of pendingActivities) {
      const state = enumName(PendingActivityState, activity.state, 'PENDING_ACTIVITY_STATE_');
      const failure = activity.lastFailure ? `, last failure: ${activity.lastFailure.reason}` : '';
      context.output.note(
        `pending activity ${activity.activityId} ${activity.activityType?.name}: ${state}, attempt ${activity.attempt}${failure}`,
      );
    }
  } catch (error) {
    // Retention may take the run between the two calls; its history was printed.
    if (!isServiceError(error)) throw error;
  }
}
