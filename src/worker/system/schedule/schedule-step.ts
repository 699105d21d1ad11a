// One step of a schedule: look at the runs that were open, start what waited for them, start what is due, go on with backfills. Reaches the
// world through `StepPorts` only, so that tests drive it with a world of their own.
// Invariants: repeating a step with the same input starts nothing twice (the ports see to it); a fire leaves `processedMs` behind exactly
// when it was started, skipped, buffered or counted as missed; a paused schedule starts nothing but backfills.
import { ServiceError } from '#base';
import {
  type Backfill,
  judgeFire,
  nextWakeMs,
  planSchedule,
  type ScheduleClock,
  type ScheduledRun,
  type ScheduleInput,
  type ScheduleState,
  scheduleClock,
} from '#core';
import type { RunStarter } from './scheduled-start.ts';

export interface ScheduleStep {
  readonly state: ScheduleState;
  /** When the next step is due; undefined: not before something happens. */
  readonly wakeMs: number | undefined;
  /** The next step is also due when one of these closes. */
  readonly awaits: readonly ScheduledRun[];
}

export interface StepPorts extends RunStarter {
  nowMs(): number;
  /** False when the wait was cut short by something that the schedule must see first. */
  waitUntil(timeMs: number): Promise<boolean>;
}

const RECENT_RUNS_MAX = 10;
const DONE_BACKFILLS_MAX = 50;
/** Open runs whose close a schedule waits for. Of more, the others are looked at once a minute. */
export const WATCHED_RUNS_MAX = 50;
const LOOK_AGAIN_MS = 60_000;
/** Starts of one step: a step must end well within its activity's time. */
const STARTS_MAX = 100;

type Working = { -readonly [Key in keyof ScheduleState]: ScheduleState[Key] };

export async function stepSchedule(input: ScheduleInput, ports: StepPorts): Promise<ScheduleStep> {
  const clock = clockOf(input);
  if (typeof clock === 'string') {
    const paused = { reason: `invalid: ${clock}`, by: 'cadence-scheduler', atMs: ports.nowMs() };
    return { state: { ...input.state, paused }, wakeMs: undefined, awaits: [] };
  }
  const wakeMs = nextWakeMs(clock, input.state);
  const hasTime = wakeMs === undefined || (await ports.waitUntil(wakeMs));
  if (!hasTime) return { state: input.state, wakeMs: ports.nowMs(), awaits: [] };
  return new Step(input, clock, ports).run();
}

/** A string: why the spec is none. The API lets no such thing in, but anybody may signal a workflow; an update puts it right. */
function clockOf({ definition, scheduleId }: ScheduleInput): ScheduleClock | string {
  try {
    return scheduleClock(definition.spec, scheduleId);
  } catch (error) {
    if (error instanceof ServiceError && error.kind === 'BadRequest') return error.message;
    throw error;
  }
}

class Step {
  readonly #definition: ScheduleInput['definition'];
  readonly #clock: ScheduleClock;
  readonly #ports: StepPorts;
  readonly #state: Working;
  #starts = 0;

  constructor({ definition, state }: ScheduleInput, clock: ScheduleClock, ports: StepPorts) {
    this.#definition = definition;
    this.#clock = clock;
    this.#ports = ports;
    this.#state = { ...state };
  }

  async run(): Promise<ScheduleStep> {
    const state = this.#state;
    const nowMs = this.#ports.nowMs();
    await this.#lookAtRuns(nowMs);
    if (state.paused === undefined) {
      await this.#startBuffered();
      await this.#offerDueFires(nowMs);
    }
    const backfillsWait = await this.#runBackfills();
    const hasMore = this.#starts >= STARTS_MAX || (state.backfills.length > 0 && !backfillsWait);
    const waits = backfillsWait || (state.buffered.length > 0 && state.paused === undefined);
    const awaits = waits ? state.running.slice(0, WATCHED_RUNS_MAX) : [];
    const wakeMs = hasMore ? nowMs : nextWakeMs(this.#clock, state);
    if (awaits.length === 0 || awaits.length === state.running.length) return { state, wakeMs, awaits };
    return { state, wakeMs: Math.min(wakeMs ?? Number.POSITIVE_INFINITY, nowMs + LOOK_AGAIN_MS), awaits };
  }

  /** Forgets the runs that have closed; one that failed may pause the schedule. */
  async #lookAtRuns(nowMs: number): Promise<void> {
    const state = this.#state;
    const open: ScheduledRun[] = [];
    for (const run of state.running) {
      const outcome = await this.#ports.outcome(run);
      if (outcome === 'open') open.push(run);
      else if (outcome === 'failed' && this.#definition.policies.pauseOnFailure && state.paused === undefined) {
        state.paused = { reason: `run ${run.workflowId} failed`, by: 'cadence-scheduler', atMs: nowMs };
      }
    }
    state.running = open;
  }

