// Requests that are accepted now and made soon, over the wire: which domains take them, that each counts once, and that a server that is
// stopped in between finds them again.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  DescribeWorkflowExecutionRequest,
  GetWorkflowExecutionHistoryRequest,
  SignalWithStartWorkflowExecutionAsyncRequest,
  StartWorkflowExecutionAsyncRequest,
} from '@antiphon/proto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DOMAIN, openServer, seconds, type TestServer, until } from '../schedules/harness.ts';

let server: TestServer;
beforeAll(async () => {
  server = await openServer();
});
afterAll(() => server.stop());

const request = (workflowId: string, fields: object = {}) => ({
  domain: DOMAIN,
  workflowId,
  workflowType: { name: 'Order' },
  taskList: { name: 'orders' },
  executionStartToCloseTimeout: seconds(600),
  taskStartToCloseTimeout: seconds(10),
  requestId: randomUUID(),
  ...fields,
});
const startAsync = (workflowId: string, fields: object = {}, to = server) =>
  to.client.workflow.startWorkflowExecutionAsync(
    StartWorkflowExecutionAsyncRequest.fromPartial({ request: request(workflowId, fields) }),
  );
const signalWithStartAsync = (workflowId: string, signalName: string, fields: object = {}) =>
  server.client.workflow.signalWithStartWorkflowExecutionAsync(
    SignalWithStartWorkflowExecutionAsyncRequest.fromPartial({
      request: { startRequest: request(workflowId, { requestId: '', ...fields }), signalName },
    }),
  );
const configure = (configuration: object | undefined, to = server) =>
  to.client.admin.updateDomainAsyncWorkflowConfiguraton({ domain: DOMAIN, configuration } as never);
const describeRun = (workflowId: string, from = server) =>
  from.client.workflow.describeWorkflowExecution(
    DescribeWorkflowExecutionRequest.fromPartial({ domain: DOMAIN, workflowExecution: { workflowId } }),
  );
const eventsOf = async (workflowId: string) => {
  const { history } = await server.client.workflow.getWorkflowExecutionHistory(
    GetWorkflowExecutionHistoryRequest.fromPartial({ domain: DOMAIN, workflowExecution: { workflowId } }),
  );
  return history?.events.map(({ attributes }) => attributes?.$case ?? '') ?? [];
};
const enabled = { enabled: true, predefinedQueueName: 'orders', queueType: '' };

describe('async requests', () => {
  test('are refused by a domain that does not take them', async () => {
    await expect(startAsync('too-early')).rejects.toMatchObject({
      kind: 'BadRequest',
      message: `async workflow is not enabled for domain ${DOMAIN}`,
    });
  });

  test('are configured by domain; a queue that cannot be is refused by name', async () => {
    await configure(enabled);
    const { configuration } = await server.client.admin.getDomainAsyncWorkflowConfiguraton({ domain: DOMAIN });
    expect(configuration).toMatchObject(enabled);
    await expect(configure({ ...enabled, queueType: 'kafka' })).rejects.toMatchObject({
      kind: 'BadRequest',
      message: expect.stringContaining('queue type "kafka" is not supported'),
    });
    const data = Buffer.from('{}');
    await expect(configure({ ...enabled, queueConfig: { encodingType: 2, data } })).rejects.toThrow('queue_config');
  });

  test('start a workflow once, however often one request is sent', async () => {
    const requestId = randomUUID();
    await Promise.all([1, 2, 3].map(() => startAsync('once', { requestId })));
    await until(() => describeRun('once').then(({ workflowExecutionInfo }) => workflowExecutionInfo?.type?.name)).toBe(
      'Order',
    );
    expect(await eventsOf('once')).toEqual([
      'workflowExecutionStartedEventAttributes',
      'decisionTaskScheduledEventAttributes',
    ]);
  });

  test('signal the workflow that they start, in their order', async () => {
    for (const name of ['first', 'second', 'third']) await signalWithStartAsync('signalled', name);
    await until(
      async () => (await eventsOf('signalled').catch(() => [])).filter((kind) => kind.includes('Signaled')).length,
    ).toBe(3);
    const { history } = await server.client.workflow.getWorkflowExecutionHistory(
      GetWorkflowExecutionHistoryRequest.fromPartial({
        domain: DOMAIN,
        workflowExecution: { workflowId: 'signalled' },
      }),
    );
    const names = history?.events.flatMap(({ attributes }) =>
      attributes?.$case === 'workflowExecutionSignaledEventAttributes' ? [attributes.value.signalName] : [],
    );
    expect(names).toEqual(['first', 'second', 'third']);
  });

  test('are checked before they are accepted', async () => {
    await expect(startAsync('bad', { requestId: 'not a uuid' })).rejects.toThrow('is not a valid UUID');
    await expect(startAsync('')).rejects.toThrow('WorkflowId is not set on request.');
    await expect(startAsync('bad', { domain: '' })).rejects.toThrow('Domain name is empty');
    await expect(startAsync('bad', { domain: 'nowhere' })).rejects.toThrow('Domain nowhere does not exist.');
    await expect(signalWithStartAsync('bad', '')).rejects.toThrow('SignalName is not set on request.');
    await expect(
      server.client.workflow.signalWithStartWorkflowExecutionAsync({ request: undefined }),
    ).rejects.toMatchObject({ kind: 'BadRequest' });
  });

  test('that come to nothing do not stop those behind them', async () => {
    await startAsync('taken');
    await startAsync('taken');
    await startAsync('behind');
    await until(() =>
      describeRun('behind').then(({ workflowExecutionInfo }) => workflowExecutionInfo?.type?.name),
    ).toBe('Order');
  });

  test('survive the end of the process that accepted them', async () => {
    const sqlitePath = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'antiphon-async-')), 'store.db');
    const first = await openServer(sqlitePath);
    await configure(enabled, first);
    const ids = Array.from({ length: 200 }, (_, index) => `kept-${index}`);
    await Promise.all(ids.map((id) => startAsync(id, {}, first)));
    await first.stop();
    const second = await openServer(sqlitePath);
    try {
      const started = () =>
        Promise.all(
          ids.map((id) =>
            describeRun(id, second)
              .then(() => 1)
              .catch(() => 0),
          ),
        ).then((found) => found.reduce<number>((sum, one) => sum + one, 0));
      await until(started).toBe(ids.length);
    } finally {
      await second.stop();
    }
  });
});
