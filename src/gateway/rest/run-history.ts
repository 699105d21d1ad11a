// Reading a run's history through the API: page by page, following it while it grows, and waiting for its last event.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { badRequest, deadlineExceeded, ServiceError } from '#base';
import { readableBytes } from '../payload-json.ts';
import { executionOf } from './rest-fields.ts';
import type { RestInput } from './rest-route.ts';

const GET_HISTORY = 'WorkflowAPI/GetWorkflowExecutionHistory';
const PAGE_SIZE = 500;

const eventsOf = (reply: JsonObject): JsonObject[] => {
  const history = reply.history as { events?: JsonObject[] } | undefined; // A History, by the schema.
  return history?.events ?? [];
};

/** Every event of a run, and what comes, until it closes. */
export async function* follow(input: RestInput): AsyncGenerator<JsonValue, void, void> {
  const request: JsonObject = {
    domain: input.params.domain ?? '',
    workflowExecution: executionOf(input),
    pageSize: PAGE_SIZE,
    waitForNewEvent: true,
  };
  for (let token: JsonValue | undefined; ; ) {
    const reply = await input.longPoll(GET_HISTORY, {
      ...request,
      ...(token === undefined ? {} : { nextPageToken: token }),
    });
    yield* eventsOf(reply);
    token = reply.nextPageToken;
    if (token === undefined || input.signal.aborted) return;
  }
}

/** How a workflow ended, through continued runs to the last. @throws DeadlineExceeded while it is open. */
export async function waitForResult(input: RestInput): Promise<JsonObject> {
  const execution = executionOf(input);
  for (;;) {
    const event = await closeEvent(input, execution);
    if (event === undefined) throw deadlineExceeded(`Workflow ${input.params.workflowId} is still open.`);
    const { runId, attributes, status } = event;
    if (status !== 'CONTINUED_AS_NEW') {
      return { workflowId: input.params.workflowId ?? '', runId, closeStatus: status, ...outcome(attributes) };
    }
    execution.runId = attributes.newExecutionRunId ?? '';
  }
}

interface Closed {
  readonly runId: string;
  readonly status: string;
  readonly attributes: JsonObject;
}

/** undefined: the caller's time is over. */
async function closeEvent(input: RestInput, execution: JsonObject): Promise<Closed | undefined> {
  const request: JsonObject = {
    domain: input.params.domain ?? '',
    workflowExecution: execution,
    waitForNewEvent: true,
    historyEventFilterType: 'EVENT_FILTER_TYPE_CLOSE_EVENT',
  };
  const runId = await runIdOf(input, execution);
  execution.runId = runId;
  let token: JsonValue | undefined;
  for (;;) {
    const reply = await input
      .longPoll(GET_HISTORY, { ...request, ...(token === undefined ? {} : { nextPageToken: token }) })
      .catch(outOfTime);
    if (reply === undefined) return undefined;
    const last = eventsOf(reply).at(-1);
    const closed = last === undefined ? undefined : closedBy(last, runId);
    if (closed !== undefined) return closed;
    token = reply.nextPageToken;
    if (token === undefined) throw badRequest(`The history of run ${runId} does not end with its close.`);
  }
}

function outOfTime(error: unknown): undefined {
  if (error instanceof ServiceError && error.kind === 'DeadlineExceeded') return undefined;
  throw error;
}

// The run is fixed first, so that the answer names the run that ended.
async function runIdOf(input: RestInput, execution: JsonObject): Promise<string> {
  if (typeof execution.runId === 'string' && execution.runId !== '') return execution.runId;
  const described = await input.rpc('WorkflowAPI/DescribeWorkflowExecution', {
    domain: input.params.domain ?? '',
    workflowExecution: { ...execution },
  });
  const info = described.workflowExecutionInfo as { workflowExecution?: { runId?: string } } | undefined; // By the schema.
  return info?.workflowExecution?.runId ?? '';
}

const STATUSES: Readonly<Record<string, string>> = {
  workflowExecutionCompletedEventAttributes: 'COMPLETED',
  workflowExecutionFailedEventAttributes: 'FAILED',
  workflowExecutionTimedOutEventAttributes: 'TIMED_OUT',
  workflowExecutionCanceledEventAttributes: 'CANCELED',
  workflowExecutionTerminatedEventAttributes: 'TERMINATED',
  workflowExecutionContinuedAsNewEventAttributes: 'CONTINUED_AS_NEW',
};

function closedBy(event: JsonObject, runId: string): Closed | undefined {
  for (const [key, status] of Object.entries(STATUSES)) {
    const attributes = event[key];
    if (attributes !== undefined) return { runId, status, attributes: attributes as JsonObject }; // A message, by the schema.
  }
  return undefined;
}

// The parts of the close events that say what came out.
function outcome({ result, failure, details, reason, timeoutType }: JsonObject): JsonObject {
  return {
    ...(result !== undefined && { result }),
    ...(failure !== undefined && { failure: readableFailure(failure as JsonObject) }),
    ...(reason !== undefined && { reason }),
    ...(details !== undefined && { details }),
    ...(timeoutType !== undefined && { timeoutType }),
  };
}

/** A Failure's details are bytes, written as payloads are. */
function readableFailure({ details, ...failure }: JsonObject): JsonObject {
  return typeof details === 'string' ? { ...failure, details: readableBytes(Buffer.from(details, 'base64')) } : failure;
}
