// The scenarios of the bench: each prepares its load against a running server, measures, and returns rows for the report.
import { randomUUID } from 'node:crypto';
import {
  GetWorkflowExecutionHistoryRequest,
  type GetWorkflowExecutionHistoryResponse,
  ListDomainsRequest,
  RegisterDomainRequest,
  SignalWorkflowExecutionRequest,
  StartWorkflowExecutionRequest,
  type StartWorkflowExecutionResponse,
} from '@antiphon/proto';
import { type Api, call, openApi } from './api.ts';
import { closedLoop, type Measured, percentiles, type Window } from './measure.ts';
import { makeFolder, type ServerProcess, startServerProcess } from './server-process.ts';
import { startWorkerLoop } from './worker-loop.ts';

export interface Row {
  readonly scenario: string;
  readonly values: Readonly<Record<string, number>>;
}

export interface BenchOptions extends Window {
  readonly openWorkflows: number;
  readonly nodeArguments: readonly string[];
  /** Of the server to measure; undefined: this one. */
  readonly entry?: string | undefined;
}

const DOMAIN = 'bench';
const duration = (value: number) => ({ seconds: BigInt(value), nanos: 0 });

export async function prepareDomain(api: Api): Promise<void> {
  await call(api.domain, 'listDomains', ListDomainsRequest.fromPartial({ pageSize: 1 }));
  await call(
    api.domain,
    'registerDomain',
    RegisterDomainRequest.fromPartial({ name: DOMAIN, workflowExecutionRetentionPeriod: duration(86_400) }),
  );
}

export const startRequest = (workflowId: string, taskList: string): StartWorkflowExecutionRequest =>
  StartWorkflowExecutionRequest.fromPartial({
    domain: DOMAIN,
    workflowId,
    workflowType: { name: 'bench' },
    taskList: { name: taskList, kind: 1 },
    executionStartToCloseTimeout: duration(36_000),
    taskStartToCloseTimeout: duration(10),
    identity: 'bench',
    requestId: randomUUID(),
  });

/** Measures with the server's CPU and disk in the window. */
async function measured(
  server: ServerProcess,
  options: BenchOptions,
  concurrency: number,
  operation: (index: number) => Promise<void>,
): Promise<Record<string, number>> {
  const edges: { cpu: number; disk: number }[] = [];
  const result: Measured = await closedLoop({
    concurrency,
    window: options,
    operation,
    onWindow: () => edges.push({ cpu: server.cpuSeconds(), disk: server.diskWrittenBytes() }),
  });
  const [start, end] = edges as [{ cpu: number; disk: number }, { cpu: number; disk: number }];
  return {
    'per second': result.perSecond,
    'p50 ms': result.p50Ms,
    'p95 ms': result.p95Ms,
    'p99 ms': result.p99Ms,
    errors: result.errors,
    'server CPU ms each': ((end.cpu - start.cpu) * 1000) / Math.max(1, result.count),
    'disk KB each': (end.disk - start.disk) / 1024 / Math.max(1, result.count),
    'peak RSS MB': server.peakRssBytes() / 1024 / 1024,
  };
}

async function withServer<T>(
  options: BenchOptions,
  work: (server: ServerProcess, apis: readonly Api[]) => Promise<T>,
): Promise<T> {
  const server = await startServerProcess({ folder: makeFolder(), ...options });
  const apis = Array.from({ length: 4 }, (_, index) => openApi(server.address, index));
  try {
    await prepareDomain(apis[0] as Api);
    return await work(server, apis);
  } finally {
    for (const api of apis) api.close();
    await server.kill('SIGTERM');
  }
}

