// Priority and fairness options of the SDK, as the service has them: kept with the run, inherited, overridden.

import { DescribeWorkflowExecutionRequest, GetWorkflowExecutionHistoryRequest } from '@antiphon/proto';
import { bundleWorkflows, createStderrLogger, createWorker } from '@antiphon/sdk/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRealEnv } from '#env';
import { createRemoteFrontendClient, type RemoteFrontendClient } from '#rpc';
import { startTestServer, type TestServer } from '../../support/sdk/server.ts';
import { placedParent } from './priority.workflows.ts';

let server: TestServer;
let raw: RemoteFrontendClient;
beforeAll(async () => {
  server = await startTestServer();
  raw = createRemoteFrontendClient(server.address, { env: createRealEnv() });
});
afterAll(async () => {
  raw.close();
  await server.stop();
});

const partitionConfig = async (workflowId: string, runId = '') => {
  const workflowExecution = { workflowId, runId };
  const request = DescribeWorkflowExecutionRequest.fromPartial({ domain: server.domain, workflowExecution });
  return (await raw.workflow.describeWorkflowExecution(request)).workflowExecutionInfo?.partitionConfig;
};

test('options place a workflow, its activities, children and continued runs', async () => {
  const bundle = await bundleWorkflows({ workflowsPath: 'test/integration/sdk/priority.workflows.ts' });
  const { address, domain, client } = server;
  const worker = await createWorker({
    address,
    domain,
    taskList: 'placed',
    workflowBundle: bundle,
    activities: { echo: (value: unknown) => value },
    log: createStderrLogger('error'),
  });
  worker.start();
  try {
    const handle = await client.workflow.start(placedParent, {
      workflowId: 'placed',
      taskList: 'placed',
      executionTimeout: '1m',
      args: [true],
      priority: 2,
      fairnessKey: 'acme',
      fairnessWeight: 2.5,
    });
    expect(await handle.result()).toBe('done');
    const own = { 'antiphon-priority': '2', 'antiphon-fairness-key': 'acme', 'antiphon-fairness-weight': '2.5' };
    expect(await partitionConfig('placed')).toEqual(own);
    expect(await partitionConfig('inheriting-child')).toEqual(own);
    expect(await partitionConfig('own-child')).toEqual({ ...own, 'antiphon-priority': '5' });
    const eventsOf = async (runId: string) => {
      const workflowExecution = { workflowId: 'placed', runId };
      const request = GetWorkflowExecutionHistoryRequest.fromPartial({ domain, workflowExecution });
      return (await raw.workflow.getWorkflowExecutionHistory(request)).history?.events ?? [];
    };
    const started = (await eventsOf(''))[0]?.attributes;
    const firstRunId =
      started?.$case === 'workflowExecutionStartedEventAttributes' ? started.value.continuedExecutionRunId : '';
    expect(await partitionConfig('placed', firstRunId)).toEqual(own);
    const headers = (await eventsOf(firstRunId)).flatMap(({ attributes }) =>
      attributes?.$case === 'activityTaskScheduledEventAttributes'
        ? [
            Object.entries(attributes.value.header?.fields ?? {}).map(([key, { data }]) => [
              key,
              Buffer.from(data).toString(),
            ]),
          ]
        : [],
    );
    expect(headers.map((entries) => Object.fromEntries(entries))).toEqual([
      {},
      { 'antiphon-priority': '1', 'antiphon-fairness-key': 'alarms' },
    ]);
  } finally {
    await worker.shutdown();
  }
});
