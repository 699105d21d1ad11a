// Schedules between their wire messages and the JSON of their system workflow. Both ways, total: what is not valid was refused before.
import {
  type BackfillInfo,
  type DescribeScheduleResponse,
  type Memo,
  ScheduleCatchUpPolicy,
  ScheduleOverlapPolicy,
  type SearchAttributes,
  ScheduleAction_StartWorkflowAction as StartWorkflowAction,
} from '@antiphon/proto';
import {
  type Backfill,
  type CatchUpPolicy,
  durationOf,
  nextWakeMs,
  type OverlapPolicy,
  SCHEDULE_ATTRIBUTE_PREFIX,
  type ScheduleDefinition,
  type ScheduleState,
  scheduleClock,
  timestampOf,
} from '#core';

const OVERLAP: readonly (readonly [ScheduleOverlapPolicy, OverlapPolicy])[] = [
  [ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_SKIP_NEW, 'skipNew'],
  [ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_BUFFER, 'buffer'],
  [ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_CONCURRENT, 'concurrent'],
  [ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_CANCEL_PREVIOUS, 'cancelPrevious'],
  [ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_TERMINATE_PREVIOUS, 'terminatePrevious'],
];
const CATCH_UP: readonly (readonly [ScheduleCatchUpPolicy, CatchUpPolicy])[] = [
  [ScheduleCatchUpPolicy.SCHEDULE_CATCH_UP_POLICY_SKIP, 'skip'],
  [ScheduleCatchUpPolicy.SCHEDULE_CATCH_UP_POLICY_ONE, 'one'],
  [ScheduleCatchUpPolicy.SCHEDULE_CATCH_UP_POLICY_ALL, 'all'],
];

/** Undefined for the enum's 0: the caller did not say. */
export const overlapOf = (policy: ScheduleOverlapPolicy): OverlapPolicy | undefined =>
  OVERLAP.find(([wire]) => wire === policy)?.[1];
export const catchUpOf = (policy: ScheduleCatchUpPolicy): CatchUpPolicy | undefined =>
  CATCH_UP.find(([wire]) => wire === policy)?.[1];

const wireOverlap = (policy: OverlapPolicy): ScheduleOverlapPolicy =>
  OVERLAP.find(([, own]) => own === policy)?.[0] ?? ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_INVALID;
const wireCatchUp = (policy: CatchUpPolicy): ScheduleCatchUpPolicy =>
  CATCH_UP.find(([, own]) => own === policy)?.[0] ?? ScheduleCatchUpPolicy.SCHEDULE_CATCH_UP_POLICY_INVALID;

const optionalTime = (ms: number | undefined) => (ms === undefined ? undefined : timestampOf(ms));

const backfillInfo = (backfill: Backfill): BackfillInfo => ({
  backfillId: backfill.id,
  startTime: timestampOf(backfill.startMs),
  endTime: timestampOf(backfill.endMs),
  runsCompleted: backfill.runsCompleted,
  runsTotal: backfill.runsTotal,
});

export interface DescribedSchedule {
  readonly scheduleId: string;
  readonly definition: ScheduleDefinition;
  readonly state: ScheduleState;
  readonly memo: Memo | undefined;
  readonly searchAttributes: SearchAttributes | undefined;
}

export function describedSchedule(schedule: DescribedSchedule): DescribeScheduleResponse {
  const { scheduleId, definition, state } = schedule;
  const { spec, policies } = definition;
  const { paused } = state;
  return {
    spec: {
      cronExpression: spec.cron,
      startTime: optionalTime(spec.startMs),
      endTime: optionalTime(spec.endMs),
      jitter: spec.jitterMs > 0 ? durationOf(spec.jitterMs / 1000) : undefined,
    },
    action: { startWorkflow: StartWorkflowAction.decode(Buffer.from(definition.action.message, 'base64')) },
    policies: {
      overlapPolicy: wireOverlap(policies.overlap),
      catchUpPolicy: wireCatchUp(policies.catchUp),
      catchUpWindow: policies.catchUpWindowMs > 0 ? durationOf(policies.catchUpWindowMs / 1000) : undefined,
      pauseOnFailure: policies.pauseOnFailure,
      bufferLimit: policies.bufferLimit,
      concurrencyLimit: policies.concurrencyLimit,
    },
    state: {
      paused: paused !== undefined,
      pauseInfo: paused && { reason: paused.reason, pausedBy: paused.by, pausedAt: timestampOf(paused.atMs) },
    },
    info: {
      lastRunTime: optionalTime(state.lastRunMs),
      nextRunTime: optionalTime(nextWakeMs(scheduleClock(spec, scheduleId), state)),
      totalRuns: BigInt(state.totalRuns),
      createTime: timestampOf(state.createdMs),
      lastUpdateTime: optionalTime(state.updatedMs),
      ongoingBackfills: state.backfills.map(backfillInfo),
      missedRuns: BigInt(state.missedRuns),
      skippedRuns: BigInt(state.skippedRuns),
    },
    memo: schedule.memo,
    searchAttributes: withoutOwn(schedule.searchAttributes),
  };
}

// Set by the engine on every run that workers drive.
const ENGINE_ATTRIBUTES: ReadonlySet<string> = new Set(['BinaryChecksums', 'CadenceChangeVersion']);

/** The attributes that the schedule's creator set. */
function withoutOwn(attributes: SearchAttributes | undefined): SearchAttributes | undefined {
  const fields = Object.entries(attributes?.indexedFields ?? {}).filter(
    ([name]) => !name.startsWith(SCHEDULE_ATTRIBUTE_PREFIX) && !ENGINE_ATTRIBUTES.has(name),
  );
  return fields.length === 0 ? undefined : { indexedFields: Object.fromEntries(fields) };
}
