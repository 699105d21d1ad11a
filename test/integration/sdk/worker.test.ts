// Workers and clients against a whole server: what unit tests cannot show.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { activityContext, completeLater, heartbeat } from '@antiphon/sdk/activity';
import { ApplicationFailure, isRpcError, WorkflowFailedError } from '@antiphon/sdk/client';
import {
  bundleWorkflows,
  createStderrLogger,
  createWorker,
  replayHistory,
  type Worker,
  type WorkerOptions,
  type WorkflowBundle,
} from '@antiphon/sdk/worker';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../../support/sdk/server.ts';
import {
  add,
  adder,
  broken,
  callFatal,
  callLater,
  callResume,
  cancelActivity,
  draws,
  stop,
  sum,
} from './worker.workflows.ts';

const activities = {
  later: () => completeLater(),
  resume: () => {
    const { info, heartbeatDetails } = activityContext();
    if (info.attempt > 0) return heartbeatDetails;
    heartbeat('page', 7);
    throw new Error('crashed in the middle');
  },
  endless: async () => {
    for (;;) {
      heartbeat();
      await activityContext().sleep(100);
    }
  },
  fatal: () => {
    throw ApplicationFailure.nonRetryable('never again', 'Fatal', { code: 7 });
  },
  echo: (value: unknown) => value,
};

let server: TestServer;
let bundle: WorkflowBundle;
beforeAll(async () => {
  server = await startTestServer();
  bundle = await bundleWorkflows({ workflowsPath: 'test/integration/sdk/worker.workflows.ts' });
});
afterAll(() => server.stop());

let taskList: string;
let workers: Worker[] = [];
beforeEach(() => {
  taskList = `tl-${randomUUID()}`;
});
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.shutdown()));
  workers = [];
});
async function work(options: Partial<WorkerOptions> = {}): Promise<Worker> {
  const { address, domain } = server;
  const log = createStderrLogger('error');
  const worker = await createWorker({ address, domain, taskList, workflowBundle: bundle, activities, log, ...options });
  workers.push(worker);
  worker.start();
  return worker;
}
const start = () => ({ taskList, executionTimeout: '1m' }) as const;

describe.each([
  ['with kept runs', {}],
  ['replaying every task', { maxCachedWorkflows: 0 }],
])('a worker %s', (_, cache) => {
  test('sees every signal in order, and answers strong queries with what was accepted before them', async () => {
    await work(cache);
    const handle = await server.client.workflow.start(adder, start());
    for (let i = 1; i <= 20; i++) {
      await handle.signal(add, i);
      if (i % 5 === 0) expect(await handle.queryWith<number>({ isStrong: true }, sum)).toBe((i * (i + 1)) / 2);
    }
    await handle.signal(stop);
    expect(await handle.result()).toBe(210);
    expect(await handle.query(sum)).toBe(210);
    replayHistory(bundle, await handle.history());
  });

  test('resumes an activity from its last heartbeat', async () => {
    await work(cache);
    expect(await server.client.workflow.execute(callResume, start())).toEqual(['page', 7]);
  });

  test('cancels an activity by its heartbeat', async () => {
    await work(cache);
    expect(await server.client.workflow.execute(cancelActivity, start())).toBe('cancelled true');
  });

  test('hands on what its activity threw, and does not retry what must not be', async () => {
    await work(cache);
    const error = await server.client.workflow.execute(callFatal, start()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    const { cause } = error as WorkflowFailedError;
    expect(cause).toMatchObject({ type: 'Fatal', message: 'never again', details: [{ code: 7 }], nonRetryable: true });
  });
});

describe('a workflow', () => {
  test('moves to another worker when its own stops', async () => {
    const first = await work();
    const handle = await server.client.workflow.start(adder, start());
    await handle.signal(add, 1);
    expect(await handle.query(sum)).toBe(1);
    await first.shutdown();
    await work();
    await handle.signal(add, 2);
    await handle.signal(stop);
    expect(await handle.result()).toBe(3);
  });

  test('waits for a worker with the fix when its code has a bug', async () => {
    const first = await work();
    const handle = await server.client.workflow.start(broken, { ...start(), taskTimeout: '2s', args: [true] });
    await delay(1500);
    await first.shutdown();
    const userCode = bundle.userCode.replace('throw new TypeError("a bug")', 'log = 1');
    expect(userCode).not.toBe(bundle.userCode);
    await work({ workflowBundle: { ...bundle, userCode: `var log;\n${userCode}`, checksum: 'fixed' } });
    expect(await handle.result()).toBe('fine');
  });

  test('keeps its random numbers over a reset, and draws new ones after it', async () => {
    await work();
    const workflowId = randomUUID();
    const handle = await server.client.workflow.start(draws, { ...start(), workflowId });
    await handle.signal(stop);
    const [before, after] = await handle.result();
    const completed = (await handle.history()).filter(
      ({ attributes }) => attributes?.$case === 'decisionTaskCompletedEventAttributes',
    );
    const decisionFinishEventId = Number(completed.at(1)?.eventId);
    await handle.reset({ reason: 'test', decisionFinishEventId });
    const again = server.client.workflow.handle<typeof draws>(workflowId);
    // The signal is applied again after the cut.
    const [sameBefore, otherAfter] = await again.result();
    expect(sameBefore).toBe(before);
    expect(otherAfter).not.toBe(after);
  });

  test('is refused under the id of one that runs', async () => {
    await work();
    const workflowId = randomUUID();
    const handle = await server.client.workflow.start(adder, { ...start(), workflowId });
    const error = await server.client.workflow
      .start(adder, { ...start(), workflowId })
      .catch((reason: unknown) => reason);
    expect(isRpcError(error, 'WorkflowExecutionAlreadyStarted')).toBe(true);
    await handle.terminate('done with it');
    await expect(handle.result()).rejects.toMatchObject({ cause: { message: 'done with it' } });
  });
});

test('an activity is completed from outside, by its ids', async () => {
  await work();
  const handle = await server.client.workflow.start(callLater, start());
  const { workflowId } = handle;
  for (;;) {
    const { pendingActivities } = await handle.describe();
    const [pending] = pendingActivities;
    if (pending?.lastStartedTime) {
      await server.client.activity.complete({ workflowId, activityId: pending.activityId }, 'from outside');
      break;
    }
    await delay(50);
  }
  expect(await handle.result()).toBe('from outside');
});

test('executions are listed and counted', async () => {
  await work();
  const workflowId = randomUUID();
  const handle = await server.client.workflow.start(adder, { ...start(), workflowId });
  await handle.signal(stop);
  await handle.result();
  const query = `WorkflowID = '${workflowId}'`;
  for (let wait = 0; wait < 100 && (await server.client.workflow.count(query)) === 0; wait++) await delay(50);
  const found: string[] = [];
  for await (const execution of server.client.workflow.list(query)) found.push(execution.type?.name ?? '');
  expect(found).toEqual(['adder']);
});
