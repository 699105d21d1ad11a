// Runs that follow runs: continue as new by each initiator, workflow retry, cron, delays; what is carried over from run to run.
import { ContinueAsNewInitiator } from '@antiphon/proto';
import {
  activity,
  at,
  complete,
  continueAsNew,
  failure,
  failWorkflow,
  payload,
  seconds,
  startTimer,
  timer,
} from '../messages.ts';
import type { Player, RunRef } from '../player.ts';
import { scenariosOf } from '../scenario.ts';

const retryPolicy = { initialInterval: seconds(1), backoffCoefficient: 1, maximumAttempts: 2 };
const current = (run: RunRef): RunRef => ({ ...run, runId: '' });

/** Waits for another current run than this one. */
async function nextRun(p: Player, run: RunRef, name: string): Promise<RunRef> {
  let runId = '';
  await p.until(`a run after ${run.runId}`, async () => {
    const { answer } = await p.quiet.workflow.describeWorkflowExecution({
      domain: p.domain,
      workflowExecution: { workflowId: run.workflowId },
    });
    runId = answer?.workflowExecutionInfo?.workflowExecution?.runId ?? '';
    return runId !== '' && runId !== run.runId;
  });
  p.name(runId, name);
  return { workflowId: run.workflowId, runId };
}

const full = {
  memo: { fields: { m: payload('v') } },
  searchAttributes: { indexedFields: { CustomKeywordField: payload('"x"') } },
  header: { fields: { h: payload('v') } },
};

scenariosOf('continue-as-new', {
  'takes over what it does not say': async (p) => {
    const run = await p.start({ input: payload('first'), ...full });
    await p.turn([continueAsNew({})]);
    const next = await nextRun(p, run, 'second run');
    await p.history(run);
    await p.history(next, 'history of the next run');
    await p.describe(run);
    await p.describe(next, 'describe the next run');
  },
  'says everything': async (p) => {
    const run = await p.start({ input: payload('first'), ...full });
    await p.turn([
      continueAsNew({
        workflowType: { name: 'Other' },
        taskList: { name: p.id('other-tl') },
        input: payload('second'),
        executionStartToCloseTimeout: seconds(50),
        taskStartToCloseTimeout: seconds(5),
        initiator: ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_DECIDER,
        retryPolicy,
        header: { fields: { h2: payload('v2') } },
        memo: { fields: { m2: payload('v2') } },
        searchAttributes: { indexedFields: { CustomKeywordField: payload('"y"') } },
        lastCompletionResult: payload('so far'),
      }),
    ]);
    const next = await nextRun(p, run, 'second run');
    await p.history(run);
    await p.history(next, 'history of the next run');
    await p.turn([complete()], { taskList: p.id('other-tl') });
    await p.describe(next);
  },
  'three times': async (p) => {
    const run = await p.start();
    await p.turn([continueAsNew({ input: payload('2') })]);
    const second = await nextRun(p, run, 'second run');
    await p.turn([continueAsNew({ input: payload('3') })]);
    const third = await nextRun(p, second, 'third run');
    await p.turn([complete()]);
    await p.history(second);
    await p.history(third, 'history of the third run');
  },
  'as a retry': async (p) => {
    const run = await p.start();
    await p.turn([
      continueAsNew({
        initiator: ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_RETRY_POLICY,
        backoffStartInterval: seconds(1),
        failure: failure('bad', 'd'),
        retryPolicy,
      }),
    ]);
    const next = await nextRun(p, run, 'second run');
    await p.history(run);
    await p.turn([complete()]);
    await p.history(next, 'history of the next run');
  },
  'as a cron': async (p) => {
    const run = await p.start();
    await p.turn([
      continueAsNew({
        initiator: ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE,
        backoffStartInterval: seconds(1),
        lastCompletionResult: payload('r'),
      }),
    ]);
    const next = await nextRun(p, run, 'second run');
    await p.history(run);
    await p.turn([complete()]);
    await p.history(next, 'history of the next run');
  },
  'with a timer and an activity pending': async (p) => {
    const run = await p.start();
    await p.turn([activity('a'), timer('t', 50)]);
    await p.signal(run, 'go');
    await p.turn([continueAsNew({})]);
    await p.history(run);
    await p.describe(run);
  },
});

