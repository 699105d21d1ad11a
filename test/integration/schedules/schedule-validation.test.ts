// What the schedule API refuses, and that it says which field and why.
import {
  BackfillScheduleRequest,
  ScheduleCatchUpPolicy as CatchUp,
  ScheduleOverlapPolicy as Overlap,
  PauseScheduleRequest,
  UnpauseScheduleRequest,
  UpdateScheduleRequest,
} from '@antiphon/proto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  action,
  at,
  creation,
  DOMAIN,
  describeSchedule,
  json,
  openServer,
  seconds,
  type TestServer,
} from './harness.ts';

let server: TestServer;
beforeAll(async () => {
  server = await openServer();
});
afterAll(() => server.stop());

const HOUR = 3_600_000;
const long = 'x'.repeat(1001);
const refused = (message: unknown) => ({ kind: 'BadRequest', message });

describe('CreateSchedule refuses', () => {
  const cases: readonly (readonly [string, Parameters<typeof creation>[1], unknown])[] = [
    ['no schedule id', { scheduleId: '' }, 'ScheduleId is not set on request.'],
    ['a long schedule id', { scheduleId: long }, 'ScheduleId length exceeds limit.'],
    ['no domain', { domain: '' }, 'Domain not set on request.'],
    ['no cron expression', { spec: { cronExpression: '' } }, 'CronExpression is not set on Spec.'],
    [
      'a cron expression that is none',
      { spec: { cronExpression: 'every day' } },
      expect.stringMatching(/^Invalid CronSchedule.*expected exactly 5 fields, found 2/),
    ],
    [
      'an end before the start',
      { spec: { cronExpression: '@daily', startTime: at(2 * HOUR), endTime: at(HOUR) } },
      'EndTime must be after StartTime on Spec.',
    ],
    [
      'times between which nothing fires',
      {
        spec: {
          cronExpression: '0 0 1 1 *',
          startTime: at(Date.parse('2030-02-01')),
          endTime: at(Date.parse('2030-03-01')),
        },
      },
      'CronExpression 0 0 1 1 * has no fire between StartTime and EndTime on Spec.',
    ],
    [
      'a negative jitter',
      { spec: { cronExpression: '@daily', jitter: seconds(-1) } },
      'A valid Jitter is not set on Spec.',
    ],
    ['no action', { action: {} }, 'StartWorkflow is not set on Action.'],
    [
      'an action without a type',
      { action: action({ workflowType: undefined }) },
      'WorkflowType is not set on request.',
    ],
    ['an action without a task list', { action: action({ taskList: undefined }) }, 'TaskList is not set on request.'],
    [
      'an action without a timeout',
      { action: action({ executionStartToCloseTimeout: undefined }) },
      'A valid ExecutionStartToCloseTimeoutSeconds is not set on request.',
    ],
    [
      'a prefix that leaves no room for the time',
      { action: action({ workflowIdPrefix: 'x'.repeat(900) }) },
      'WorkflowID length exceeds limit.',
    ],
    [
      'an attribute of the service in the action',
      { action: action({ searchAttributes: { indexedFields: { CadenceScheduleID: json('mine') } } }) },
      'Search attribute CadenceScheduleID is set by the service: names that begin with CadenceSchedule are reserved.',
    ],
    [
      'an attribute of the service on the schedule',
      { searchAttributes: { indexedFields: { CadenceScheduleState: json('mine') } } },
      'Search attribute CadenceScheduleState is set by the service: names that begin with CadenceSchedule are reserved.',
    ],
    [
      'an overlap policy that there is not',
      { policies: { overlapPolicy: 77 as Overlap } },
      '77 is not a valid ScheduleOverlapPolicy.',
    ],
    ['a negative buffer', { policies: { bufferLimit: -1 } }, 'BufferLimit cannot be less than 0 on Policies.'],
    [
      'a negative concurrency',
      { policies: { concurrencyLimit: -1 } },
      'ConcurrencyLimit cannot be less than 0 on Policies.',
    ],
    [
      'a negative window',
      { policies: { catchUpWindow: seconds(-1) } },
      'A valid CatchUpWindow is not set on Policies.',
    ],
    [
      'to catch up on all and skip them at once',
      {
        policies: {
          overlapPolicy: Overlap.SCHEDULE_OVERLAP_POLICY_SKIP_NEW,
          catchUpPolicy: CatchUp.SCHEDULE_CATCH_UP_POLICY_ALL,
        },
      },
      'CatchUpPolicy ALL cannot be combined with OverlapPolicy SKIP_NEW: of the fires made up for, all but the first would be skipped.',
    ],
  ];
  test.each(cases)('%s', async (_what, fields, message) => {
    await expect(server.client.schedule.createSchedule(creation('refused', fields))).rejects.toMatchObject(
      refused(message),
    );
    await expect(describeSchedule(server.client, 'refused')).rejects.toMatchObject({ kind: 'EntityNotExists' });
  });

  test('a domain that does not exist', async () => {
    await expect(server.client.schedule.createSchedule(creation('x', { domain: 'nowhere' }))).rejects.toMatchObject({
      kind: 'EntityNotExists',
      message: 'Domain nowhere does not exist.',
    });
  });
});

describe('an existing schedule refuses', () => {
  const of = { domain: DOMAIN, scheduleId: 'here' };
  beforeAll(async () => {
    await server.client.schedule.createSchedule(creation('here', { spec: { cronExpression: '@daily' } }));
  });

  test('an update of nothing, or to something invalid', async () => {
    const { schedule } = server.client;
    await expect(schedule.updateSchedule(UpdateScheduleRequest.fromPartial(of))).rejects.toMatchObject(
      refused('None of Spec, Action, Policies and SearchAttributes is set on request.'),
    );
    await expect(
      schedule.updateSchedule(UpdateScheduleRequest.fromPartial({ ...of, spec: { cronExpression: '61 * * * *' } })),
    ).rejects.toMatchObject({ kind: 'BadRequest', message: expect.stringContaining('above maximum (59)') });
    expect((await describeSchedule(server.client, 'here')).spec?.cronExpression).toBe('@daily');
  });

  test('a pause or unpause that is malformed', async () => {
    const { schedule } = server.client;
    await expect(
      schedule.pauseSchedule(PauseScheduleRequest.fromPartial({ ...of, reason: 'r'.repeat(4001) })),
    ).rejects.toMatchObject(refused('Reason length exceeds limit.'));
    await expect(
      schedule.unpauseSchedule(UnpauseScheduleRequest.fromPartial({ ...of, catchUpPolicy: 9 as CatchUp })),
    ).rejects.toMatchObject(refused('9 is not a valid ScheduleCatchUpPolicy.'));
  });

  test('a backfill without its times', async () => {
    await expect(
      server.client.schedule.backfillSchedule(BackfillScheduleRequest.fromPartial({ ...of, endTime: at(HOUR) })),
    ).rejects.toMatchObject(refused('A valid StartTime is not set on request.'));
  });
});
