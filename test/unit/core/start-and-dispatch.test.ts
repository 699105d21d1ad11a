// Starting runs and handing out their tasks: backoffs, clamps, repeated polls.

import { RetryPolicy } from '@antiphon/proto';
import { describe, expect, it } from 'vitest';
import { firstDecisionBackoffSeconds, needsStartedEvent } from '#core';
import { bytes, START_MS, scheduleActivity, startRequest, startTimer, TestRun, World } from './engine-fixture.ts';

const duration = (seconds: number) => ({ seconds: BigInt(seconds), nanos: 0 });

describe('the backoff before the first decision', () => {
  const backoff = (fields: Parameters<typeof startRequest>[0], random = 0) =>
    firstDecisionBackoffSeconds(startRequest(fields), START_MS, () => random);

  it('is none by default', () => expect(backoff({})).toBe(0));

  it('is the delay and a part of the jitter', () => {
    expect(backoff({ delayStart: duration(10) })).toBe(10);
    expect(backoff({ delayStart: duration(10), jitterStart: duration(5) }, 0.999)).toBe(15);
    expect(backoff({ jitterStart: duration(5) }, 0)).toBe(0);
  });

  it('is the time to the first run, which overrides the rest', () => {
    const firstRunAt = { seconds: BigInt(START_MS / 1000 + 90), nanos: 500_000_000 };
    expect(backoff({ firstRunAt, delayStart: duration(10), cronSchedule: '* * * * *' })).toBe(90);
    expect(backoff({ firstRunAt: { seconds: 1n, nanos: 0 }, delayStart: duration(10) })).toBe(10);
  });

  it('is the time to the next fire after the delay', () => {
    // 2023-11-14T22:13:20Z
    expect(backoff({ cronSchedule: '*/5 * * * *' })).toBe(100);
    expect(backoff({ cronSchedule: '*/5 * * * *', delayStart: duration(150) })).toBe(400);
  });
});

describe('a start', () => {
  it('clamps the decision timeout', () => {
    const run = TestRun.start(new World(), {
      request: startRequest({ taskStartToCloseTimeout: duration(1000), executionStartToCloseTimeout: duration(500) }),
    });
    expect(run.state.info.taskTimeoutSeconds).toBe(240);
    const short = TestRun.start(new World(), {
      request: startRequest({ taskStartToCloseTimeout: duration(100), executionStartToCloseTimeout: duration(50) }),
    });
    expect(short.state.info.taskTimeoutSeconds).toBe(50);
  });

  it('ends a retried run with its expiration', () => {
    const retryPolicy = {
      ...RetryPolicy.fromPartial({ backoffCoefficient: 1 }),
      initialInterval: duration(5),
      expirationInterval: duration(60),
    };
    const run = TestRun.start(new World(), { request: startRequest({ retryPolicy }), firstDecisionBackoffSeconds: 7 });
    expect(run.state.info.expirationTimeMs).toBe(START_MS + 67_000);
    expect(needsStartedEvent(run.state)).toBe(true);
    expect(needsStartedEvent(TestRun.start(new World()).state)).toBe(false);
  });

  it('leaves the requests of clients as they are', () => {
    const request = startRequest({ header: { fields: { trace: { data: bytes('x') } } } });
    const copy = structuredClone(request);
    TestRun.start(new World(), { request });
    expect(request).toEqual(copy);
  });
});

describe('a decision task', () => {
  it('is given once; the same poll may ask again', () => {
    const run = TestRun.start(new World());
    const poll = { kind: 'recordDecisionTaskStarted', scheduleId: 2, identity: 'w' } as const;
    const first = run.send({ ...poll, requestId: 'one' });
    const again = run.send({ ...poll, requestId: 'one' });
    expect(again).toEqual(first);
    expect(run.last.batches).toEqual([]);
    expect(() => run.send({ ...poll, requestId: 'two' })).toThrow('Decision task already started.');
  });

  it('is not found before, after or beside its time', () => {
    const run = TestRun.start(new World());
    const poll = { kind: 'recordDecisionTaskStarted', requestId: 'r', identity: 'w' } as const;
    expect(() => run.send({ ...poll, scheduleId: 3 })).toThrow('Decision task not found.');
    expect(() => run.complete([])).toThrow('Decision task not found.');
    run.send({ kind: 'terminate', reason: '', identity: '' });
    expect(() => run.send({ ...poll, scheduleId: 2 })).toThrow('workflow execution already completed');
  });
});

describe('an activity task', () => {
  it('is given once; the same poll may ask again', () => {
    const run = TestRun.start(new World());
    run.step([scheduleActivity('a')]);
    const poll = { kind: 'recordActivityTaskStarted', scheduleId: 5, attempt: 0, identity: 'w' } as const;
    const first = run.send({ ...poll, requestId: 'one' });
    expect(run.send({ ...poll, requestId: 'one' }).startedTimeMs).toBe(first.startedTimeMs);
    expect(() => run.send({ ...poll, requestId: 'two' })).toThrow('Activity task already started.');
    expect(() => run.send({ ...poll, attempt: 1, requestId: 'one' })).toThrow('activity task not found');
  });

  it('cannot be answered before it is started', () => {
    const run = TestRun.start(new World());
    run.step([scheduleActivity('a')]);
    const answer = { kind: 'respondActivityTaskCompleted', identity: 'w' } as const;
    expect(() => run.send({ ...answer, scheduleId: 5, attempt: 0 })).toThrow('activity task not found');
    expect(() => run.send({ ...answer, activityId: 'a' })).toThrow('activity task not found');
    expect(() => run.send({ ...answer, activityId: 'b' })).toThrow('Cannot locate Activity ScheduleID');
  });

  it('cannot be canceled unless that was asked for', () => {
    const run = TestRun.start(new World());
    run.step([scheduleActivity('a')]);
    run.send({ kind: 'recordActivityTaskStarted', scheduleId: 5, attempt: 0, requestId: 'r', identity: 'w' });
    const cancel = () => run.send({ kind: 'respondActivityTaskCanceled', activityId: 'a', identity: 'w' });
    expect(cancel).toThrow(expect.objectContaining({ kind: 'InternalService' }));
  });
});

describe('a timer', () => {
  it('fires with all that are due, in their order, and leaves a task for the next', () => {
    const run = TestRun.start(new World());
    run.step([startTimer('late', 30), startTimer('b', 10), startTimer('a', 10), startTimer('soon', 5)]);
    const task = run.timerTask('userTimers');
    run.world.nowMs += 12_000;
    run.fire(task);
    const fired = run.last.batches[0]?.events.map((event) =>
      event.attributes?.$case === 'timerFiredEventAttributes' ? event.attributes.value.timerId : '',
    );
    expect(fired).toEqual(['soon', 'b', 'a', '']);
    expect(run.timers).toEqual(['userTimers+18s']);
  });

  it('is not lost when the clock of its shard runs behind', () => {
    const run = TestRun.start(new World());
    run.step([startTimer('t', 10)]);
    const task = run.timerTask('userTimers');
    if (task === undefined) throw new Error('a timer has its task');
    run.world.nowMs += 9_990;
    expect(run.send({ kind: 'fireTimer', task }).stale).toBe(false);
    expect(run.written).toEqual(['TimerFired', 'DecisionTaskScheduled']);
  });
});
