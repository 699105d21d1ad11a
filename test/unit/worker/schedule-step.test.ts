// Steps of a schedule against a world in memory, where a step may be repeated at any point, as after a crash.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  newScheduleState,
  type OverlapPolicy,
  type ScheduleDefinition,
  type ScheduledRun,
  type ScheduleInput,
} from '#core';
import { type StepPorts, stepSchedule } from '../../../src/worker/system/schedule/schedule-step.ts';
import type { RunOutcome } from '../../../src/worker/system/schedule/scheduled-start.ts';
import { applyCommand } from '../../../src/worker/system/workflows/schedule-commands.ts';

const T0 = Date.parse('2026-03-01T00:00:00Z');
const MINUTE = 60_000;

class Crash extends Error {}

/** The service: runs by id, each made once. */
class World {
  nowMs = T0;
  /** Calls until the next crash. */
  fuse = Number.POSITIVE_INFINITY;
  readonly runs = new Map<string, { run: ScheduledRun; outcome: RunOutcome }>();
  readonly cancelled: string[] = [];
  refusal: string | undefined;

  get ports(): StepPorts {
    const burn = (): void => {
      if (--this.fuse < 0) throw new Crash();
    };
    return {
      nowMs: () => this.nowMs,
      waitUntil: async () => true,
      start: async (dueMs, backfillId) => {
        burn();
        if (this.refusal !== undefined) return this.refusal;
        const workflowId = `${dueMs}${backfillId ?? ''}`;
        const made = this.runs.get(workflowId) ?? {
          run: { workflowId, runId: `run of ${workflowId}`, dueMs },
          outcome: 'open' as const,
        };
        this.runs.set(workflowId, made);
        burn();
        return made.run;
      },
      outcome: async ({ workflowId }) => {
        burn();
        return this.runs.get(workflowId)?.outcome ?? 'ended';
      },
      cancel: async ({ workflowId }) => {
        burn();
        this.cancelled.push(workflowId);
      },
      terminate: async ({ workflowId }) => {
        burn();
        this.close(workflowId, 'ended');
      },
    };
  }

  close(workflowId: string, outcome: RunOutcome): void {
    const made = this.runs.get(workflowId);
    if (made) made.outcome = outcome;
  }

  get open(): string[] {
    return [...this.runs.values()].filter(({ outcome }) => outcome === 'open').map(({ run }) => run.workflowId);
  }
}

const definition = (
  overlap: OverlapPolicy,
  policies: Partial<ScheduleDefinition['policies']> = {},
): ScheduleDefinition => ({
  spec: { cron: '* * * * *', jitterMs: 0 },
  action: { workflowType: 'Tick', message: '' },
  policies: {
    overlap,
    catchUp: 'all',
    catchUpWindowMs: 0,
    pauseOnFailure: false,
    bufferLimit: 0,
    concurrencyLimit: 0,
    ...policies,
  },
});

const newSchedule = (
  overlap: OverlapPolicy,
  policies: Partial<ScheduleDefinition['policies']> = {},
): ScheduleInput => ({
  scheduleId: 'test',
  definition: definition(overlap, policies),
  state: newScheduleState(T0),
});

/** As the workflow does: the outcome of a step that crashed is lost, and it is taken again. */
async function step(
  world: World,
  schedule: ScheduleInput,
): Promise<{ schedule: ScheduleInput; wakeMs: number | undefined; awaits: readonly ScheduledRun[] }> {
  for (;;) {
    try {
      const { state, wakeMs, awaits } = await stepSchedule(schedule, world.ports);
      return { schedule: { ...schedule, state: JSON.parse(JSON.stringify(state)) }, wakeMs, awaits };
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      world.fuse = Number.POSITIVE_INFINITY;
    }
  }
}

