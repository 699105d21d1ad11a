// Bad input, one line each: what is sent, and the status, detail and text that must come back (semantics §1.4, §1.8–1.12; quality §4). The
// domains `shop` and `other` exist; no run exists.
import { HistoryPageToken } from '@antiphon/proto/internal';
import { status } from '@grpc/grpc-js';
import { encodeQueryTaskToken, encodeTaskToken, type RequestOf, SERVICE_DEFINITIONS, type ServiceName } from '#rpc';

export interface BadInput {
  readonly name: string;
  readonly path: string;
  readonly bytes: Buffer;
  readonly code: number;
  /** Of api.v1; undefined: no detail at all. */
  readonly detail: string | undefined;
  readonly text: string | RegExp;
  /** null: none. */
  readonly timeoutMs: number | null;
}

export interface Domains {
  readonly shop: string;
  readonly other: string;
}

type Definitions = typeof SERVICE_DEFINITIONS;
type Expected = readonly [code: number, detail: string | undefined, text: string | RegExp];

const RUN = '5b0a7b8e-7b9c-4c59-9d43-0d7f7a1f2a11';
const OTHER_RUN = '6c1b8c9f-8cad-4d6a-8e54-1e807b203b22';
const LONG = 'x'.repeat(1001);
const BLOB = { data: new Uint8Array(2 * 1024 * 1024 + 1) };
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const seconds = (value: number | bigint, nanos = 0) => ({ seconds: BigInt(value), nanos });

const bad = (message: string | RegExp): Expected => [status.INVALID_ARGUMENT, undefined, message];
const missing = (message: string | RegExp): Expected => [status.NOT_FOUND, 'EntityNotExistsError', message];
const unserved = (name: string): Expected => [status.UNIMPLEMENTED, undefined, name];

function row<K extends ServiceName, M extends keyof Definitions[K]>(
  name: string,
  service: K,
  method: M,
  fields: Partial<RequestOf<Definitions[K][M]>>,
  [code, detail, message]: Expected,
  timeoutMs: number | null = 5000,
): BadInput {
  const definition = SERVICE_DEFINITIONS[service][method] as unknown as {
    path: string;
    requestDeserialize(bytes: Buffer): object;
    requestSerialize(request: object): Buffer;
  };
  const request = { ...definition.requestDeserialize(Buffer.alloc(0)), ...fields };
  const bytes = definition.requestSerialize(request);
  return {
    name: `${definition.path.split('/')[2]}: ${name}`,
    path: definition.path,
    bytes,
    code,
    detail,
    text: message,
    timeoutMs,
  };
}

type Start = RequestOf<Definitions['workflow']['startWorkflowExecution']>;
const good: Partial<Start> = {
  domain: 'shop',
  workflowId: 'bad-input',
  workflowType: { name: 'Order' },
  taskList: { name: 'orders', kind: 0, baseName: '' },
  executionStartToCloseTimeout: seconds(60),
  taskStartToCloseTimeout: seconds(10),
  requestId: RUN,
};
const start = (name: string, fields: Partial<Start>, expected: Expected): BadInput =>
  row(name, 'workflow', 'startWorkflowExecution', { ...good, ...fields }, expected);

