// Which fires of a schedule are due, and what becomes of those that come too late. Pure.
// Invariants: fires are taken in order, each once; a fire that is not taken is counted as missed; work is bounded, and a plan that is not
// complete goes on where it ended.
import type { CatchUpPolicy, ScheduleDefinition, ScheduleState } from './schedule.ts';
import type { ScheduleClock } from './schedule-fires.ts';

/** A fire that is carried out within this time was not missed: hosts restart, regions fail over. */
export const ON_TIME_MS = 60_000;
/** Fires of one plan. */
export const PLAN_FIRES_MAX = 100;
/** Fires looked at for one plan; a week of missed seconds takes sixty plans. */
const PLAN_SCAN_MAX = 10_000;

export interface SchedulePlan {
  /** To be offered to the overlap policy now, in order. */
  readonly fires: readonly number[];
  readonly missed: number;
  readonly processedMs: number;
  readonly candidateMs: number | undefined;
  /** False: more is due already. */
  readonly isComplete: boolean;
}

type Known = Pick<ScheduleState, 'processedMs' | 'resume' | 'candidateMs'>;

export function planSchedule(
  clock: ScheduleClock,
  policies: Pick<ScheduleDefinition['policies'], 'catchUp' | 'catchUpWindowMs'>,
  state: Known,
  nowMs: number,
): SchedulePlan {
  const fires: number[] = [];
  let { processedMs, candidateMs } = state;
  let missed = 0;
  let isComplete = false;
  for (let scanned = 0; scanned < PLAN_SCAN_MAX && fires.length < PLAN_FIRES_MAX; scanned++) {
    const fireMs = clock.nextFire(processedMs);
    const dueMs = fireMs === undefined ? Number.POSITIVE_INFINITY : clock.dueTime(fireMs);
    if (fireMs === undefined || dueMs > nowMs) {
      isComplete = true;
      break;
    }
    processedMs = fireMs;
    const policy = catchUpOf(fireMs, nowMs - dueMs, policies, state);
    if (policy === 'skip') missed++;
    else if (policy === 'one') {
      if (candidateMs !== undefined) missed++;
      candidateMs = fireMs;
    } else {
      // The late ones end here: the newest of them goes first.
      if (policy === undefined && candidateMs !== undefined) fires.push(candidateMs);
      if (policy === undefined) candidateMs = undefined;
      fires.push(fireMs);
    }
  }
  if (isComplete && candidateMs !== undefined) {
    fires.push(candidateMs);
    candidateMs = undefined;
  }
  return { fires, missed, processedMs, candidateMs, isComplete };
}

/** What happens to a fire because it is late; undefined: it is on time. */
function catchUpOf(
  fireMs: number,
  lateMs: number,
  { catchUp, catchUpWindowMs }: Pick<ScheduleDefinition['policies'], 'catchUp' | 'catchUpWindowMs'>,
  { resume }: Known,
): CatchUpPolicy | undefined {
  const wasPaused = resume !== undefined && fireMs <= resume.atMs;
  if (!wasPaused && lateMs <= ON_TIME_MS) return undefined;
  if (catchUpWindowMs > 0 && lateMs > catchUpWindowMs) return 'skip';
  return wasPaused ? resume.catchUp : catchUp;
}

/** When the schedule has something to do next by itself; undefined: never, or not before it is changed. */
export function nextWakeMs(
  clock: ScheduleClock,
  state: Pick<ScheduleState, 'processedMs' | 'paused'>,
): number | undefined {
  if (state.paused !== undefined) return undefined;
  const fireMs = clock.nextFire(state.processedMs);
  return fireMs === undefined ? undefined : clock.dueTime(fireMs);
}
