// The failover manager as `cadence admin cluster failover` drives it: start, pause, resume, query, roll back.
import { randomUUID } from 'node:crypto';
import {
  DescribeDomainRequest,
  GetWorkflowExecutionHistoryRequest,
  QueryWorkflowRequest,
  RegisterDomainRequest,
  SignalWorkflowExecutionRequest,
  StartWorkflowExecutionRequest,
  WorkflowIdReusePolicy,
} from '@antiphon/proto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '#config';
import { createRealEnv } from '#env';
import { createRemoteFrontendClient, type RemoteFrontendClient } from '#rpc';
import { type RunningServer, startServer } from '#server';
import { seconds, until } from '../schedules/harness.ts';

const SYSTEM = 'cadence-system';
const MANAGER = 'cadence-failover-manager';
const CLUSTERS = ['region-a', 'region-b'];

let server: RunningServer;
let client: RemoteFrontendClient;
beforeAll(async () => {
  server = await startServer(
    loadConfig({
      files: ['config/development.yaml'],
      overrides: {
        cluster: {
          current: 'region-a',
          primary: 'region-a',
          // The other region does not answer: a forced failover does not ask it.
          members: {
            'region-a': { enabled: true, initialFailoverVersion: 0, rpcAddress: '' },
            'region-b': { enabled: true, initialFailoverVersion: 1, rpcAddress: '127.0.0.1:1' },
          },
        },
        frontend: { address: '127.0.0.1:0' },
        metrics: { address: '' },
        persistence: { driver: 'memory' },
        domains: { preregister: [] },
        log: { level: 'silent' },
      },
      environment: {},
    }),
  );
  client = createRemoteFrontendClient(server.address, { env: createRealEnv(), defaultTimeoutMs: 30_000 });
  const register = (name: string, data: Record<string, string>, clusters: readonly string[] = CLUSTERS) =>
    client.domain.registerDomain(
      RegisterDomainRequest.fromPartial({
        name,
        data,
        isGlobalDomain: true,
        clusters: clusters.map((clusterName) => ({ clusterName })),
        activeClusterName: 'region-a',
        workflowExecutionRetentionPeriod: seconds(86_400),
      }),
    );
  for (const name of ['one', 'two', 'three']) await register(name, { IsManagedByCadence: 'true' });
  await register('preferring', { IsManagedByCadence: 'true', PreferredCluster: 'region-b' });
  await register('unmanaged', {});
  await register('tied', { IsManagedByCadence: 'true' }, ['region-a']);
});
afterAll(async () => {
  client.close();
  await server.stop();
});

const activeOf = async (name: string): Promise<string | undefined> =>
  (
    await client.domain.describeDomain(
      DescribeDomainRequest.fromPartial({ describeBy: { $case: 'name', value: name } }),
    )
  ).domain?.activeClusterName;

const start = (workflowId: string, type: string, input: object) =>
  client.workflow.startWorkflowExecution(
    StartWorkflowExecutionRequest.fromPartial({
      domain: SYSTEM,
      workflowId,
      requestId: randomUUID(),
      workflowType: { name: type },
      taskList: { name: 'cadence-sys-failoverManager-tasklist' },
      input: { data: Buffer.from(JSON.stringify(input)) },
      executionStartToCloseTimeout: seconds(1200),
      taskStartToCloseTimeout: seconds(10),
      workflowIdReusePolicy: WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
      memo: { fields: { operator: { data: Buffer.from('"anna"') } } },
    }),
  );

const failover = (fields: object) =>
  start(MANAGER, 'cadence-sys-failoverManager-workflow', {
    TargetCluster: 'region-b',
    SourceCluster: 'region-a',
    BatchFailoverSize: 20,
    BatchFailoverWaitTimeInSeconds: 1,
    Domains: null,
    DrillWaitTime: 0,
    GracefulFailoverTimeoutInSeconds: null,
    ...fields,
  });

const signal = (signalName: string) =>
  client.workflow.signalWorkflowExecution(
    SignalWorkflowExecutionRequest.fromPartial({
      domain: SYSTEM,
      workflowExecution: { workflowId: MANAGER },
      signalName,
    }),
  );