async function workflows(
  options: BenchOptions,
  concurrency: number,
  activities: number,
  scenario: string,
): Promise<Row> {
  return withServer(options, async (server, apis) => {
    const pollers = Math.max(4, Math.min(32, concurrency));
    const worker = startWorkerLoop({
      apis,
      domain: DOMAIN,
      taskList: 'bench',
      decisionPollers: pollers,
      activityPollers: pollers,
      activities,
    });
    const values = await measured(server, options, concurrency, async (index) => {
      const workflowId = `w-${index}-${randomUUID()}`;
      const finished = new Promise<void>((resolve) => worker.waiting.set(workflowId, resolve));
      await call(
        (apis[index % apis.length] as Api).workflow,
        'startWorkflowExecution',
        startRequest(workflowId, 'bench'),
      );
      await finished;
    });
    worker.stop();
    return { scenario, values: { ...values, errors: (values.errors ?? 0) + worker.errors } };
  });
}

async function start(options: BenchOptions): Promise<Row> {
  return withServer(options, async (server, apis) => ({
    scenario: 'start c=50',
    values: await measured(server, options, 50, async (index) => {
      await call(
        (apis[index % apis.length] as Api).workflow,
        'startWorkflowExecution',
        startRequest(`s-${randomUUID()}`, 'nobody'),
      );
    }),
  }));
}

/** A run takes 10,000 signals at most: the next run follows when one is full. */
async function signal(options: BenchOptions, runCount: number): Promise<Row> {
  return withServer(options, async (server, apis) => {
    const signalsPerRun = 9_900;
    const starts = new Map<string, Promise<unknown>>();
    const ensure = (workflowId: string): Promise<unknown> => {
      let promise = starts.get(workflowId);
      if (promise === undefined) {
        promise = call((apis[0] as Api).workflow, 'startWorkflowExecution', startRequest(workflowId, 'nobody'));
        starts.set(workflowId, promise);
      }
      return promise;
    };
    const values = await measured(server, options, 50, async (index) => {
      const workflowId = `run-${index % runCount}-${Math.floor(index / (signalsPerRun * runCount))}`;
      await ensure(workflowId);
      await call(
        (apis[index % apis.length] as Api).workflow,
        'signalWorkflowExecution',
        SignalWorkflowExecutionRequest.fromPartial({
          domain: DOMAIN,
          workflowExecution: { workflowId },
          signalName: 'tick',
          identity: 'bench',
          requestId: randomUUID(),
        }),
      );
    });
    return { scenario: runCount === 1 ? 'signal one run c=50' : `signal ${runCount} runs c=50`, values };
  });
}

/** A run of about 10,000 events, read whole after a restart: nothing is cached. */
async function longHistory(options: BenchOptions): Promise<Row> {
  const folder = makeFolder();
  const first = await startServerProcess({ folder, ...options });
  const api = openApi(first.address);
  await prepareDomain(api);
  await call(api.workflow, 'startWorkflowExecution', startRequest('long', 'nobody'));
  let sent = 0;
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      while (sent < 9_990) {
        sent++;
        await call(
          api.workflow,
          'signalWorkflowExecution',
          SignalWorkflowExecutionRequest.fromPartial({
            domain: DOMAIN,
            workflowExecution: { workflowId: 'long' },
            signalName: 'tick',
            requestId: randomUUID(),
          }),
        );
      }
    }),
  );
  api.close();
  await first.kill('SIGTERM');
  const second = await startServerProcess({ folder, ...options });
  const reader = openApi(second.address);
  const read = async (): Promise<{ events: number; ms: number }> => {
    const started = performance.now();
    let events = 0;
    let nextPageToken: Uint8Array = new Uint8Array();
    do {
      const page = await call<GetWorkflowExecutionHistoryResponse>(
        reader.workflow,
        'getWorkflowExecutionHistory',
        GetWorkflowExecutionHistoryRequest.fromPartial({
          domain: DOMAIN,
          workflowExecution: { workflowId: 'long' },
          pageSize: 1000,
          nextPageToken,
        }),
      );
      events += page.history?.events.length ?? 0;
      nextPageToken = page.nextPageToken;
    } while (nextPageToken.length > 0);
    return { events, ms: performance.now() - started };
  };
  const cold = await read();
  const warm = await read();
  reader.close();
  await second.kill('SIGTERM');
  return { scenario: 'long-history', values: { events: cold.events, 'cold ms': cold.ms, 'warm ms': warm.ms } };
}