  async #startBuffered(): Promise<void> {
    const state = this.#state;
    while (state.buffered.length > 0 && state.running.length === 0) {
      const [next, ...rest] = state.buffered;
      state.buffered = rest;
      if (next !== undefined) await this.#start(next.dueMs, undefined);
    }
  }

  async #offerDueFires(nowMs: number): Promise<void> {
    const state = this.#state;
    const plan = planSchedule(this.#clock, this.#definition.policies, state, nowMs);
    state.processedMs = plan.processedMs;
    state.candidateMs = plan.candidateMs;
    state.missedRuns += plan.missed;
    if (plan.isComplete) state.resume = undefined;
    else this.#starts = STARTS_MAX;
    for (const fireMs of plan.fires) await this.#offer(fireMs);
  }

  async #offer(fireMs: number): Promise<void> {
    const state = this.#state;
    const { policies } = this.#definition;
    const verdict = judgeFire({
      ...policies,
      running: state.running.length,
      buffered: state.buffered.length,
      isBackfill: false,
    });
    if (verdict === 'skip' || verdict === 'wait') state.skippedRuns++;
    else if (verdict === 'buffer') state.buffered = [...state.buffered, { dueMs: fireMs }];
    else {
      await this.#clearWay(verdict);
      await this.#start(fireMs, undefined);
    }
  }

  async #clearWay(verdict: 'start' | 'cancelThenStart' | 'terminateThenStart'): Promise<void> {
    if (verdict === 'start') return;
    for (const run of this.#state.running) {
      await (verdict === 'cancelThenStart' ? this.#ports.cancel(run) : this.#ports.terminate(run));
    }
    // A cancelled run may take its time; it is not waited for and not cancelled again.
    this.#state.running = [];
  }

  async #start(fireMs: number, backfillId: string | undefined): Promise<void> {
    const state = this.#state;
    this.#starts++;
    const run = await this.#ports.start(fireMs, backfillId);
    if (typeof run === 'string') {
      state.lastFailure = run;
      state.skippedRuns++;
      return;
    }
    state.lastFailure = undefined;
    state.running = [...state.running, run];
    state.recentRuns = [...state.recentRuns, run].slice(-RECENT_RUNS_MAX);
    state.totalRuns++;
    state.lastRunMs = this.#ports.nowMs();
  }

  /** True when the first unfinished backfill waits for a run to close. */
  async #runBackfills(): Promise<boolean> {
    const state = this.#state;
    while (state.backfills.length > 0 && this.#starts < STARTS_MAX) {
      const [backfill, ...others] = state.backfills;
      if (backfill === undefined) break;
      const { next, waits } = await this.#goOn(backfill);
      if (next === undefined) {
        state.backfills = others;
        state.doneBackfills = [...state.doneBackfills, backfill.id].slice(-DONE_BACKFILLS_MAX);
        continue;
      }
      state.backfills = [next, ...others];
      if (waits) return true;
    }
    return false;
  }

  /** As many fires of the backfill as may start now; `next` undefined: it is done. */
  async #goOn(backfill: Backfill): Promise<{ next: Backfill | undefined; waits: boolean }> {
    let { processedMs, runsCompleted } = backfill;
    const progress = (): Backfill => ({ ...backfill, processedMs, runsCompleted });
    while (this.#starts < STARTS_MAX) {
      const fireMs = this.#clock.nextFire(processedMs);
      if (fireMs === undefined || fireMs > backfill.endMs) return { next: undefined, waits: false };
      const verdict = judgeFire({
        ...this.#definition.policies,
        overlap: backfill.overlap,
        running: this.#state.running.length,
        buffered: this.#state.buffered.length,
        isBackfill: true,
      });
      if (verdict === 'wait' || verdict === 'buffer') return { next: progress(), waits: true };
      processedMs = fireMs;
      runsCompleted++;
      if (verdict === 'skip') {
        this.#state.skippedRuns++;
        continue;
      }
      await this.#clearWay(verdict);
      await this.#start(fireMs, backfill.id);
    }
    return { next: progress(), waits: false };
  }
}
