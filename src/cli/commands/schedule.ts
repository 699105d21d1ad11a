// schedule create, describe, list, update, pause, unpause, backfill, delete.
import {
  BackfillScheduleRequest,
  CreateScheduleRequest,
  DeleteScheduleRequest,
  DescribeScheduleRequest,
  type DescribeScheduleResponse,
  ListSchedulesRequest,
  PauseScheduleRequest,
  type ScheduleAction,
  ScheduleCatchUpPolicy,
  ScheduleOverlapPolicy,
  type SchedulePolicies,
  type ScheduleSpec,
  TaskList,
  UnpauseScheduleRequest,
  UpdateScheduleRequest,
} from '@antiphon/proto';
import type { Command } from 'commander';
import { usageError } from '../failure.ts';
import { inputOf, pairedPayloads } from '../payload.ts';
import { addCommand, PRINT_FLAGS } from '../spec/command.ts';
import {
  decimal,
  duration,
  instant,
  many,
  on,
  oneOf,
  or,
  required,
  text,
  type ValuesOf,
  whole,
  yesOrNo,
} from '../spec/flags.ts';
import { enumName, enumValue } from '../ui/enum-name.ts';
import { confirm } from '../ui/prompt.ts';
import type { Row } from '../ui/row-printer.ts';
import { type WireTime, wireDuration, wireTime } from '../wire-time.ts';
import { INPUT_FLAGS, identity } from './run-flags.ts';

const scheduleId = required(text('schedule-id sid id', 'id of the schedule', 'id'));
const OVERLAP = ['skip-new', 'buffer', 'concurrent', 'cancel-previous', 'terminate-previous'] as const;
const CATCH_UP = ['skip', 'one', 'all'] as const;
const catchUpPolicy = oneOf('catch-up-policy cup', 'after an outage or a pause: runs that were missed', CATCH_UP);
const overlapPolicy = oneOf('overlap-policy op', 'when the run before is still open', OVERLAP);

const CHANGE_FLAGS = {
  cron: text('cron', 'when: "0 9 * * MON-FRI" or "@every 10m"', 'expression'),
  startTime: instant('start-time', 'not before this time'),
  endTime: instant('end-time', 'not after this time'),
  jitter: duration('jitter', 'start at random up to so much later'),
  type: text('type wt workflow-type', 'workflow type of the runs', 'name'),
  taskList: text('task-list tl tasklist', 'task list its workers poll', 'name'),
  workflowIdPrefix: text('workflow-id-prefix wip', 'the runs are named so, and by their time', 'prefix'),
  ...INPUT_FLAGS,
  executionTimeout: duration('execution-timeout et', 'longest life of a run'),
  decisionTimeout: duration('decision-timeout dt', 'longest time of one decision'),
  retryAttempts: whole('retry-attempts', 'retry a run when it fails: how often at most'),
  retryInterval: or(duration('retry-interval', 'first wait between two attempts'), 10),
  retryBackoff: or(decimal('retry-backoff', 'each wait is so many times the one before'), 1),
  overlapPolicy,
  catchUpPolicy,
  catchUpWindow: duration('catch-up-window', 'missed longer ago than this: left out'),
  pauseOnFailure: yesOrNo('pause-on-failure', 'pause when a run fails'),
  bufferLimit: whole('buffer-limit', 'with buffer: runs that wait, at most'),
  concurrencyLimit: whole('concurrency-limit', 'with concurrent: runs at once, at most'),
  searchAttribute: many('search-attribute', 'search attribute, may be repeated', 'key=json'),
};
type ChangeValues = ValuesOf<typeof CHANGE_FLAGS>;

const overlapOf = (name: string | undefined): ScheduleOverlapPolicy =>
  (name && enumValue<ScheduleOverlapPolicy>(ScheduleOverlapPolicy, name, 'SCHEDULE_OVERLAP_POLICY_')) || 0;
const catchUpOf = (name: string | undefined): ScheduleCatchUpPolicy =>
  (name && enumValue<ScheduleCatchUpPolicy>(ScheduleCatchUpPolicy, name, 'SCHEDULE_CATCH_UP_POLICY_')) || 0;

/** What is given, over what was. */
function specOf(flags: ChangeValues, before?: ScheduleSpec): ScheduleSpec {
  return {
    cronExpression: flags.cron ?? before?.cronExpression ?? '',
    startTime: flags.startTime === undefined ? before?.startTime : wireTime(flags.startTime),
    endTime: flags.endTime === undefined ? before?.endTime : wireTime(flags.endTime),
    jitter: flags.jitter === undefined ? before?.jitter : wireDuration(flags.jitter),
  };
}

