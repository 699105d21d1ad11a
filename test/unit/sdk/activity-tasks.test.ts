import { setTimeout as delay } from 'node:timers/promises';
import { PollForActivityTaskResponse } from '@antiphon/proto';
import { activityContext, completeLater, heartbeat } from '@antiphon/sdk/activity';
import { ApplicationFailure, decodeFailure, decodeValues } from '@antiphon/sdk/common';
import { connect, createWorker, type WorkerOptions } from '@antiphon/sdk/worker';
import { afterEach, describe, expect, test } from 'vitest';
import { RpcError } from '../../../sdk/transport/index.ts';
import { payload } from '../../support/sdk/history.ts';
import { createScriptedTransport, type Script } from '../../support/sdk/scripted-transport.ts';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const text = (data: Uint8Array | undefined): string => Buffer.from(data ?? []).toString();
const timeOf = (ms: number) => ({ seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 });

const activities = {
  add: (a: number, b: number): number => a + b,
  nothing: (): void => undefined,
  bytes: (): Uint8Array => new Uint8Array([0xff, 1]),
  fail: (): never => {
    throw new ApplicationFailure('no', { type: 'Refused', details: [1] });
  },
  resume: (): unknown => activityContext().heartbeatDetails,
  later: (): never => completeLater(),
  beat: async (): Promise<string> => {
    for (let i = 0; i < 8; i++) {
      heartbeat(i);
      await delay(50);
    }
    return 'done';
  },
  wait: async (): Promise<void> => {
    heartbeat('waiting');
    await activityContext().sleep(60_000);
  },
  stubborn: async (): Promise<string> => {
    await delay(300);
    return 'finished';
  },
};

type Task = Partial<PollForActivityTaskResponse>;
let worker: Awaited<ReturnType<typeof createWorker>> | undefined;
afterEach(async () => {
  await worker?.shutdown();
});

async function stage(
  tasks: (Task & { readonly run: string })[],
  script: Script = {},
  options: Partial<WorkerOptions> = {},
) {
  const queue = tasks.map(({ run, ...task }) => ({
    ...PollForActivityTaskResponse.fromPartial({}),
    taskToken: Buffer.from('token'),
    activityType: { name: run },
    startedTime: timeOf(Date.now()),
    scheduledTimeOfThisAttempt: timeOf(Date.now()),
    startToCloseTimeout: { seconds: 60n, nanos: 0 },
    ...task,
  }));
  const transport = createScriptedTransport({
    PollForActivityTask: (_, { signal }) =>
      queue.shift() ??
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(new RpcError('Cancelled', 'stopped', 1)), { once: true });
      }),
    RespondActivityTaskCompleted: () => ({}),
    RespondActivityTaskFailed: () => ({}),
    RespondActivityTaskCanceled: () => ({}),
    RecordActivityTaskHeartbeat: () => ({ cancelRequested: false }),
    ...script,
  });
  const connection = connect({ transport });
  worker = await createWorker({ connection, domain: 'd', taskList: 'tl', activities, log: quiet, ...options });
  worker.start();
  const first = async (method: string) => {
    for (let wait = 0; wait < 300 && transport.requestsTo(method).length === 0; wait++) await delay(10);
    const [request] = transport.requestsTo(method);
    if (!request)
      throw new Error(`${method} was not called, but ${transport.calls.map((call) => call.method).join(', ')}`);
    return request;
  };
  return { transport, first };
}