function starts(): BadInput[] {
  const noUuid = (id: string) => bad(`requestId "${id}" is not a valid UUID`);
  const execution = bad('A valid ExecutionStartToCloseTimeoutSeconds is not set on request.');
  const task = bad('A valid TaskStartToCloseTimeoutSeconds is not set on request.');
  return [
    start('no domain', { domain: '' }, bad('Domain not set on request.')),
    start('an unknown domain', { domain: 'nowhere' }, missing('Domain nowhere does not exist.')),
    start('a hostile domain name', { domain: "'; DROP TABLE domains; --" }, missing(/does not exist/)),
    start('a domain name that is too long', { domain: LONG }, bad('Domain length exceeds limit.')),
    start('no request id', { requestId: '' }, noUuid('')),
    start('a request id that is no UUID', { requestId: 'mine' }, noUuid('mine')),
    start('no workflow id', { workflowId: '' }, bad('WorkflowId is not set on request.')),
    start('a workflow id that is too long', { workflowId: LONG }, bad('WorkflowID length exceeds limit.')),
    start('no workflow type', { workflowType: undefined }, bad('WorkflowType is not set on request.')),
    start('a nameless workflow type', { workflowType: { name: '' } }, bad('WorkflowType is not set on request.')),
    start('a type that is too long', { workflowType: { name: LONG } }, bad('WorkflowType length exceeds limit.')),
    start('no task list', { taskList: undefined }, bad('TaskList is not set on request.')),
    start('a nameless task list', { taskList: list('') }, bad('TaskList is not set on request.')),
    start('a task list that is too long', { taskList: list(LONG) }, bad('TaskList length exceeds limit.')),
    start('an unknown kind of task list', { taskList: list('a', 9) }, bad('9 is not a valid TaskListKind.')),
    start('an identity that is too long', { identity: LONG }, bad('Identity length exceeds limit.')),
    start('no execution timeout', { executionStartToCloseTimeout: undefined }, execution),
    start('a negative execution timeout', { executionStartToCloseTimeout: seconds(-1) }, execution),
    start('an execution timeout of half a second', { executionStartToCloseTimeout: seconds(0, 5e8) }, execution),
    start('an execution timeout of 34,000 years', { executionStartToCloseTimeout: seconds(2n ** 40n) }, execution),
    start('the largest int64 as timeout', { executionStartToCloseTimeout: seconds(2n ** 63n - 1n) }, execution),
    start('no decision timeout', { taskStartToCloseTimeout: undefined }, task),
    start('a negative decision timeout', { taskStartToCloseTimeout: seconds(-10) }, task),
    start('a negative delay', { delayStart: seconds(-1) }, bad('A valid DelayStartSeconds is not set on request.')),
    start(
      'a negative jitter',
      { jitterStart: seconds(-1) },
      bad('A valid JitterStartSeconds is not set on request (negative).'),
    ),
    start('a first run at no time', { firstRunAt: seconds(1, -5) }, bad('A valid FirstRunAt is not set on request.')),
    start('a cron expression of words', { cronSchedule: 'every second Tuesday of May' }, bad(/^Invalid CronSchedule/)),
    start('a cron expression with four fields', { cronSchedule: '* * * *' }, bad(/^Invalid CronSchedule/)),
    start('a cron minute beyond the hour', { cronSchedule: '61 * * * *' }, bad(/^Invalid CronSchedule/)),
    start(
      'an unknown reuse policy',
      { workflowIdReusePolicy: 99 as 1 },
      bad('99 is not a valid WorkflowIdReusePolicy.'),
    ),
    start('a negative enum', { workflowIdReusePolicy: -1 as 1 }, bad('-1 is not a valid WorkflowIdReusePolicy.')),
    start('an unknown overlap policy', { cronOverlapPolicy: 77 as 1 }, bad('77 is not a valid CronOverlapPolicy.')),
    start('an input over the blob limit', { input: BLOB }, bad('Blob data size exceeds limit.')),
    start('a memo over the blob limit', { memo: { fields: { a: BLOB } } }, bad('Blob data size exceeds limit.')),
    start('a header over the blob limit', { header: { fields: { a: BLOB } } }, bad('Blob data size exceeds limit.')),
    ...retries(),
    ...attributes(),
  ];
}

const list = (name: string, kind = 0) => ({ name, kind: kind as 0, baseName: '' });

