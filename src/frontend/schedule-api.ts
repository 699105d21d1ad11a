// Schedules: each is a system workflow in the domain of its user, with the id `cadence-scheduler:<schedule id>`. This API validates, starts and
// signals it, asks it, and finds it through visibility; the work is done by the workflow (src/worker/system).
// Writes go to the region where the domain is active; reads are answered by the region that is asked.
import { ScheduleCatchUpPolicy, ScheduleOverlapPolicy, type SearchAttributes } from '@antiphon/proto';
import { badRequest } from '#base';
import {
  countFires,
  newScheduleState,
  SCHEDULE_ATTRIBUTES,
  type ScheduleCommand,
  type ScheduleDefinition,
  scheduleClock,
} from '#core';
import { SCHEDULER } from '#domains';
import type { Handlers, SERVICE_DEFINITIONS } from '#rpc';
import { msOfTimestamp } from './durations.ts';
import { naming } from './passive-reads.ts';
import type { Pipeline, Traits } from './pipeline.ts';
import type { FrontendDeps, FrontendOptions } from './ports.ts';
import { checkBlobSize, checkEnum, checkLength, fieldsSize, pageSizeOf } from './request-checks.ts';
import { catchUpOf, describedSchedule, overlapOf } from './schedule-messages.ts';
import {
  checkScheduleAttributes,
  requireScheduleId,
  validatedAction,
  validatedPolicies,
  validatedSpec,
} from './schedule-validation.ts';
import { createScheduleWorkflows, scheduleIdOf } from './schedule-workflow.ts';

type ScheduleHandlers = Handlers<(typeof SERVICE_DEFINITIONS)['schedule']>;

const WRITE: Traits = { class: 'user', forward: 'selected' };
const READ: Traits = { class: 'user', forward: 'never' };
const REASON_CHARS_MAX = 4000;
/** A backfill of a year of hours; more would hide a mistake in its times. */
const BACKFILL_RUNS_MAX = 10_000;
const OPEN_SCHEDULES = `WorkflowType = '${SCHEDULER}' and CloseTime = missing`;

export function createScheduleApi(deps: FrontendDeps, options: FrontendOptions, pipeline: Pipeline): ScheduleHandlers {
  return { ...lifecycle(deps, pipeline), ...control(deps, pipeline), ...reads(deps, options, pipeline) };
}

function lifecycle(deps: FrontendDeps, { serve, byDomain }: Pipeline): ScheduleHandlers {
  const { env } = deps;
  const workflows = createScheduleWorkflows(deps);
  return {
    createSchedule: serve(
      'schedule',
      'createSchedule',
      WRITE,
      byDomain,
      async (request, { subject: domain, limits }) => {
        const scheduleId = requireScheduleId(request.scheduleId, limits);
        const definition: ScheduleDefinition = {
          spec: validatedSpec(request.spec, deps),
          action: validatedAction(request.action, domain.name, scheduleId, deps, limits),
          policies: validatedPolicies(request.policies),
        };
        checkBlobSize(fieldsSize(request.memo?.fields) + definition.action.message.length, limits);
        checkScheduleAttributes(request.searchAttributes, deps, limits);
        if (domain.isDeprecated) throw badRequest('Domain is deprecated.');
        const state = newScheduleState(env.clock.nowMs());
        const searchAttributes = withOwn(request.searchAttributes, definition);
        await workflows.start(domain, { scheduleId, definition, state }, { memo: request.memo, searchAttributes });
        return { scheduleId };
      },
    ),

    updateSchedule: serve(
      'schedule',
      'updateSchedule',
      WRITE,
      byDomain,
      async (request, { subject: domain, limits }) => {
        const scheduleId = requireScheduleId(request.scheduleId, limits);
        const { spec, action, policies, searchAttributes } = request;
        if (spec === undefined && action === undefined && policies === undefined && searchAttributes === undefined) {
          throw badRequest('None of Spec, Action, Policies and SearchAttributes is set on request.');
        }
        checkScheduleAttributes(searchAttributes, deps, limits);
        const command: ScheduleCommand = {
          kind: 'update',
          spec: spec && validatedSpec(spec, deps),
          action: action && validatedAction(action, domain.name, scheduleId, deps, limits),
          policies: policies && validatedPolicies(policies),
          searchAttributes: searchAttributes && plainAttributes(searchAttributes),
        };
        await workflows.signal(domain, scheduleId, command, '');
        return {};
      },
    ),

    deleteSchedule: serve('schedule', 'deleteSchedule', WRITE, byDomain, async (request, call) => {
      await workflows.end(call.subject, requireScheduleId(request.scheduleId, call.limits), call.context);
      return {};
    }),
  };
}

