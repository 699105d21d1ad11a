// A server with system workflows, and what tests of schedules ask of it again and again.
import {
  CreateScheduleRequest,
  DescribeScheduleRequest,
  ListWorkflowExecutionsRequest,
  RegisterDomainRequest,
  type WorkflowExecutionInfo,
} from '@antiphon/proto';
import { expect } from 'vitest';
import { loadConfig } from '#config';
import { createRealEnv } from '#env';
import { createRemoteFrontendClient, type RemoteFrontendClient } from '#rpc';
import { type RunningServer, startServer } from '#server';

export const DOMAIN = 'shop';
export const seconds = (value: number) => ({ seconds: BigInt(value), nanos: 0 });
export const at = (ms: number) => ({ seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1_000_000 });
export const msOf = (time: { seconds: bigint; nanos: number } | undefined): number =>
  time === undefined ? Number.NaN : Number(time.seconds) * 1000 + time.nanos / 1_000_000;
export const json = (value: unknown) => ({ data: Buffer.from(JSON.stringify(value)) });

export interface TestServer {
  readonly running: RunningServer;
  readonly client: RemoteFrontendClient;
  stop(): Promise<void>;
}

/** Unless it is there already. */
export async function registerDomain(client: RemoteFrontendClient): Promise<void> {
  const workflowExecutionRetentionPeriod = seconds(86_400);
  try {
    await client.domain.registerDomain(
      RegisterDomainRequest.fromPartial({ name: DOMAIN, workflowExecutionRetentionPeriod }),
    );
  } catch (error) {
    expect(error).toMatchObject({ kind: 'DomainAlreadyExists' });
  }
}

/** On memory; with `sqlitePath`, on a file that outlives it. */
export async function openServer(sqlitePath = ''): Promise<TestServer> {
  const persistence =
    sqlitePath === '' ? { driver: 'memory' as const } : { driver: 'sqlite' as const, sqlite: { path: sqlitePath } };
  const running = await startServer(
    loadConfig({
      files: ['config/development.yaml'],
      overrides: {
        frontend: { address: '127.0.0.1:0' },
        metrics: { address: '' },
        persistence,
        log: { level: 'error' },
      },
      environment: {},
    }),
  );
  const client = createRemoteFrontendClient(running.address, { env: createRealEnv(), defaultTimeoutMs: 30_000 });
  await registerDomain(client);
  return {
    running,
    client,
    stop: async () => {
      client.close();
      await running.stop();
    },
  };
}

export const action = (fields: object = {}) => ({
  startWorkflow: {
    workflowType: { name: 'Tick' },
    taskList: { name: 'nobody-polls-here' },
    input: json({ order: 7 }),
    executionStartToCloseTimeout: seconds(600),
    taskStartToCloseTimeout: seconds(10),
    ...fields,
  },
});

type Creation = Parameters<typeof CreateScheduleRequest.fromPartial>[0];

export const creation = (scheduleId: string, fields: Creation = {}) =>
  CreateScheduleRequest.fromPartial({
    domain: DOMAIN,
    scheduleId,
    spec: { cronExpression: '@every 1s' },
    action: action(),
    ...fields,
  });

export const describeSchedule = (client: RemoteFrontendClient, scheduleId: string) =>
  client.schedule.describeSchedule(DescribeScheduleRequest.fromPartial({ domain: DOMAIN, scheduleId }));

/** The schedule's runs, oldest first, as visibility has them. */
export async function runsOf(client: RemoteFrontendClient, scheduleId: string): Promise<WorkflowExecutionInfo[]> {
  const { executions } = await client.visibility.listWorkflowExecutions(
    ListWorkflowExecutionsRequest.fromPartial({
      domain: DOMAIN,
      query: `CadenceScheduleID = '${scheduleId}'`,
      pageSize: 500,
    }),
  );
  return executions.toSorted((a, b) => idOf(a).localeCompare(idOf(b)));
}

export const idOf = (run: WorkflowExecutionInfo): string => run.workflowExecution?.workflowId ?? '';

/** The fire that a run was started for, from its id. */
export const fireOf = (run: WorkflowExecutionInfo): number =>
  Date.parse(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/.exec(idOf(run))?.[0] ?? '');

export const until = <T>(look: () => Promise<T>) => expect.poll(look, { timeout: 30_000, interval: 50 });
