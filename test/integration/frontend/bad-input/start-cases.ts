// Starting with something wrong, missing, huge or hostile.
import {
  type BadInput,
  BLOB,
  bad,
  type Expected,
  goodStart,
  LONG,
  list,
  missing,
  row,
  type Start,
  seconds,
  text,
} from './row.ts';

const start = (name: string, fields: Partial<Start>, expected: Expected): BadInput =>
  row(name, 'workflow', 'startWorkflowExecution', { ...goodStart, ...fields }, expected);

export function starts(): BadInput[] {
  const noUuid = (id: string) => bad(`requestId "${id}" is not a valid UUID`);
  const execution = bad('A valid ExecutionStartToCloseTimeoutSeconds is not set on request.');
  const task = bad('A valid TaskStartToCloseTimeoutSeconds is not set on request.');
  return [
    start('no domain', { domain: '' }, bad('Domain name is empty')),
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
      'a cron expression of a zone nowhere',
      { cronSchedule: 'CRON_TZ=Nowhere/City * * * * *' },
      bad(/^Invalid CronSchedule/),
    ),
    start(
      'a cron expression that is too long',
      { cronSchedule: '*'.repeat(5000) },
      bad('CronSchedule length exceeds limit.'),
    ),
    start(
      'a jitter beyond the next cron fire',
      { cronSchedule: '@every 10s', jitterStart: seconds(11) },
      bad('A valid JitterStartSeconds is not set on request (larger than cron duration).'),
    ),
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
      bad('WorkflowID is read-only Cadence reservered attribute'),
    ),
    start(
      'an attribute that is no JSON',
      fields({ CustomIntField: '{' }),
      bad(/is not a valid search attribute value for key CustomIntField/),
    ),
    start(
      'an attribute of another type',
      fields({ CustomIntField: '"five"' }),
      bad(/is not a valid search attribute value for key CustomIntField/),
    ),
    start(
      'an attribute that is too large',
      fields({ CustomStringField: `"${'x'.repeat(3000)}"` }),
      bad(/size limit exceed/),
    ),
    start('too many attributes', fields(many), bad('number of keys 101 exceed limit')),
  ];
}
