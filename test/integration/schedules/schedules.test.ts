// Schedules over the wire: what is due is started, once, by the policies.
import {
  BackfillScheduleRequest,
  ScheduleCatchUpPolicy as CatchUp,
  DeleteScheduleRequest,
  ListSchedulesRequest,
  ScheduleOverlapPolicy as Overlap,
  PauseScheduleRequest,
  type ScheduleListEntry,
  WorkflowExecutionCloseStatus as Status,
  TerminateWorkflowExecutionRequest,
  UnpauseScheduleRequest,
  UpdateScheduleRequest,
} from '@antiphon/proto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RemoteFrontendClient } from '#rpc';
import {
  action,
  at,
  creation,
  DOMAIN,
  describeSchedule,
  fireOf,
  idOf,
  json,
  msOf,
  openServer,
  runsOf,
  seconds,
  type TestServer,
  until,
} from './harness.ts';

let server: TestServer;
let client: RemoteFrontendClient;
beforeAll(async () => {
  server = await openServer();
  client = server.client;
});
afterAll(() => server.stop());

const DAY = 86_400_000;
const of = (scheduleId: string) => ({ domain: DOMAIN, scheduleId });
const info = async (scheduleId: string) => (await describeSchedule(client, scheduleId)).info;
const total = async (scheduleId: string) => Number((await info(scheduleId))?.totalRuns);
const skipped = async (scheduleId: string) => Number((await info(scheduleId))?.skippedRuns);
const remove = (scheduleId: string) =>
  client.schedule.deleteSchedule(DeleteScheduleRequest.fromPartial(of(scheduleId)));
const end = (workflowId: string) =>
  client.workflow.terminateWorkflowExecution(
    TerminateWorkflowExecutionRequest.fromPartial({ domain: DOMAIN, workflowExecution: { workflowId } }),
  );
const isOpen = (run: { closeTime?: unknown }) => run.closeTime === undefined;

