// Two whole regions in this process, on memory, joined by clients that can be cut in each direction.
import {
  type Decision,
  FailoverDomainRequest,
  GetWorkflowExecutionHistoryRequest,
  History,
  PollForActivityTaskRequest,
  PollForDecisionTaskRequest,
  RegisterDomainRequest,
  RespondActivityTaskCompletedRequest,
  RespondActivityTaskFailedRequest,
  RespondDecisionTaskCompletedRequest,
  SignalWorkflowExecutionRequest,
} from '@antiphon/proto';
import { unavailable } from '#base';
import { type BlobStore, createBlobStores } from '#blob';
import { createMemoryBlobStore } from '#blob/memory';
import type { ClusterGroup } from '#core';
import type { DomainOptions } from '#domains';
import { createRealEnv, type Env, realRandom, sleep } from '#env';
import type { Store } from '#persistence';
import { createMemoryStore } from '#persistence/memory';
import { createLocalFrontendClient, type FrontendClient, type RemoteFrontendClient } from '#rpc';
import { createRegion, type Region } from '#server';
import { createMemoryVisibility } from '#visibility';
import { orderStart } from '../support/order-start.ts';

const CLUSTER_NAMES = ['a', 'b'] as const;
export type ClusterName = (typeof CLUSTER_NAMES)[number];

const clusters = (currentCluster: string): ClusterGroup => ({
  currentCluster,
  primaryCluster: 'a',
  failoverVersionIncrement: 10,
  clusters: {
    a: { enabled: true, initialFailoverVersion: 1, rpcAddress: 'a' },
    b: { enabled: true, initialFailoverVersion: 2, rpcAddress: 'b' },
  },
});

export interface TestRegion {
  readonly name: ClusterName;
  readonly region: Region;
  readonly client: FrontendClient;
}

export interface TwoRegions {
  readonly env: Env;
  readonly a: TestRegion;
  readonly b: TestRegion;
  readonly bucket: BlobStore;
  /** From now on the regions do not reach each other, or do again. */
  setConnected(isConnected: boolean): void;
  until(what: string, holds: () => Promise<boolean> | boolean): Promise<void>;
  close(): Promise<void>;
}

/** A client whose calls fail while the link is cut, also those on their way. */
function cuttable(target: () => FrontendClient, isConnected: () => boolean): RemoteFrontendClient {
  const service = (name: keyof FrontendClient) =>
    new Proxy(
      {},
      {
        get: (_empty, method: string) => async (request: unknown, options: unknown) => {
          if (!isConnected()) throw unavailable('the link is cut');
          const call = (target()[name] as Record<string, (...args: unknown[]) => Promise<unknown>>)[method];
          const reply = await call?.(request, options);
          if (!isConnected()) throw unavailable('the link is cut');
          return reply;
        },
      },
    );
  return new Proxy({} as RemoteFrontendClient, {
    get: (_empty, name: string) => {
      if (name === 'close') return () => {};
      if (name === 'address') return 'in process';
      if (name === 'waitForReady') return async () => {};
      return service(name as keyof FrontendClient);
    },
  });
}

export async function openTwoRegions(
  options: {
    pullWaitMs?: number;
    domains?: Partial<DomainOptions>;
    /** Run the service's own workflows. */
    systemWorkflows?: boolean;
    /** Memory when not given. */
    store?: (name: ClusterName, env: Env) => Store;
  } = {},
): Promise<TwoRegions> {
  const env = createRealEnv();
  let isConnected = true;
  // One bucket for both regions.
  const bucket = createMemoryBlobStore();
  const opened = new Map<ClusterName, TestRegion>();
  for (const name of CLUSTER_NAMES) {
    const store = options.store?.(name, env) ?? createMemoryStore(env);
    const region = createRegion(
      {
        env,
        store,
        visibility: createMemoryVisibility(env),
        blobs: createBlobStores({ memory: () => bucket }),
        clusters: clusters(name),
        remoteCluster: (other) =>
          other === name
            ? undefined
            : cuttable(
                () => (opened.get(other as ClusterName) as TestRegion).client,
                () => isConnected,
              ),
      },
      {
        host: name,
        domains: { failoverCoolDownMs: 0, ...options.domains },
        archivalDelayMs: 0,
        history: { shardCount: name === 'a' ? 2 : 3 },
        matching: {},
        frontend: { forwarding: 'noop' },
        worker: { replication: { pullWaitMs: options.pullWaitMs ?? 300 } },
        systemWorkflows: options.systemWorkflows ? {} : undefined,
      },
    );
    const client = createLocalFrontendClient(region.frontend.services, { nowMs: env.clock.nowMs });
    opened.set(name, { name, region, client });
  }
  for (const { region } of opened.values()) await region.start();
  const a = opened.get('a') as TestRegion;
  const b = opened.get('b') as TestRegion;
  return {
    env,
    a,
    b,
    bucket,
    setConnected(connected) {
      isConnected = connected;
    },
    async until(what, holds) {
      const untilMs = env.clock.monotonicMs() + 15_000;
      while (!(await holds())) {
        if (env.clock.monotonicMs() > untilMs) throw new Error(`never came true: ${what}`);
        await sleep(env.scheduler, 20);
      }
    },
    async close() {
      for (const { region } of opened.values()) await region.stop();
    },
  };
}

