// State of activities between their events, as another region tells it: larger version, then larger attempt, then newer heartbeat.

import { describe, expect, it } from 'vitest';
import { applySyncActivity, type SyncActivityInput } from '#core';
import { GLOBAL_DOMAIN, payload, START_MS, scheduleActivity, TestRun, World } from './engine-fixture.ts';

const retryPolicy = {
  initialInterval: { seconds: 1n, nanos: 0 },
  backoffCoefficient: 2,
  maximumAttempts: 5,
  nonRetryableErrorReasons: [],
};

function runWithActivity(): TestRun {
  const run = TestRun.start(new World(GLOBAL_DOMAIN));
  run.step([scheduleActivity('a', { retryPolicy, heartbeatTimeout: { seconds: 3n, nanos: 0 } })]);
  return run;
}

const input = (fields: Partial<SyncActivityInput> = {}): SyncActivityInput => ({
  version: 1,
  scheduledId: 5,
  scheduledTimeMs: START_MS,
  startedId: -124,
  startedTimeMs: START_MS + 500,
  lastHeartbeatMs: 0,
  attempt: 0,
  lastWorkerIdentity: '',
  ...fields,
});

describe('a synced activity', () => {
  it('is started, with its timers', () => {
    const run = runWithActivity();
    const applied = applySyncActivity(run.state, input(), run.world.context());
    expect(applied?.state.activities.get(5)).toMatchObject({ startedId: -124, startedTimeMs: START_MS + 500 });
    expect(applied?.tasks.timer.map((task) => [task.work?.$case, task.fireTimeMs - START_MS])).toEqual([
      ['activityTimeouts', 3500],
    ]);
    expect(applied?.tasks.replication).toEqual([]);
    expect(run.state.activities.get(5)?.startedId).toBe(0);
  });

  it('waits for its next attempt', () => {
    const run = runWithActivity();
    const retried = input({ attempt: 1, startedId: 0, startedTimeMs: 0, scheduledTimeMs: START_MS + 4000 });
    const applied = applySyncActivity(run.state, retried, run.world.context());
    expect(applied?.tasks.timer.map((task) => [task.work?.$case, task.fireTimeMs - START_MS])).toEqual([
      ['activityRetry', 4000],
      ['activityTimeouts', 4000 + 1_800_000],
    ]);
  });

  it('keeps the newer heartbeat', () => {
    const run = runWithActivity();
    const beat = input({ lastHeartbeatMs: START_MS + 2000, details: payload('two') });
    const applied = applySyncActivity(run.state, beat, run.world.context());
    const state = applied?.state ?? run.state;
    expect(state.activities.get(5)?.heartbeatDetails).toEqual(payload('two'));
    expect(applySyncActivity(state, beat, run.world.context())).toBeUndefined();
    const older = input({ lastHeartbeatMs: START_MS + 1000 });
    expect(applySyncActivity(state, older, run.world.context())).toBeUndefined();
  });

  it('of a smaller version or attempt is not news', () => {
    const run = runWithActivity();
    const ahead = applySyncActivity(run.state, input({ version: 12, attempt: 2 }), run.world.context());
    const state = ahead?.state ?? run.state;
    expect(applySyncActivity(state, input({ version: 12, attempt: 1 }), run.world.context())).toBeUndefined();
    expect(applySyncActivity(state, input({ version: 2, attempt: 9 }), run.world.context())).toBeUndefined();
    expect(applySyncActivity(state, input({ version: 21, attempt: 0 }), run.world.context())).toBeDefined();
  });

  it('that is not pending is not news', () => {
    const run = runWithActivity();
    expect(applySyncActivity(run.state, input({ scheduledId: 99 }), run.world.context())).toBeUndefined();
  });
});