scenariosOf('workflow-retry', {
  'fails, then completes': async (p) => {
    const run = await p.start({ retryPolicy, input: payload('i'), ...full });
    await p.turn([failWorkflow({ failure: failure('bad', 'd') })]);
    const next = await nextRun(p, run, 'second run');
    await p.history(next, 'history of the next run, waiting');
    await p.turn([complete()]);
    await p.history(run);
    await p.history(next, 'history of the next run');
  },
  'fails to the end': async (p) => {
    const run = await p.start({ retryPolicy });
    await p.turn([failWorkflow({ failure: failure('bad', '1') })]);
    const next = await nextRun(p, run, 'second run');
    await p.turn([failWorkflow({ failure: failure('bad', '2') })]);
    await p.history(next);
  },
  'fails for a reason that is not retried': async (p) => {
    const run = await p.start({ retryPolicy: { ...retryPolicy, nonRetryableErrorReasons: ['fatal'] } });
    await p.turn([failWorkflow({ failure: failure('fatal') })]);
    await p.history(run);
  },
  'fails past the expiration': async (p) => {
    const run = await p.start({
      retryPolicy: { initialInterval: seconds(5), backoffCoefficient: 1, expirationInterval: seconds(3) },
    });
    await p.turn([failWorkflow({ failure: failure('bad') })]);
    await p.history(run);
  },
  'times out': async (p) => {
    const run = await p.start({ retryPolicy, executionStartToCloseTimeout: seconds(1) });
    const next = await nextRun(p, run, 'second run');
    await p.awaitEvent(next, 'WorkflowExecutionTimedOut');
    await p.history(run);
    await p.history(next, 'history of the next run');
  },
  'is canceled meanwhile': async (p) => {
    const run = await p.start({ retryPolicy });
    await p.call.workflow.requestCancelWorkflowExecution({
      domain: p.domain,
      workflowExecution: run,
      requestId: p.uuid('cancel'),
    });
    await p.turn([failWorkflow({ failure: failure('bad') })]);
    await p.history(run);
  },
  'gets a signal while the next run waits': async (p) => {
    const run = await p.start({
      retryPolicy: { ...retryPolicy, initialInterval: seconds(20), expirationInterval: seconds(50) },
    });
    await p.turn([failWorkflow({ failure: failure('bad') })]);
    const next = await nextRun(p, run, 'second run');
    await p.signal(next, 'go');
    await p.history(next);
    await p.describe(next);
  },
});

const endCron = (p: Player, run: RunRef) =>
  p.quiet.workflow.terminateWorkflowExecution({ domain: p.domain, workflowExecution: current(run) });

scenariosOf('cron', {
  'runs again after it completes': async (p) => {
    const run = await p.start({ cronSchedule: '@every 2s', input: payload('i'), ...full });
    await p.turn([complete('first')]);
    const next = await nextRun(p, run, 'second run');
    await p.turn([complete('second')]);
    await endCron(p, run);
    await p.history(next, 'history of the second run');
  },
  'runs again after it fails': async (p) => {
    const run = await p.start({ cronSchedule: '@every 2s' });
    await p.turn([complete('first')]);
    const second = await nextRun(p, run, 'second run');
    await p.turn([failWorkflow({ failure: failure('bad', 'd') })]);
    const third = await nextRun(p, second, 'third run');
    await p.awaitEvent(third, 'DecisionTaskScheduled');
    await endCron(p, run);
    await p.history(second, 'history of the second run');
    await p.history(third, 'history of the third run');
  },
  'runs again after it times out': async (p) => {
    const run = await p.start({ cronSchedule: '@every 2s', executionStartToCloseTimeout: seconds(1) });
    const next = await nextRun(p, run, 'second run');
    await endCron(p, run);
    await p.history(run);
    await p.history(next, 'history of the second run');
  },
  'ends when it is canceled': async (p) => {
    const run = await p.start({ cronSchedule: '@every 2s' });
    await p.call.workflow.requestCancelWorkflowExecution({
      domain: p.domain,
      workflowExecution: run,
      requestId: p.uuid('cancel'),
    });
    await p.turn([complete()]);
    await p.history(run);
  },
  'retries before its next time': async (p) => {
    const run = await p.start({
      cronSchedule: '@every 100h',
      retryPolicy,
      delayStart: seconds(0),
      firstRunAt: at(Date.now() + 1500),
    });
    await p.turn([failWorkflow({ failure: failure('bad') })]);
    const next = await nextRun(p, run, 'second run');
    await p.awaitEvent(next, 'DecisionTaskScheduled');
    await p.history(next);
  },
  'waits, and a signal comes': async (p) => {
    const run = await p.start({ cronSchedule: '@every 100h' });
    await p.signal(run, 'go');
    await p.history(run);
    await p.describe(run);
  },
  'continues as new by its own decision': async (p) => {
    const run = await p.start({ cronSchedule: '@every 2s' });
    await p.turn([continueAsNew({ cronSchedule: '@every 2s' })]);
    const next = await nextRun(p, run, 'second run');
    await p.turn([complete()]);
    await endCron(p, run);
    await p.history(run);
    await p.history(next, 'history of the second run');
  },
  'buffers one when it overlaps': async (p) => {
    const run = await p.start({ cronSchedule: '@every 1s', cronOverlapPolicy: 2 });
    const task = await p.pollDecision();
    await p.sleep(2500);
    await p.decide(task, [complete()]);
    const next = await nextRun(p, run, 'second run');
    await p.awaitEvent(next, 'DecisionTaskScheduled');
    await endCron(p, run);
    await p.history(run);
    await p.history(next, 'history of the second run');
    await p.describe(next);
  },
});