const seconds = (value: number) => ({ seconds: BigInt(value), nanos: 0 });

export async function registerDomain(
  { a, b, until }: TwoRegions,
  name: string,
  retentionSeconds = 86_400,
): Promise<void> {
  await a.region.domainService.register({
    ...RegisterDomainRequest.create(),
    name,
    isGlobalDomain: true,
    clusters: [{ clusterName: 'a' }, { clusterName: 'b' }],
    activeClusterName: 'a',
    workflowExecutionRetentionPeriod: seconds(retentionSeconds),
  });
  await until('the domain is in the other region', async () => {
    try {
      return (await b.region.domains.byName(name)).activeCluster === 'a';
    } catch {
      // Not there yet.
      return false;
    }
  });
}

/** In the region that becomes active; the other learns of it by replication. */
export async function failover(to: TestRegion, domain: string): Promise<void> {
  await to.client.domain.failoverDomain(
    FailoverDomainRequest.fromPartial({ domainName: domain, domainActiveClusterName: to.name }),
  );
}

export async function start(to: TestRegion, domain: string, workflowId: string): Promise<string> {
  const request = orderStart(domain, workflowId, { executionStartToCloseTimeout: seconds(3600) });
  const { runId } = await to.client.workflow.startWorkflowExecution(request);
  return runId;
}

export async function signal(to: TestRegion, domain: string, workflowId: string, signalName: string): Promise<void> {
  const workflowExecution = { workflowId, runId: '' };
  const requestId = realRandom.uuid();
  await to.client.workflow.signalWorkflowExecution(
    SignalWorkflowExecutionRequest.fromPartial({ domain, workflowExecution, signalName, requestId }),
  );
}

/** Polls a decision and answers it; resolves to the names of the signals in its history. */
export async function decide(
  to: TestRegion,
  domain: string,
  workflowId: string,
  ...decisions: Decision['attributes'][]
): Promise<readonly string[]> {
  const task = await to.client.worker.pollForDecisionTask(
    PollForDecisionTaskRequest.fromPartial({ domain, taskList: { name: workflowId }, identity: 'tests' }),
    { timeoutMs: 10_000 },
  );
  if (task.taskToken.length === 0) throw new Error('no decision task came');
  await to.client.worker.respondDecisionTaskCompleted({
    ...RespondDecisionTaskCompletedRequest.create(),
    taskToken: task.taskToken,
    decisions: decisions.map((attributes) => ({ attributes })),
  });
  return (task.history?.events ?? []).flatMap(({ attributes }) =>
    attributes?.$case === 'workflowExecutionSignaledEventAttributes' ? [attributes.value.signalName] : [],
  );
}

export async function completeActivity(to: TestRegion, domain: string, taskList: string): Promise<void> {
  const task = await to.client.worker.pollForActivityTask(
    PollForActivityTaskRequest.fromPartial({ domain, taskList: { name: taskList }, identity: 'tests' }),
    { timeoutMs: 10_000 },
  );
  if (task.taskToken.length === 0) throw new Error('no activity task came');
  await to.client.worker.respondActivityTaskCompleted(
    RespondActivityTaskCompletedRequest.fromPartial({ taskToken: task.taskToken, result: { data: Buffer.from('ok') } }),
  );
}

export async function failActivity(to: TestRegion, domain: string, taskList: string): Promise<void> {
  const task = await to.client.worker.pollForActivityTask(
    PollForActivityTaskRequest.fromPartial({ domain, taskList: { name: taskList }, identity: 'tests' }),
    { timeoutMs: 10_000 },
  );
  await to.client.worker.respondActivityTaskFailed(
    RespondActivityTaskFailedRequest.fromPartial({ taskToken: task.taskToken, failure: { reason: 'not today' } }),
  );
}

/** The run's history as bytes; empty when the region does not have it. */
export async function historyOf(from: TestRegion, domain: string, workflowId: string, runId: string): Promise<Buffer> {
  try {
    const { id: domainId } = await from.region.domains.byName(domain);
    const run = { domainId, workflowId, runId };
    const page = await from.region.history.getRawHistory({ run, pageSize: 1000, token: new Uint8Array() });
    return Buffer.concat(page.batches);
  } catch {
    // Not there yet.
    return Buffer.alloc(0);
  }
}

export const eventKinds = (history: Uint8Array): readonly string[] =>
  History.decode(history).events.map(({ attributes }) => attributes?.$case.replace('EventAttributes', '') ?? '');

export async function untilEqual(
  regions: TwoRegions,
  domain: string,
  workflowId: string,
  runId: string,
): Promise<Buffer> {
  const { a, b, until } = regions;
  await until(`${workflowId} is the same in both regions`, async () => {
    const [left, right] = [
      await historyOf(a, domain, workflowId, runId),
      await historyOf(b, domain, workflowId, runId),
    ];
    return left.length > 0 && left.equals(right);
  });
  return historyOf(a, domain, workflowId, runId);
}

export const visibleHistory = (from: TestRegion, domain: string, workflowId: string, runId: string) =>
  from.client.workflow.getWorkflowExecutionHistory(
    GetWorkflowExecutionHistoryRequest.fromPartial({ domain, workflowExecution: { workflowId, runId } }),
  );
