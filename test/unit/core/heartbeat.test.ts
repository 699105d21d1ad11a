// Heartbeats of activities, and the timer that misses them.
import { describe, expect, it } from 'vitest';
import { GLOBAL_DOMAIN, payload, START_MS, scheduleActivity, TestRun, World } from './engine-fixture.ts';

const SCHEDULE_ID = 5;

function runWithStartedActivity(): TestRun {
  const run = TestRun.start(new World(GLOBAL_DOMAIN));
  run.step([scheduleActivity('a', { heartbeatTimeout: { seconds: 3n, nanos: 0 } })]);
  run.send({
    kind: 'recordActivityTaskStarted',
    scheduleId: SCHEDULE_ID,
    attempt: 0,
    requestId: 'poll',
    identity: 'w',
  });
  return run;
}

const beat = (run: TestRun, text: string): number => {
  const details = payload(text);
  run.send({ kind: 'recordActivityTaskHeartbeat', scheduleId: SCHEDULE_ID, attempt: 0, details, identity: 'w' });
  return run.state.activities.get(SCHEDULE_ID)?.lastHeartbeatMs ?? 0;
};

describe('a heartbeat', () => {
  it('puts off the time-out', () => {
    const run = runWithStartedActivity();
    run.world.nowMs = START_MS + 2_000;
    expect(beat(run, 'one')).toBe(START_MS + 2_000);
  });

  it('is later than the one before where the clock went back, so that no timer is due before the one that has a task', () => {
    const run = runWithStartedActivity();
    run.world.nowMs = START_MS + 2_000;
    const first = beat(run, 'one');
    run.world.nowMs = START_MS + 500;
    expect(beat(run, 'two')).toBeGreaterThan(first);
    expect(run.state.activities.get(SCHEDULE_ID)?.heartbeatDetails).toEqual(payload('two'));
  });
});