/** Many open runs that nobody works on: what they cost at rest, and how soon a killed server answers again. */
async function idleAndRecover(options: BenchOptions): Promise<readonly Row[]> {
  const folder = makeFolder();
  const server = await startServerProcess({ folder, ...options });
  const apis = Array.from({ length: 4 }, (_, index) => openApi(server.address, index));
  await prepareDomain(apis[0] as Api);
  let started = 0;
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: 64 }, async (_, index) => {
      while (started < options.openWorkflows) {
        const id = `open-${started++}`;
        await call<StartWorkflowExecutionResponse>(
          (apis[index % apis.length] as Api).workflow,
          'startWorkflowExecution',
          startRequest(id, 'nobody'),
        );
      }
    }),
  );
  const startSeconds = (performance.now() - begun) / 1000;
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  const cpu = server.cpuSeconds();
  const idleSeconds = 60; // Holds each kind of periodic work at least once.
  await new Promise((resolve) => setTimeout(resolve, idleSeconds * 1000));
  const idle: Row = {
    scenario: `idle ${options.openWorkflows} open`,
    values: {
      'RSS MB': server.rssBytes() / 1024 / 1024,
      'CPU % of a core': ((server.cpuSeconds() - cpu) / idleSeconds) * 100,
      'starts per second': options.openWorkflows / startSeconds,
    },
  };
  for (const api of apis) api.close();
  await server.kill('SIGKILL');
  return [idle, await recover(options, folder)];
}

async function recover(options: BenchOptions, folder: string): Promise<Row> {
  const killed = performance.now();
  const server = await startServerProcess({ folder, ...options });
  const api = openApi(server.address);
  await call(api.workflow, 'startWorkflowExecution', startRequest(`after-${randomUUID()}`, 'nobody'));
  const firstStartMs = performance.now() - killed;
  const latencies: number[] = [];
  for (let i = 0; i < 50; i++) {
    const begun = performance.now();
    await call(api.workflow, 'describeWorkflowExecution', {
      domain: DOMAIN,
      workflowExecution: { workflowId: `open-${i * 7}`, runId: '' },
      queryConsistencyLevel: 0,
    });
    latencies.push(performance.now() - begun);
  }
  const allMs = performance.now() - killed;
  await new Promise((resolve) => setTimeout(resolve, 15_000));
  const rss = server.rssBytes() / 1024 / 1024;
  api.close();
  await server.kill('SIGTERM');
  return {
    scenario: `recover ${options.openWorkflows} open`,
    values: {
      'first answer ms': firstStartMs,
      '50 describes ms': allMs,
      'p99 ms': percentiles(latencies).p99Ms,
      'RSS MB': rss,
    },
  };
}

export const SCENARIOS: Readonly<Record<string, (options: BenchOptions) => Promise<readonly Row[]>>> = {
  activity: async (options) => {
    const rows: Row[] = [];
    for (const c of [1, 50, 200]) rows.push(await workflows(options, c, 1, `activity c=${c}`));
    return rows;
  },
  'activity-50': async (options) => [await workflows(options, 50, 1, 'activity c=50')],
  chain10: async (options) => [await workflows(options, 16, 10, 'chain10 c=16')],
  start: async (options) => [await start(options)],
  signal: async (options) => [await signal(options, 1), await signal(options, 1000)],
  'long-history': async (options) => [await longHistory(options)],
  idle: idleAndRecover,
};

/** What a plain `npm run bench` runs. */
export const DEFAULT_SCENARIOS = ['activity', 'chain10', 'start', 'signal', 'long-history', 'idle'] as const;