function retries(): BadInput[] {
  const policy = (fields: Partial<NonNullable<Start['retryPolicy']>>): Partial<Start> => ({
    retryPolicy: {
      initialInterval: seconds(1),
      backoffCoefficient: 2,
      maximumInterval: undefined,
      maximumAttempts: 3,
      nonRetryableErrorReasons: [],
      expirationInterval: undefined,
      ...fields,
    },
  });
  const initial = bad('InitialIntervalInSeconds must be greater than 0 on retry policy.');
  const coefficient = bad('BackoffCoefficient cannot be less than 1 on retry policy.');
  return [
    start('a retry policy without interval', policy({ initialInterval: undefined }), initial),
    start('a retry interval of half a second', policy({ initialInterval: seconds(0, 5e8) }), initial),
    start('a shrinking retry interval', policy({ backoffCoefficient: 0.5 }), coefficient),
    start('a coefficient that is no number', policy({ backoffCoefficient: Number.NaN }), coefficient),
    start(
      'a maximum below the initial interval',
      policy({ initialInterval: seconds(5), maximumInterval: seconds(1) }),
      bad('MaximumIntervalInSeconds cannot be less than InitialIntervalInSeconds on retry policy.'),
    ),
    start(
      'negative attempts',
      policy({ maximumAttempts: -1 }),
      bad('MaximumAttempts cannot be less than 0 on retry policy.'),
    ),
    start(
      'a negative expiration',
      policy({ expirationInterval: seconds(-5) }),
      bad('ExpirationIntervalInSeconds cannot be less than 0 on retry policy.'),
    ),
    start(
      'retries without end',
      policy({ maximumAttempts: 0 }),
      bad(/are both 0\. At least one of them must be specified\.$/),
    ),
  ];
}

function attributes(): BadInput[] {
  const fields = (values: Readonly<Record<string, string>>): Partial<Start> => ({
    searchAttributes: {
      indexedFields: Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { data: text(value) }])),
    },
  });
  const many = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`key${i}`, '1']));
  return [
    start('an unknown search attribute', fields({ Nope: '1' }), bad('Nope is not a valid search attribute key')),
    start('a prototype as search attribute', fields({ constructor: '1' }), bad(/is not a valid search attribute key/)),
    start(
      'a system attribute',
      fields({ WorkflowID: '"x"' }),
      bad('WorkflowID is read-only Cadence reserved attribute'),
    ),
    start(
      'an attribute that is no JSON',
      fields({ CustomIntField: '{' }),
      bad(/CustomIntField is not a valid search attribute value/),
    ),
    start('an attribute of another type', fields({ CustomIntField: '"five"' }), bad(/CustomIntField is not a valid/)),
    start(
      'an attribute that is too large',
      fields({ CustomStringField: `"${'x'.repeat(3000)}"` }),
      bad(/size limit exceed/),
    ),
    start('too many attributes', fields(many), bad('number of keys 101 exceed limit')),
  ];
}

