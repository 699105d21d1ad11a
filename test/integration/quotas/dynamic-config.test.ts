// Limits and quotas changed while the server runs, through the admin API and through the file, seen over the wire.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  type DataBlob,
  DescribeWorkflowExecutionRequest,
  EncodingType,
  ListOpenWorkflowExecutionsRequest,
  PollForActivityTaskRequest,
  QueryWorkflowRequest,
  RegisterDomainRequest,
  SignalWorkflowExecutionRequest,
  StartWorkflowExecutionRequest,
} from '@antiphon/proto';
import type { DynamicConfigEntry } from '@antiphon/proto/admin';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '#config';
import { createRealEnv } from '#env';
import { createRemoteFrontendClient, type RemoteFrontendClient } from '#rpc';
import { type RunningServer, startServer } from '#server';

const seconds = (value: number) => ({ seconds: BigInt(value), nanos: 0 });
const blob = (value: unknown) => ({
  encodingType: EncodingType.ENCODING_TYPE_JSON,
  data: new TextEncoder().encode(JSON.stringify(value)),
});
const json = (given: DataBlob | undefined) => JSON.parse(new TextDecoder().decode(given?.data));
const readable = ({ name, values }: DynamicConfigEntry) => ({
  name,
  values: values.map((each) => [
    json(each.value),
    Object.fromEntries(each.filters.map((filter) => [filter.name, json(filter.value)])),
  ]),
});
const filters = (constraints: Readonly<Record<string, unknown>>) =>
  Object.entries(constraints).map(([name, value]) => ({ name, value: blob(value) }));

let folder: string;
let file: string;
let server: RunningServer;
let client: RemoteFrontendClient;

async function open(): Promise<void> {
  server = await startServer(
    loadConfig({
      files: ['config/development.yaml'],
      overrides: {
        frontend: { address: '127.0.0.1:0' },
        metrics: { address: '' },
        http: { address: '' },
        persistence: { driver: 'sqlite', sqlite: { path: path.join(folder, 'antiphon.db') } },
        dynamicConfig: { file, pollMs: 50 },
        log: { level: 'silent' },
      },
      environment: {},
    }),
  );
  client = createRemoteFrontendClient(server.address, { env: createRealEnv() });
}

async function close(): Promise<void> {
  client.close();
  await server.stop();
}

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'antiphon-quotas-'));
  file = path.join(folder, 'limits.yaml');
  fs.writeFileSync(file, '');
  await open();
  for (const name of ['shop', 'other']) {
    await client.domain.registerDomain(
      RegisterDomainRequest.fromPartial({ name, workflowExecutionRetentionPeriod: seconds(86_400) }),
    );
  }
});

afterAll(async () => {
  await close();
  fs.rmSync(folder, { recursive: true, force: true });
});

const update = (configName: string, ...values: readonly (readonly [unknown, Readonly<Record<string, unknown>>?])[]) =>
  client.admin.updateDynamicConfig({
    configName,
    configValues: values.map(([value, constraints = {}]) => ({ value: blob(value), filters: filters(constraints) })),
  });
const restore = (configName: string, constraints: Readonly<Record<string, unknown>> = {}) =>
  client.admin.restoreDynamicConfig({ configName, filters: filters(constraints) });
const get = async (configName: string, constraints: Readonly<Record<string, unknown>> = {}) => {
  const { value } = await client.admin.getDynamicConfig({ configName, filters: filters(constraints) });
  return json(value);
};
const start = (domain: string, workflowId: string, bytes = 1) =>
  client.workflow.startWorkflowExecution(
    StartWorkflowExecutionRequest.fromPartial({
      domain,
      workflowId,
      requestId: randomUUID(),
      workflowType: { name: 'Order' },
      taskList: { name: 'orders' },
      input: { data: new Uint8Array(bytes) },
      executionStartToCloseTimeout: seconds(60),
      taskStartToCloseTimeout: seconds(10),
    }),
  );
const signal = (domain: string, workflowId: string) =>
  client.workflow.signalWorkflowExecution(
    SignalWorkflowExecutionRequest.fromPartial({ domain, workflowExecution: { workflowId }, signalName: 'go' }),
  );
const list = (domain: string) =>
  client.visibility.listOpenWorkflowExecutions(
    ListOpenWorkflowExecutionsRequest.fromPartial({
      domain,
      startTimeFilter: { earliestTime: { seconds: 0n, nanos: 0 }, latestTime: { seconds: 9_999_999_999n, nanos: 0 } },
    }),
  );