describe('an activity', () => {
  test('gets its arguments and returns its result', async () => {
    const { first } = await stage([{ run: 'add', input: payload(2, 3) }]);
    expect(text((await first('RespondActivityTaskCompleted')).result.data)).toBe('5\n');
  });

  test('that returns nothing has no result, one that returns bytes has them raw', async () => {
    const one = await stage([{ run: 'nothing' }]);
    expect((await one.first('RespondActivityTaskCompleted')).result).toBeUndefined();
    await worker?.shutdown();
    const two = await stage([{ run: 'bytes' }]);
    expect([...(await two.first('RespondActivityTaskCompleted')).result.data]).toEqual([0xff, 1]);
  });

  test('that throws fails with its reason and details', async () => {
    const { first } = await stage([{ run: 'fail' }]);
    const { failure } = await first('RespondActivityTaskFailed');
    expect(failure.reason).toBe('Refused');
    expect(decodeFailure({ reason: 'Refused', details: text(failure.details) })).toMatchObject({
      message: 'no',
      details: [1],
    });
  });

  test('that is not registered fails at once, naming what is', async () => {
    const { first } = await stage([{ run: 'unheard-of' }]);
    const { failure } = await first('RespondActivityTaskFailed');
    expect(failure.reason).toBe('ActivityNotRegistered');
    expect(text(failure.details)).toContain('which has: add, beat, bytes');
  });

  test('sees the heartbeat details of the attempt before', async () => {
    const { first } = await stage([{ run: 'resume', heartbeatDetails: payload('page', 7) }]);
    expect(decodeValues(text((await first('RespondActivityTaskCompleted')).result.data))).toEqual([['page', 7]]);
  });

  test('that is completed later reports nothing', async () => {
    const { transport, first } = await stage([{ run: 'later' }, { run: 'add', input: payload(1, 1) }]);
    await first('RespondActivityTaskCompleted');
    expect(transport.calls.filter((call) => call.method.startsWith('Respond')).length).toBe(1);
  });

  test('that ends after its deadline reports nothing', async () => {
    const startedTime = timeOf(Date.now() - 59_900);
    const late = { run: 'stubborn', startedTime };
    const { transport } = await stage([late]);
    await delay(600);
    expect(transport.calls.filter((call) => call.method.startsWith('Respond'))).toEqual([]);
  });
});

describe('heartbeats', () => {
  const heartbeatTimeout = { seconds: 0n, nanos: 200e6 };

  test('are sent at once, then once a window with the latest details', async () => {
    const { transport, first } = await stage([{ run: 'beat', heartbeatTimeout }]);
    await first('RespondActivityTaskCompleted');
    const sent = transport.requestsTo('RecordActivityTaskHeartbeat').map(({ details }) => Number(text(details.data)));
    expect(sent[0]).toBe(0);
    // 400 ms of work in windows of 160 ms.
    expect(sent.length).toBeGreaterThanOrEqual(2);
    expect(sent.length).toBeLessThanOrEqual(4);
    expect(sent).toEqual([...sent].sort((a, b) => a - b));
  });

  test('bring the cancellation, which is reported as such', async () => {
    const script: Script = { RecordActivityTaskHeartbeat: () => ({ cancelRequested: true }) };
    const { first } = await stage([{ run: 'wait', heartbeatTimeout }], script);
    expect((await first('RespondActivityTaskCanceled')).identity).toContain('@tl@');
  });

  test('of an activity that the service knows no longer stop it', async () => {
    const gone = (): never => {
      throw new RpcError('EntityNotExists', 'gone', 5);
    };
    const { first } = await stage([{ run: 'wait', heartbeatTimeout }], { RecordActivityTaskHeartbeat: gone });
    await first('RespondActivityTaskCanceled');
  });

  test('beat by themselves when asked to', async () => {
    const task = { run: 'stubborn', heartbeatTimeout: { seconds: 0n, nanos: 100e6 } };
    const { transport, first } = await stage([task], {}, { autoHeartbeat: true });
    await first('RespondActivityTaskCompleted');
    expect(transport.requestsTo('RecordActivityTaskHeartbeat').length).toBeGreaterThanOrEqual(2);
  });
});

describe('shutdown', () => {
  test('waits for running activities and reports them', async () => {
    const { transport } = await stage([{ run: 'stubborn' }]);
    await delay(50);
    await worker?.shutdown();
    expect(transport.requestsTo('RespondActivityTaskCompleted').length).toBe(1);
  });

  test('tells those that take too long, and reports a failure that a retry policy retries', async () => {
    const { transport } = await stage([{ run: 'wait' }], {}, { shutdownGrace: 100 });
    await delay(50);
    await worker?.shutdown();
    const [{ failure }] = transport.requestsTo('RespondActivityTaskFailed');
    expect(failure.reason).toBe('WorkerShutdown');
  });

  test('polls no more than can run', async () => {
    const tasks = [{ run: 'stubborn' }, { run: 'stubborn' }, { run: 'stubborn' }];
    const { transport } = await stage(tasks, {}, { maxConcurrentActivities: 2, activityPollers: 4 });
    await delay(100);
    expect(transport.requestsTo('PollForActivityTask').length).toBe(2);
  });
});