function runs(domains: Domains): BadInput[] {
  const noRun = { workflowId: 'nobody', runId: '' };
  const signal = { domain: 'shop', workflowExecution: noRun, signalName: 'paid' };
  const pageToken = (fields: Partial<HistoryPageToken>): Uint8Array =>
    HistoryPageToken.encode({
      ...HistoryPageToken.create(),
      domainId: domains.shop,
      workflowId: 'nobody',
      runId: RUN,
      ...fields,
    }).finish();
  const read = (name: string, nextPageToken: Uint8Array, expected: Expected): BadInput =>
    row(
      name,
      'workflow',
      'getWorkflowExecutionHistory',
      { domain: 'shop', workflowExecution: { workflowId: 'nobody', runId: RUN }, nextPageToken },
      expected,
    );
  const invalidToken = bad('Invalid NextPageToken.');
  return [
    row(
      'no execution',
      'workflow',
      'signalWorkflowExecution',
      { ...signal, workflowExecution: undefined },
      bad('Execution is not set on request.'),
    ),
    row(
      'no workflow id',
      'workflow',
      'signalWorkflowExecution',
      { ...signal, workflowExecution: { workflowId: '', runId: '' } },
      bad('WorkflowId is not set on request.'),
    ),
    row(
      'a run id that is no UUID',
      'workflow',
      'signalWorkflowExecution',
      { ...signal, workflowExecution: { workflowId: 'w', runId: '../../etc' } },
      bad('Invalid RunId.'),
    ),
    row(
      'no signal name',
      'workflow',
      'signalWorkflowExecution',
      { ...signal, signalName: '' },
      bad('SignalName is not set on request.'),
    ),
    row(
      'a signal name that is too long',
      'workflow',
      'signalWorkflowExecution',
      { ...signal, signalName: LONG },
      bad('SignalName length exceeds limit.'),
    ),
    row(
      'a request id that is too long',
      'workflow',
      'signalWorkflowExecution',
      { ...signal, requestId: LONG },
      bad('RequestID length exceeds limit.'),
    ),
    row(
      'an input over the blob limit',
      'workflow',
      'signalWorkflowExecution',
      { ...signal, signalInput: BLOB },
      bad('Blob data size exceeds limit.'),
    ),
    row('an unknown run', 'workflow', 'signalWorkflowExecution', signal, missing(/./)),
    row(
      'no start request',
      'workflow',
      'signalWithStartWorkflowExecution',
      { signalName: 'paid' },
      bad('StartRequest is not set on request.'),
    ),
    row(
      'no signal name',
      'workflow',
      'signalWithStartWorkflowExecution',
      { startRequest: { ...emptyStart, ...good } },
      bad('SignalName is not set on request.'),
    ),
    row('no queue', 'workflow', 'startWorkflowExecutionAsync', { request: { ...emptyStart, ...good } }, [
      status.FAILED_PRECONDITION,
      'FeatureNotEnabledError',
      /not enabled/,
    ]),
    row(
      'no execution',
      'workflow',
      'requestCancelWorkflowExecution',
      { domain: 'shop' },
      bad('Execution is not set on request.'),
    ),
    row(
      'a run id that is no UUID',
      'workflow',
      'terminateWorkflowExecution',
      { domain: 'shop', workflowExecution: { workflowId: 'w', runId: 'latest' } },
      bad('Invalid RunId.'),
    ),
    row(
      'an unknown run',
      'workflow',
      'terminateWorkflowExecution',
      { domain: 'shop', workflowExecution: noRun },
      missing(/./),
    ),
    row(
      'no event to reset to',
      'workflow',
      'resetWorkflowExecution',
      { domain: 'shop', workflowExecution: noRun },
      bad(/^Decision finish ID must be > 1/),
    ),
    row(
      'an event far away',
      'workflow',
      'resetWorkflowExecution',
      { domain: 'shop', workflowExecution: noRun, decisionFinishEventId: 2n ** 62n },
      bad(/^Decision finish ID must be > 1/),
    ),
    row(
      'an unknown run',
      'workflow',
      'restartWorkflowExecution',
      { domain: 'shop', workflowExecution: noRun },
      bad('Requested workflow history not found, may have passed retention period.'),
    ),
    row(
      'an unknown run',
      'workflow',
      'describeWorkflowExecution',
      { domain: 'shop', workflowExecution: noRun },
      missing(/./),
    ),
    row(
      'an unknown consistency',
      'workflow',
      'describeWorkflowExecution',
      { domain: 'shop', workflowExecution: noRun, queryConsistencyLevel: 5 as 1 },
      bad('5 is not a valid QueryConsistencyLevel.'),
    ),
    row(
      'no query',
      'workflow',
      'queryWorkflow',
      { domain: 'shop', workflowExecution: noRun },
      bad('WorkflowQuery is not set on request.'),
    ),
    row(
      'a query without type',
      'workflow',
      'queryWorkflow',
      { domain: 'shop', workflowExecution: noRun, query: { queryType: '', queryArgs: undefined } },
      bad('QueryType is not set on request.'),
    ),
    row(
      'arguments over the blob limit',
      'workflow',
      'queryWorkflow',
      { domain: 'shop', workflowExecution: noRun, query: { queryType: 'q', queryArgs: BLOB } },
      bad('Blob data size exceeds limit.'),
    ),
    row(
      'no type',
      'workflow',
      'describeTaskList',
      { domain: 'shop', taskList: list('orders') },
      bad('TaskListType is not set on request.'),
    ),
    row(
      'an unknown type',
      'workflow',
      'describeTaskList',
      { domain: 'shop', taskList: list('orders'), taskListType: 3 as 1 },
      bad('3 is not a valid TaskListType.'),
    ),
    row('no list', 'workflow', 'listTaskListPartitions', { domain: 'shop' }, bad('TaskList is not set on request.')),
    read('a page token that is garbage', Uint8Array.of(0xff, 1, 2, 3), invalidToken),
    read('a page token of text', text('{"RunID":"x"}'), invalidToken),
    read('a page token of another domain', pageToken({ domainId: domains.other }), invalidToken),
    read('a page token of another workflow', pageToken({ workflowId: 'somebody' }), invalidToken),
    read(
      'a page token of another run',
      pageToken({ runId: OTHER_RUN }),
      bad('RunID in the request does not match the NextPageToken.'),
    ),
    read('an archive token where there is no archive', pageToken({ archived: true, archiveKey: 'AAAA' }), invalidToken),
  ];
}

