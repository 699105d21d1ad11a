// Ids that are used again while the end of their first use waits in the buffer: history order and arrival order differ, and both must come
// to the same state.
import { describe, expect, it } from 'vitest';
import { scheduleActivity, startTimer, TestRun, World } from './engine-fixture.ts';
import { eventPart, rebuiltPart } from './event-part.ts';

const agrees = (run: TestRun): void => expect(rebuiltPart(run.state, run.batches)).toEqual(eventPart(run.state));

describe('an id used again', () => {
  it('of a timer means the new timer', () => {
    const run = TestRun.start(new World());
    run.step([startTimer('t', 5)]);
    const task = run.timerTask('userTimers');
    run.signal('wake');
    run.pollDecision();
    run.fire(task);
    run.complete([startTimer('t', 50)]);
    expect(run.written).toEqual(['DecisionTaskCompleted', 'TimerStarted', 'TimerFired', 'DecisionTaskScheduled']);
    expect(run.state.timers.get('t')?.startedId).toBe(10);
    agrees(run);
  });

  it('of an activity means the new activity', () => {
    const run = TestRun.start(new World());
    run.step([scheduleActivity('a')]);
    run.send({ kind: 'recordActivityTaskStarted', scheduleId: 5, attempt: 0, requestId: 'r', identity: 'w' });
    run.signal('wake');
    run.pollDecision();
    run.send({ kind: 'respondActivityTaskCompleted', activityId: 'a', identity: 'w' });
    run.complete([
      scheduleActivity('a'),
      { $case: 'requestCancelActivityTaskDecisionAttributes', value: { activityId: 'a' } },
    ]);
    agrees(run);
    expect(run.state.activities.size).toBe(0);
  });
});
