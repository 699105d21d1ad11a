// The exact batches and tasks of a run's common life (semantics §2.4).
import { describe, expect, it } from 'vitest';
import { completeWorkflow, payload, scheduleActivity, startTimer, TestRun, World } from './engine-fixture.ts';

describe('the life of a run', () => {
  it('starts with Started and a scheduled decision', () => {
    const run = TestRun.start(new World());
    expect(run.written).toEqual(['WorkflowExecutionStarted', 'DecisionTaskScheduled']);
    expect(run.transfers).toEqual(['recordStarted', 'decision']);
    expect(run.timers).toEqual(['workflowTimeout+3600s']);
  });

  it('runs an activity and a timer to completion', () => {
    const run = TestRun.start(new World());
    const started = run.pollDecision();
    expect(run.written).toEqual(['DecisionTaskStarted']);
    expect(run.timers).toEqual(['decisionTimeout+10s']);
    expect(started).toMatchObject({ nextEventId: 4, previousStartedEventId: undefined, transientEvents: [] });

    run.complete([scheduleActivity('pay'), startTimer('t', 30)]);
    expect(run.written).toEqual(['DecisionTaskCompleted', 'ActivityTaskScheduled', 'TimerStarted']);
    expect(run.transfers).toEqual(['activity']);
    expect(run.timers).toEqual(['activityTimeouts+60s', 'userTimers+30s']);
    const timer = run.timerTask('userTimers');

    run.send({ kind: 'recordActivityTaskStarted', scheduleId: 5, attempt: 0, requestId: 'r', identity: 'w' });
    expect(run.written).toEqual(['ActivityTaskStarted']);
    run.send({ kind: 'respondActivityTaskCompleted', scheduleId: 5, attempt: 0, result: payload('ok'), identity: 'w' });
    expect(run.written).toEqual(['ActivityTaskCompleted', 'DecisionTaskScheduled']);
    run.fire(timer);
    expect(run.written).toEqual(['TimerFired']);
    run.step([completeWorkflow('done')]);
    expect(run.written).toEqual(['DecisionTaskCompleted', 'WorkflowExecutionCompleted']);
    expect(run.transfers).toEqual(['closeExecution']);
    expect(run.timers).toEqual(['deleteHistory+86400s']);
  });
});