scenariosOf('delay', {
  'a delayed start': async (p) => {
    const run = await p.start({ delayStart: seconds(1) });
    await p.history(run, 'before the delay is over');
    await p.describe(run);
    await p.turn([complete()]);
    await p.history(run);
  },
  'a delayed start gets signals': async (p) => {
    const run = await p.start({ delayStart: seconds(2) });
    await p.signal(run, 'a');
    await p.history(run, 'before the delay is over');
    await p.turn([complete()]);
    await p.history(run);
  },
  'a delayed start is terminated': async (p) => {
    const run = await p.start({ delayStart: seconds(30) });
    await p.call.workflow.terminateWorkflowExecution({ domain: p.domain, workflowExecution: run });
    await p.history(run);
  },
  'a delayed start lasts longer': async (p) => {
    const run = await p.start({ delayStart: seconds(2), executionStartToCloseTimeout: seconds(1) });
    await p.awaitEvent(run, 'WorkflowExecutionTimedOut');
    await p.history(run);
  },
  'jitter without cron': async (p) => {
    const run = await p.start({ jitterStart: seconds(1) });
    await p.turn([complete()]);
    p.note(
      'events',
      (await p.eventsOf(run)).map(({ attributes }) => attributes?.$case),
    );
  },
  'a first run in the future': async (p) => {
    const run = await p.start({
      firstRunAt: at(Date.now() + 3_600_000),
      delayStart: seconds(5),
      jitterStart: seconds(5),
    });
    await p.history(run);
    await p.describe(run);
  },
  'a first run in the past': async (p) => {
    const run = await p.start({ firstRunAt: at(Date.now() - 3_600_000) });
    await p.history(run);
  },
  'a first run in the past of a cron': async (p) => {
    const run = await p.start({ firstRunAt: at(Date.now() - 3_600_000), cronSchedule: '@every 100h' });
    await p.history(run);
  },
  'a first run in the future of a cron': async (p) => {
    const run = await p.start({ firstRunAt: at(Date.now() + 3_600_000), cronSchedule: '@every 100h' });
    await p.history(run);
    await p.describe(run);
  },
  'a delay of a cron': async (p) => {
    const run = await p.start({ delayStart: seconds(3600), cronSchedule: '@every 100h' });
    await p.history(run);
  },
});

scenariosOf('workflow', {
  'times out': async (p) => {
    const run = await p.start({ executionStartToCloseTimeout: seconds(1) });
    await p.awaitEvent(run, 'WorkflowExecutionTimedOut');
    await p.history(run);
    await p.describe(run);
  },
  'times out while a decision runs': async (p) => {
    const run = await p.start({ executionStartToCloseTimeout: seconds(4) });
    await p.sleep(2000);
    const task = await p.pollDecision();
    await p.signal(run, 'a');
    await p.awaitEvent(run, 'WorkflowExecutionTimedOut');
    await p.decide(task, [complete()]);
    await p.history(run);
  },
  'fails with a failure': async (p) => {
    const run = await p.start();
    await p.turn([failWorkflow({ failure: failure('bad', 'details') })]);
    await p.history(run);
    await p.describe(run);
  },
  'completes with a timer pending': async (p) => {
    const run = await p.start();
    await p.turn([startTimer({ timerId: 't', startToFireTimeout: seconds(1) }), complete()]);
    await p.sleep(1500);
    await p.history(run);
    await p.describe(run);
  },
});