function actionOf(flags: ChangeValues, before?: ScheduleAction): ScheduleAction {
  const old = before?.startWorkflow;
  const seconds = (value: number | undefined, was: WireTime | undefined): WireTime | undefined =>
    value === undefined ? was : wireDuration(value);
  return {
    startWorkflow: {
      workflowType: flags.type === undefined ? old?.workflowType : { name: flags.type },
      taskList: flags.taskList === undefined ? old?.taskList : TaskList.fromPartial({ name: flags.taskList }),
      input: inputOf(flags) ?? old?.input,
      workflowIdPrefix: flags.workflowIdPrefix ?? old?.workflowIdPrefix ?? '',
      executionStartToCloseTimeout: seconds(flags.executionTimeout, old?.executionStartToCloseTimeout),
      taskStartToCloseTimeout: seconds(flags.decisionTimeout, old?.taskStartToCloseTimeout),
      retryPolicy:
        flags.retryAttempts === undefined
          ? old?.retryPolicy
          : {
              initialInterval: wireDuration(flags.retryInterval),
              backoffCoefficient: flags.retryBackoff,
              maximumAttempts: flags.retryAttempts,
              maximumInterval: undefined,
              expirationInterval: undefined,
              nonRetryableErrorReasons: [],
            },
      memo: old?.memo,
      searchAttributes: old?.searchAttributes,
    },
  };
}

function policiesOf(flags: ChangeValues, before?: SchedulePolicies): SchedulePolicies {
  return {
    overlapPolicy: overlapOf(flags.overlapPolicy) || (before?.overlapPolicy ?? 0),
    catchUpPolicy: catchUpOf(flags.catchUpPolicy) || (before?.catchUpPolicy ?? 0),
    catchUpWindow: flags.catchUpWindow === undefined ? before?.catchUpWindow : wireDuration(flags.catchUpWindow),
    pauseOnFailure: flags.pauseOnFailure ?? before?.pauseOnFailure ?? false,
    bufferLimit: flags.bufferLimit ?? before?.bufferLimit ?? 0,
    concurrencyLimit: flags.concurrencyLimit ?? before?.concurrencyLimit ?? 0,
  };
}

export function addScheduleCommands(schedule: Command): void {
  addCreateAndUpdate(schedule);
  addLook(schedule);
  addPause(schedule);
  addBackfillAndDelete(schedule);
}

const DAY_SECONDS = 86_400;

function addCreateAndUpdate(schedule: Command): void {
  addCommand(schedule, {
    name: 'create',
    summary: 'start a workflow again and again, at given times',
    examples: [
      `schedule create nightly --cron '0 2 * * *' --type report --task-list reports --overlap-policy skip-new`,
    ],
    flags: {
      scheduleId,
      ...CHANGE_FLAGS,
      cron: required(CHANGE_FLAGS.cron),
      type: required(CHANGE_FLAGS.type),
      taskList: required(CHANGE_FLAGS.taskList),
      executionTimeout: or(CHANGE_FLAGS.executionTimeout, DAY_SECONDS),
      decisionTimeout: or(CHANGE_FLAGS.decisionTimeout, 10),
      memo: many('memo', 'memo of the schedule, may be repeated', 'key=json'),
    },
    positional: ['scheduleId'],
    async run({ flags, context, connection }) {
      const memo = pairedPayloads(flags.memo, '--memo');
      const indexedFields = pairedPayloads(flags.searchAttribute, '--search-attribute');
      await connection.schedule.createSchedule(
        CreateScheduleRequest.fromPartial({
          domain: context.domain,
          scheduleId: flags.scheduleId,
          spec: specOf(flags),
          action: actionOf(flags),
          policies: policiesOf(flags),
          ...(Object.keys(memo).length > 0 ? { memo: { fields: memo } } : {}),
          ...(Object.keys(indexedFields).length > 0 ? { searchAttributes: { indexedFields } } : {}),
        }),
      );
      context.output.done(`created schedule ${flags.scheduleId}`, { scheduleId: flags.scheduleId });
    },
  });
  addCommand(schedule, {
    name: 'update',
    aliases: ['up'],
    summary: 'change what is given, and keep the rest',
    examples: [`schedule update nightly --cron '0 3 * * *'`],
    flags: { scheduleId, ...CHANGE_FLAGS },
    positional: ['scheduleId'],
    async run({ flags, context, connection }) {
      const named = { domain: context.domain, scheduleId: flags.scheduleId };
      const before = await connection.schedule.describeSchedule(DescribeScheduleRequest.fromPartial(named));
      const indexedFields = pairedPayloads(flags.searchAttribute, '--search-attribute');
      await connection.schedule.updateSchedule(
        UpdateScheduleRequest.fromPartial({
          ...named,
          spec: specOf(flags, before.spec),
          action: actionOf(flags, before.action),
          policies: policiesOf(flags, before.policies),
          ...(Object.keys(indexedFields).length > 0 ? { searchAttributes: { indexedFields } } : {}),
        }),
      );
      context.output.done(`updated schedule ${flags.scheduleId}`, { scheduleId: flags.scheduleId });
    },
  });
}

function describedRecord(
  scheduleIdText: string,
  { spec, action, policies, state, info, ...rest }: DescribeScheduleResponse,
): Row {
  return {
    scheduleId: scheduleIdText,
    state: state?.paused ? 'paused' : 'active',
    pause: state?.pauseInfo,
    spec,
    action: action?.startWorkflow,
    policies: policies && {
      ...policies,
      overlapPolicy: enumName(ScheduleOverlapPolicy, policies.overlapPolicy, 'SCHEDULE_OVERLAP_POLICY_'),
      catchUpPolicy: enumName(ScheduleCatchUpPolicy, policies.catchUpPolicy, 'SCHEDULE_CATCH_UP_POLICY_'),
    },
    info,
    ...rest,
  };
}

