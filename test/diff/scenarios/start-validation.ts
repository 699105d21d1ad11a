// Every field of a start request, wrong in each way it can be; where the server takes it, what it made of it.
import type { StartWorkflowExecutionRequest } from '@antiphon/proto';
import { at, payload, seconds } from '../messages.ts';
import type { Player } from '../player.ts';
import { scenariosOf } from '../scenario.ts';
import type { Loose } from '../wire.ts';

type Request = Loose<StartWorkflowExecutionRequest>;

const long = 'x'.repeat(1001);
const retry = (policy: Request['retryPolicy']): Request => ({
  retryPolicy: { initialInterval: seconds(1), backoffCoefficient: 2, maximumAttempts: 3, ...policy },
});
const attributes = (fields: Record<string, string>): Request => ({
  searchAttributes: {
    indexedFields: Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, payload(value)])),
  },
});
const YEAR_MS = 365 * 24 * 3600 * 1000;

const requests: Readonly<Record<string, Request | ((p: Player) => Request)>> = {
  'an empty domain': { domain: '' },
  'an unknown domain': { domain: 'diff-unknown' },
  'a domain name too long': { domain: long },
  'no workflow id': { workflowId: '' },
  'a workflow id too long': { workflowId: long },
  'a workflow id as long as may be': (p) => ({ workflowId: p.id('x'.repeat(1000 - p.id('').length)) }),
  'no workflow type': { workflowType: undefined },
  'an empty workflow type': { workflowType: { name: '' } },
  'a workflow type too long': { workflowType: { name: long } },
  'no task list': { taskList: undefined },
  'an empty task list': { taskList: { name: '' } },
  'a task list too long': { taskList: { name: long } },
  'a task list of a reserved name': { taskList: { name: '/__cadence_sys/list/1' } },
  'a normal task list': (p) => ({ taskList: { name: p.id('tl'), kind: 1 } }),
  'an ephemeral task list': (p) => ({ taskList: { name: p.id('tl'), kind: 3 } }),
  'a sticky task list': (p) => ({ taskList: { name: p.id('tl'), kind: 2 } }),
  'no execution timeout': { executionStartToCloseTimeout: undefined },
  'an execution timeout of zero': { executionStartToCloseTimeout: seconds(0) },
  'an execution timeout below zero': { executionStartToCloseTimeout: seconds(-1) },
  'an execution timeout below a second': { executionStartToCloseTimeout: { seconds: 0n, nanos: 999_999_999 } },
  'an execution timeout with a part of a second': {
    executionStartToCloseTimeout: { seconds: 60n, nanos: 999_999_999 },
  },
  'no task timeout': { taskStartToCloseTimeout: undefined },
  'a task timeout of zero': { taskStartToCloseTimeout: seconds(0) },
  'a task timeout below zero': { taskStartToCloseTimeout: seconds(-1) },
  'a task timeout over the execution timeout': { taskStartToCloseTimeout: seconds(100) },
  'a task timeout over the most': {
    taskStartToCloseTimeout: seconds(1000),
    executionStartToCloseTimeout: seconds(5000),
  },
  'no request id': { requestId: '' },
  'a request id that is no uuid': { requestId: 'not-a-uuid' },
  'a request id of upper case': { requestId: '7D444840-9DC0-11D1-B245-5FFDCE74FAD2' },
  'an identity too long': { identity: long },
  'no identity': { identity: '' },
  'a retry policy': retry({}),
  'a retry policy with all fields': retry({
    maximumInterval: seconds(10),
    expirationInterval: seconds(30),
    nonRetryableErrorReasons: ['fatal'],
  }),
  'a retry policy without an initial interval': retry({ initialInterval: undefined }),
  'a retry policy with an initial interval of zero': retry({ initialInterval: seconds(0) }),
  'a retry policy with an initial interval below a second': retry({
    initialInterval: { seconds: 0n, nanos: 500_000_000 },
  }),
  'a retry policy with an initial interval below zero': retry({ initialInterval: seconds(-1) }),
  'a retry policy with a coefficient below one': retry({ backoffCoefficient: 0.5 }),
  'a retry policy without a coefficient': retry({ backoffCoefficient: 0 }),
  'a retry policy with a maximum interval below zero': retry({ maximumInterval: seconds(-1) }),
  'a retry policy with a maximum interval below the initial': retry({
    initialInterval: seconds(5),
    maximumInterval: seconds(2),
  }),
  'a retry policy with attempts below zero': retry({ maximumAttempts: -1 }),
  'a retry policy with an expiration below zero': retry({ expirationInterval: seconds(-1) }),
  'a retry policy with neither attempts nor expiration': retry({ maximumAttempts: 0 }),
  'a cron schedule that is none': { cronSchedule: 'every day' },
  'a cron schedule of six fields': { cronSchedule: '0 0 0 1 1 *' },
  'a cron schedule': { cronSchedule: '0 0 1 1 *' },
  'an unknown cron overlap policy': { cronOverlapPolicy: 9 as never },
  'a delay below zero': { delayStart: seconds(-1) },
  'a jitter below zero': { jitterStart: seconds(-1) },
  'a first run in the past': { firstRunAt: at(Date.now() - YEAR_MS) },
  'a first run before all time': { firstRunAt: { seconds: -5n, nanos: 0 } },
  'an unknown reuse policy': { workflowIdReusePolicy: 9 as never },
  'an input too large': { input: { data: new Uint8Array(2 * 1024 * 1024 + 1) } },
  'a memo too large': { memo: { fields: { note: { data: new Uint8Array(2 * 1024 * 1024 + 1) } } } },
  'a memo and a header': { memo: { fields: { note: payload('m') } }, header: { fields: { trace: payload('h') } } },
  'an empty memo': { memo: { fields: {} } },
  'an empty input': { input: payload('') },
  'a known search attribute': attributes({ CustomKeywordField: '"red"' }),
  'an unknown search attribute': attributes({ Colour: '"red"' }),
  'a search attribute of the system': attributes({ WorkflowID: '"w"' }),
  'a search attribute of another type': attributes({ CustomIntField: '"red"' }),
  'a search attribute that is no json': attributes({ CustomKeywordField: 'red' }),
  'a search attribute too large': attributes({ CustomKeywordField: `"${'r'.repeat(3000)}"` }),
  'search attributes too large together': attributes({
    CustomKeywordField: `[${Array.from({ length: 25 }, () => `"${'r'.repeat(2000)}"`).join(',')}]`,
  }),
  'an empty search attribute': attributes({ CustomKeywordField: '' }),
  'a cluster attribute': { activeClusterSelectionPolicy: { clusterAttribute: { scope: 'region', name: 'eu' } } },
};

scenariosOf('start-validation', {
  'a cron schedule and jitter over its interval': async (p) => {
    await p.call.workflow.startWorkflowExecution(
      p.startRequest({ cronSchedule: '@every 5s', jitterStart: seconds(6) }),
    );
  },
});

scenariosOf(
  'start-validation',
  Object.fromEntries(
    Object.entries(requests).map(([behaviour, request]) => [
      behaviour,
      async (p) => {
        const given = typeof request === 'function' ? request(p) : request;
        const outcome = await p.call.workflow.startWorkflowExecution(p.startRequest(given));
        if (outcome.answer === undefined) return;
        const run = { workflowId: given.workflowId ?? p.id('wf'), runId: outcome.answer.runId };
        await p.history(run);
        await p.quiet.workflow.terminateWorkflowExecution({ domain: p.domain, workflowExecution: run });
      },
    ]),
  ),
);
