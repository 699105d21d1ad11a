// Activities: every timeout, heartbeats, retries and their ends, cancellation, answers by id, and answers that come too late.
import {
  activity,
  bytes,
  cancelActivity,
  complete,
  failure,
  payload,
  recordMarker,
  scheduleActivity,
  seconds,
  timer,
} from '../messages.ts';
import type { Player } from '../player.ts';
import { scenariosOf } from '../scenario.ts';

const soon = {
  scheduleToCloseTimeout: seconds(20),
  scheduleToStartTimeout: seconds(20),
  startToCloseTimeout: seconds(20),
};
const retryPolicy = { initialInterval: seconds(1), backoffCoefficient: 1, maximumAttempts: 2 };

scenariosOf('activity', {
  completes: async (p) => {
    const run = await p.start();
    await p.turn([activity('a', { header: { fields: { h: payload('v') } }, heartbeatTimeout: seconds(10) })]);
    const work = await p.pollActivity();
    await p.describe(run);
    await p.call.worker.respondActivityTaskCompleted({
      taskToken: work.taskToken,
      result: payload('r'),
      identity: 'w',
    });
    await p.turn([complete()]);
    await p.history(run);
  },
  'completes without a result': async (p) => {
    const run = await p.start();
    await p.turn([activity('a', { input: undefined })]);
    const work = await p.pollActivity();
    await p.call.worker.respondActivityTaskCompleted({ taskToken: work.taskToken });
    await p.history(run);
  },
  fails: async (p) => {
    const run = await p.start();
    await p.turn([activity('a')]);
    const work = await p.pollActivity();
    await p.call.worker.respondActivityTaskFailed({
      taskToken: work.taskToken,
      failure: failure('bad', 'details'),
      identity: 'w',
    });
    await p.history(run);
  },
  'fails without a failure': async (p) => {
    const run = await p.start();
    await p.turn([activity('a')]);
    const work = await p.pollActivity();
    await p.call.worker.respondActivityTaskFailed({ taskToken: work.taskToken, identity: 'w' });
    await p.history(run);
  },
  'times out from schedule to start': async (p) => {
    const run = await p.start();
    await p.turn([activity('a', { ...soon, scheduleToStartTimeout: seconds(1) })]);
    await p.awaitEvent(run, 'ActivityTaskTimedOut');
    await p.history(run);
  },
  'times out from start to close': async (p) => {
    const run = await p.start();
    await p.turn([activity('a', { ...soon, startToCloseTimeout: seconds(1) })]);
    const work = await p.pollActivity();
    await p.awaitEvent(run, 'ActivityTaskTimedOut');
    await p.call.worker.respondActivityTaskCompleted({ taskToken: work.taskToken });
    await p.history(run);
  },
  'times out from schedule to close, not started': async (p) => {
    const run = await p.start();
    await p.turn([activity('a', { ...soon, scheduleToCloseTimeout: seconds(1) })]);
    await p.awaitEvent(run, 'ActivityTaskTimedOut');
    await p.history(run);
  },
  'times out from schedule to close, started': async (p) => {
    const run = await p.start();
    await p.turn([activity('a', { ...soon, scheduleToCloseTimeout: seconds(2), startToCloseTimeout: seconds(10) })]);
    await p.pollActivity();
    await p.awaitEvent(run, 'ActivityTaskTimedOut');
    await p.history(run);
  },
  'times out without a heartbeat': async (p) => {
    const run = await p.start();
    await p.turn([activity('a', { ...soon, heartbeatTimeout: seconds(1) })]);
    await p.pollActivity();
    await p.awaitEvent(run, 'ActivityTaskTimedOut');
    await p.history(run);
  },
  'times out after a heartbeat': async (p) => {
    const run = await p.start();
    await p.turn([activity('a', { ...soon, heartbeatTimeout: seconds(2) })]);
    const work = await p.pollActivity();
    await p.call.worker.recordActivityTaskHeartbeat({
      taskToken: work.taskToken,
      details: payload('half'),
      identity: 'w',
    });
    await p.describe(run);
    await p.awaitEvent(run, 'ActivityTaskTimedOut');
    await p.call.worker.recordActivityTaskHeartbeat({ taskToken: work.taskToken, details: payload('more') });
    await p.history(run);
  },
  'lives by heartbeats': async (p) => {
    const run = await p.start();
    await p.turn([activity('a', { ...soon, heartbeatTimeout: seconds(3) })]);
    const work = await p.pollActivity();
    for (const beat of ['1', '2', '3', '4']) {
      await p.sleep(1000);
      await p.call.worker.recordActivityTaskHeartbeat({ taskToken: work.taskToken, details: payload(beat) });
    }
    await p.call.worker.respondActivityTaskCompleted({ taskToken: work.taskToken });
    await p.history(run);
  },
  'gets its timeouts from the workflow': async (p) => {
    const run = await p.start({ executionStartToCloseTimeout: seconds(15) });
    await p.turn([
      scheduleActivity({ activityId: 'a', activityType: { name: 'A' }, scheduleToCloseTimeout: seconds(1000) }),
      scheduleActivity({
        activityId: 'b',
        activityType: { name: 'A' },
        scheduleToStartTimeout: seconds(5),
        startToCloseTimeout: seconds(7),
      }),
      scheduleActivity({
        activityId: 'c',
        activityType: { name: 'A' },
        scheduleToStartTimeout: seconds(500),
        startToCloseTimeout: seconds(700),
        heartbeatTimeout: seconds(900),
      }),
      scheduleActivity({
        activityId: 'd',
        activityType: { name: 'A' },
        scheduleToCloseTimeout: seconds(3),
        startToCloseTimeout: seconds(9),
        heartbeatTimeout: seconds(8),
      }),
    ]);
    await p.history(run);
  },
  'runs on a list of its own': async (p) => {
    const run = await p.start();
    await p.turn([activity('a', { taskList: { name: p.id('other') } })]);
    await p.pollActivity({ taskList: p.id('other') });
    await p.history(run);
  },
  'of the same domain by name': async (p) => {
    const run = await p.start();
    await p.turn([activity('a', { domain: p.domain })]);
    await p.pollActivity();
    await p.history(run);
  },
  'answers twice': async (p) => {
    await p.start();
    await p.turn([activity('a')]);
    const { taskToken } = await p.pollActivity();
    await p.call.worker.respondActivityTaskCompleted({ taskToken });
    await p.call.worker.respondActivityTaskCompleted({ taskToken });
    await p.call.worker.respondActivityTaskFailed({ taskToken, failure: failure('late') });
    await p.call.worker.respondActivityTaskCanceled({ taskToken });
    await p.call.worker.recordActivityTaskHeartbeat({ taskToken });
  },
  'answers after its workflow closed': async (p) => {
    const run = await p.start();
    await p.turn([activity('a'), timer('t', 1)]);
    const { taskToken } = await p.pollActivity();
    await p.turn([complete()]);
    await p.call.worker.respondActivityTaskCompleted({ taskToken });
    await p.call.worker.respondActivityTaskFailed({ taskToken, failure: failure('late') });
    await p.call.worker.recordActivityTaskHeartbeat({ taskToken });
    await p.history(run);
  },
  'says it was canceled without being asked': async (p) => {
    const run = await p.start();
    await p.turn([activity('a')]);
    const { taskToken } = await p.pollActivity();
    await p.call.worker.respondActivityTaskCanceled({ taskToken, details: payload('d') });
    await p.history(run);
  },
});

