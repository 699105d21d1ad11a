// The aliases: /api/v1/domains/{domain}/workflows and what is below.
import type { JsonObject } from '@bufbuild/protobuf';
import { jsonReply, type Reply } from '../reply.ts';
import { executionOf, flag, pageRequest, refuseOthers, startRequest, takePayload, toUrlSafe } from './rest-fields.ts';
import { ANY_JSON, ARGUMENTS, object, parameter, type RestInput, type RestRoute, RUN_ID } from './rest-route.ts';
import { follow, waitForResult } from './run-history.ts';

const WORKFLOWS = '/api/v1/domains/{domain}/workflows';
const WORKFLOW = `${WORKFLOWS}/{workflowId}`;
const TEXT: JsonObject = { type: 'string' };
const PLAIN_MAP: JsonObject = { type: 'object', additionalProperties: true };
const STARTED = object({ workflowId: TEXT, runId: TEXT }, ['workflowId', 'runId']);

const SHORT_START: JsonObject = {
  workflowType: { type: 'string', description: 'Name of the workflow type.' },
  taskList: { type: 'string', description: 'Task list of its workers.' },
  workflowId: { type: 'string', description: 'Without it, a new UUID.' },
  input: ANY_JSON,
  args: ARGUMENTS,
  executionStartToCloseTimeout: { type: 'string', default: '86400s' },
  taskStartToCloseTimeout: { type: 'string', default: '10s' },
  memo: PLAIN_MAP,
  searchAttributes: PLAIN_MAP,
  header: PLAIN_MAP,
};
const startBody = (more: JsonObject, required: string[]): JsonObject => ({
  type: 'object',
  properties: { ...SHORT_START, ...more },
  required,
  additionalProperties: true,
  description: 'Further fields are those of uber.cadence.api.v1.StartWorkflowExecutionRequest.',
});

const started = ({ params }: RestInput, workflowId: unknown, reply: JsonObject, status: number): Reply => {
  const id = String(workflowId);
  const location = WORKFLOW.replace('{domain}', encodeURIComponent(params.domain ?? '')).replace(
    '{workflowId}',
    encodeURIComponent(id),
  );
  return jsonReply({ workflowId: id, runId: reply.runId ?? '' }, status, { location });
};

const start: RestRoute = {
  method: 'POST',
  path: WORKFLOWS,
  operationId: 'startWorkflow',
  summary: 'Starts a workflow.',
  query: [],
  body: startBody({}, ['workflowType', 'taskList']),
  answer: STARTED,
  answerStatus: 201,
  async handle(input) {
    const body = { workflowId: input.env.random.uuid(), ...input.body };
    const payload = takePayload(body, 'input');
    const request = startRequest(input, body, payload);
    return started(input, request.workflowId, await input.rpc('WorkflowAPI/StartWorkflowExecution', request), 201);
  },
};

const signalWithStart: RestRoute = {
  method: 'POST',
  path: `${WORKFLOW}/signal-with-start`,
  operationId: 'signalWithStartWorkflow',
  summary: 'Signals the workflow; starts it first when it is not running.',
  query: [],
  body: startBody({ signalName: TEXT, signalInput: ANY_JSON, signalArgs: ARGUMENTS }, [
    'workflowType',
    'taskList',
    'signalName',
  ]),
  answer: STARTED,
  async handle(input) {
    const { signalName, control, ...body } = input.body;
    const payload = takePayload(body, 'input');
    const signalPayload = takePayload(body, 'signalInput', { one: 'signalInput', many: 'signalArgs' });
    const workflowId = input.params.workflowId ?? '';
    const request: JsonObject = {
      startRequest: { ...startRequest(input, body, payload), workflowId },
      signalName: signalName ?? '',
      ...signalPayload,
      ...(control !== undefined && { control }),
    };
    return started(input, workflowId, await input.rpc('WorkflowAPI/SignalWithStartWorkflowExecution', request), 200);
  },
};