const emptyStart = SERVICE_DEFINITIONS.workflow.startWorkflowExecution.requestDeserialize(Buffer.alloc(0));

function polls(): BadInput[] {
  const poll = { domain: 'shop', taskList: list('orders'), identity: 'tests' };
  const limit = { taskListMetadata: { maxTasksPerSecond: -1 } };
  return [
    row('no deadline', 'worker', 'pollForDecisionTask', poll, bad('Context timeout is not set.'), null),
    row('no deadline', 'worker', 'pollForActivityTask', poll, bad('Context timeout is not set.'), null),
    row(
      'a deadline that is too short',
      'worker',
      'pollForDecisionTask',
      poll,
      bad('Context timeout is too short.'),
      1500,
    ),
    row(
      'no task list',
      'worker',
      'pollForDecisionTask',
      { ...poll, taskList: undefined },
      bad('TaskList is not set on request.'),
    ),
    row(
      'an identity that is too long',
      'worker',
      'pollForActivityTask',
      { ...poll, identity: LONG },
      bad('Identity length exceeds limit.'),
    ),
    row('no domain', 'worker', 'pollForActivityTask', { ...poll, domain: '' }, bad('Domain not set on request.')),
    row(
      'an unknown domain',
      'worker',
      'pollForActivityTask',
      { ...poll, domain: 'nowhere' },
      missing('Domain nowhere does not exist.'),
    ),
    row(
      'a negative rate',
      'worker',
      'pollForActivityTask',
      { ...poll, ...limit },
      bad('MaxTasksPerSecond cannot be less than 0.'),
    ),
  ];
}