scenariosOf('activity-retry', {
  'the second attempt completes': async (p) => {
    const run = await p.start();
    await p.turn([activity('a', { retryPolicy, heartbeatTimeout: seconds(5) })]);
    const first = await p.pollActivity({ identity: 'first worker' });
    await p.call.worker.recordActivityTaskHeartbeat({ taskToken: first.taskToken, details: payload('half') });
    await p.describe(run, 'describe in the first attempt');
    await p.call.worker.respondActivityTaskFailed({
      taskToken: first.taskToken,
      failure: failure('bad', 'details'),
      identity: 'first worker',
    });
    await p.history(run, 'between the attempts');
    await p.describe(run, 'describe between the attempts');
    const second = await p.pollActivity({ identity: 'second worker' });
    await p.describe(run, 'describe in the second attempt');
    await p.call.worker.respondActivityTaskCompleted({ taskToken: first.taskToken });
    await p.call.worker.respondActivityTaskCompleted({ taskToken: second.taskToken, result: payload('r') });
    await p.history(run);
  },
  'the attempts end': async (p) => {
    const run = await p.start();
    await p.turn([activity('a', { retryPolicy })]);
    for (const attempt of ['1', '2']) {
      const { taskToken } = await p.pollActivity();
      await p.call.worker.respondActivityTaskFailed({ taskToken, failure: failure('bad', attempt), identity: 'w' });
    }
    await p.awaitEvent(run, 'ActivityTaskFailed');
    await p.history(run);
  },
  'the reason is not retried': async (p) => {
    const run = await p.start();
    await p.turn([activity('a', { retryPolicy: { ...retryPolicy, nonRetryableErrorReasons: ['fatal'] } })]);
    const { taskToken } = await p.pollActivity();
    await p.call.worker.respondActivityTaskFailed({ taskToken, failure: failure('fatal') });
    await p.history(run);
  },
  'the expiration is over': async (p) => {
    const run = await p.start();
    await p.turn([
      activity('a', {
        retryPolicy: { initialInterval: seconds(3), backoffCoefficient: 1, expirationInterval: seconds(2) },
      }),
    ]);
    const { taskToken } = await p.pollActivity();
    await p.call.worker.respondActivityTaskFailed({ taskToken, failure: failure('bad') });
    await p.history(run);
  },
  'a timeout is retried': async (p) => {
    const run = await p.start();
    await p.turn([activity('a', { retryPolicy, startToCloseTimeout: seconds(1) })]);
    await p.pollActivity();
    await p.pollActivity();
    await p.awaitEvent(run, 'ActivityTaskTimedOut');
    await p.history(run);
  },
  'a timeout that is not retried': async (p) => {
    const run = await p.start();
    await p.turn([
      activity('a', {
        retryPolicy: { ...retryPolicy, nonRetryableErrorReasons: ['cadenceInternal:Timeout START_TO_CLOSE'] },
        startToCloseTimeout: seconds(1),
      }),
    ]);
    await p.pollActivity();
    await p.awaitEvent(run, 'ActivityTaskTimedOut');
    await p.history(run);
  },
  'a heartbeat timeout is retried with the details': async (p) => {
    const run = await p.start();
    await p.turn([activity('a', { retryPolicy, heartbeatTimeout: seconds(1) })]);
    const { taskToken } = await p.pollActivity();
    await p.call.worker.recordActivityTaskHeartbeat({ taskToken, details: payload('half') });
    const second = await p.pollActivity();
    await p.describe(run);
    await p.call.worker.respondActivityTaskCompleted({ taskToken: second.taskToken });
    await p.history(run);
  },
  'schedule to start is stretched to the expiration': async (p) => {
    const run = await p.start();
    await p.turn([
      activity('a', {
        scheduleToCloseTimeout: seconds(5),
        scheduleToStartTimeout: seconds(2),
        startToCloseTimeout: seconds(3),
        retryPolicy: { initialInterval: seconds(1), backoffCoefficient: 1, expirationInterval: seconds(30) },
      }),
      activity('b', {
        scheduleToStartTimeout: seconds(2),
        retryPolicy: { ...retryPolicy, nonRetryableErrorReasons: ['cadenceInternal:Timeout SCHEDULE_TO_START'] },
      }),
    ]);
    await p.history(run);
  },
  'an oversized answer of an attempt': async (p) => {
    const run = await p.start();
    await p.turn([activity('a', { retryPolicy })]);
    const { taskToken } = await p.pollActivity();
    await p.call.worker.respondActivityTaskCompleted({
      taskToken,
      result: { data: Buffer.alloc(2 * 1024 * 1024 + 1, 'r') },
    });
    await p.history(run);
  },
  'canceled between the attempts': async (p) => {
    const run = await p.start();
    await p.turn([
      activity('a', { retryPolicy: { ...retryPolicy, initialInterval: seconds(20), expirationInterval: seconds(50) } }),
    ]);
    const { taskToken } = await p.pollActivity();
    await p.call.worker.respondActivityTaskFailed({ taskToken, failure: failure('bad') });
    await p.signal(run, 'wake');
    await p.turn([cancelActivity({ activityId: 'a' })]);
    await p.describe(run);
    await p.history(run);
  },
});