const signal: RestRoute = {
  method: 'POST',
  path: `${WORKFLOW}/signals/{signalName}`,
  operationId: 'signalWorkflow',
  summary: 'Signals a running workflow.',
  query: [RUN_ID],
  body: object({ input: ANY_JSON, args: ARGUMENTS, requestId: TEXT }),
  answer: object({}),
  async handle(input) {
    const body = { ...input.body };
    const payload = takePayload(body, 'signalInput');
    refuseOthers(body, ['requestId']);
    await input.rpc('WorkflowAPI/SignalWorkflowExecution', {
      ...ofRun(input),
      requestId: input.requestId,
      ...body,
      ...payload,
      signalName: input.params.signalName ?? '',
    });
    return jsonReply({});
  },
};

const ofRun = (input: RestInput): JsonObject => ({
  domain: input.params.domain ?? '',
  workflowExecution: executionOf(input),
  identity: 'http',
});

const QUERY_ANSWER = object({ result: ANY_JSON, rejected: object({ closeStatus: TEXT }) });
const queryRoute = (method: 'GET' | 'POST', operationId: string, summary: string, body?: JsonObject): RestRoute => ({
  method,
  path: `${WORKFLOW}/queries/{queryType}`,
  operationId,
  summary,
  query: [RUN_ID],
  ...(body && { body }),
  answer: QUERY_ANSWER,
  async handle(input) {
    const rest = { ...input.body };
    const payload = takePayload(rest, 'queryArgs');
    refuseOthers(rest, ['queryRejectCondition', 'queryConsistencyLevel']);
    const reply = await input.rpc('WorkflowAPI/QueryWorkflow', {
      domain: input.params.domain ?? '',
      workflowExecution: executionOf(input),
      query: { queryType: input.params.queryType ?? '', ...payload },
      ...rest,
    });
    const { queryResult, queryRejected } = reply;
    return jsonReply({
      ...(queryResult !== undefined && { result: queryResult }),
      ...(queryRejected !== undefined && { rejected: queryRejected }),
    });
  },
});

const QUERY_BODY = object({
  input: ANY_JSON,
  args: ARGUMENTS,
  queryRejectCondition: { $ref: '#/components/schemas/uber.cadence.api.v1.QueryRejectCondition' },
  queryConsistencyLevel: { $ref: '#/components/schemas/uber.cadence.api.v1.QueryConsistencyLevel' },
});

const describe: RestRoute = {
  method: 'GET',
  path: WORKFLOW,
  operationId: 'describeWorkflow',
  summary: 'The state of a run: status, pending activities, children and decision.',
  query: [RUN_ID],
  answer: { type: 'object', description: 'uber.cadence.api.v1.DescribeWorkflowExecutionResponse with plain payloads.' },
  handle: async (input) =>
    jsonReply(
      await input.rpc('WorkflowAPI/DescribeWorkflowExecution', {
        domain: input.params.domain ?? '',
        workflowExecution: executionOf(input),
      }),
    ),
};

const PAGE = [
  parameter('pageSize', 'At most so many.', { type: 'integer', minimum: 1 }),
  parameter('pageToken', 'nextPageToken of the page before.'),
];

const history: RestRoute = {
  method: 'GET',
  path: `${WORKFLOW}/history`,
  operationId: 'getWorkflowHistory',
  summary: 'The events of a run, by page; with follow=true all of them as JSON lines, as they come, until it closes.',
  query: [RUN_ID, ...PAGE, parameter('follow', 'JSON lines until the run closes.', { type: 'boolean' })],
  answer: {
    type: 'object',
    properties: { events: { type: 'array', items: { type: 'object' } }, nextPageToken: TEXT },
    required: ['events', 'nextPageToken'],
  },
  streams: true,
  isUnbounded: (query) => flag(query, 'follow'),
  async handle(input) {
    if (flag(input.query, 'follow')) return { kind: 'lines', lines: follow(input) };
    const reply = await input.rpc('WorkflowAPI/GetWorkflowExecutionHistory', {
      domain: input.params.domain ?? '',
      workflowExecution: executionOf(input),
      ...pageRequest(input),
    });
    const { events } = (reply.history ?? {}) as { events?: JsonObject[] }; // A History, by the schema.
    return jsonReply({ events: events ?? [], nextPageToken: toUrlSafe(reply.nextPageToken) });
  },
};