describe('a schedule', () => {
  test('starts one run for each fire, with what its action says', async () => {
    const memo = { fields: { origin: json('test') } };
    await client.schedule.createSchedule(
      creation('each', {
        action: action({
          workflowIdPrefix: 'tick',
          memo,
          searchAttributes: { indexedFields: { CustomKeywordField: json('blue') } },
        }),
        policies: { overlapPolicy: Overlap.SCHEDULE_OVERLAP_POLICY_CONCURRENT },
      }),
    );
    await until(() => total('each')).toBeGreaterThanOrEqual(4);
    await remove('each');
    await until(async () => (await runsOf(client, 'each')).length).toBeGreaterThanOrEqual(4);
    const runs = await runsOf(client, 'each');
    const fires = runs.map(fireOf);
    expect(fires).toEqual(fires.map((_, i) => (fires[0] ?? 0) + i * 1000));
    for (const run of runs) {
      expect(idOf(run)).toMatch(/^tick-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      expect(run.type?.name).toBe('Tick');
      expect(Object.keys(run.memo?.fields ?? {})).toEqual(['origin']);
      expect(Object.keys(run.searchAttributes?.indexedFields ?? {}).sort()).toEqual([
        'CadenceScheduleID',
        'CadenceScheduleTime',
        'CustomKeywordField',
      ]);
      // A fire is on time: its run is not started before, and not a poll interval later.
      expect(msOf(run.startTime) - fireOf(run)).toBeGreaterThanOrEqual(0);
    }
  });

  test('is described as it was created, with what it has done', async () => {
    const startTime = at(Date.now() + DAY);
    const endTime = at(Date.now() + 2 * DAY);
    const request = creation('described', {
      spec: { cronExpression: 'CRON_TZ=Europe/Berlin 30 6 * * *', startTime, endTime, jitter: seconds(60) },
      policies: {
        overlapPolicy: Overlap.SCHEDULE_OVERLAP_POLICY_BUFFER,
        catchUpPolicy: CatchUp.SCHEDULE_CATCH_UP_POLICY_ALL,
        catchUpWindow: seconds(3600),
        pauseOnFailure: true,
        bufferLimit: 5,
        concurrencyLimit: 2,
      },
      memo: { fields: { owner: json('ops') } },
      searchAttributes: { indexedFields: { CustomIntField: json(3) } },
    });
    expect(await client.schedule.createSchedule(request)).toEqual({ scheduleId: 'described' });
    const found = await describeSchedule(client, 'described');
    expect(found).toMatchObject({
      spec: request.spec,
      policies: request.policies,
      state: { paused: false },
      memo: { fields: { owner: { data: Buffer.from('"ops"') } } },
      searchAttributes: { indexedFields: { CustomIntField: { data: Buffer.from('3') } } },
    });
    expect(found.action?.startWorkflow).toMatchObject({
      workflowType: { name: 'Tick' },
      taskList: { name: 'nobody-polls-here' },
    });
    expect(found.info).toMatchObject({ totalRuns: 0n, missedRuns: 0n, skippedRuns: 0n, ongoingBackfills: [] });
    const next = msOf(found.info?.nextRunTime);
    expect(next).toBeGreaterThanOrEqual(msOf(startTime));
    expect(next).toBeLessThanOrEqual(msOf(endTime) + 60_000);
    expect(Math.abs(msOf(found.info?.createTime) - Date.now())).toBeLessThan(60_000);
    await remove('described');
  });

  test('ends where its end time says', async () => {
    const endTime = at((Math.floor(Date.now() / 1000) + 3) * 1000);
    await client.schedule.createSchedule(
      creation('bounded', {
        spec: { cronExpression: '@every 1s', endTime },
        policies: { overlapPolicy: Overlap.SCHEDULE_OVERLAP_POLICY_CONCURRENT },
      }),
    );
    await until(async () => (await info('bounded'))?.nextRunTime).toBeUndefined();
    const last = (await runsOf(client, 'bounded')).at(-1);
    expect(last && fireOf(last)).toBeLessThanOrEqual(msOf(endTime));
    await remove('bounded');
  });

  test('is paused and unpaused, and says by whom and why', async () => {
    await client.schedule.createSchedule(
      creation('paused', { policies: { overlapPolicy: Overlap.SCHEDULE_OVERLAP_POLICY_CONCURRENT } }),
    );
    await until(() => total('paused')).toBeGreaterThanOrEqual(1);
    await client.schedule.pauseSchedule(
      PauseScheduleRequest.fromPartial({ ...of('paused'), reason: 'stocktaking', identity: 'anna' }),
    );
    const { state, info: known } = await describeSchedule(client, 'paused');
    expect(state).toMatchObject({ paused: true, pauseInfo: { reason: 'stocktaking', pausedBy: 'anna' } });
    expect(known?.nextRunTime).toBeUndefined();
    const pausedAtMs = msOf(state?.pauseInfo?.pausedAt);
    // Two fires of another schedule show that time for two of this one has passed.
    await client.schedule.createSchedule(
      creation('metronome', { policies: { overlapPolicy: Overlap.SCHEDULE_OVERLAP_POLICY_CONCURRENT } }),
    );
    await until(() => total('metronome')).toBeGreaterThanOrEqual(2);
    await remove('metronome');
    for (const run of await runsOf(client, 'paused')) expect(fireOf(run)).toBeLessThanOrEqual(pausedAtMs + 50);

    await client.schedule.unpauseSchedule(
      UnpauseScheduleRequest.fromPartial({ ...of('paused'), catchUpPolicy: CatchUp.SCHEDULE_CATCH_UP_POLICY_SKIP }),
    );
    const before = await total('paused');
    await until(() => total('paused')).toBeGreaterThan(before);
    expect((await describeSchedule(client, 'paused')).state).toMatchObject({ paused: false });
    expect(Number((await info('paused'))?.missedRuns)).toBeGreaterThanOrEqual(2);
    await remove('paused');
  });

  test('makes up for a pause when it is told to', async () => {
    await client.schedule.createSchedule(
      creation('late', { policies: { overlapPolicy: Overlap.SCHEDULE_OVERLAP_POLICY_CONCURRENT } }),
    );
    await client.schedule.pauseSchedule(PauseScheduleRequest.fromPartial(of('late')));
    const already = await total('late');
    await client.schedule.createSchedule(
      creation('metronome', { policies: { overlapPolicy: Overlap.SCHEDULE_OVERLAP_POLICY_CONCURRENT } }),
    );
    await until(() => total('metronome')).toBeGreaterThanOrEqual(3);
    await remove('metronome');
    await client.schedule.unpauseSchedule(
      UnpauseScheduleRequest.fromPartial({ ...of('late'), catchUpPolicy: CatchUp.SCHEDULE_CATCH_UP_POLICY_ALL }),
    );
    await until(() => total('late')).toBeGreaterThanOrEqual(already + 3);
    const fires = (await runsOf(client, 'late')).map(fireOf);
    expect(fires).toEqual(fires.map((_, i) => (fires[0] ?? 0) + i * 1000));
    expect((await info('late'))?.missedRuns).toBe(0n);
    await remove('late');
  });

  test('takes on a new spec, action and policies', async () => {
    await client.schedule.createSchedule(creation('changed', { spec: { cronExpression: '0 0 1 1 *' } }));
    const searchAttributes = { indexedFields: { CustomKeywordField: json('green') } };
    await client.schedule.updateSchedule(
      UpdateScheduleRequest.fromPartial({
        ...of('changed'),
        spec: { cronExpression: '@every 1s' },
        action: action({ workflowType: { name: 'Tock' } }),
        policies: { overlapPolicy: Overlap.SCHEDULE_OVERLAP_POLICY_CONCURRENT },
        searchAttributes,
      }),
    );
    const found = await describeSchedule(client, 'changed');
    expect(found).toMatchObject({
      spec: { cronExpression: '@every 1s' },
      action: { startWorkflow: { workflowType: { name: 'Tock' } } },
      policies: { overlapPolicy: Overlap.SCHEDULE_OVERLAP_POLICY_CONCURRENT },
    });
    expect(msOf(found.info?.lastUpdateTime)).toBeGreaterThan(0);
    await until(() => total('changed')).toBeGreaterThanOrEqual(1);
    await until(async () => (await runsOf(client, 'changed'))[0]?.type?.name).toBe('Tock');
    await until(async () =>
      Object.keys((await describeSchedule(client, 'changed')).searchAttributes?.indexedFields ?? {}),
    ).toEqual(['CustomKeywordField']);
    await remove('changed');
  });

  // Found by fuzz: the schedule's workflow could make no decision any more.
  test('goes on after an update with search attributes that names none', async () => {
    await client.schedule.createSchedule(creation('unnamed', { spec: { cronExpression: '0 0 1 1 *' } }));
    await client.schedule.updateSchedule(
      UpdateScheduleRequest.fromPartial({ ...of('unnamed'), searchAttributes: { indexedFields: {} } }),
    );
    await client.schedule.updateSchedule(
      UpdateScheduleRequest.fromPartial({ ...of('unnamed'), spec: { cronExpression: '@every 1s' } }),
    );
    await until(() => total('unnamed')).toBeGreaterThanOrEqual(1);
    await remove('unnamed');
  });

  test('is gone when it is deleted, and its id is free', async () => {
    await client.schedule.createSchedule(creation('gone', { spec: { cronExpression: '@daily' } }));
    await expect(client.schedule.createSchedule(creation('gone'))).rejects.toMatchObject({
      kind: 'BadRequest',
      message: 'schedule "gone" already exists in domain "shop"',
    });
    await remove('gone');
    const missing = { kind: 'EntityNotExists', message: 'schedule "gone" not found in domain "shop"' };
    await expect(describeSchedule(client, 'gone')).rejects.toMatchObject(missing);
    await expect(remove('gone')).rejects.toMatchObject(missing);
    await expect(client.schedule.pauseSchedule(PauseScheduleRequest.fromPartial(of('gone')))).rejects.toMatchObject(
      missing,
    );
    await client.schedule.createSchedule(creation('gone', { spec: { cronExpression: '@hourly' } }));
    expect((await describeSchedule(client, 'gone')).spec?.cronExpression).toBe('@hourly');
    await remove('gone');
  });

  test('is listed with the others, page by page', async () => {
    const ids = ['list-1', 'list-2', 'list-3', 'list-4', 'list-5'];
    for (const id of ids) await client.schedule.createSchedule(creation(id, { spec: { cronExpression: '@monthly' } }));
    await client.schedule.pauseSchedule(PauseScheduleRequest.fromPartial(of('list-3')));
    const listAll = async () => {
      const found: ScheduleListEntry[] = [];
      let nextPageToken: Uint8Array = new Uint8Array();
      do {
        const page = await client.schedule.listSchedules(
          ListSchedulesRequest.fromPartial({ domain: DOMAIN, pageSize: 2, nextPageToken }),
        );
        expect(page.schedules.length).toBeLessThanOrEqual(2);
        found.push(...page.schedules);
        nextPageToken = page.nextPageToken;
      } while (nextPageToken.length > 0);
      return found
        .filter(({ scheduleId }) => scheduleId.startsWith('list-'))
        .sort((a, b) => a.scheduleId.localeCompare(b.scheduleId));
    };
    await until(async () => (await listAll()).map(({ scheduleId, state }) => [scheduleId, state?.paused])).toEqual(
      ids.map((id) => [id, id === 'list-3']),
    );
    expect((await listAll())[0]).toMatchObject({ cronExpression: '@monthly', workflowType: { name: 'Tick' } });
    for (const id of ids) await remove(id);
    await until(listAll).toEqual([]);
  });
});

describe('the overlap policy', () => {
  const start = (id: string, overlapPolicy: Overlap, fields: object = {}) =>
    client.schedule.createSchedule(creation(id, { policies: { overlapPolicy, ...fields } }));

  test('SKIP_NEW starts nothing while a run is open', async () => {
    await start('skip', Overlap.SCHEDULE_OVERLAP_POLICY_SKIP_NEW);
    await until(() => skipped('skip')).toBeGreaterThanOrEqual(2);
    const [first, ...others] = await runsOf(client, 'skip');
    expect(others).toEqual([]);
    await end(idOf(first ?? expect.fail('no run')));
    await until(() => total('skip')).toBe(2);
    await remove('skip');
  });

  test('BUFFER starts one run after another, and skips what the buffer does not hold', async () => {
    await start('buffer', Overlap.SCHEDULE_OVERLAP_POLICY_BUFFER, { bufferLimit: 2 });
    await until(() => skipped('buffer')).toBeGreaterThanOrEqual(1);
    expect(await total('buffer')).toBe(1);
    const [first] = await runsOf(client, 'buffer');
    await end(idOf(first ?? expect.fail('no run')));
    await until(() => total('buffer')).toBe(2);
    await until(async () => (await runsOf(client, 'buffer')).filter(isOpen).length).toBe(1);
    const [, second] = await runsOf(client, 'buffer');
    // The buffered fire comes before those that were skipped.
    expect(fireOf(second ?? expect.fail('no run')) - fireOf(first ?? expect.fail('no run'))).toBe(1000);
    await remove('buffer');
  });

  test('CONCURRENT starts as many as the limit allows', async () => {
    await start('concurrent', Overlap.SCHEDULE_OVERLAP_POLICY_CONCURRENT, { concurrencyLimit: 2 });
    await until(() => skipped('concurrent')).toBeGreaterThanOrEqual(1);
    expect(await total('concurrent')).toBe(2);
    await remove('concurrent');
  });

  test('CANCEL_PREVIOUS asks the open run to cancel, and TERMINATE_PREVIOUS ends it', async () => {
    await start('terminate', Overlap.SCHEDULE_OVERLAP_POLICY_TERMINATE_PREVIOUS);
    await start('cancel', Overlap.SCHEDULE_OVERLAP_POLICY_CANCEL_PREVIOUS);
    await until(() => total('terminate')).toBeGreaterThanOrEqual(3);
    await until(() => total('cancel')).toBeGreaterThanOrEqual(2);
    await remove('terminate');
    await remove('cancel');
    await until(async () => (await runsOf(client, 'terminate')).filter(isOpen).length).toBe(1);
    const closed = (await runsOf(client, 'terminate')).filter((run) => !isOpen(run));
    expect(new Set(closed.map(({ closeStatus }) => closeStatus))).toEqual(
      new Set([Status.WORKFLOW_EXECUTION_CLOSE_STATUS_TERMINATED]),
    );
    const [cancelled] = await runsOf(client, 'cancel');
    const history = await client.workflow.getWorkflowExecutionHistory({
      domain: DOMAIN,
      workflowExecution: cancelled?.workflowExecution,
      pageSize: 0,
      nextPageToken: new Uint8Array(),
      waitForNewEvent: false,
      historyEventFilterType: 1,
      skipArchival: true,
      queryConsistencyLevel: 0,
    });
    expect(history.history?.events.map(({ attributes }) => attributes?.$case)).toContain(
      'workflowExecutionCancelRequestedEventAttributes',
    );
  });

  test('a failed run pauses the schedule when it is told to', async () => {
    await client.schedule.createSchedule(
      creation('careful', {
        action: action({ executionStartToCloseTimeout: seconds(1) }),
        policies: { overlapPolicy: Overlap.SCHEDULE_OVERLAP_POLICY_CONCURRENT, pauseOnFailure: true },
      }),
    );
    await until(async () => (await describeSchedule(client, 'careful')).state?.paused).toBe(true);
    expect((await describeSchedule(client, 'careful')).state?.pauseInfo?.reason).toMatch(/^run careful-.* failed$/);
    await remove('careful');
  });
});

describe('a backfill', () => {
  const startMs = Date.parse('2020-02-28T00:00:00Z');

  test('starts the fires of a range, under its own id', async () => {
    await client.schedule.createSchedule(creation('history', { spec: { cronExpression: '0 12 * * *' } }));
    const request = BackfillScheduleRequest.fromPartial({
      ...of('history'),
      startTime: at(startMs),
      endTime: at(startMs + 3 * DAY),
      overlapPolicy: Overlap.SCHEDULE_OVERLAP_POLICY_CONCURRENT,
      backfillId: 'leap',
    });
    await client.schedule.backfillSchedule(request);
    await client.schedule.backfillSchedule(request);
    await until(() => total('history')).toBe(3);
    await until(async () => (await runsOf(client, 'history')).map(idOf)).toEqual([
      'history-2020-02-28T12:00:00Z-leap',
      'history-2020-02-29T12:00:00Z-leap',
      'history-2020-03-01T12:00:00Z-leap',
    ]);
    expect((await info('history'))?.ongoingBackfills).toEqual([]);
    await remove('history');
  });

  test('in sequence waits for each run, and says how far it is', async () => {
    await client.schedule.createSchedule(creation('sequence', { spec: { cronExpression: '0 12 * * *' } }));
    await client.schedule.backfillSchedule(
      BackfillScheduleRequest.fromPartial({
        ...of('sequence'),
        startTime: at(startMs),
        endTime: at(startMs + 2 * DAY),
        overlapPolicy: Overlap.SCHEDULE_OVERLAP_POLICY_BUFFER,
        backfillId: 'b',
      }),
    );
    await until(async () => (await info('sequence'))?.ongoingBackfills).toMatchObject([
      { backfillId: 'b', runsCompleted: 1, runsTotal: 2 },
    ]);
    await end('sequence-2020-02-28T12:00:00Z-b');
    await until(() => total('sequence')).toBe(2);
    await until(async () => (await info('sequence'))?.ongoingBackfills).toEqual([]);
    await remove('sequence');
  });

  test('of a range without fires, or with too many, is refused', async () => {
    await client.schedule.createSchedule(creation('refused', { spec: { cronExpression: '* * * * *' } }));
    const fill = (from: number, to: number) =>
      client.schedule.backfillSchedule(
        BackfillScheduleRequest.fromPartial({ ...of('refused'), startTime: at(from), endTime: at(to) }),
      );
    await expect(fill(startMs + 1000, startMs + 2000)).rejects.toMatchObject({
      kind: 'BadRequest',
      message: 'The schedule has no fire between StartTime and EndTime.',
    });
    await expect(fill(startMs, startMs + 30 * DAY)).rejects.toMatchObject({
      kind: 'BadRequest',
      message: 'A backfill has at most 10000 runs: there are more between StartTime and EndTime.',
    });
    await expect(fill(startMs, startMs - 1)).rejects.toMatchObject({ kind: 'BadRequest' });
    await remove('refused');
  });
});
