// The life of a decision task: failures and timeouts, transient decisions, sticky lists, new tasks with the answer, heartbeats and markers.
import {
  activity,
  bytes,
  complete,
  payload,
  recordMarker,
  seconds,
  startTimer,
  timer,
  upsertSearchAttributes,
} from '../messages.ts';
import type { Player, RunRef } from '../player.ts';
import { scenariosOf } from '../scenario.ts';
import { eventType } from '../transcript.ts';

const STICKY = 2;

const fail = (p: Player, task: { taskToken: Uint8Array }, more: object = {}) =>
  p.call.worker.respondDecisionTaskFailed({
    taskToken: task.taskToken,
    cause: 14,
    details: payload('worker broke'),
    identity: 'worker',
    binaryChecksum: 'binary',
    ...more,
  });

const sticky = (p: Player, scheduleToStart = 10) =>
  ({
    stickyAttributes: {
      workerTaskList: { name: p.id('sticky'), kind: STICKY },
      scheduleToStartTimeout: seconds(scheduleToStart),
    },
  }) as const;

scenariosOf('decision', {
  'fails once, then completes': async (p) => {
    const run = await p.start();
    await fail(p, await p.pollDecision());
    await p.history(run, 'after the failure');
    await p.describe(run);
    await p.turn([complete()]);
    await p.history(run);
  },
  'fails three times, then completes': async (p) => {
    const run = await p.start();
    for (const _ of [1, 2, 3]) await fail(p, await p.pollDecision());
    await p.history(run, 'after the failures');
    await p.describe(run);
    await p.turn([timer('t', 30)]);
    await p.history(run);
  },
  'fails and a signal comes': async (p) => {
    const run = await p.start();
    await fail(p, await p.pollDecision());
    await p.signal(run, 'a');
    await p.history(run, 'after the signal');
    await p.turn([complete()]);
    await p.history(run);
  },
  'fails, fails again, and a signal comes meanwhile': async (p) => {
    const run = await p.start();
    await fail(p, await p.pollDecision());
    const task = await p.pollDecision();
    await p.signal(run, 'a');
    await fail(p, task);
    await p.history(run, 'after the second failure');
    await p.turn([complete()]);
    await p.history(run);
  },
  'fails with every cause a worker may give': async (p) => {
    const run = await p.start();
    await fail(p, await p.pollDecision(), { cause: 0 });
    await fail(p, await p.pollDecision(), { cause: 1 });
    await p.signal(run, 'a');
    await fail(p, await p.pollDecision(), { cause: 99 });
    await p.history(run);
  },
  'fails twice': async (p) => {
    await p.start();
    const task = await p.pollDecision();
    await fail(p, task);
    await fail(p, task);
    await p.decide(task, [complete()]);
  },
  'is answered twice': async (p) => {
    await p.start();
    const task = await p.turn([timer('t', 30)]);
    await p.decide(task, [complete()]);
    await fail(p, task);
  },
  'is answered after the close': async (p) => {
    const run = await p.start();
    const task = await p.pollDecision();
    await p.call.workflow.terminateWorkflowExecution({ domain: p.domain, workflowExecution: run });
    await p.decide(task, [complete()]);
    await fail(p, task);
  },
  'times out': async (p) => {
    const run = await p.start({ taskStartToCloseTimeout: seconds(1) });
    const task = await p.pollDecision();
    await p.awaitEvent(run, 'DecisionTaskTimedOut');
    await p.history(run, 'after the timeout');
    await p.turn([complete()]);
    await p.decide(task, [complete()]);
    await p.history(run);
  },
  'times out and a signal waited': async (p) => {
    const run = await p.start({ taskStartToCloseTimeout: seconds(1) });
    await p.pollDecision();
    await p.signal(run, 'a');
    await p.awaitEvent(run, 'DecisionTaskTimedOut');
    await p.history(run);
  },
  'with an execution context and a binary': async (p) => {
    const run = await p.start();
    const task = await p.pollDecision({ binaryChecksum: 'binary' });
    await p.decide(task, [timer('t', 30)], { executionContext: bytes('context'), binaryChecksum: 'binary' });
    await p.history(run);
    await p.describe(run);
  },
  'of no decisions': async (p) => {
    const run = await p.start();
    await p.turn([]);
    await p.history(run);
    await p.describe(run);
  },
  'with an identity too long': async (p) => {
    const run = await p.start();
    const task = await p.pollDecision();
    await p.decide(task, [complete()], { identity: 'x'.repeat(1001) });
    await fail(p, task, { identity: 'x'.repeat(1001) });
    await p.history(run);
  },
  heartbeats: async (p) => {
    const run = await p.start();
    const task = await p.pollDecision();
    const next = await p.decide(task, [], { forceCreateNewDecisionTask: true, returnNewDecisionTask: true });
    await p.history(run, 'after the heartbeat');
    await p.describe(run);
    if (next !== undefined) await p.decide(next, [complete()]);
    await p.history(run);
  },
  'forces a new one': async (p) => {
    const run = await p.start();
    const task = await p.pollDecision();
    await p.decide(task, [timer('t', 30)], { forceCreateNewDecisionTask: true });
    await p.turn([complete()]);
    await p.history(run);
  },
  'asks for a new one, and there is none': async (p) => {
    const run = await p.start();
    const task = await p.pollDecision();
    await p.decide(task, [timer('t', 30)], { returnNewDecisionTask: true });
    await p.history(run);
  },
  'gets the next one for a signal that waited': async (p) => {
    const run = await p.start();
    const task = await p.pollDecision();
    await p.signal(run, 'a');
    const next = await p.decide(task, [timer('t', 30)], { returnNewDecisionTask: true });
    if (next !== undefined) await p.decide(next, [complete()]);
    await p.history(run);
  },
  'fails for a bad decision after good ones': async (p) => {
    const run = await p.start();
    await p.turn([timer('t', 30), recordMarker({ markerName: 'm' }), startTimer({ timerId: '' })]);
    await p.describe(run);
    await p.turn([timer('t', 30)]);
    await p.history(run);
  },
  'fails for a bad decision twice': async (p) => {
    const run = await p.start();
    await p.turn([startTimer({ timerId: '' })]);
    await p.turn([startTimer({ timerId: '' })]);
    await p.history(run);
    await p.describe(run);
  },
  'records markers': async (p) => {
    const run = await p.start();
    await p.turn([
      recordMarker({
        markerName: 'LocalActivity',
        details: payload('{"ActivityID":"1"}'),
        header: { fields: { h: payload('v') } },
      }),
      recordMarker({ markerName: 'Version' }),
      complete(),
    ]);
    await p.history(run);
  },
  'upserts search attributes': async (p) => {
    const run = await p.start();
    const upsert = (fields: Record<string, string>) =>
      upsertSearchAttributes({
        searchAttributes: {
          indexedFields: Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, payload(value)])),
        },
      });
    await p.turn([upsert({ CustomKeywordField: '"a"', CustomIntField: '1' }), timer('t', 30)]);
    await p.describe(run);
    await p.signal(run, 'wake');
    await p.turn([upsert({ CustomKeywordField: '"b"', CustomBoolField: 'true' })]);
    await p.describe(run, 'describe again');
    await p.history(run);
  },
  'dispatches an activity locally': async (p) => {
    const run = await p.start();
    await p.turn([activity('a', { requestLocalDispatch: true })]);
    await p.describe(run);
    await p.history(run);
  },
  'runs an activity locally to its end': async (p) => {
    const run = await p.start();
    const task = await p.pollDecision();
    const { answer } = await p.quiet.worker.respondDecisionTaskCompleted({
      taskToken: task.taskToken,
      identity: 'worker',
      decisions: [
        { attributes: activity('a', { requestLocalDispatch: true }) },
        { attributes: activity('b', { requestLocalDispatch: true, taskList: { name: p.id('other') } }) },
      ],
    });
    const local = answer?.activitiesToDispatchLocally ?? {};
    p.note('dispatched', Object.keys(local).sort());
    const taskToken = local.a?.taskToken ?? new Uint8Array();
    await p.call.worker.respondActivityTaskCompleted({ taskToken, result: payload('r'), identity: 'worker' });
    await p.history(run);
  },
  'sees the events of its later attempts': async (p) => {
    await p.start();
    await fail(p, await p.pollDecision());
    const { history, attempt } = await p.pollDecision();
    p.note('attempt', attempt);
    p.note('the last two events', history?.events.slice(-2));
  },
  'fails when too many events wait': async (p) => {
    const run = await p.start();
    await p.pollDecision();
    for (let count = 0; count < 102; count++) {
      await p.quiet.workflow.signalWorkflowExecution({
        domain: p.domain,
        workflowExecution: run,
        signalName: `s${count}`,
        requestId: p.uuid(`signal ${count}`),
      });
    }
    const events = (await p.eventsOf(run)).map(eventType);
    const first = events.indexOf('WorkflowExecutionSignaled');
    p.note('events before the signals', events.slice(0, first));
    p.note('events after the signals', events.slice(events.lastIndexOf('WorkflowExecutionSignaled') + 1));
    p.note('signals', events.filter((type) => type === 'WorkflowExecutionSignaled').length);
  },
  'answers queries that nobody asked': async (p) => {
    const run = await p.start();
    const task = await p.pollDecision();
    await p.decide(task, [timer('t', 50)], {
      queryResults: { [p.uuid('query')]: { resultType: 1, answer: payload('yes') } },
    });
    await p.history(run);
  },
  'of every kind at once': async (p) => {
    const run = await p.start();
    await p.turn([activity('a'), timer('t', 30), recordMarker({ markerName: 'm' }), activity('b'), timer('u', 40)]);
    await p.describe(run);
    await p.history(run);
  },
});

