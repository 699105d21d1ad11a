// What the service's own workflows do when their process is killed in the middle of it, and started again: nothing is lost, nothing done twice.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import {
  ScheduleCatchUpPolicy as CatchUp,
  GetWorkflowExecutionHistoryRequest,
  ScheduleOverlapPolicy as Overlap,
  StartWorkflowExecutionRequest,
} from '@antiphon/proto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRealEnv } from '#env';
import { createRemoteFrontendClient, type RemoteFrontendClient } from '#rpc';
import { creation, DOMAIN, fireOf, idOf, registerDomain, runsOf, seconds, until } from './harness.ts';

const env = createRealEnv();
let folder: string;
let port: number;
let child: ChildProcess | undefined;
let client: RemoteFrontendClient;

async function freePort(): Promise<number> {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port: free } = probe.address() as net.AddressInfo;
  probe.close();
  await once(probe, 'close');
  return free;
}

async function launch(): Promise<void> {
  const args = [
    'src/cli/main.ts',
    'dev',
    '--port',
    String(port),
    '--metrics-port',
    '0',
    '--http-port',
    '0',
    '--data',
    folder,
  ];
  child = spawn(process.execPath, ['--conditions=antiphon-src', '--import', 'tsx', ...args], { stdio: 'ignore' });
  client = createRemoteFrontendClient(`127.0.0.1:${port}`, { env, defaultTimeoutMs: 10_000 });
  await client.waitForReady(60_000);
}

async function kill(): Promise<void> {
  if (child === undefined) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
  child = undefined;
  client.close();
}

beforeEach(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'antiphon-killed-'));
  port = await freePort();
  await launch();
  await registerDomain(client);
});
afterEach(async () => {
  await kill();
  fs.rmSync(folder, { recursive: true, force: true });
});

const startTargets = (ids: readonly string[]) =>
  Promise.all(
    ids.map((workflowId) =>
      client.workflow.startWorkflowExecution(
        StartWorkflowExecutionRequest.fromPartial({
          domain: DOMAIN,
          workflowId,
          requestId: randomUUID(),
          workflowType: { name: 'Target' },
          taskList: { name: 'nobody' },
          executionStartToCloseTimeout: seconds(600),
          taskStartToCloseTimeout: seconds(10),
        }),
      ),
    ),
  );

async function signalsOf(workflowId: string): Promise<number> {
  const { history } = await client.workflow.getWorkflowExecutionHistory(
    GetWorkflowExecutionHistoryRequest.fromPartial({ domain: DOMAIN, workflowExecution: { workflowId } }),
  );
  return (history?.events ?? []).filter(
    ({ attributes }) => attributes?.$case === 'workflowExecutionSignaledEventAttributes',
  ).length;
}

test('a schedule and a batch go on', async () => {
  await client.schedule.createSchedule(
    creation('survivor', {
      policies: {
        overlapPolicy: Overlap.SCHEDULE_OVERLAP_POLICY_CONCURRENT,
        catchUpPolicy: CatchUp.SCHEDULE_CATCH_UP_POLICY_ALL,
      },
    }),
  );
  const targets = Array.from({ length: 40 }, (_, i) => `target-${i}`);
  await startTargets(targets);
  const params = {
    DomainName: DOMAIN,
    Query: "WorkflowType = 'Target'",
    Reason: 'test',
    BatchType: 'signal',
    SignalParams: { SignalName: 'once', Input: '' },
    RPS: 15,
    PageSize: 10,
    ActivityHeartBeatTimeout: 3_000_000_000,
  };
  await client.workflow.startWorkflowExecution(
    StartWorkflowExecutionRequest.fromPartial({
      domain: 'cadence-batcher',
      workflowId: 'job',
      requestId: randomUUID(),
      workflowType: { name: 'cadence-sys-batch-workflow' },
      taskList: { name: 'cadence-sys-batcher-tasklist' },
      input: { data: Buffer.from(JSON.stringify(params)) },
      executionStartToCloseTimeout: seconds(3600),
      taskStartToCloseTimeout: seconds(10),
    }),
  );
  const signals = async () => (await Promise.all(targets.map(signalsOf))).reduce((sum, count) => sum + count, 0);
  await until(signals).toBeGreaterThanOrEqual(5);
  await until(async () => (await runsOf(client, 'survivor')).length).toBeGreaterThanOrEqual(2);
  const before = (await runsOf(client, 'survivor')).length;
  await kill();
  await launch();

  await until(signals).toBe(40);
  expect(new Set(await Promise.all(targets.map(signalsOf)))).toEqual(new Set([1]));
  await until(async () => (await runsOf(client, 'survivor')).length).toBeGreaterThanOrEqual(before + 5);
  const runs = await runsOf(client, 'survivor');
  const fires = runs.map(fireOf);
  expect(new Set(runs.map(idOf)).size).toBe(runs.length);
  expect(fires).toEqual(fires.map((_, i) => (fires[0] ?? 0) + i * 1000));
});