const state = async () => {
  const { queryResult } = await client.workflow.queryWorkflow(
    QueryWorkflowRequest.fromPartial({
      domain: SYSTEM,
      workflowExecution: { workflowId: MANAGER },
      query: { queryType: 'state' },
    }),
  );
  return JSON.parse(Buffer.from(queryResult?.data ?? []).toString());
};

describe('the failover manager', () => {
  test('moves the named domains that it manages, and says so', async () => {
    await failover({ Domains: ['one', 'unmanaged'] });
    await until(async () => (await state()).State).toBe('complete');
    expect(await state()).toEqual({
      TotalDomains: 1,
      Success: 1,
      Failed: 0,
      State: 'complete',
      TargetCluster: 'region-b',
      SourceCluster: 'region-a',
      SuccessDomains: ['one'],
      FailedDomains: [],
      SuccessResetDomains: [],
      FailedResetDomains: [],
      FailedReasons: {},
      Operator: 'anna',
    });
    expect([await activeOf('one'), await activeOf('two'), await activeOf('unmanaged')]).toEqual([
      'region-b',
      'region-a',
      'region-a',
    ]);
    // What a rollback does; of a failover that moved nothing it moves nothing.
    await failover({ SourceCluster: 'region-b', TargetCluster: 'region-a', Domains: [] });
    await until(async () => (await state()).State).toBe('complete');
    expect(await activeOf('one')).toBe('region-b');
    await failover({ SourceCluster: 'region-b', TargetCluster: 'region-a', Domains: ['one'] });
    await until(async () => activeOf('one')).toBe('region-a');
  });

  test('goes batch by batch, and waits between them while it is paused', async () => {
    await until(async () => (await state()).State).toBe('complete');
    await failover({ Domains: ['one', 'two', 'three'], BatchFailoverSize: 1 });
    await until(async () => (await state()).Success).toBeGreaterThanOrEqual(1);
    await signal('pause');
    await until(async () => (await state()).State).toBe('paused');
    const moved = (await state()).Success;
    expect(moved).toBeLessThan(3);
    await signal('resume');
    await until(async () => (await state()).State).toBe('complete');
    expect((await state()).SuccessDomains.toSorted()).toEqual(['one', 'three', 'two']);
    await failover({ SourceCluster: 'region-b', TargetCluster: 'region-a', Domains: ['one', 'two', 'three'] });
    await until(async () => (await state()).SuccessDomains).toHaveLength(3);
  });

  test('says of a domain that it could not move why', async () => {
    await until(async () => (await state()).State).toBe('complete');
    await failover({ Domains: ['tied'] });
    await until(async () => (await state()).State).toBe('complete');
    expect(await state()).toMatchObject({
      FailedDomains: ['tied'],
      FailedReasons: { tied: 'Active cluster is not contained in all clusters.' },
    });
  });

  test('brings the domains back after a drill', async () => {
    await until(async () => (await state()).State).toBe('complete');
    await failover({ Domains: ['two'], DrillWaitTime: 1_000_000_000 });
    await until(async () => activeOf('two')).toBe('region-b');
    await until(async () => (await state()).SuccessResetDomains).toEqual(['two']);
    expect(await activeOf('two')).toBe('region-a');
  });

  test('refuses what makes no sense, and does not try again', async () => {
    await until(async () => (await state()).State).toBe('complete');
    await failover({ TargetCluster: 'region-a' });
    const page = await client.workflow.getWorkflowExecutionHistory(
      GetWorkflowExecutionHistoryRequest.fromPartial({
        domain: SYSTEM,
        workflowExecution: { workflowId: MANAGER },
        waitForNewEvent: true,
        historyEventFilterType: 2,
      }),
    );
    const close = page.history?.events.at(-1)?.attributes;
    expect(close?.$case).toBe('workflowExecutionFailedEventAttributes');
    if (close?.$case !== 'workflowExecutionFailedEventAttributes') return;
    expect(Buffer.from(close.value.failure?.details ?? []).toString()).toContain(
      'targetCluster is same as sourceCluster',
    );
  });

  test('the rebalancing moves each domain to the region that it prefers', async () => {
    await start('cadence-rebalance-workflow', 'cadence-sys-rebalance-workflow', {
      BatchFailoverSize: 100,
      BatchFailoverWaitTimeInSeconds: 10,
    });
    await until(async () => activeOf('preferring')).toBe('region-b');
    expect(await activeOf('one')).toBe('region-a');
  });
});
