// A schedule's fields, checked and brought into the form that its workflow takes. An action is checked as the start request that it will make,
// so that a schedule that was accepted can start its runs.
import {
  type ScheduleAction as ActionMessage,
  type SchedulePolicies as PoliciesMessage,
  ScheduleCatchUpPolicy,
  ScheduleOverlapPolicy,
  type SearchAttributes,
  type ScheduleSpec as SpecMessage,
  ScheduleAction_StartWorkflowAction as StartWorkflowAction,
  StartWorkflowExecutionRequest,
} from '@antiphon/proto';
import { badRequest } from '#base';
import {
  checkSearchAttributes,
  type Limits,
  SCHEDULE_ATTRIBUTE_PREFIX,
  SCHEDULE_ATTRIBUTES,
  type ScheduleAction,
  type SchedulePolicies,
  type ScheduleSpec,
  scheduleClock,
} from '#core';
import { searchAttributeRules } from '#visibility';
import { checkCron } from './cron-check.ts';
import { isAbsentOrNotNegative, msOfTimestamp, secondsOfDuration } from './durations.ts';
import type { FrontendDeps } from './ports.ts';
import { checkEnum, checkLength } from './request-checks.ts';
import { catchUpOf, overlapOf } from './schedule-messages.ts';
import { validatedStart } from './start-validation.ts';

export type ScheduleDeps = Pick<FrontendDeps, 'env' | 'searchAttributes'>;

// A fire's time is appended to the prefix, and a backfill's id to that.
const FIRE_SUFFIX_CHARS = 128;

// What each run carries beside the action's own attributes: there must be room for it.
const FIRE_MARKS = {
  [SCHEDULE_ATTRIBUTES.id]: { data: Buffer.from('""') },
  [SCHEDULE_ATTRIBUTES.time]: { data: Buffer.from('"2026-01-31T06:00:00Z"') },
  [SCHEDULE_ATTRIBUTES.backfill]: { data: Buffer.from('""') },
};

export function requireScheduleId(scheduleId: string, limits: Limits): string {
  if (scheduleId === '') throw badRequest('ScheduleId is not set on request.');
  checkLength(scheduleId, limits, 'ScheduleId');
  return scheduleId;
}

export function validatedSpec(spec: SpecMessage | undefined, { env }: ScheduleDeps): ScheduleSpec {
  if (spec === undefined) throw badRequest('Spec is not set on request.');
  if (spec.cronExpression === '') throw badRequest('CronExpression is not set on Spec.');
  const jitterSeconds = secondsOfDuration(spec.jitter);
  if (!isAbsentOrNotNegative(jitterSeconds)) throw badRequest('A valid Jitter is not set on Spec.');
  checkCron(spec.cronExpression, jitterSeconds ?? 0, env.clock.nowMs());
  const startMs = timeOf(spec.startTime, 'StartTime');
  const endMs = timeOf(spec.endTime, 'EndTime');
  if (startMs !== undefined && endMs !== undefined && endMs <= startMs) {
    throw badRequest('EndTime must be after StartTime on Spec.');
  }
  const checked = { cron: spec.cronExpression, startMs, endMs, jitterMs: (jitterSeconds ?? 0) * 1000 };
  if (scheduleClock(checked, '').nextFire(startMs === undefined ? env.clock.nowMs() : startMs - 1) === undefined) {
    throw badRequest(`CronExpression ${spec.cronExpression} has no fire between StartTime and EndTime on Spec.`);
  }
  return checked;
}

function timeOf(time: SpecMessage['startTime'], name: string): number | undefined {
  if (time === undefined) return undefined;
  const ms = msOfTimestamp(time);
  if (ms === undefined) throw badRequest(`A valid ${name} is not set on Spec.`);
  return ms;
}

export function validatedPolicies(policies: PoliciesMessage | undefined): SchedulePolicies {
  const { overlapPolicy = 0, catchUpPolicy = 0, catchUpWindow, bufferLimit = 0, concurrencyLimit = 0 } = policies ?? {};
  checkEnum(overlapPolicy, ScheduleOverlapPolicy, 'ScheduleOverlapPolicy');
  checkEnum(catchUpPolicy, ScheduleCatchUpPolicy, 'ScheduleCatchUpPolicy');
  const windowSeconds = secondsOfDuration(catchUpWindow);
  if (!isAbsentOrNotNegative(windowSeconds)) throw badRequest('A valid CatchUpWindow is not set on Policies.');
  if (bufferLimit < 0) throw badRequest('BufferLimit cannot be less than 0 on Policies.');
  if (concurrencyLimit < 0) throw badRequest('ConcurrencyLimit cannot be less than 0 on Policies.');
  const overlap = overlapOf(overlapPolicy) ?? 'skipNew';
  const catchUp = catchUpOf(catchUpPolicy) ?? 'skip';
  if (overlap === 'skipNew' && catchUp === 'all') {
    throw badRequest(
      'CatchUpPolicy ALL cannot be combined with OverlapPolicy SKIP_NEW: of the fires made up for, all but the first would be skipped.',
    );
  }
  return {
    overlap,
    catchUp,
    catchUpWindowMs: (windowSeconds ?? 0) * 1000,
    pauseOnFailure: policies?.pauseOnFailure ?? false,
    bufferLimit,
    concurrencyLimit,
  };
}

export function validatedAction(
  action: ActionMessage | undefined,
  domain: string,
  scheduleId: string,
  deps: ScheduleDeps,
  limits: Limits,
): ScheduleAction {
  const start = action?.startWorkflow;
  if (start === undefined) throw badRequest('StartWorkflow is not set on Action.');
  refuseOwnAttributes(start.searchAttributes);
  const prefix = start.workflowIdPrefix || scheduleId;
  const request = StartWorkflowExecutionRequest.fromPartial({
    ...start,
    domain,
    workflowId: `${prefix}${'-'.repeat(FIRE_SUFFIX_CHARS)}`,
    searchAttributes: { indexedFields: { ...start.searchAttributes?.indexedFields, ...FIRE_MARKS } },
  });
  const checked = validatedStart(request, deps, { requestIdIsUuid: false, limits });
  const message = StartWorkflowAction.encode({
    ...start,
    retryPolicy: checked.retryPolicy,
    executionStartToCloseTimeout: checked.executionStartToCloseTimeout,
    taskStartToCloseTimeout: checked.taskStartToCloseTimeout,
  }).finish();
  return {
    workflowType: start.workflowType?.name ?? '',
    message: Buffer.from(message.buffer, message.byteOffset, message.byteLength).toString('base64'),
  };
}

/** Attributes of the schedule itself. */
export function checkScheduleAttributes(
  attributes: SearchAttributes | undefined,
  { searchAttributes }: ScheduleDeps,
  limits: Limits,
): void {
  refuseOwnAttributes(attributes);
  checkSearchAttributes(attributes, searchAttributeRules(searchAttributes), limits);
}

function refuseOwnAttributes(attributes: SearchAttributes | undefined): void {
  for (const name of Object.keys(attributes?.indexedFields ?? {})) {
    if (name.startsWith(SCHEDULE_ATTRIBUTE_PREFIX)) {
      throw badRequest(
        `Search attribute ${name} is set by the service: names that begin with ${SCHEDULE_ATTRIBUTE_PREFIX} are reserved.`,
      );
    }
  }
}