describe('a step', () => {
  test('starts what is due, and says when the next is', async () => {
    const world = new World();
    world.nowMs = T0 + 90_000;
    const { schedule, wakeMs, awaits } = await step(world, newSchedule('skipNew'));
    expect([...world.runs.keys()]).toEqual([`${T0 + MINUTE}`]);
    expect(wakeMs).toBe(T0 + 2 * MINUTE);
    expect(awaits).toEqual([]);
    expect(schedule.state).toMatchObject({ totalRuns: 1, processedMs: T0 + MINUTE, lastRunMs: world.nowMs });
  });

  test('starts each fire once, whatever crashes in between', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<OverlapPolicy>('skipNew', 'buffer', 'concurrent', 'cancelPrevious', 'terminatePrevious'),
        fc.array(
          fc.record({
            waitMs: fc.integer({ min: 0, max: 200_000 }),
            fuse: fc.integer({ min: 0, max: 12 }),
            closes: fc.boolean(),
          }),
          { maxLength: 12 },
        ),
        async (overlap, turns) => {
          const world = new World();
          let schedule = newSchedule(overlap, { catchUp: overlap === 'skipNew' ? 'one' : 'all' });
          for (const { waitMs, fuse, closes } of turns) {
            world.nowMs += waitMs;
            world.fuse = fuse;
            if (closes) for (const id of world.open) world.close(id, 'succeeded');
            ({ schedule } = await step(world, schedule));
          }
          const { state } = schedule;
          const fires = Math.floor((state.processedMs - T0) / MINUTE);
          expect(state.totalRuns + state.skippedRuns + state.missedRuns + state.buffered.length).toBe(fires);
          expect(state.totalRuns).toBe(world.runs.size);
          const starts = [...world.runs.values()].map(({ run }) => run.dueMs);
          expect(starts).toEqual(starts.toSorted((a, b) => a - b));
          if (overlap === 'buffer' || overlap === 'skipNew') expect(world.open.length).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  test('drains the buffer one run at a time, and asks to hear of its close', async () => {
    const world = new World();
    world.nowMs = T0 + 3 * MINUTE;
    let { schedule, awaits } = await step(world, newSchedule('buffer'));
    expect(world.open).toHaveLength(1);
    expect(schedule.state.buffered).toHaveLength(2);
    expect(awaits.map(({ workflowId }) => workflowId)).toEqual(world.open);
    for (let left = 1; left >= 0; left--) {
      world.close(world.open[0] ?? '', 'succeeded');
      ({ schedule, awaits } = await step(world, schedule));
      expect(schedule.state.buffered).toHaveLength(left);
    }
    expect(awaits).toEqual([]);
    expect(schedule.state.totalRuns).toBe(3);
  });

  test('pauses when a run failed, before it starts the next', async () => {
    const world = new World();
    world.nowMs = T0 + MINUTE;
    let { schedule } = await step(world, newSchedule('concurrent', { pauseOnFailure: true }));
    world.close(world.open[0] ?? '', 'failed');
    world.nowMs += MINUTE;
    const paused = await step(world, schedule);
    schedule = paused.schedule;
    expect(schedule.state.paused).toMatchObject({ reason: `run ${T0 + MINUTE} failed`, by: 'cadence-scheduler' });
    expect(world.runs.size).toBe(1);
    expect(paused.wakeMs).toBeUndefined();
  });

  test('counts a fire that the service refuses as skipped, and says why', async () => {
    const world = new World();
    world.refusal = 'Domain is deprecated.';
    world.nowMs = T0 + MINUTE;
    const { schedule } = await step(world, newSchedule('skipNew'));
    expect(schedule.state).toMatchObject({ totalRuns: 0, skippedRuns: 1, lastFailure: 'Domain is deprecated.' });
  });

  test('runs a backfill while paused, in sequence when it is told to', async () => {
    const world = new World();
    let schedule = newSchedule('concurrent');
    const command = {
      kind: 'backfill' as const,
      id: 'b',
      startMs: T0 - 5 * MINUTE,
      endMs: T0 - 3 * MINUTE,
      overlap: 'buffer' as const,
      runsTotal: 3,
    };
    schedule = { ...schedule, ...applyCommand(schedule, { kind: 'pause', reason: '', by: '' }, T0) };
    schedule = { ...schedule, ...applyCommand(schedule, command, T0) };
    for (let done = 1; done <= 3; done++) {
      const outcome = await step(world, schedule);
      schedule = outcome.schedule;
      expect(world.runs.size).toBe(done);
      if (done < 3) expect(schedule.state.backfills).toMatchObject([{ runsCompleted: done, runsTotal: 3 }]);
      world.close(world.open[0] ?? '', 'succeeded');
    }
    expect(schedule.state.backfills).toEqual([]);
    expect(schedule.state.doneBackfills).toEqual(['b']);
    // The same request again is no second backfill.
    expect(applyCommand(schedule, command, T0).state.backfills).toEqual([]);
  });

  test('bounds its starts, and goes on at once', async () => {
    const world = new World();
    let schedule: ScheduleInput = newSchedule('concurrent');
    const command = {
      kind: 'backfill' as const,
      id: 'big',
      startMs: T0 - 250 * MINUTE,
      endMs: T0 - MINUTE,
      runsTotal: 250,
    };
    schedule = { ...schedule, ...applyCommand(schedule, command, T0) };
    let steps = 0;
    for (let wakeMs: number | undefined = T0; wakeMs !== undefined && wakeMs <= world.nowMs; steps++) {
      ({ schedule, wakeMs } = await step(world, schedule));
    }
    expect(steps).toBe(3);
    expect(world.runs.size).toBe(250);
  });
});

describe('a command', () => {
  const schedule = newSchedule('buffer');

  test('unpauses with its own catch-up policy, or else the schedule’s', () => {
    const paused = applyCommand(schedule, { kind: 'pause', reason: 'r', by: 'me' }, T0 + 1);
    expect(paused.state.paused).toEqual({ reason: 'r', by: 'me', atMs: T0 + 1 });
    expect(applyCommand(paused, { kind: 'unpause', reason: '' }, T0 + 2).state).toMatchObject({
      paused: undefined,
      resume: { atMs: T0 + 2, catchUp: 'all' },
    });
    expect(applyCommand(paused, { kind: 'unpause', reason: '', catchUp: 'one' }, T0 + 2).state.resume?.catchUp).toBe(
      'one',
    );
    expect(applyCommand(schedule, { kind: 'unpause', reason: '' }, T0).state).toBe(schedule.state);
  });

  test('that changes the spec begins the new calendar then; one that does not leaves the old in place', () => {
    const spec = { cron: '@daily', jitterMs: 0 };
    const changed = applyCommand(schedule, { kind: 'update', spec }, T0 + 5 * MINUTE);
    expect(changed).toMatchObject({
      definition: { spec },
      state: { processedMs: T0 + 5 * MINUTE, updatedMs: T0 + 5 * MINUTE },
    });
    const kept = applyCommand(
      schedule,
      { kind: 'update', policies: definition('concurrent').policies },
      T0 + 5 * MINUTE,
    );
    expect(kept).toMatchObject({
      definition: { spec: schedule.definition.spec, policies: { overlap: 'concurrent' } },
      state: { processedMs: T0 },
    });
  });
});
