// What a schedule is and what is known of it: the input, the answer and the state of its system workflow, as JSON. Written by the frontend
// (definition) and by the schedule's own steps (state); every field must survive JSON and older versions of it.

export type OverlapPolicy = 'skipNew' | 'buffer' | 'concurrent' | 'cancelPrevious' | 'terminatePrevious';
export type CatchUpPolicy = 'skip' | 'one' | 'all';

export interface ScheduleSpec {
  readonly cron: string;
  /** No fire before it. */
  readonly startMs?: number | undefined;
  /** No fire after it. */
  readonly endMs?: number | undefined;
  /** Each fire is delayed by a part of this, fixed by the schedule's id and the fire's time. */
  readonly jitterMs: number;
}

export interface SchedulePolicies {
  readonly overlap: OverlapPolicy;
  readonly catchUp: CatchUpPolicy;
  /** Fires older than this are not made up for; 0: all are. */
  readonly catchUpWindowMs: number;
  readonly pauseOnFailure: boolean;
  /** 0: as many as the service allows. */
  readonly bufferLimit: number;
  readonly concurrencyLimit: number;
}

export interface ScheduleAction {
  /** Clear text for whoever reads the history. */
  readonly workflowType: string;
  /** An api.v1.ScheduleAction.StartWorkflowAction message in base64, so that nothing of it is lost. */
  readonly message: string;
}

export interface ScheduleDefinition {
  readonly spec: ScheduleSpec;
  readonly policies: SchedulePolicies;
  readonly action: ScheduleAction;
}

export interface ScheduledRun {
  readonly workflowId: string;
  readonly runId: string;
  /** The fire it was started for. */
  readonly dueMs: number;
}

export interface BufferedFire {
  readonly dueMs: number;
}

export interface Backfill {
  readonly id: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly overlap: OverlapPolicy;
  /** Fires up to this time are done. */
  readonly processedMs: number;
  readonly runsCompleted: number;
  readonly runsTotal: number;
}

export interface ScheduleState {
  readonly createdMs: number;
  readonly updatedMs?: number | undefined;
  /** Fires up to this time are settled: started, skipped, buffered or counted as missed. It only grows. */
  readonly processedMs: number;
  readonly paused?: { readonly reason: string; readonly by: string; readonly atMs: number } | undefined;
  /** Fires between `processedMs` and this time were missed in a pause, and this is what happens to them. */
  readonly resume?: { readonly atMs: number; readonly catchUp: CatchUpPolicy } | undefined;
  /** Catch-up of one: the newest missed fire so far, while older ones are still being counted. */
  readonly candidateMs?: number | undefined;
  /** Started and, as far as is known, open. */
  readonly running: readonly ScheduledRun[];
  readonly buffered: readonly BufferedFire[];
  readonly backfills: readonly Backfill[];
  /** Ids of backfills that are done, newest last: a repeated request is no second backfill. */
  readonly doneBackfills: readonly string[];
  readonly totalRuns: number;
  readonly missedRuns: number;
  readonly skippedRuns: number;
  readonly lastRunMs?: number | undefined;
  /** The last few starts, newest last. */
  readonly recentRuns: readonly ScheduledRun[];
  /** Why the last fire could not be started, until one can. */
  readonly lastFailure?: string | undefined;
}

export interface ScheduleInput {
  readonly scheduleId: string;
  readonly definition: ScheduleDefinition;
  readonly state: ScheduleState;
}

/** What the schedule's signals carry. */
export type ScheduleCommand =
  | { readonly kind: 'pause'; readonly reason: string; readonly by: string }
  | { readonly kind: 'unpause'; readonly reason: string; readonly catchUp?: CatchUpPolicy | undefined }
  | {
      readonly kind: 'update';
      readonly spec?: ScheduleSpec | undefined;
      readonly action?: ScheduleAction | undefined;
      readonly policies?: SchedulePolicies | undefined;
      readonly searchAttributes?: Readonly<Record<string, unknown>> | undefined;
    }
  | {
      readonly kind: 'backfill';
      readonly id: string;
      readonly startMs: number;
      readonly endMs: number;
      readonly overlap?: OverlapPolicy | undefined;
      readonly runsTotal: number;
    }
  | { readonly kind: 'delete' };

export const SCHEDULE_QUERY = 'scheduler-describe';
export const scheduleSignal = (kind: ScheduleCommand['kind']): string => `scheduler-${kind}`;

/** Attributes by which schedules and their runs are found. Users cannot set names with this prefix through a schedule. */
export const SCHEDULE_ATTRIBUTE_PREFIX = 'CadenceSchedule';
export const SCHEDULE_ATTRIBUTES = {
  id: 'CadenceScheduleID',
  time: 'CadenceScheduleTime',
  backfill: 'CadenceScheduleBackfillID',
  cron: 'CadenceScheduleCron',
  state: 'CadenceScheduleState',
  workflowType: 'CadenceScheduleWorkflowType',
} as const;

/** The state of a schedule that was made just now. */
export function newScheduleState(nowMs: number): ScheduleState {
  return {
    createdMs: nowMs,
    processedMs: nowMs,
    running: [],
    buffered: [],
    backfills: [],
    doneBackfills: [],
    totalRuns: 0,
    missedRuns: 0,
    skippedRuns: 0,
    recentRuns: [],
  };
}