const BUSY = { kind: 'ServiceBusy', message: 'Too many outstanding requests to the cadence service' };

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the condition did not come true');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('a limit', () => {
  test('set through the admin API for a domain holds for the next call of that domain, and is gone when restored', async () => {
    await start('shop', 'limit-1', 500);
    await update('limit.blobSize.error', [100, { domainName: 'shop' }]);
    await expect(start('shop', 'limit-2', 500)).rejects.toMatchObject({
      kind: 'BadRequest',
      message: 'Blob data size exceeds limit.',
    });
    await start('other', 'limit-2', 500);
    await restore('limit.blobSize.error', { domainName: 'shop' });
    await start('shop', 'limit-3', 500);
  });

  test('written to the file holds without a restart, until it is taken out again', async () => {
    fs.writeFileSync(file, 'limit.workflowIDLength:\n- value: 12\n  constraints: {domainName: shop}\n');
    await until(async () => (await get('limit.workflowIDLength', { domainName: 'shop' })) === 12);
    await expect(start('shop', 'longer-than-twelve')).rejects.toMatchObject({
      kind: 'BadRequest',
      message: 'WorkflowID length exceeds limit.',
    });
    await start('other', 'longer-than-twelve');
    fs.writeFileSync(file, '');
    await until(async () => (await get('limit.workflowIDLength', { domainName: 'shop' })) === 1000);
    await start('shop', 'longer-than-twelve');
  });

  test('of signals for each run is the engine’s too', async () => {
    await update('history.maximumSignalsPerExecution', [2, { domainName: 'shop' }]);
    await start('shop', 'signals');
    await signal('shop', 'signals');
    await signal('shop', 'signals');
    await expect(signal('shop', 'signals')).rejects.toMatchObject({ kind: 'LimitExceeded' });
    await update('history.maximumSignalsPerExecution');
    await signal('shop', 'signals');
  });

  test('of open workflows refuses starts beyond it, and knows of those there are', async () => {
    await start('other', 'open-1');
    await update('antiphon.limit.openWorkflowCount.error', [1, { domainName: 'other' }]);
    await expect(start('other', 'open-2')).rejects.toMatchObject({ kind: 'LimitExceeded' });
    await start('shop', 'open-1');
    await update('antiphon.limit.openWorkflowCount.error');
    await start('other', 'open-2');
  });

  test('and a switch survive a restart', async () => {
    await update('system.disallowQuery', [true, { domainName: 'shop' }]);
    await close();
    await open();
    const query = (domain: string) =>
      client.workflow.queryWorkflow(
        QueryWorkflowRequest.fromPartial({
          domain,
          workflowExecution: { workflowId: 'nobody' },
          query: { queryType: 'state' },
        }),
      );
    await expect(query('shop')).rejects.toMatchObject({
      kind: 'BadRequest',
      message: 'Domain is not allowed to query, please contact cadence team to re-enable queries.',
    });
    await expect(query('other')).rejects.toMatchObject({ kind: 'EntityNotExists' });
    await update('system.disallowQuery');
    await expect(query('shop')).rejects.toMatchObject({ kind: 'EntityNotExists' });
  });
});

describe('a quota', () => {
  test('of a domain refuses what is beyond it, and leaves other domains and classes alone', async () => {
    await update('frontend.domainrps', [2, { domainName: 'shop' }]);
    const results = await Promise.allSettled([1, 2, 3, 4].map((index) => start('shop', `quota-${index}`)));
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(refused).toHaveLength(2);
    expect(refused[0]).toMatchObject({ ...BUSY, reason: 'domain-rate-limit' });
    await expect(start('other', 'quota-1')).resolves.toBeDefined();
    await expect(list('shop')).resolves.toBeDefined();
    await restore('frontend.domainrps', { domainName: 'shop' });
    await start('shop', 'quota-5');
  });

  test('of lists holds for lists', async () => {
    await update('frontend.visibilityListMaxQPS', [1, { domainName: 'shop' }]);
    await list('shop');
    await expect(list('shop')).rejects.toMatchObject({ ...BUSY, reason: 'list-rate-limit' });
    await list('other');
    await update('frontend.visibilityListMaxQPS');
  });

  test('of polls may make them wait for their turn', async () => {
    await update('frontend.domainworkerrps', [1, { domainName: 'shop' }]);
    await update('frontend.maxWorkerPollDelay', ['5s', { domainName: 'shop' }]);
    await update('matching.longPollExpirationInterval', ['100ms', { domainName: 'shop' }]);
    const poll = () =>
      client.worker.pollForActivityTask(
        PollForActivityTaskRequest.fromPartial({ domain: 'shop', taskList: { name: 'quota-polls' }, identity: 'test' }),
      );
    const begun = Date.now();
    await Promise.all([poll(), poll()]);
    expect(Date.now() - begun).toBeGreaterThan(700);
    await update('frontend.maxWorkerPollDelay');
    await expect(Promise.all([poll(), poll(), poll()])).rejects.toMatchObject(BUSY);
    await update('frontend.domainworkerrps');
    await update('matching.longPollExpirationInterval');
  });

  test('of a workflow id has Cadence’s text and reason', async () => {
    await start('shop', 'hot');
    await update('history.workflowIDExternalRPS', [1, { domainName: 'shop' }]);
    const describeRun = () =>
      client.workflow.describeWorkflowExecution(
        DescribeWorkflowExecutionRequest.fromPartial({ domain: 'shop', workflowExecution: { workflowId: 'hot' } }),
      );
    await describeRun();
    await expect(describeRun()).rejects.toMatchObject({
      kind: 'ServiceBusy',
      message: 'Too many requests for the workflow ID',
      reason: 'external-workflow-id-rate-limit',
    });
    await update('history.workflowIDExternalRPS');
  });

  test('does not hold for caller types that are let through', async () => {
    await update('frontend.domainrps', [0, { domainName: 'shop' }]);
    await update('system.rateLimiterBypassCallerTypes', [['cli']]);
    const cli = createRemoteFrontendClient(server.address, { env: createRealEnv(), callerType: 'cli' });
    const describeHot = {
      domain: 'shop',
      workflowExecution: { workflowId: 'hot', runId: '' },
      queryConsistencyLevel: 0 as const,
    };
    await expect(client.workflow.describeWorkflowExecution(describeHot)).rejects.toMatchObject(BUSY);
    await expect(cli.workflow.describeWorkflowExecution(describeHot)).resolves.toBeDefined();
    cli.close();
    await update('frontend.domainrps');
    await update('system.rateLimiterBypassCallerTypes');
  });
});