function answers(domains: Domains): BadInput[] {
  const ids = { workflowId: 'nobody', runId: RUN, scheduleId: 5, scheduleAttempt: 0 };
  const taskToken = encodeTaskToken({ ...ids, domainId: domains.shop });
  const foreign = encodeTaskToken({ ...ids, domainId: OTHER_RUN });
  const query = encodeQueryTaskToken({ ...ids, domainId: domains.shop, taskList: 'orders', taskId: 'gone' });
  const unset = bad('Task token not set on request.');
  const invalid = bad('Invalid TaskToken.');
  const unknownDomain = missing(`Domain ${OTHER_RUN} does not exist.`);
  const byId = { domain: 'shop', workflowExecution: { workflowId: 'nobody', runId: '' }, activityId: 'a' };
  const answered = { resultType: 1 as const, answer: undefined, errorMessage: '' };
  return [
    row('no token', 'worker', 'respondDecisionTaskCompleted', {}, unset),
    row(
      'a token that is garbage',
      'worker',
      'respondDecisionTaskCompleted',
      { taskToken: Uint8Array.of(0xff, 0) },
      invalid,
    ),
    row('a token of arrays', 'worker', 'respondDecisionTaskCompleted', { taskToken: text('[[[[]]]]') }, invalid),
    row(
      'a token with a negative event',
      'worker',
      'respondDecisionTaskCompleted',
      { taskToken: encodeTaskToken({ ...ids, domainId: domains.shop, scheduleId: -5 }) },
      invalid,
    ),
    row(
      'a token of ten megabytes',
      'worker',
      'respondDecisionTaskCompleted',
      { taskToken: new Uint8Array(10 << 20) },
      invalid,
    ),
    row('a token of no domain', 'worker', 'respondDecisionTaskCompleted', { taskToken: foreign }, unknownDomain),
    row('a token of no run', 'worker', 'respondDecisionTaskCompleted', { taskToken }, missing(/./)),
    row(
      'an identity that is too long',
      'worker',
      'respondDecisionTaskCompleted',
      { taskToken, identity: LONG },
      bad('Identity length exceeds limit.'),
    ),
    row('no token', 'worker', 'respondDecisionTaskFailed', {}, unset),
    row(
      'an unknown cause',
      'worker',
      'respondDecisionTaskFailed',
      { taskToken, cause: 250 as 1 },
      bad('250 is not a valid DecisionTaskFailedCause.'),
    ),
    row('no token', 'worker', 'respondActivityTaskCompleted', {}, unset),
    row('a token of no run', 'worker', 'respondActivityTaskCompleted', { taskToken }, missing(/./)),
    row('a token that is garbage', 'worker', 'respondActivityTaskFailed', { taskToken: text('null') }, invalid),
    row('a token of no domain', 'worker', 'respondActivityTaskCanceled', { taskToken: foreign }, unknownDomain),
    row('no token', 'worker', 'recordActivityTaskHeartbeat', {}, unset),
    row('the token of a decision', 'worker', 'respondQueryTaskCompleted', { taskToken, result: answered }, invalid),
    row(
      'no result',
      'worker',
      'respondQueryTaskCompleted',
      { taskToken: query },
      bad('Query result is not set on request.'),
    ),
    row(
      'an unknown query',
      'worker',
      'respondQueryTaskCompleted',
      { taskToken: query, result: answered },
      missing('query task not found, or already expired'),
    ),
    row(
      'no domain',
      'worker',
      'respondActivityTaskCompletedById',
      { ...byId, domain: '' },
      bad('Domain not set on request.'),
    ),
    row(
      'no workflow id',
      'worker',
      'respondActivityTaskFailedById',
      { ...byId, workflowExecution: { workflowId: '', runId: '' } },
      bad('WorkflowId is not set on request.'),
    ),
    row(
      'no activity id',
      'worker',
      'respondActivityTaskCanceledById',
      { ...byId, activityId: '' },
      bad('ActivityID is not set on request.'),
    ),
    row(
      'an activity id that is too long',
      'worker',
      'recordActivityTaskHeartbeatById',
      { ...byId, activityId: LONG },
      bad('ActivityID length exceeds limit.'),
    ),
    row('no execution', 'worker', 'resetStickyTaskList', { domain: 'shop' }, bad('Execution is not set on request.')),
  ];
}