function addLook(schedule: Command): void {
  addCommand(schedule, {
    name: 'describe',
    aliases: ['desc'],
    summary: 'what it starts and when, and how it went so far',
    flags: { scheduleId, ...PRINT_FLAGS },
    positional: ['scheduleId'],
    async run({ flags, context, connection }) {
      const described = await connection.schedule.describeSchedule(
        DescribeScheduleRequest.fromPartial({ domain: context.domain, scheduleId: flags.scheduleId }),
      );
      context.output.record(describedRecord(flags.scheduleId, described));
    },
  });
  addCommand(schedule, {
    name: 'list',
    aliases: ['l', 'ls'],
    summary: 'schedules of the domain',
    flags: { pagesize: or(whole('pagesize ps', 'schedules of one call'), 200), ...PRINT_FLAGS },
    async run({ flags, context, connection }) {
      const rows: Row[] = [];
      let nextPageToken: Uint8Array = new Uint8Array();
      do {
        const page = await connection.schedule.listSchedules(
          ListSchedulesRequest.fromPartial({ domain: context.domain, pageSize: flags.pagesize, nextPageToken }),
        );
        for (const entry of page.schedules) {
          rows.push({
            scheduleId: entry.scheduleId,
            state: entry.state?.paused ? 'paused' : 'active',
            cron: entry.cronExpression,
            type: entry.workflowType?.name,
            reason: entry.state?.pauseInfo?.reason,
          });
        }
        nextPageToken = page.nextPageToken;
      } while (nextPageToken.length > 0);
      context.output.rows(['scheduleId', 'state', 'cron', 'type', 'reason'], rows, 'No schedules.');
    },
  });
}

function addPause(schedule: Command): void {
  addCommand(schedule, {
    name: 'pause',
    summary: 'start no more runs until it is unpaused',
    flags: { scheduleId, reason: or(text('reason re', 'why'), '') },
    positional: ['scheduleId'],
    async run({ flags, context, connection }) {
      await connection.schedule.pauseSchedule(
        PauseScheduleRequest.fromPartial({
          domain: context.domain,
          scheduleId: flags.scheduleId,
          reason: flags.reason,
          identity,
        }),
      );
      context.output.done(`paused schedule ${flags.scheduleId}`, { scheduleId: flags.scheduleId });
    },
  });
  addCommand(schedule, {
    name: 'unpause',
    summary: 'go on',
    flags: { scheduleId, reason: or(text('reason re', 'why'), ''), catchUpPolicy },
    positional: ['scheduleId'],
    async run({ flags, context, connection }) {
      await connection.schedule.unpauseSchedule(
        UnpauseScheduleRequest.fromPartial({
          domain: context.domain,
          scheduleId: flags.scheduleId,
          reason: flags.reason,
          catchUpPolicy: catchUpOf(flags.catchUpPolicy),
        }),
      );
      context.output.done(`schedule ${flags.scheduleId} goes on`, { scheduleId: flags.scheduleId });
    },
  });
}

function addBackfillAndDelete(schedule: Command): void {
  addCommand(schedule, {
    name: 'backfill',
    summary: 'start the runs of a time that is over',
    examples: ['schedule backfill nightly --start-time 2026-01-01T00:00:00Z --end-time 2026-01-08T00:00:00Z'],
    flags: {
      scheduleId,
      startTime: required(CHANGE_FLAGS.startTime),
      endTime: required(CHANGE_FLAGS.endTime),
      overlapPolicy,
      backfillId: or(text('backfill-id', 'a name, so that a repeated call does nothing', 'id'), ''),
    },
    positional: ['scheduleId'],
    async run({ flags, context, connection }) {
      if (flags.startTime > flags.endTime) throw usageError('--start-time is after --end-time');
      await connection.schedule.backfillSchedule(
        BackfillScheduleRequest.fromPartial({
          domain: context.domain,
          scheduleId: flags.scheduleId,
          startTime: wireTime(flags.startTime),
          endTime: wireTime(flags.endTime),
          overlapPolicy: overlapOf(flags.overlapPolicy),
          backfillId: flags.backfillId,
        }),
      );
      context.output.done(`backfilling schedule ${flags.scheduleId}`, { scheduleId: flags.scheduleId });
    },
  });
  addCommand(schedule, {
    name: 'delete',
    aliases: ['del'],
    summary: 'delete a schedule; its runs go on',
    flags: { scheduleId, yes: on('yes y', 'do not ask') },
    positional: ['scheduleId'],
    async run({ flags, context, connection }) {
      await confirm(`Delete schedule ${flags.scheduleId}?`, { yes: flags.yes, inScripts: 'go-on' });
      await connection.schedule.deleteSchedule(
        DeleteScheduleRequest.fromPartial({ domain: context.domain, scheduleId: flags.scheduleId }),
      );
      context.output.done(`deleted schedule ${flags.scheduleId}`, { scheduleId: flags.scheduleId });
    },
  });
}