describe('the admin API', () => {
  test('refuses what is no key or no value, and changes nothing', async () => {
    await expect(update('frontend.domanrps', [1])).rejects.toMatchObject({
      kind: 'BadRequest',
      message: 'invalid dynamic config key name: frontend.domanrps, did you mean frontend.domainrps?',
    });
    await expect(update('frontend.domainrps', ['many'])).rejects.toMatchObject({
      kind: 'BadRequest',
      message: 'frontend.domainrps must be a whole number, and is "many"',
    });
    await expect(update('', [1])).rejects.toMatchObject({ kind: 'BadRequest', message: 'Request is nil.' });
    const raw = { configName: 'frontend.domainrps', configValues: [{ value: undefined, filters: [] }] };
    await expect(client.admin.updateDynamicConfig(raw)).rejects.toMatchObject({ kind: 'BadRequest' });
    const broken = { encodingType: EncodingType.ENCODING_TYPE_JSON, data: new TextEncoder().encode('{') };
    await expect(
      client.admin.updateDynamicConfig({ ...raw, configValues: [{ value: broken, filters: [] }] }),
    ).rejects.toMatchObject({ kind: 'BadRequest', message: 'The value of a dynamic config value is not valid JSON.' });
    await expect(
      client.admin.updateDynamicConfig({
        ...raw,
        configValues: [{ value: { ...broken, encodingType: EncodingType.ENCODING_TYPE_PROTO3 }, filters: [] }],
      }),
    ).rejects.toMatchObject({ kind: 'BadRequest' });
    await expect(restore('frontend.rps')).rejects.toMatchObject({
      kind: 'EntityNotExists',
      message: 'unable to find key',
    });
    expect((await client.admin.listDynamicConfig({ configName: '' })).entries).toEqual([]);
  });

  test('lists what is set, with its filters', async () => {
    await update('frontend.domainrps', [5, { domainName: 'shop' }], [9]);
    const { entries } = await client.admin.listDynamicConfig({ configName: 'frontend.domainrps' });
    expect(entries.map(readable)).toEqual([
      {
        name: 'frontend.domainrps',
        values: [
          [5, { domainName: 'shop' }],
          [9, {}],
        ],
      },
    ]);
    await update('frontend.domainrps');
  });

  test('lets the operational RPCs change what is operational, and nothing else', async () => {
    const value = (raw: unknown) => [{ value: blob(raw), filters: [] }];
    await client.admin.updateOperationalDynamicConfig({ configName: 'frontend.rps', configValues: value(5000) });
    await update('limit.blobSize.error', [1_000_000]);
    const listed = await client.admin.listOperationalDynamicConfig({ configName: '' });
    expect(listed.entries.map(({ name }) => name)).toEqual(['frontend.rps']);
    const answer = await client.admin.getOperationalDynamicConfig({ configName: 'frontend.rps', filters: [] });
    expect(json(answer.value)).toBe(5000);
    await expect(
      client.admin.updateOperationalDynamicConfig({ configName: 'limit.blobSize.error', configValues: value(1) }),
    ).rejects.toMatchObject({ kind: 'AccessDenied' });
    await client.admin.restoreOperationalDynamicConfig({ configName: 'frontend.rps', filters: [] });
    await restore('limit.blobSize.error');
    expect(await get('frontend.rps')).toBe(100_000);
  });
});