const startedAndAskedToCancel = async (p: Player) => {
  const run = await p.start();
  await p.turn([activity('a')]);
  const { taskToken } = await p.pollActivity();
  await p.signal(run, 'wake');
  await p.turn([cancelActivity({ activityId: 'a' })]);
  return { run, taskToken };
};

scenariosOf('activity-cancel', {
  'before it is started': async (p) => {
    const run = await p.start();
    const task = await p.pollDecision();
    await p.decide(task, [activity('a'), cancelActivity({ activityId: 'a' })]);
    await p.history(run);
  },
  'before it is started, a decision later': async (p) => {
    const run = await p.start();
    await p.turn([activity('a')]);
    await p.signal(run, 'wake');
    await p.turn([cancelActivity({ activityId: 'a' })]);
    await p.history(run);
    await p.pollActivity({ isEmpty: true });
  },
  'the worker agrees': async (p) => {
    const { run, taskToken } = await startedAndAskedToCancel(p);
    await p.describe(run);
    await p.call.worker.recordActivityTaskHeartbeat({ taskToken });
    await p.call.worker.respondActivityTaskCanceled({ taskToken, details: payload('stopped'), identity: 'w' });
    await p.history(run);
  },
  'the worker completes': async (p) => {
    const { run, taskToken } = await startedAndAskedToCancel(p);
    await p.call.worker.respondActivityTaskCompleted({ taskToken, result: payload('r') });
    await p.history(run);
  },
  'the worker fails': async (p) => {
    const { run, taskToken } = await startedAndAskedToCancel(p);
    await p.call.worker.respondActivityTaskFailed({ taskToken, failure: failure('bad') });
    await p.history(run);
  },
  'of an unknown activity': async (p) => {
    const run = await p.start();
    await p.turn([cancelActivity({ activityId: 'none' }), recordMarker({ markerName: 'm', details: payload('d') })]);
    await p.history(run);
  },
  twice: async (p) => {
    const { run } = await startedAndAskedToCancel(p);
    await p.signal(run, 'again');
    await p.turn([cancelActivity({ activityId: 'a' })]);
    await p.history(run);
  },
});

