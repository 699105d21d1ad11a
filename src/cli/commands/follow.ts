// Printing a run's history, and following it live by long polls until the run (and what it continues as) closes.
import {
  EventFilterType,
  GetWorkflowExecutionHistoryRequest,
  type HistoryEvent,
  QueryConsistencyLevel,
} from '@antiphon/proto';
import type { Connection } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { CliError, EXIT } from '../failure.ts';
import { type EventLineOptions, eventLine, eventRecord, eventTimeMs, eventType } from '../ui/event-line.ts';

export interface RunName {
  readonly workflowId: string;
  readonly runId: string;
}

const LONG_POLL_MS = 30_000;
const PAGE_SIZE = 500;

/** Events of the run from the first on; with `follow` it goes on until the run closes. */
export async function* historyEvents(
  context: Pick<CliContext, 'domain'>,
  connection: Connection,
  run: RunName,
  follow: boolean,
  queryConsistencyLevel: QueryConsistencyLevel = QueryConsistencyLevel.QUERY_CONSISTENCY_LEVEL_INVALID,
): AsyncGenerator<HistoryEvent & { archived?: boolean }> {
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const page = await connection.workflow.getWorkflowExecutionHistory(
      GetWorkflowExecutionHistoryRequest.fromPartial({
        domain: context.domain,
        workflowExecution: run,
        pageSize: PAGE_SIZE,
        nextPageToken,
        waitForNewEvent: follow,
        historyEventFilterType: EventFilterType.EVENT_FILTER_TYPE_ALL_EVENT,
        queryConsistencyLevel,
      }),
      { timeoutMs: LONG_POLL_MS },
    );
    for (const event of page.history?.events ?? [])
      yield page.archived ? Object.assign(event, { archived: true }) : event;
    nextPageToken = page.nextPageToken;
  } while (nextPageToken.length > 0);
}

const CLOSE = /^WorkflowExecution(Completed|Failed|TimedOut|Canceled|Terminated|ContinuedAsNew)$/;

/** Prints events as they come; resolves when the chain of runs ends. @throws CliError unless the last run completed. */
export async function followHistory(
  context: CliContext,
  connection: Connection,
  start: RunName,
  { showDetail, maxFieldLength }: { showDetail?: boolean; maxFieldLength?: number | undefined } = {},
): Promise<void> {
  const options: EventLineOptions = { detailLength: maxFieldLength ?? (showDetail ? 0 : undefined) };
  let run: RunName | undefined = start;
  while (run !== undefined) {
    let startMs: number | undefined;
    let last: HistoryEvent | undefined;
    for await (const event of historyEvents(context, connection, run, true)) {
      startMs ??= eventTimeMs(event);
      context.output.line(eventLine(event, startMs, options), eventRecord(event));
      last = event;
    }
    const type: string = last ? eventType(last) : '';
    if (!CLOSE.test(type)) throw new CliError(`the history of ${run.workflowId} ended without a close event`);
    if (last?.attributes?.$case === 'workflowExecutionContinuedAsNewEventAttributes') {
      run = { workflowId: run.workflowId, runId: last.attributes.value.newExecutionRunId };
      context.output.note(`continued as run ${run.runId}`);
    } else {
      if (type !== 'WorkflowExecutionCompleted') {
        throw new CliError(
          `${run.workflowId} did not complete: ${type
            .replace('WorkflowExecution', '')
            .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
            .toLowerCase()}`,
          {
            exitCode: EXIT.failed,
          },
        );
      }
      run = undefined;
    }
  }
}