const result: RestRoute = {
  method: 'GET',
  path: `${WORKFLOW}/result`,
  operationId: 'getWorkflowResult',
  summary:
    'Waits until the workflow has closed, for as long as x-timeout says, and answers how; follows runs that continue as new.',
  query: [RUN_ID],
  answer: object(
    {
      workflowId: TEXT,
      runId: TEXT,
      closeStatus: { type: 'string', enum: ['COMPLETED', 'FAILED', 'TIMED_OUT', 'CANCELED', 'TERMINATED'] },
      result: ANY_JSON,
      failure: object({ reason: TEXT, details: ANY_JSON }),
      reason: TEXT,
      details: ANY_JSON,
      timeoutType: TEXT,
    },
    ['workflowId', 'runId', 'closeStatus'],
  ),
  handle: async (input) => jsonReply(await waitForResult(input)),
};

const cancel: RestRoute = {
  method: 'POST',
  path: `${WORKFLOW}/cancel`,
  operationId: 'cancelWorkflow',
  summary: 'Asks the workflow to cancel itself.',
  query: [RUN_ID],
  body: object({ cause: TEXT, requestId: TEXT, firstExecutionRunId: TEXT }),
  answer: object({}),
  async handle(input) {
    refuseOthers(input.body, ['cause', 'requestId', 'firstExecutionRunId']);
    const request = { ...ofRun(input), requestId: input.requestId, ...input.body };
    await input.rpc('WorkflowAPI/RequestCancelWorkflowExecution', request);
    return jsonReply({});
  },
};

const terminate: RestRoute = {
  method: 'POST',
  path: `${WORKFLOW}/terminate`,
  operationId: 'terminateWorkflow',
  summary: 'Ends the workflow at once, without its code.',
  query: [RUN_ID],
  body: object({ reason: TEXT, details: ANY_JSON, firstExecutionRunId: TEXT }),
  answer: object({}),
  async handle(input) {
    refuseOthers(input.body, ['reason', 'details', 'firstExecutionRunId']);
    await input.rpc('WorkflowAPI/TerminateWorkflowExecution', { ...ofRun(input), ...input.body });
    return jsonReply({});
  },
};

const list: RestRoute = {
  method: 'GET',
  path: WORKFLOWS,
  operationId: 'listWorkflows',
  summary: 'Workflows that match a query in the language of visibility; without one, all.',
  query: [parameter('query', `As in WorkflowType = 'Order' AND CloseTime = missing.`), ...PAGE],
  answer: {
    type: 'object',
    properties: { executions: { type: 'array', items: { type: 'object' } }, nextPageToken: TEXT },
    required: ['executions', 'nextPageToken'],
    description: 'Items are uber.cadence.api.v1.WorkflowExecutionInfo with plain payloads.',
  },
  async handle(input) {
    const reply = await input.rpc('VisibilityAPI/ListWorkflowExecutions', {
      domain: input.params.domain ?? '',
      query: input.query.query ?? '',
      ...pageRequest(input),
    });
    return jsonReply({ executions: reply.executions ?? [], nextPageToken: toUrlSafe(reply.nextPageToken) });
  },
};

export const WORKFLOW_ROUTES: readonly RestRoute[] = [
  start,
  list,
  describe,
  history,
  result,
  signal,
  signalWithStart,
  queryRoute('GET', 'queryWorkflow', 'Asks a running or closed workflow, without arguments.'),
  queryRoute('POST', 'queryWorkflowWith', 'Asks a workflow, with arguments.', QUERY_BODY),
  cancel,
  terminate,
];