const byId = async (p: Player) => {
  const run = await p.start();
  await p.turn([activity('a')]);
  return { run, request: { domain: p.domain, workflowExecution: run, activityId: 'a', identity: 'w' } };
};

scenariosOf('activity-by-id', {
  completes: async (p) => {
    const { run, request } = await byId(p);
    await p.call.worker.respondActivityTaskCompletedById({ ...request, result: payload('early') });
    await p.pollActivity();
    await p.call.worker.respondActivityTaskCompletedById({ ...request, result: payload('r') });
    await p.call.worker.respondActivityTaskCompletedById({ ...request, result: payload('late') });
    await p.history(run);
  },
  'completes of the current run': async (p) => {
    const { run, request } = await byId(p);
    await p.pollActivity();
    await p.call.worker.respondActivityTaskCompletedById({
      ...request,
      workflowExecution: { workflowId: run.workflowId },
    });
    await p.history(run);
  },
  fails: async (p) => {
    const { run, request } = await byId(p);
    await p.pollActivity();
    await p.call.worker.respondActivityTaskFailedById({ ...request, failure: failure('bad', 'd') });
    await p.history(run);
  },
  'is canceled unasked': async (p) => {
    const { run, request } = await byId(p);
    await p.pollActivity();
    await p.call.worker.respondActivityTaskCanceledById({ ...request, details: payload('d') });
    await p.history(run);
  },
  heartbeats: async (p) => {
    const { run, request } = await byId(p);
    await p.call.worker.recordActivityTaskHeartbeatById({ ...request, details: payload('too soon') });
    await p.pollActivity();
    await p.call.worker.recordActivityTaskHeartbeatById({ ...request, details: payload('half') });
    await p.describe(run);
  },
  'with faults': async (p) => {
    const { request } = await byId(p);
    const { worker } = p.call;
    for (const fault of [
      { domain: '' },
      { workflowExecution: undefined },
      { workflowExecution: { workflowId: '' } },
      { workflowExecution: { workflowId: 'w', runId: 'no' } },
      { workflowExecution: { workflowId: 'no-such-workflow' } },
      { activityId: '' },
      { activityId: 'none' },
      { identity: 'x'.repeat(1001) },
    ]) {
      await worker.respondActivityTaskCompletedById({ ...request, ...fault });
      await worker.respondActivityTaskFailedById({ ...request, ...fault });
      await worker.respondActivityTaskCanceledById({ ...request, ...fault });
      await worker.recordActivityTaskHeartbeatById({ ...request, ...fault });
    }
  },
});

const badTokens = { none: new Uint8Array(), garbage: bytes('garbage'), 'an empty object': bytes('{}') };

scenariosOf(
  'task-tokens',
  Object.fromEntries(
    Object.entries(badTokens).map(([name, taskToken]) => [
      name,
      async (p) => {
        const { worker } = p.call;
        await worker.respondActivityTaskCompleted({ taskToken });
        await worker.respondActivityTaskFailed({ taskToken });
        await worker.respondActivityTaskCanceled({ taskToken });
        await worker.recordActivityTaskHeartbeat({ taskToken });
        await worker.respondDecisionTaskCompleted({ taskToken });
        await worker.respondDecisionTaskFailed({ taskToken });
        await worker.respondQueryTaskCompleted({ taskToken });
      },
    ]),
  ),
);