const bind = async (p: Player, scheduleToStart?: number): Promise<RunRef> => {
  const run = await p.start();
  const task = await p.pollDecision();
  await p.decide(task, [timer('t', 50)], sticky(p, scheduleToStart));
  return run;
};
const stickyPoll = (p: Player) => ({ taskList: p.id('sticky'), kind: STICKY }) as const;

scenariosOf('sticky', {
  'tasks have only new events': async (p) => {
    const run = await p.start();
    const task = await p.pollDecision();
    const waiting = p.quiet.worker.pollForDecisionTask(
      { domain: p.domain, taskList: { name: p.id('sticky'), kind: STICKY }, identity: 'worker' },
      { timeoutMs: 20_000 },
    );
    await p.sleep(300);
    await p.decide(task, [timer('t', 50)], sticky(p));
    await p.signal(run, 'a');
    const next = await waiting;
    p.show('sticky task', next);
    if (next.answer !== undefined) await p.decide(next.answer, [complete()], sticky(p));
    await p.history(run);
  },
  'fall back when nobody polls': async (p) => {
    const run = await bind(p, 2);
    await p.signal(run, 'a');
    await p.pollDecision();
    await p.history(run);
  },
  'fall back after the schedule to start timeout': async (p) => {
    const run = await p.start();
    const task = await p.pollDecision();
    // Somebody polled just now, so that matching believes in the list.
    await p.quiet.worker.pollForDecisionTask(
      { domain: p.domain, taskList: { name: p.id('sticky'), kind: STICKY }, identity: 'worker' },
      { timeoutMs: 3000 },
    );
    await p.decide(task, [timer('t', 50)], sticky(p, 1));
    await p.signal(run, 'a');
    await p.pollDecision();
    await p.history(run);
  },
  'queries come without history': async (p) => {
    const run = await p.start();
    const task = await p.pollDecision();
    const poll = () =>
      p.quiet.worker.pollForDecisionTask(
        { domain: p.domain, taskList: { name: p.id('sticky'), kind: STICKY }, identity: 'worker' },
        { timeoutMs: 15_000 },
      );
    const waiting = poll();
    await p.sleep(300);
    await p.decide(task, [timer('t', 50)], sticky(p));
    const asked = p.quiet.workflow.queryWorkflow(
      { domain: p.domain, workflowExecution: run, query: { queryType: 'state' } },
      { timeoutMs: 12_000 },
    );
    const query = await waiting;
    p.note('events', query.answer?.history?.events.length ?? 0);
    await p.call.worker.respondQueryTaskCompleted({
      taskToken: query.answer?.taskToken ?? new Uint8Array(),
      result: { resultType: 1, answer: payload('yes') },
    });
    p.show('QueryWorkflow', await asked);
  },
  'are reset': async (p) => {
    const run = await bind(p);
    await p.call.worker.resetStickyTaskList({ domain: p.domain, workflowExecution: run });
    await p.signal(run, 'a');
    await p.pollDecision();
    await p.history(run);
  },
  'are given up by an answer without': async (p) => {
    const run = await bind(p, 20);
    await p.signal(run, 'a');
    const task = await p.pollDecision(stickyPoll(p)).catch(() => p.pollDecision());
    await p.decide(task, [timer('u', 50)]);
    await p.signal(run, 'b');
    await p.pollDecision();
    await p.history(run);
  },
  'resets with faults': async (p) => {
    const run = await p.start();
    const { worker } = p.call;
    await worker.resetStickyTaskList({ domain: '', workflowExecution: run });
    await worker.resetStickyTaskList({ domain: p.domain });
    await worker.resetStickyTaskList({ domain: p.domain, workflowExecution: { workflowId: '' } });
    await worker.resetStickyTaskList({ domain: p.domain, workflowExecution: { workflowId: 'w', runId: 'no' } });
    await worker.resetStickyTaskList({ domain: p.domain, workflowExecution: { workflowId: 'no-such-workflow' } });
    await worker.resetStickyTaskList({ domain: p.domain, workflowExecution: run });
    await p.turn([complete()]);
    await worker.resetStickyTaskList({ domain: p.domain, workflowExecution: run });
  },
});