function lists(): BadInput[] {
  const range = { earliestTime: seconds(10), latestTime: seconds(20) };
  const reversed = { earliestTime: seconds(20), latestTime: seconds(10) };
  const failing = { domain: 'shop', startTimeFilter: range };
  const statusFilter = { $case: 'statusFilter', value: { status: 42 as 1 } } as const;
  return [
    row(
      'no time filter',
      'visibility',
      'listOpenWorkflowExecutions',
      { domain: 'shop' },
      bad('StartTimeFilter is required'),
    ),
    row(
      'no earliest time',
      'visibility',
      'listOpenWorkflowExecutions',
      { domain: 'shop', startTimeFilter: { earliestTime: undefined, latestTime: seconds(1) } },
      bad('EarliestTime in StartTimeFilter is required'),
    ),
    row(
      'no latest time',
      'visibility',
      'listClosedWorkflowExecutions',
      { domain: 'shop', startTimeFilter: { earliestTime: seconds(1), latestTime: undefined } },
      bad('LatestTime in StartTimeFilter is required'),
    ),
    row(
      'time backwards',
      'visibility',
      'listClosedWorkflowExecutions',
      { domain: 'shop', startTimeFilter: reversed },
      bad('EarliestTime in StartTimeFilter should not be larger than LatestTime'),
    ),
    row(
      'an unknown status',
      'visibility',
      'listClosedWorkflowExecutions',
      { ...failing, filters: statusFilter },
      bad('42 is not a valid WorkflowExecutionCloseStatus.'),
    ),
    row(
      'a page that is too large',
      'visibility',
      'listWorkflowExecutions',
      { domain: 'shop', pageSize: 10_001 },
      bad('Pagesize is larger than allow 10000'),
    ),
    row(
      'a query that does not parse',
      'visibility',
      'listWorkflowExecutions',
      { domain: 'shop', query: 'WorkflowType = = 5' },
      bad(/./),
    ),
    row(
      'a query on an unknown attribute',
      'visibility',
      'countWorkflowExecutions',
      { domain: 'shop', query: "Nope = 'x'" },
      bad(/invalid search attribute "Nope"/),
    ),
    row(
      'an injected query',
      'visibility',
      'scanWorkflowExecutions',
      { domain: 'shop', query: "WorkflowID = 'x' ; DROP TABLE executions" },
      bad(/./),
    ),
    row(
      'a query of a million brackets',
      'visibility',
      'listWorkflowExecutions',
      { domain: 'shop', query: '('.repeat(1_000_000) },
      bad(/^Query is longer than/),
    ),
    row(
      'a query of ten thousand brackets',
      'visibility',
      'listWorkflowExecutions',
      { domain: 'shop', query: '('.repeat(10_000) },
      bad(/./),
    ),
    row(
      'a page token that is garbage',
      'visibility',
      'listWorkflowExecutions',
      { domain: 'shop', nextPageToken: Uint8Array.of(0xff, 3) },
      bad(/NextPageToken/),
    ),
    row(
      'no archive',
      'visibility',
      'listArchivedWorkflowExecutions',
      { domain: 'shop', query: "WorkflowID = 'x'" },
      bad(/is not configured for visibility archival$/),
    ),
  ];
}

function domainRows(): BadInput[] {
  const retention = { workflowExecutionRetentionPeriod: seconds(86_400) };
  const exists: Expected = [status.ALREADY_EXISTS, 'DomainAlreadyExistsError', /already exists/];
  return [
    row('no name', 'domain', 'registerDomain', retention, bad('Domain not set on request.')),
    row('a name with a slash', 'domain', 'registerDomain', { name: '../shop', ...retention }, bad(/./)),
    row(
      'a name that is too long',
      'domain',
      'registerDomain',
      { name: LONG, ...retention },
      bad('Domain length exceeds limit.'),
    ),
    row(
      'no retention',
      'domain',
      'registerDomain',
      { name: 'fresh' },
      bad('A valid retention period is not set on request.'),
    ),
    row(
      'a year of retention',
      'domain',
      'registerDomain',
      { name: 'fresh', workflowExecutionRetentionPeriod: seconds(365 * 86_400) },
      bad('RetentionDays is invalid.'),
    ),
    row('a name that is taken', 'domain', 'registerDomain', { name: 'shop', ...retention }, exists),
    row(
      'a region that does not exist',
      'domain',
      'registerDomain',
      { name: 'fresh', ...retention, isGlobalDomain: true, activeClusterName: 'mars' },
      bad(/mars/),
    ),
    row('nothing to describe', 'domain', 'describeDomain', {}, bad('Domain not set on request.')),
    row(
      'an unknown domain',
      'domain',
      'describeDomain',
      { describeBy: { $case: 'name', value: 'nowhere' } },
      missing('Domain nowhere does not exist.'),
    ),
    row(
      'an unknown domain',
      'domain',
      'updateDomain',
      { name: 'nowhere', updateMask: ['description'] },
      missing('Domain nowhere does not exist.'),
    ),
    row('no target', 'domain', 'failoverDomain', { domainName: 'shop' }, bad(/must be provided to failover/)),
    row('a domain in use', 'domain', 'deleteDomain', { name: 'shop' }, bad(/deprecated/)),
    row('no domain', 'domain', 'listFailoverHistory', {}, bad(/./)),
  ];
}

