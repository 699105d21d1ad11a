// Sizes and counts at their limits: the domain diff-limits has low ones (scripts/reference-cadence/dynamic.yaml).
import {
  activity,
  complete,
  continueAsNew,
  failure,
  failWorkflow,
  payload,
  recordMarker,
  seconds,
  signalExternal,
  startChild,
  startTimer,
  timer,
  upsertSearchAttributes,
} from '../messages.ts';
import type { Player } from '../player.ts';
import { scenariosOf } from '../scenario.ts';

const BYTES_MAX = 20_480;
const SIGNALS_MAX = 5;
const EVENTS_MAX = 40;
const tooLarge = () => ({ data: Buffer.alloc(BYTES_MAX + 1, 'x') });
const details = () => tooLarge().data;

const decisions = {
  'an activity': () => activity('a', { input: tooLarge() }),
  'a marker': () => recordMarker({ markerName: 'm', details: tooLarge() }),
  'a result': () => complete('x'.repeat(BYTES_MAX + 1)),
  'a failure': () => failWorkflow({ failure: { reason: 'bad', details: details() } }),
  'a signal to another workflow': () =>
    signalExternal({ workflowExecution: { workflowId: 'other' }, signalName: 'go', input: tooLarge() }),
  'a child': () => startChild({ workflowId: 'limit-child', workflowType: { name: 'C' }, input: tooLarge() }),
  'the next run': () => continueAsNew({ input: tooLarge() }),
  'search attributes': () =>
    upsertSearchAttributes({
      searchAttributes: { indexedFields: { CustomKeywordField: payload(`"${'x'.repeat(2100)}"`) } },
    }),
} as const;

const DOMAIN = { domain: 'diff-limits' };

scenariosOf(
  'limits',
  Object.fromEntries(
    Object.entries(decisions).map(([what, decision]) => [
      `a decision with too much in ${what}`,
      async (p: Player) => {
        const run = await p.start();
        await p.turn([timer('t', 50), decision(), timer('u', 50)]);
        await p.history(run);
      },
    ]),
  ),
  DOMAIN,
);

const started = async (p: Player) => {
  const run = await p.start();
  await p.turn([activity('a', { heartbeatTimeout: seconds(20) })]);
  const { taskToken } = await p.pollActivity();
  return { run, taskToken };
};

scenariosOf(
  'limits',
  {
    'a start with too much input': async (p) => {
      await p.call.workflow.startWorkflowExecution(p.startRequest({ input: tooLarge() }));
      await p.call.workflow.startWorkflowExecution(
        p.startRequest({ input: { data: new Uint8Array(BYTES_MAX) }, memo: { fields: { m: payload('v') } } }),
      );
    },
    'a signal with too much input': async (p) => {
      const run = await p.start();
      await p.call.workflow.signalWorkflowExecution({
        domain: p.domain,
        workflowExecution: run,
        signalName: 'go',
        signalInput: tooLarge(),
        requestId: p.uuid('signal'),
      });
      await p.call.workflow.signalWithStartWorkflowExecution({
        startRequest: p.startRequest(),
        signalName: 'go',
        signalInput: tooLarge(),
      });
      await p.history(run);
    },
    'a signal too many': async (p) => {
      const run = await p.start();
      for (let count = 0; count < SIGNALS_MAX + 2; count++) await p.signal(run, `s${count}`);
      await p.call.workflow.signalWithStartWorkflowExecution({
        startRequest: p.startRequest(),
        signalName: 'one more',
      });
      await p.history(run);
    },
    'an activity that answers too much': async (p) => {
      const { run, taskToken } = await started(p);
      await p.call.worker.respondActivityTaskCompleted({ taskToken, result: tooLarge(), identity: 'w' });
      await p.history(run);
    },
    'an activity that fails with too much': async (p) => {
      const { run, taskToken } = await started(p);
      await p.call.worker.respondActivityTaskFailed({ taskToken, failure: { reason: 'bad', details: details() } });
      await p.history(run);
    },
    'an activity that beats with too much': async (p) => {
      const { run, taskToken } = await started(p);
      await p.call.worker.recordActivityTaskHeartbeat({ taskToken, details: tooLarge(), identity: 'w' });
      await p.history(run);
    },
    'an activity that is canceled with too much': async (p) => {
      const { run, taskToken } = await started(p);
      await p.call.worker.respondActivityTaskCanceled({ taskToken, details: tooLarge() });
      await p.history(run);
    },
    'an activity by id that answers too much': async (p) => {
      const { run } = await started(p);
      const request = { domain: p.domain, workflowExecution: run, activityId: 'a' };
      await p.call.worker.respondActivityTaskCompletedById({ ...request, result: tooLarge() });
      await p.history(run);
    },
    'a decision that fails with too much': async (p) => {
      const run = await p.start();
      const { taskToken } = await p.pollDecision();
      await p.call.worker.respondDecisionTaskFailed({ taskToken, cause: 14, details: tooLarge() });
      await p.history(run);
    },
    'a decision that fails too often': async (p) => {
      const run = await p.start();
      for (let count = 0; count < 5; count++) {
        const task = await p.pollDecision();
        await p.decide(task, [startTimer({ timerId: '' })]);
        const { answer } = await p.quiet.workflow.describeWorkflowExecution({
          domain: p.domain,
          workflowExecution: run,
        });
        if (answer?.workflowExecutionInfo?.closeTime !== undefined) break;
      }
      await p.history(run);
    },
    'a query that asks too much': async (p) => {
      const run = await p.start();
      await p.turn([timer('t', 50)]);
      await p.call.workflow.queryWorkflow({
        domain: p.domain,
        workflowExecution: run,
        query: { queryType: 'q', queryArgs: tooLarge() },
      });
    },
    'a query that answers too much': async (p) => {
      const run = await p.start();
      await p.turn([timer('t', 50)]);
      const asked = p.quiet.workflow.queryWorkflow(
        { domain: p.domain, workflowExecution: run, query: { queryType: 'q' } },
        { timeoutMs: 10_000 },
      );
      const { taskToken } = await p.pollDecision();
      await p.call.worker.respondQueryTaskCompleted({ taskToken, result: { resultType: 1, answer: tooLarge() } });
      p.show('QueryWorkflow', await asked);
    },
    'a termination with too much': async (p) => {
      const run = await p.start();
      await p.call.workflow.terminateWorkflowExecution({
        domain: p.domain,
        workflowExecution: run,
        details: tooLarge(),
      });
      await p.history(run);
    },
    'a history too long': async (p) => {
      const run = await p.start();
      await p.turn(Array.from({ length: EVENTS_MAX }, (_, index) => timer(`t${index}`, 50)));
      await p.signal(run, 'go');
      await p.turn([timer('more', 50)]);
      await p.history(run);
    },
    'a retried activity whose attempt answers too much': async (p) => {
      const run = await p.start();
      const retryPolicy = { initialInterval: seconds(1), backoffCoefficient: 1, maximumAttempts: 3 };
      await p.turn([activity('a', { retryPolicy })]);
      const first = await p.pollActivity();
      await p.call.worker.respondActivityTaskFailed({
        taskToken: first.taskToken,
        failure: { reason: 'bad', details: details() },
      });
      const second = await p.pollActivity();
      await p.call.worker.respondActivityTaskFailed({ taskToken: second.taskToken, failure: failure('worse') });
      await p.describe(run);
    },
  },
  DOMAIN,
);
