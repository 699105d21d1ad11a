// What schedules must survive: the end of the process, whose state is then only in the store.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  ScheduleCatchUpPolicy as CatchUp,
  DeleteScheduleRequest,
  ScheduleOverlapPolicy as Overlap,
} from '@antiphon/proto';
import { expect, test } from 'vitest';
import { creation, DOMAIN, describeSchedule, fireOf, idOf, openServer, runsOf, until } from './harness.ts';

test('a schedule goes on after a restart by itself, and starts each fire once', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'antiphon-schedule-'));
  const file = path.join(folder, 'antiphon.db');
  let server = await openServer(file);
  try {
    await server.client.schedule.createSchedule(
      creation('durable', {
        policies: {
          overlapPolicy: Overlap.SCHEDULE_OVERLAP_POLICY_CONCURRENT,
          catchUpPolicy: CatchUp.SCHEDULE_CATCH_UP_POLICY_ALL,
        },
      }),
    );
    await until(async () => (await runsOf(server.client, 'durable')).length).toBeGreaterThanOrEqual(2);
    const before = (await runsOf(server.client, 'durable')).length;
    await server.stop();
    server = await openServer(file);
    // Nobody asks about the schedule: its own timer brings its worker back.
    await until(async () => (await runsOf(server.client, 'durable')).length).toBeGreaterThanOrEqual(before + 3);
    await server.client.schedule.deleteSchedule(
      DeleteScheduleRequest.fromPartial({ domain: DOMAIN, scheduleId: 'durable' }),
    );
    const runs = await runsOf(server.client, 'durable');
    const fires = runs.map(fireOf);
    expect(new Set(runs.map(idOf)).size).toBe(runs.length);
    expect(fires).toEqual(fires.map((_, i) => (fires[0] ?? 0) + i * 1000));
  } finally {
    await server.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  }
});

test('a schedule whose server stops while it is paused is found paused again', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'antiphon-schedule-'));
  const file = path.join(folder, 'antiphon.db');
  let server = await openServer(file);
  try {
    await server.client.schedule.createSchedule(creation('resting', { spec: { cronExpression: '@daily' } }));
    await server.client.schedule.pauseSchedule({
      domain: DOMAIN,
      scheduleId: 'resting',
      reason: 'holidays',
      identity: 'anna',
    });
    await server.stop();
    server = await openServer(file);
    expect((await describeSchedule(server.client, 'resting')).state).toMatchObject({
      paused: true,
      pauseInfo: { reason: 'holidays', pausedBy: 'anna' },
    });
  } finally {
    await server.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