function strange(): BadInput[] {
  const bytes = (name: string, path: string, sent: Buffer, code: number, message: RegExp): BadInput => ({
    name,
    path,
    bytes: sent,
    code,
    detail: undefined,
    text: message,
    timeoutMs: 5000,
  });
  const api = '/uber.cadence.api.v1.';
  return [
    row(
      'not served',
      'schedule',
      'createSchedule',
      { domain: 'shop' },
      unserved('uber.cadence.api.v1.ScheduleAPI/CreateSchedule is not served by this server.'),
    ),
    row(
      'not served',
      'workflow',
      'diagnoseWorkflowExecution',
      { domain: 'shop' },
      unserved('uber.cadence.api.v1.WorkflowAPI/DiagnoseWorkflowExecution is not served by this server.'),
    ),
    row(
      'not served',
      'admin',
      'closeShard',
      { shardId: 1 },
      unserved('uber.cadence.admin.v1.AdminAPI/CloseShard is not served by this server.'),
    ),
    row(
      'a run id that is no UUID',
      'admin',
      'describeWorkflowExecution',
      { domain: 'shop', workflowExecution: { workflowId: 'w', runId: 'x' } },
      bad('Invalid RunId.'),
    ),
    bytes('no such method', `${api}WorkflowAPI/FormatDisk`, Buffer.alloc(0), status.UNIMPLEMENTED, /FormatDisk/),
    bytes(
      'bytes that are no message',
      `${api}WorkflowAPI/StartWorkflowExecution`,
      Buffer.from([0xff, 0xff]),
      status.INVALID_ARGUMENT,
      /cannot be decoded/,
    ),
    bytes(
      'bytes that end too early',
      `${api}WorkerAPI/PollForDecisionTask`,
      Buffer.from([0x0a, 0x05, 0x61]),
      status.INVALID_ARGUMENT,
      /cannot be decoded/,
    ),
    bytes(
      'text that is no UTF-8',
      `${api}DomainAPI/RegisterDomain`,
      Buffer.from([0x12, 0x02, 0xc3, 0x28]),
      status.INVALID_ARGUMENT,
      /cannot be decoded/,
    ),
    bytes(
      'groups without end',
      `${api}VisibilityAPI/ListWorkflowExecutions`,
      Buffer.alloc(1 << 20, 0x0b),
      status.INVALID_ARGUMENT,
      /cannot be decoded/,
    ),
    bytes(
      'a message over the limit',
      `${api}WorkflowAPI/SignalWorkflowExecution`,
      Buffer.alloc(33 << 20),
      status.RESOURCE_EXHAUSTED,
      /larger than max/,
    ),
  ];
}

export const badInputs = (domains: Domains): readonly BadInput[] => [
  ...starts(),
  ...runs(domains),
  ...polls(),
  ...answers(domains),
  ...lists(),
  ...domainRows(),
  ...strange(),
];