function control(deps: FrontendDeps, { serve, byDomain }: Pipeline): ScheduleHandlers {
  const { env } = deps;
  const workflows = createScheduleWorkflows(deps);
  const checkReason = (reason: string): void => {
    if (reason.length > REASON_CHARS_MAX) throw badRequest('Reason length exceeds limit.');
  };
  return {
    pauseSchedule: serve('schedule', 'pauseSchedule', WRITE, byDomain, async (request, { subject: domain, limits }) => {
      const scheduleId = requireScheduleId(request.scheduleId, limits);
      const { reason, identity } = request;
      checkReason(reason);
      checkLength(identity, limits, 'Identity');
      await workflows.signal(domain, scheduleId, { kind: 'pause', reason, by: identity }, identity);
      return {};
    }),

    unpauseSchedule: serve('schedule', 'unpauseSchedule', WRITE, byDomain, async (request, call) => {
      const scheduleId = requireScheduleId(request.scheduleId, call.limits);
      checkReason(request.reason);
      checkEnum(request.catchUpPolicy, ScheduleCatchUpPolicy, 'ScheduleCatchUpPolicy');
      const catchUp = catchUpOf(request.catchUpPolicy);
      await workflows.signal(call.subject, scheduleId, { kind: 'unpause', reason: request.reason, catchUp }, '');
      return {};
    }),

    backfillSchedule: serve('schedule', 'backfillSchedule', WRITE, byDomain, async (request, call) => {
      const { subject: domain, limits, context } = call;
      const scheduleId = requireScheduleId(request.scheduleId, limits);
      checkLength(request.backfillId, limits, 'BackfillId');
      checkEnum(request.overlapPolicy, ScheduleOverlapPolicy, 'ScheduleOverlapPolicy');
      const startMs = msOfTimestamp(request.startTime);
      const endMs = msOfTimestamp(request.endTime);
      if (startMs === undefined) throw badRequest('A valid StartTime is not set on request.');
      if (endMs === undefined) throw badRequest('A valid EndTime is not set on request.');
      if (endMs < startMs) throw badRequest('EndTime must not be before StartTime on request.');
      const { definition } = await workflows.describe(domain, scheduleId, context);
      const runsTotal = countFires(scheduleClock(definition.spec, scheduleId), startMs, endMs, BACKFILL_RUNS_MAX + 1);
      if (runsTotal === 0) throw badRequest('The schedule has no fire between StartTime and EndTime.');
      if (runsTotal > BACKFILL_RUNS_MAX) {
        throw badRequest(
          `A backfill has at most ${BACKFILL_RUNS_MAX} runs: there are more between StartTime and EndTime.`,
        );
      }
      const id = request.backfillId || env.random.uuid();
      const overlap = overlapOf(request.overlapPolicy);
      await workflows.signal(domain, scheduleId, { kind: 'backfill', id, startMs, endMs, overlap, runsTotal }, '');
      return {};
    }),
  };
}

function reads(deps: FrontendDeps, options: FrontendOptions, { serve, byDomain }: Pipeline): ScheduleHandlers {
  const { clusters, visibility } = deps;
  const workflows = createScheduleWorkflows(deps);
  return {
    describeSchedule: serve('schedule', 'describeSchedule', READ, byDomain, async (request, call) => {
      const { subject: domain, limits, context } = call;
      const scheduleId = requireScheduleId(request.scheduleId, limits);
      return naming(clusters, domain, async () => {
        const { definition, state, execution } = await workflows.describe(domain, scheduleId, context);
        const { memo, searchAttributes } = execution ?? {};
        return describedSchedule({ scheduleId, definition, state, memo, searchAttributes });
      });
    }),

    listSchedules: serve(
      'schedule',
      'listSchedules',
      { ...READ, class: 'visibility' },
      byDomain,
      async (request, { subject: domain }) => {
        const { records, nextToken } = await visibility.list(
          domain.id,
          { kind: 'query', query: OPEN_SCHEDULES },
          {
            size: pageSizeOf(request.pageSize, options.visibilityPageSizeDefault),
            token: request.nextPageToken.length === 0 ? undefined : request.nextPageToken,
          },
        );
        const schedules = records.map((record) => ({
          scheduleId: scheduleIdOf(record.workflowId),
          workflowType: { name: textOf(record.searchAttributes, SCHEDULE_ATTRIBUTES.workflowType) },
          state: {
            paused: textOf(record.searchAttributes, SCHEDULE_ATTRIBUTES.state) === 'paused',
            pauseInfo: undefined,
          },
          cronExpression: textOf(record.searchAttributes, SCHEDULE_ATTRIBUTES.cron),
        }));
        return { schedules, nextPageToken: nextToken ?? new Uint8Array() };
      },
    ),
  };
}

const payload = (value: unknown) => ({ data: Buffer.from(JSON.stringify(value), 'utf8') });

/** The creator's attributes, and those that lists show; the workflow keeps them up to date. */
function withOwn(attributes: SearchAttributes | undefined, definition: ScheduleDefinition): SearchAttributes {
  return {
    indexedFields: {
      ...attributes?.indexedFields,
      [SCHEDULE_ATTRIBUTES.state]: payload('active'),
      [SCHEDULE_ATTRIBUTES.cron]: payload(definition.spec.cron),
      [SCHEDULE_ATTRIBUTES.workflowType]: payload(definition.action.workflowType),
    },
  };
}

/** Values of attributes are JSON: checkSearchAttributes has read them. */
const plainAttributes = (attributes: SearchAttributes): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(attributes.indexedFields).map(([name, { data }]) => [
      name,
      JSON.parse(Buffer.from(data).toString('utf8')),
    ]),
  );

function textOf(attributes: SearchAttributes | undefined, name: string): string {
  const field = attributes?.indexedFields[name];
  if (field === undefined) return '';
  const value: unknown = JSON.parse(Buffer.from(field.data).toString('utf8'));
  return typeof value === 'string' ? value : '';
}
